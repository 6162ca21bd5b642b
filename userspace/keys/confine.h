/* SPDX-License-Identifier: Apache-2.0 */
/* confine: what realmkey-keys gives up before the first message. */
#ifndef REALMKEY_KEYS_CONFINE_H
#define REALMKEY_KEYS_CONFINE_H

#include "base/error.h"

/* No core dump, and no look into the memory of this process. Changes of user undo it, so confine_keys() does it again. */
int confine_begin(struct error *e);
/* From now on this process can read from and write to its connection, use the keys of its user, and nothing else. */
int confine_keys(struct error *e);

#endif
