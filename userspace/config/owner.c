// SPDX-License-Identifier: Apache-2.0
#include "owner.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* System calls read the largest id, and libraries the one below it, as "none". */
#define ID_MAX 4294967293UL

static bool id_from_text(const char *text, unsigned long *id)
{
	if (!*text || strlen(text) > 10 || strspn(text, "0123456789") != strlen(text))
		return false;
	*id = strtoul(text, NULL, 10);
	return *id <= ID_MAX;
}

int owner_user(const char *text, uid_t *uid, struct error *e)
{
	const struct passwd *user;
	unsigned long id = 0;

	if (!text || id_from_text(text, &id)) {
		*uid = (uid_t)id;
		return 0;
	}
	errno = 0;
	user = getpwnam(text);
	if (!user && errno == ENOMEM)
		return error_set_memory(e);
	if (!user)
		return error_set(e, ERROR_CONFIG, "no user '%s'", text);
	*uid = user->pw_uid;
	return 0;
}

int owner_group(const char *text, gid_t *gid, struct error *e)
{
	const struct group *group;
	unsigned long id = 0;

	if (!text || id_from_text(text, &id)) {
		*gid = (gid_t)id;
		return 0;
	}
	errno = 0;
	group = getgrnam(text);
	if (!group && errno == ENOMEM)
		return error_set_memory(e);
	if (!group)
		return error_set(e, ERROR_CONFIG, "no group '%s'", text);
	*gid = group->gr_gid;
	return 0;
}
