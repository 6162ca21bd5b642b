/* SPDX-License-Identifier: Apache-2.0 */
/* owner: users and groups of the configuration, by name or number. */
#ifndef REALMKEY_OWNER_H
#define REALMKEY_OWNER_H

#include <sys/types.h>

#include "base/error.h"

/* @text NULL is root. ERROR_CONFIG "no user 'x'" / "no group 'x'". */
int owner_user(const char *text, uid_t *uid, struct error *e);
int owner_group(const char *text, gid_t *gid, struct error *e);

#endif
