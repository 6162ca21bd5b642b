/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyctl: the kernel's system calls for keys (keyrings(7)). Each returns -1 with errno after a failure. They are called
 * directly: libkeyutils would be one more library in each package and each copy of this program, for a dozen lines.
 */
#ifndef REALMKEY_KEYCTL_H
#define REALMKEY_KEYCTL_H

#include <linux/keyctl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The number of a key or keyring, or a KEY_SPEC_* of <linux/keyctl.h>. */
typedef int32_t keyctl_id;

/* Permissions (security/keys/permission.c of the kernel): for each process that possesses the key, which means that it is
 * reached from a keyring of the process, and in addition for processes of the user to which it belongs. */
#define KEYCTL_POSSESSOR(bits) ((uint32_t)(bits) << 24)
#define KEYCTL_USER(bits)      ((uint32_t)(bits) << 16)
#define KEYCTL_VIEW	       0x01U
#define KEYCTL_READ_VALUE      0x02U
#define KEYCTL_WRITE	       0x04U
#define KEYCTL_SEARCH_IT       0x08U
#define KEYCTL_LINK_IT	       0x10U
#define KEYCTL_SETATTR	       0x20U
#define KEYCTL_ALL	       0x3fU

keyctl_id keyctl_add(const char *type, const char *description, const void *value, size_t len,
		     keyctl_id keyring);
keyctl_id keyctl_search(keyctl_id keyring, const char *type, const char *description);
int keyctl_link(keyctl_id key, keyctl_id keyring);
int keyctl_unlink(keyctl_id key, keyctl_id keyring);
int keyctl_clear(keyctl_id keyring);
int keyctl_revoke(keyctl_id key);
int keyctl_setperm(keyctl_id key, uint32_t permissions);
/* 0 seconds: none. */
int keyctl_set_timeout(keyctl_id key, unsigned int seconds);
/* Have an own session keyring, which is empty. */
int keyctl_join_session(void);

#define KEYCTL_KEYS_MAX 4096 /* in one keyring: more than ours can have */

/* Read the numbers of the keys in @keyring. Returns how many there are; E2BIG if there are more than KEYCTL_KEYS_MAX. */
int keyctl_list(keyctl_id keyring, keyctl_id key[KEYCTL_KEYS_MAX]);

#define KEYCTL_DESCRIPTION_SIZE 4200 /* bytes: a description has less than 4096 */

struct keyctl_description {
	char type[32];
	unsigned int uid, gid;
	uint32_t permissions;
	char text[KEYCTL_DESCRIPTION_SIZE];
};

int keyctl_describe(keyctl_id key, struct keyctl_description *d);
/* The text of KEYCTL_DESCRIBE: "type;uid;gid;permissions;description". Returns false if it is not. */
bool keyctl_description_parse(const char *text, struct keyctl_description *d);

/* Set @e to what errno means for @what, a key or keyring, and what to do: an ERROR_DELIVERY, or an ERROR_SYSTEM if memory
 * is missing. Returns -1. */
int keyctl_error(struct error *e, const char *what);

#endif
