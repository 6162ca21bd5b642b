/* SPDX-License-Identifier: Apache-2.0 */
/* list: what realmkey-keys --list prints: keys, and never their values. */
#ifndef REALMKEY_KEYS_LIST_H
#define REALMKEY_KEYS_LIST_H

#include "base/bytes.h"
#include "base/error.h"
#include "keyctl.h"

/* Append a table of the keys in all keyrings. @directory: as for rings_find(). */
int list_keys(const char *directory, struct bytes *out, struct error *e);

#define LIST_EXPIRY_SIZE 16

/* When the key @id expires, from the text of /proc/keys: "10m", "perm"; "-" if the key is not there. */
void list_expiry(const char *text, keyctl_id id, char expiry[LIST_EXPIRY_SIZE]);

#endif
