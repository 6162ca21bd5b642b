// SPDX-License-Identifier: Apache-2.0
#include "rings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "sandbox/sandbox.h"

/* Nobody else can do anything with the keyring itself. LINK is for the owner's user keyring, and for a service that links it
 * into its session. */
#define RING_PERMISSIONS \
	(KEYCTL_POSSESSOR(KEYCTL_VIEW | KEYCTL_READ_VALUE | KEYCTL_SEARCH_IT | KEYCTL_LINK_IT) | \
	 KEYCTL_USER(KEYCTL_ALL))
#define DIRECTORY_PERMISSIONS KEYCTL_USER(KEYCTL_ALL & ~KEYCTL_SEARCH_IT)

/* --- keyrings --------------------------------------------------------------------------------- */

/* The keyring @name in @parent that belongs to this process's user; 0 if there is none. One that was revoked does not
 * count. */
static keyctl_id keyring_find(keyctl_id parent, const char *name)
{
	static struct keyctl_description d;
	keyctl_id key[KEYCTL_KEYS_MAX];
	int count = keyctl_list(parent, key);

	for (int i = 0; i < count; i++)
		if (keyctl_describe(key[i], &d) == 0 && !strcmp(d.type, "keyring") &&
		    d.uid == geteuid() && !strcmp(d.text, name))
			return key[i];
	return 0;
}

/* Make the keyring @name in @parent. It is made in the session keyring, because there this process possesses it and can
 * change its permissions. Returns 0 with @e after a failure. */
static keyctl_id keyring_make(keyctl_id parent, const char *name, uint32_t permissions,
			      struct error *e)
{
	keyctl_id id = keyctl_add("keyring", name, NULL, 0, KEY_SPEC_SESSION_KEYRING);

	if (id < 0) {
		keyctl_error(e, name);
		return 0;
	}
	if (keyctl_setperm(id, permissions) < 0 || keyctl_link(id, parent) < 0) {
		keyctl_error(e, name);
		id = -1;
	}
	keyctl_clear(KEY_SPEC_SESSION_KEYRING);
	return id < 0 ? 0 : id;
}

static keyctl_id keyring_have(keyctl_id parent, const char *name, uint32_t permissions,
			      struct error *e)
{
	keyctl_id id = keyring_find(parent, name);

	return id ? id : keyring_make(parent, name, permissions, e);
}

int rings_begin(struct error *e)
{
	return keyctl_join_session() < 0 ? keyctl_error(e, "session keyring") : 0;
}

/* --- owners ----------------------------------------------------------------------------------- */

struct ring *rings_of(struct rings *rings, uid_t uid)
{
	for (size_t i = 0; i < rings->count; i++)
		if (rings->ring[i].uid == uid)
			return &rings->ring[i];
	return NULL;
}

static struct ring *ring_new(struct rings *rings, uid_t uid)
{
	struct ring *ring;

	if (rings->count == RINGS_MAX)
		return NULL;
	ring = &rings->ring[rings->count++];
	*ring = (struct ring){ .uid = uid };
	return ring;
}

static void ring_found(struct rings *rings, keyctl_id holder)
{
	static struct keyctl_description d;
	struct ring *ring;
	unsigned long uid;
	char *end;

	if (keyctl_describe(holder, &d) < 0 || strcmp(d.type, "keyring") != 0)
		return;
	uid = strtoul(d.text, &end, 10);
	if (end == d.text || *end || uid != (uid_t)uid)
		return;
	ring = ring_new(rings, (uid_t)uid);
	if (!ring)
		return;
	ring->holder = holder;
	ring->id = keyring_find(holder, RINGS_NAME);
}

int rings_find(struct rings *rings, const char *name, struct error *e)
{
	keyctl_id key[KEYCTL_KEYS_MAX];
	int count;

	*rings = (struct rings){ .name = name };
	count = keyctl_list(KEY_SPEC_USER_KEYRING, key);
	if (count < 0)
		return keyctl_error(e, "user keyring");
	rings->directory = keyring_find(KEY_SPEC_USER_KEYRING, name);
	if (!rings->directory)
		return 0;
	count = keyctl_list(rings->directory, key);
	if (count < 0)
		return keyctl_error(e, name);
	for (int i = 0; i < count; i++)
		ring_found(rings, key[i]);
	return 0;
}

/* As the owner: a user keyring can only be reached by a process of the user. Returns errno. */
static int owner_link(const struct ring *ring, gid_t gid)
{
	const struct sandbox_identity identity = { .uid = ring->uid, .gid = gid };
	struct error e = ERROR_INIT;

	if (ring->uid != geteuid() && sandbox_drop_root(&identity, &e) < 0)
		return errno ? errno : EPERM;
	/* The same one displaces itself. */
	return keyctl_link(ring->id, KEY_SPEC_USER_KEYRING) < 0 ? errno : 0;
}

/* The process that becomes the owner inherits the session keyring, by which it possesses the keyring. */
static int owner_process(const struct ring *ring, gid_t gid)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(owner_link(ring, gid) & 0xff);
	if (child < 0)
		return errno;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static int owner_give(struct ring *ring, gid_t gid)
{
	char what[64];
	int error;

	snprintf(what, sizeof(what), "keyring of user %u", ring->uid);
	if (keyctl_link(ring->id, KEY_SPEC_SESSION_KEYRING) < 0)
		return keyctl_error(&ring->why, what);
	error = ring->uid == geteuid() ? owner_link(ring, gid) : owner_process(ring, gid);
	keyctl_clear(KEY_SPEC_SESSION_KEYRING);
	errno = error;
	if (error == EDQUOT)
		return error_set(&ring->why, ERROR_DELIVERY,
				 "%s: the user's own quota of keys is used up: raise "
				 "kernel.keys.maxbytes (or maxkeys), and restart realmkeyd",
				 what);
	return error ? keyctl_error(&ring->why, what) : 0;
}

struct ring *rings_open(struct rings *rings, uid_t uid, gid_t gid)
{
	struct ring *ring = rings_of(rings, uid);
	char name[16];

	if (!ring)
		ring = ring_new(rings, uid);
	if (!ring)
		return NULL;
	ring->why = (struct error)ERROR_INIT;
	snprintf(name, sizeof(name), "%u", uid);
	if (!rings->directory)
		rings->directory = keyring_have(KEY_SPEC_USER_KEYRING, rings->name,
						DIRECTORY_PERMISSIONS, &ring->why);
	if (rings->directory && !ring->holder)
		ring->holder = keyring_have(rings->directory, name, DIRECTORY_PERMISSIONS,
					    &ring->why);
	if (ring->holder && !ring->id)
		ring->id = keyring_have(ring->holder, RINGS_NAME, RING_PERMISSIONS, &ring->why);
	if (ring->id && owner_give(ring, gid) < 0)
		ring->id = 0;
	return ring;
}
