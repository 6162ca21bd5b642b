// SPDX-License-Identifier: Apache-2.0
#include "keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount.h"
#include "stage.h"
#include "tree.h"

/* Lock the keyring, so that only this process writes to it, and give it to @uid. */
static int keyring_claim(int dir, uid_t uid, gid_t gid, struct error *e)
{
	if (flock(dir, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ?
			       error_set(e, ERROR_DELIVERY, "is in use by another process") :
			       error_set_errno(e, ERROR_DELIVERY, "cannot lock");
	if (fchown(dir, uid, gid))
		return error_set_errno(e, ERROR_DELIVERY, "cannot set owner %u:%u", uid, gid);
	return 0;
}

int keyring_open(struct keyring *keyring, const char *path, size_t size, uid_t uid, gid_t gid,
		 struct error *e)
{
	int dir, root;

	if (*path != '/' || !path[strspn(path, "/")])
		return error_set(e, ERROR_DELIVERY, "%s: not the absolute path of a directory",
				 path);
	root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = root < 0 ? -1 : tree_walk(root, path, NULL, true);
	if (dir < 0)
		return tree_fail(path, e);
	if (mount_ensure(&dir, size, uid, e) || keyring_claim(dir, uid, gid, e)) {
		close(dir);
		return error_add(e, "%s", path);
	}
	keyring->dir = dir;
	return 0;
}

/* Open @file. Returns -1 with errno, ENOENT if there is no such regular file. */
static int file_open(const struct keyring *keyring, const char *file)
{
	int dir, saved, fd = -1;
	const char *name;
	struct stat st;

	dir = openat(keyring->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		dir = tree_walk(dir, file, &name, false);
	if (dir < 0) {
		if (errno == ENOTDIR || errno == ELOOP)
			errno = ENOENT;
		return -1;
	}
	if (!fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)) {
		if (S_ISREG(st.st_mode))
			fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		else
			errno = ENOENT;
	}
	saved = errno;
	close(dir);
	errno = saved;
	return fd;
}

int keyring_declare(struct keyring *keyring, const char *file, mode_t mode, uid_t uid, gid_t gid,
		    struct error *e)
{
	struct keyring_file *more;
	int fd = file_open(keyring, file);

	if (fd < 0 && errno != ENOENT)
		return tree_fail(file, e);
	more = reallocarray(keyring->file, keyring->count + 1, sizeof(*more));
	if (!more) {
		if (fd >= 0)
			close(fd);
		return error_set_memory(e);
	}
	keyring->file = more;
	more[keyring->count] = (struct keyring_file){
		.name = file, .mode = mode, .uid = uid, .gid = gid, .fd = fd, .staged = -1
	};
	return (int)keyring->count++;
}

bool keyring_has(const struct keyring *keyring, int index)
{
	return file_in_place(keyring, &keyring->file[index]) != 0;
}

void keyring_close(struct keyring *keyring)
{
	if (keyring->dir >= 0)
		close(keyring->dir);
	for (size_t i = 0; i < keyring->count; i++) {
		if (keyring->file[i].fd >= 0)
			close(keyring->file[i].fd);
		if (keyring->file[i].staged >= 0)
			close(keyring->file[i].staged);
	}
	free(keyring->file);
	*keyring = (struct keyring)KEYRING_INIT;
}
