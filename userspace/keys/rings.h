/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rings: the kernel keyrings in which secrets are. Each owner of a secret with `key` has one, which is called `realmkey` and
 * is linked into the owner's user keyring (@u): a service of that user with KeyringMode=shared possesses it. All keyrings
 * and keys belong to the user of this process, root.
 *
 * So that the next process finds them, whatever an owner does with their user keyring, there is a directory in root's user
 * keyring:
 *
 *	realmkey.owners		permissions let no search enter it, because a search from root's user keyring
 *				would otherwise find the keys of all owners
 *	  UID			one for each owner; what else is in it is a key that is being replaced
 *	    realmkey		the owner's
 */
#ifndef REALMKEY_RINGS_H
#define REALMKEY_RINGS_H

#include <sys/types.h>

#include "base/error.h"
#include "keyctl.h"

#define RINGS_MAX	256
#define RINGS_NAME	"realmkey"
#define RINGS_DIRECTORY "realmkey.owners"

struct ring {
	uid_t uid;	  /* of the owner */
	keyctl_id holder; /* the keyring UID */
	keyctl_id id;	  /* the keyring RINGS_NAME */
	struct error why; /* if id is 0: why there is none */
};

struct rings {
	const char *name; /* of the directory: RINGS_DIRECTORY, or another for tests; not owned */
	keyctl_id directory; /* 0: there is none */
	struct ring ring[RINGS_MAX];
	size_t count;
};

/* Find the keyrings that are in the directory @name. @rings->directory is 0 if no realmkey-keys has run. */
int rings_find(struct rings *rings, const char *name, struct error *e);
/* The keyring of user @uid with the group @gid, made and linked into the user's keyring if necessary. The process needs
 * what sandbox_drop_root() needs. An error is in ->why. NULL if there are too many. */
struct ring *rings_open(struct rings *rings, uid_t uid, gid_t gid);
struct ring *rings_of(struct rings *rings, uid_t uid);

/* Have a session keyring of this process alone, for what rings_open() makes. */
int rings_begin(struct error *e);

#endif
