/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyring: the file system in memory with the secrets. It is a tmpfs with noswap, or a ramfs if the
 * kernel lacks noswap, because a plain tmpfs can be swapped to the host's disk.
 *
 * A unit is a top-level entry: a file, or a directory with all that is below it. The files of a unit
 * change together. They are staged in a new generation of the unit under a hidden name, and then the new
 * generation and the old one change places in one step. A reader sees each file complete, with its
 * final owner and mode. A reader that holds a directory open goes on reading the old generation
 * until the next commit of that unit, until keyring_tidy() removes it after KEYRING_OLD_MS, or until
 * a next process takes over the keyring.
 *
 * The process that stages, commits, settles and publishes must be the user who owns the keyring. It needs
 * no capability but CAP_CHOWN: what other users own it reads through descriptors that it has kept
 * since it created the files, or that keyring_declare() opened. There is one descriptor for each
 * declared file, and one more for each staged file.
 *
 * All errors are ERROR_DELIVERY, or ERROR_SYSTEM if memory or descriptors are exhausted.
 */
#ifndef REALMKEY_KEYRING_H
#define REALMKEY_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/error.h"

#define KEYRING_PATH   "/run/realmkey/keyring"
#define KEYRING_OLD_MS 60000

struct keyring_file {
	const char *name; /* relative to the keyring; not owned */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	int fd;		/* of the file in place; -1: none */
	int staged;	/* of the file in the stage; -1: none */
	bool removed;	/* it is not in the next generation */
	uint32_t old;	/* in the first file of a unit: its old generation; 0: none */
	int64_t expiry; /* of the old generation, in ms; 0: not set yet */
};

struct keyring {
	int dir; /* the root of the file system; -1 if not open */
	struct keyring_file *file;
	size_t count;
	const char *unit;    /* the name of a file of the unit that is staged, or NULL */
	uint32_t generation; /* the number of the stage, or of the last one */
};

#define KEYRING_INIT { .dir = -1 }

/* True if the files @a and @b belong to one unit. */
static inline bool keyring_same_unit(const char *a, const char *b)
{
	const size_t len = strcspn(a, "/");

	return len == strcspn(b, "/") && !memcmp(a, b, len);
}

/* Create the directory @path and mount the file system there, with nosuid, nodev, noexec, mode 0751
 * and @size bytes (0: 16 MiB), unless it is mounted already. A mount is used only if its properties are
 * those of a keyring, and if it belongs to the user of this process or to @uid; its size is changed to
 * @size if that is not 0, and a warning is logged if it cannot be. It then belongs to @uid and @gid, as
 * which this process will write to it, and is locked, so that no other process opens it. */
int keyring_open(struct keyring *keyring, const char *path, size_t size, uid_t uid, gid_t gid,
		 struct error *e);
/* Say that the keyring may have @file, a relative path without empty components and components that
 * begin with '.', or a name of the top level that begins with SERVED_PREFIX (sinks/served.h), and open it if it is there. Its text must stay valid. This process must still have
 * the right to read other users' files. Returns its index, which counts from 0. */
int keyring_declare(struct keyring *keyring, const char *file, mode_t mode, uid_t uid, gid_t gid,
		    struct error *e);
/* True if file @index is in place, whatever its mode and owner. */
bool keyring_has(const struct keyring *keyring, int index);
/* After all files are declared: remove what an earlier process has left (hidden generations, and all
 * files and directories that are not declared, those with SERVED_PREFIX too), and make files with another mode or owner than
 * declared anew from their contents. Other hidden names of the top level stay. An error does not
 * end it before it has removed what can be removed. */
int keyring_settle(struct keyring *keyring, struct error *e);
/* True if file @index is in place with the @len bytes @data, and with its declared mode and owner. */
bool keyring_same(const struct keyring *keyring, int index, const void *data, size_t len);
/* Write the @len bytes @data as the next contents of file @index. Returns 0, or 1 if the file in place has
 * the same contents, mode and owner: then nothing is staged. After an error, what was staged before is
 * still staged. All staged files must belong to one unit. */
int keyring_stage(struct keyring *keyring, int index, const void *data, size_t len,
		  struct error *e);
/* True if file @index is staged. */
bool keyring_staged(const struct keyring *keyring, int index);
/* Leave file @index out of the next generation. Returns 0, or 1 if it is not in place: then nothing is
 * staged. */
int keyring_stage_removal(struct keyring *keyring, int index, struct error *e);
/* Put the staged unit in its place. Its other files are copied with their modification times. Without
 * a file the unit is removed. After an error nothing is staged, and the old generation is in place. If
 * nothing is staged, nothing happens. */
int keyring_commit(struct keyring *keyring, struct error *e);
/* Drop what is staged. */
void keyring_abandon(struct keyring *keyring);
/* Replace the file @name of the top level, which begins with '.', in one step. It belongs to this
 * process. */
int keyring_publish(struct keyring *keyring, const char *name, mode_t mode, const void *data,
		    size_t len, struct error *e);
/* Set the times of such a file to now, if it is there. A process that may not list the keyring can watch it. */
void keyring_touch(const struct keyring *keyring, const char *name);
/* Append the contents of such a file, at most @max bytes, to @data; nothing if there is none. */
int keyring_published(const struct keyring *keyring, const char *name, size_t max,
		      struct bytes *data, struct error *e);
/* Remove the old generations that are older than KEYRING_OLD_MS at @now, which counts from the first call after the
 * commit; INT64_MAX removes all. Returns when to call it again, or INT64_MAX if there is none. */
int64_t keyring_tidy(struct keyring *keyring, int64_t now);
void keyring_close(struct keyring *keyring);

#endif
