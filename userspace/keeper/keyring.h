/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyring: the keyring directory. A tmpfs of our own (noswap where the kernel has it, else
 * ramfs: plain tmpfs swaps to the host's disk), in which each secret appears at once, whole, with
 * its final owner and mode.
 */
#ifndef REALMKEY_KEYRING_H
#define REALMKEY_KEYRING_H

#include <sys/types.h>

#include "base/error.h"

#define KEYRING_PATH "/run/realmkey/keyring"

struct keyring {
	int dir;		/* the keyring's root, -1 when not open */
};

#define KEYRING_INIT { .dir = -1 }

/* Make @path and mount the file system there unless it already is a mount of ours (probed by what
 * it is, never assumed). nosuid, nodev, noexec, mode 0751, size 16 MiB. ERROR_DELIVERY. */
int keyring_open(struct keyring *keyring, const char *path, struct error *e);
/* Put @len bytes at @data into @file (relative, directories are made 0755). Readers see the old
 * file or the new one; an unchanged file (contents, owner, mode) is not written again: returns 1
 * then, 0 when written. Symbolic links are never followed. */
int keyring_put(struct keyring *keyring, const char *file, mode_t mode, uid_t uid, gid_t gid,
		   const void *data, size_t len, struct error *e);
void keyring_close(struct keyring *keyring);

#endif
