// SPDX-License-Identifier: Apache-2.0
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY_MODE 0755

/* Set errno to ELOOP if @name in @dir is a symbolic link. open() says ENOTDIR then, as for a file. */
static void errno_refine(int dir, const char *name)
{
	int saved = errno;
	struct stat st;

	if (saved == ENOTDIR && !fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) &&
	    S_ISLNK(st.st_mode))
		saved = ELOOP;
	errno = saved;
}

/* @name is one component and not "..", so with O_NOFOLLOW it cannot lead elsewhere; openat2() would be
 * refused by the RestrictSUIDSGID= of a unit. */
int tree_enter(int *dir, const char *name, bool make)
{
	bool made = make && !mkdirat(*dir, name, DIRECTORY_MODE);
	int next;

	if (make && !made && errno != EEXIST)
		return -1;
	next = openat(*dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (next < 0) {
		errno_refine(*dir, name);
		return -1;
	}
	close(*dir);
	*dir = next;
	/* The umask must not decide who can reach a secret. */
	return made ? fchmod(next, DIRECTORY_MODE) : 0;
}

int tree_walk(int dir, const char *path, const char **last, bool make)
{
	char name[NAME_MAX + 1];
	int error;

	for (;;) {
		size_t len;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 2 && !memcmp(path, "..", 2)) {
			errno = EXDEV;
			goto fail;
		}
		if (!len || (last && !path[len]))
			break;
		if (len >= sizeof(name)) {
			errno = ENAMETOOLONG;
			goto fail;
		}
		memcpy(name, path, len);
		name[len] = '\0';
		if (tree_enter(&dir, name, make))
			goto fail;
		path += len;
	}
	if (last)
		*last = path;
	return dir;
fail:
	error = errno;
	close(dir);
	errno = error;
	return -1;
}

int tree_remove(int dir, const char *name)
{
	struct dirent *entry;
	DIR *stream = NULL;
	int fd, failure;

	if (!unlinkat(dir, name, 0) || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return -1;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	/* Of another user, if this process is not the one that made it. */
	(void)!fchown(fd, geteuid(), getegid());
	stream = fdopendir(fd);
	if (!stream) {
		failure = errno;
		close(fd);
		errno = failure;
		return -1;
	}
	while ((errno = 0, entry = readdir(stream)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
		    tree_remove(fd, entry->d_name))
			break;
	failure = errno;
	closedir(stream);
	errno = failure;
	return failure ? -1 : unlinkat(dir, name, AT_REMOVEDIR);
}

int tree_fail(const char *path, struct error *e)
{
	if (errno == ELOOP)
		return error_set(e, ERROR_DELIVERY, "%s: contains a symbolic link", path);
	if (errno == EXDEV)
		return error_set(e, ERROR_DELIVERY, "%s: contains '..' or another mount", path);
	return error_set_errno(e, ERROR_DELIVERY, "%s", path);
}
