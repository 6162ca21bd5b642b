// SPDX-License-Identifier: Apache-2.0
/* keyring_settle(): the keyring then has nothing but what is declared. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sinks/served.h"
#include "stage.h"
#include "tree.h"

#define TEMPORARY ".new" /* of earlier versions */

/* What a name may be. */
enum declared { DECLARED_NOT, DECLARED_FILE, DECLARED_DIRECTORY };

static enum declared path_declared(const struct keyring *keyring, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < keyring->count; i++) {
		const char *name = keyring->file[i].name;

		if (strncmp(name, path, len) || (name[len] && name[len] != '/'))
			continue;
		return name[len] ? DECLARED_DIRECTORY : DECLARED_FILE;
	}
	return DECLARED_NOT;
}

/* Keep the first error. */
static void settle_fail(struct error *e, const char *path)
{
	if (e->kind == ERROR_NONE)
		error_set_errno(e, ERROR_DELIVERY, "%s: cannot remove", path);
}

static void directory_settle(const struct keyring *keyring, int fd, const char *path,
			     struct error *e);

/* Remove @name in @dir, which is @path in the keyring, unless it is declared. */
static void entry_settle(const struct keyring *keyring, int dir, const char *name, const char *path,
			 struct error *e)
{
	enum declared declared = path_declared(keyring, path);
	struct stat st;
	int fd;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)) {
		settle_fail(e, path);
		return;
	}
	if (declared == DECLARED_FILE && S_ISREG(st.st_mode))
		return;
	if (declared != DECLARED_DIRECTORY || !S_ISDIR(st.st_mode)) {
		if (tree_remove(dir, name))
			settle_fail(e, path);
		return;
	}
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		settle_fail(e, path);
		return;
	}
	/* Of root, if root made it before it became the keeper's user. */
	if (st.st_uid != geteuid())
		(void)!fchown(fd, geteuid(), getegid());
	directory_settle(keyring, fd, path, e);
	if (unlinkat(dir, name, AT_REMOVEDIR) && errno != ENOTEMPTY && errno != EEXIST)
		settle_fail(e, path);
}

/* True for a name that stays though it is not declared. */
static bool name_stays(const char *path, const char *name)
{
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return true;
	/* What our programs publish. */
	return !*path && *name == '.' && strcmp(name, TEMPORARY) &&
	       strncmp(name, GENERATION_PREFIX, strlen(GENERATION_PREFIX)) &&
	       strncmp(name, SERVED_PREFIX, strlen(SERVED_PREFIX));
}

/* The directory @fd, which is closed, is @path in the keyring; "" is the root. */
static void directory_settle(const struct keyring *keyring, int fd, const char *path,
			     struct error *e)
{
	char below[PATH_MAX];
	struct dirent *entry;
	DIR *stream = fdopendir(fd);

	if (!stream) {
		settle_fail(e, path);
		close(fd);
		return;
	}
	while ((errno = 0, entry = readdir(stream))) {
		if (name_stays(path, entry->d_name))
			continue;
		snprintf(below, sizeof(below), "%s%s%s", path, *path ? "/" : "", entry->d_name);
		entry_settle(keyring, fd, entry->d_name, below, e);
	}
	if (errno)
		settle_fail(e, path);
	closedir(stream);
}

/* True if @file is in place with another mode or owner than declared. */
static bool file_differs(const struct keyring *keyring, const struct keyring_file *file)
{
	struct stat st;

	return file_in_place(keyring, file) && !fstat(file->fd, &st) &&
	       (st.st_mode != (S_IFREG | file->mode) || st.st_uid != file->uid ||
		st.st_gid != file->gid);
}

int keyring_settle(struct keyring *keyring, struct error *e)
{
	int root = openat(keyring->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return error_set_errno(e, ERROR_DELIVERY, "the keyring");
	*e = (struct error)ERROR_INIT;
	directory_settle(keyring, root, "", e);
	if (e->kind != ERROR_NONE)
		return -1;
	for (size_t i = 0; i < keyring->count; i++) {
		const struct keyring_file *file = &keyring->file[i];

		/* The commit makes all files of its unit anew. */
		if (file_differs(keyring, file) &&
		    (stage_begin(keyring, file->name, e) || keyring_commit(keyring, e)))
			return -1;
	}
	/* The configuration has changed, so files with the old mode must not stay. */
	keyring_tidy(keyring, INT64_MAX);
	return 0;
}
