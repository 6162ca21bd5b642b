/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink_tmpfs: the keyring directory. A tmpfs of our own (noswap where the kernel has it, else
 * ramfs: plain tmpfs swaps to the host's disk), in which each secret appears at once, whole, with
 * its final owner and mode.
 */
#ifndef REALMKEY_SINK_TMPFS_H
#define REALMKEY_SINK_TMPFS_H

#include <sys/types.h>

#include "base/error.h"

#define SINK_TMPFS_PATH "/run/realmkey/keyring"

struct sink_tmpfs {
	int dir;		/* the keyring's root, -1 when not open */
};

#define SINK_TMPFS_INIT { .dir = -1 }

/* Make @path and mount the file system there unless it already is a mount of ours (probed by what
 * it is, never assumed). nosuid, nodev, noexec, mode 0751, size 16 MiB. ERROR_DELIVERY. */
int sink_tmpfs_open(struct sink_tmpfs *sink, const char *path, struct error *e);
/* Put @len bytes at @data into @file (relative, directories are made 0755). Readers see the old
 * file or the new one; an unchanged file (contents, owner, mode) is not written again: returns 1
 * then, 0 when written. Symbolic links are never followed. */
int sink_tmpfs_put(struct sink_tmpfs *sink, const char *file, mode_t mode, uid_t uid, gid_t gid,
		   const void *data, size_t len, struct error *e);
void sink_tmpfs_close(struct sink_tmpfs *sink);

#endif
