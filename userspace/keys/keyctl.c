// SPDX-License-Identifier: Apache-2.0
#include "keyctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"

/* --- system calls ----------------------------------------------------------------------------- */

/* The arguments are long, so that the filter of system calls sees all 64 bits of a negative one. */
static long call(long operation, long a, long b, long c, long d)
{
	return syscall(SYS_keyctl, operation, a, b, c, d);
}

keyctl_id keyctl_add(const char *type, const char *description, const void *value, size_t len,
		     keyctl_id keyring)
{
	return (keyctl_id)syscall(SYS_add_key, type, description, value, len, (long)keyring);
}

keyctl_id keyctl_search(keyctl_id keyring, const char *type, const char *description)
{
	return (keyctl_id)call(KEYCTL_SEARCH, keyring, (long)type, (long)description, 0);
}

int keyctl_link(keyctl_id key, keyctl_id keyring)
{
	return (int)call(KEYCTL_LINK, key, keyring, 0, 0);
}

int keyctl_unlink(keyctl_id key, keyctl_id keyring)
{
	return (int)call(KEYCTL_UNLINK, key, keyring, 0, 0);
}

int keyctl_clear(keyctl_id keyring)
{
	return (int)call(KEYCTL_CLEAR, keyring, 0, 0, 0);
}

int keyctl_revoke(keyctl_id key)
{
	return (int)call(KEYCTL_REVOKE, key, 0, 0, 0);
}

int keyctl_setperm(keyctl_id key, uint32_t permissions)
{
	return (int)call(KEYCTL_SETPERM, key, permissions, 0, 0);
}

int keyctl_set_timeout(keyctl_id key, unsigned int seconds)
{
	return (int)call(KEYCTL_SET_TIMEOUT, key, seconds, 0, 0);
}

int keyctl_join_session(void)
{
	return call(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0) < 0 ? -1 : 0;
}

int keyctl_list(keyctl_id keyring, keyctl_id key[KEYCTL_KEYS_MAX])
{
	const long size = (long)(KEYCTL_KEYS_MAX * sizeof(key[0]));
	const long n = call(KEYCTL_READ, keyring, (long)key, size, 0);

	/* The kernel copies all numbers or none. */
	errno = n > size ? E2BIG : errno;
	return n < 0 || n > size ? -1 : (int)(n / (long)sizeof(key[0]));
}

bool keyctl_description_parse(const char *text, struct keyctl_description *d)
{
	int end = 0;

	/* NOLINTNEXTLINE(cert-err34-c): the kernel wrote the numbers */
	if (sscanf(text, "%31[^;];%u;%u;%x;%n", d->type, &d->uid, &d->gid, &d->permissions, &end) !=
		    4 ||
	    !end || strlen(text + end) >= sizeof(d->text))
		return false;
	strcpy(d->text, text + end);
	return true;
}

int keyctl_describe(keyctl_id key, struct keyctl_description *d)
{
	char text[KEYCTL_DESCRIPTION_SIZE] = "";
	const long n = call(KEYCTL_DESCRIBE, key, (long)text, sizeof(text), 0);

	if (n < 0)
		return -1;
	errno = EINVAL;
	return n <= (long)sizeof(text) && keyctl_description_parse(text, d) ? 0 : -1;
}

/* --- errors ----------------------------------------------------------------------------------- */

static const struct {
	int error;
	const char *text;
} causes[] = {
	{ EDQUOT,
	  "the quota of keys is used up: raise kernel.keys.root_maxbytes (or root_maxkeys)" },
	{ ENODEV, "this kernel does not have this type of key" },
	{ ENOSYS, "this kernel has no keys (CONFIG_KEYS)" },
	{ EKEYREVOKED, "the key or its keyring was revoked; restart realmkeyd" },
	{ EKEYEXPIRED, "the key or its keyring has expired; restart realmkeyd" },
	{ ENOKEY, "the key or its keyring is gone; restart realmkeyd" },
	{ E2BIG, "the keyring has too many keys" },
	{ EACCES, "the permissions of the key or its keyring were changed; restart realmkeyd" },
};

int keyctl_error(struct error *e, const char *what)
{
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++)
		if (errno == causes[i].error)
			return error_set(e, ERROR_DELIVERY, "%s: %s", what, causes[i].text);
	return error_set_errno(e, ERROR_DELIVERY, "%s", what);
}
