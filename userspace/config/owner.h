/* SPDX-License-Identifier: Apache-2.0 */
/* owner: the users and groups that the configuration names, by name or number. */
#ifndef REALMKEY_OWNER_H
#define REALMKEY_OWNER_H

#include <sys/types.h>

#include "base/error.h"

/* Look up a user or group by name or decimal number; NULL is root. ERROR_CONFIG "no user 'x'" or
 * "no group 'x'". */
int owner_user(const char *text, uid_t *uid, struct error *e);
int owner_group(const char *text, gid_t *gid, struct error *e);

#endif
