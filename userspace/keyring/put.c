// SPDX-License-Identifier: Apache-2.0
/* keyring_remember() and keyring_put(), until the keeper stages and commits. */
#include "keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/io.h"
#include "tree.h"

#define TEMPORARY ".new"

int keyring_remember(struct keyring *keyring, const char *file, struct error *e)
{
	struct keyring_old *old;
	const char *name;
	struct stat st;
	int dir, fd;

	dir = openat(keyring->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		dir = tree_walk(dir, file, &name, false);
	if (dir < 0)
		return 0;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	close(dir);
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return 0;
	}
	old = reallocarray(keyring->old, keyring->olds + 1, sizeof(*old));
	if (!old) {
		close(fd);
		return error_set_memory(e);
	}
	keyring->old = old;
	old[keyring->olds++] = (struct keyring_old){ .name = file, .fd = fd };
	return 0;
}

/* Open the file @name in @dir, which is @file in the keyring. A remembered descriptor is used only
 * for the file that still has this name. Returns -1 if there is none that can be read. */
static int file_open(const struct keyring *keyring, const char *file, int dir, const char *name)
{
	struct stat here, old;

	for (size_t i = 0; i < keyring->olds; i++) {
		if (strcmp(keyring->old[i].name, file))
			continue;
		if (!fstatat(dir, name, &here, AT_SYMLINK_NOFOLLOW) &&
		    !fstat(keyring->old[i].fd, &old) && here.st_ino == old.st_ino &&
		    here.st_dev == old.st_dev)
			return fcntl(keyring->old[i].fd, F_DUPFD_CLOEXEC, 0);
	}
	return openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

/* True if the file @fd begins with the @len bytes @data. It is read and not mapped, because its
 * owner may truncate it meanwhile, which would cause a SIGBUS. */
static bool contents_same(int fd, const uint8_t *data, size_t len)
{
	uint8_t block[4096];
	bool same = true;

	for (size_t at = 0; same && at < len; at += sizeof(block)) {
		size_t size = len - at < sizeof(block) ? len - at : sizeof(block);
		ssize_t n = pread(fd, block, size, (off_t)at);

		same = n >= 0 && bytes_equal(block, (size_t)n, data + at, size);
	}
	OPENSSL_cleanse(block, sizeof(block));
	return same;
}

/* Whether the file @fd, which is closed, has all of these. */
static bool file_same(int fd, mode_t mode, uid_t uid, gid_t gid, const void *data, size_t len)
{
	struct stat st;
	bool same;

	if (fd < 0)
		return false;
	same = !fstat(fd, &st) && st.st_mode == (S_IFREG | mode) && st.st_uid == uid &&
	       st.st_gid == gid && st.st_size >= 0 && (size_t)st.st_size == len &&
	       contents_same(fd, data, len);
	close(fd);
	return same;
}

/* Create @name in @dir with its final mode and owner, then write it. The mode is set before the owner,
 * because afterwards that would require a capability. */
static int file_write(int dir, const char *name, mode_t mode, uid_t uid, gid_t gid,
		      const void *data, size_t len, struct error *e)
{
	int fd, ret = -1;

	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0)
		return error_set_errno(e, ERROR_DELIVERY, "cannot create");
	if (fchmod(fd, mode))
		error_set_errno(e, ERROR_DELIVERY, "cannot set mode %04o", mode);
	else if (fchown(fd, uid, gid))
		error_set_errno(e, ERROR_DELIVERY, "cannot set owner %u:%u", uid, gid);
	else if (io_write_full(fd, data, len, e) == 0)
		ret = 0;
	else if (errno == ENOSPC)
		error_set(e, ERROR_DELIVERY,
			  "the keyring is full (%s); remount it with a larger size=",
			  strerror(errno));
	else
		error_reclassify(e, ERROR_ANY, ERROR_DELIVERY);
	close(fd);
	return ret;
}

/* Open TEMPORARY in @root as a directory, with the directories in @below, a path that begins with '/';
 * *@name becomes the last component of that. Returns -1 with an error. */
static int temporary_tree(int root, const char *below, const char **name, struct error *e)
{
	int dir = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir >= 0 && tree_enter(&dir, TEMPORARY, true)) {
		close(dir);
		dir = -1;
	}
	if (dir >= 0)
		dir = tree_walk(dir, below, name, true);
	return dir < 0 ? error_set_errno(e, ERROR_DELIVERY, "cannot create") : dir;
}

/* Move TEMPORARY in @root to @name in @dir; @name ends at a '/', if it has one. A directory in the way
 * of a file, or a file in the way of a directory, is of an earlier configuration: both change places
 * in one step, and then it is removed. */
static int temporary_place(int root, int dir, const char *name, struct error *e)
{
	size_t len = strcspn(name, "/");
	char component[NAME_MAX + 1];

	if (!name[len]) {
		if (!renameat(root, TEMPORARY, dir, name))
			return 0;
		if (errno != EISDIR)
			return error_set_errno(e, ERROR_DELIVERY, "cannot rename");
	}
	if (len >= sizeof(component)) /* tree_walk() refuses it */
		return error_set(e, ERROR_DELIVERY, "name too long");
	memcpy(component, name, len);
	component[len] = '\0';
	if (renameat2(root, TEMPORARY, dir, component, RENAME_EXCHANGE))
		return error_set_errno(e, ERROR_DELIVERY, "cannot replace '%s'", component);
	if (tree_remove(root, TEMPORARY))
		return error_set_errno(e, ERROR_DELIVERY, "cannot remove the old '%s'", component);
	return 0;
}

int keyring_put(struct keyring *keyring, const char *file, mode_t mode, uid_t uid, gid_t gid,
		const void *data, size_t len, struct error *e)
{
	const char *name, *below, *last = TEMPORARY;
	int dir, tree, ret = -1;

	dir = openat(keyring->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		dir = tree_walk(dir, file, &name, true);
	if (dir < 0)
		return tree_fail(file, e);
	below = strchr(name, '/'); /* NULL unless a file is in the way of a directory */
	if (!below && file_same(file_open(keyring, file, dir, name), mode, uid, gid, data, len)) {
		close(dir);
		return 1;
	}
	if (tree_remove(keyring->dir, TEMPORARY)) {
		error_set_errno(e, ERROR_DELIVERY, "%s", TEMPORARY);
		goto out;
	}
	tree = keyring->dir;
	if (below)
		tree = temporary_tree(keyring->dir, below, &last, e);
	if (tree >= 0)
		ret = file_write(tree, last, mode, uid, gid, data, len, e);
	if (below && tree >= 0)
		close(tree);
	if (ret == 0)
		ret = temporary_place(keyring->dir, dir, name, e);
	if (ret < 0) {
		error_add(e, "%s", file);
		tree_remove(keyring->dir, TEMPORARY);
	}
out:
	close(dir);
	return ret;
}
