/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyring: the file system in memory with the secrets. It is a tmpfs with noswap, or a ramfs if the
 * kernel lacks noswap, because a plain tmpfs can be swapped to the host's disk. Each secret appears
 * in it atomically, with its final owner and mode.
 */
#ifndef REALMKEY_KEYRING_H
#define REALMKEY_KEYRING_H

#include <sys/types.h>

#include "base/error.h"

#define KEYRING_PATH "/run/realmkey/keyring"

struct keyring_file {
	const char *name; /* relative to the keyring; not owned */
	int fd;		  /* open for reading */
};

struct keyring {
	int dir;		  /* the root of the file system; -1 if not open */
	struct keyring_file *old; /* files that keyring_remember() opened */
	size_t count;
};

#define KEYRING_INIT { .dir = -1 }

/* Create the directory @path and mount the file system there, with nosuid, nodev, noexec, mode 0751
 * and a size of 16 MiB, unless it is mounted already. A mount is used only if its properties are
 * those of a keyring, and if it belongs to the user of this process or to @uid. It then belongs to
 * @uid and @gid, as which this process will write to it. Errors are ERROR_DELIVERY. */
int keyring_open(struct keyring *keyring, const char *path, uid_t uid, gid_t gid, struct error *e);
/* Open @file, if it exists, so that keyring_put() can compare a secret with it after this process
 * lost the right to read other users' files. @file must stay valid. */
int keyring_remember(struct keyring *keyring, const char *file, struct error *e);
/* Write @len bytes at @data into @file, a relative path whose directories are created with mode
 * 0755. Readers see the old file or the new one. What an earlier configuration has put in its way (a
 * file where it needs a directory, or a directory with files) is removed when the new file is
 * complete. Returns 0 if the file was written, or 1 if it had
 * the same contents, owner and mode already (which is noticed if the file is remembered, or if this
 * process may read it). Symbolic links are never followed. Errors are
 * ERROR_DELIVERY. */
int keyring_put(struct keyring *keyring, const char *file, mode_t mode, uid_t uid, gid_t gid,
		const void *data, size_t len, struct error *e);
void keyring_close(struct keyring *keyring);

#endif
