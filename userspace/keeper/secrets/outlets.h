/* SPDX-License-Identifier: Apache-2.0 */
/* outlets: where a secret goes besides the keyring: its kernel key, and realmkey-hooks, which learns of the change. */
#ifndef REALMKEY_OUTLETS_H
#define REALMKEY_OUTLETS_H

#include "keeper.h"

/* Connect to realmkey-keys and realmkey-hooks, if a secret requires them, and note which keys there are. A failure is
 * logged: keeper->keys_error has that of realmkey-keys. */
int outlets_open(struct keeper *keeper, struct error *e);
void outlets_close(struct keeper *keeper);

/* For a secret with a key: set the key to its value, or say that the KBS has confirmed it. */
int outlets_set_key(struct keeper *keeper, size_t number, struct error *e);
int outlets_confirm_key(struct keeper *keeper, size_t number, struct error *e);
/* Revoke the key. */
int outlets_remove_key(struct keeper *keeper, size_t number, struct error *e);

/* Tell realmkey-hooks of each change of which it does not know. What cannot be sent is sent again after the next
 * pass. */
void outlets_call_hooks(struct keeper *keeper);

#endif
