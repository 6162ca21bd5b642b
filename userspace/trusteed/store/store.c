// SPDX-License-Identifier: Apache-2.0
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

/* The folder of files until they are complete. It is beside everything that is read, so an incomplete
 * file has no name that a request could lead to. */
#define INCOMPLETE "incomplete"

/* A wrong mode is refused and not corrected: the path may be a mistake, and /tmp must not become
 * 0700. */
static int store_check(const struct store *store, struct error *e)
{
	struct stat st;

	if (fstat(store->lock, &st) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "%s", store->path);
	if (st.st_uid != geteuid())
		return error_set(e, ERROR_CONFIG, "%s: belongs to another user", store->path);
	if (st.st_mode & 077)
		return error_set(e, ERROR_CONFIG, "%s: mode %04o lets others in, it must be 0700",
				 store->path, st.st_mode & 07777);
	if (flock(store->lock, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ?
			       error_set(e, ERROR_CONFIG, "%s: another trusteed uses it",
					 store->path) :
			       error_set_errno(e, ERROR_SYSTEM, "%s: lock", store->path);
	return 0;
}

/* Remove what a process that was killed left incomplete. */
static int store_clear(const struct store *store, struct error *e)
{
	int fd = openat(store->lock, INCOMPLETE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry = NULL;
	int ret = 0;

	if (!dir) {
		error_set_errno(e, ERROR_CONFIG, "%s/" INCOMPLETE, store->path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while (ret == 0 && (errno = 0, entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			ret = unlinkat(fd, entry->d_name, 0);
	if (errno)
		ret = error_set_errno(e, ERROR_CONFIG, "%s/" INCOMPLETE "/%s", store->path,
				      entry ? entry->d_name : "");
	closedir(dir);
	return ret;
}

int store_open(struct store *store, const char *path, struct error *e)
{
	bool made;

	store->path = strdup(path);
	if (!store->path)
		return error_set_memory(e);
	made = mkdir(path, 0700) == 0;
	if (!made && errno != EEXIST)
		return error_set_errno(e, ERROR_CONFIG, "%s", path);
	if (made && io_sync_parent(path, e) < 0)
		return -1;
	store->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->lock < 0)
		return error_set_errno(e, ERROR_CONFIG, "%s", path);
	if (store_check(store, e) < 0 || store_make(store, INCOMPLETE, e) < 0)
		return -1;
	return store_clear(store, e);
}

void store_close(struct store *store)
{
	if (store->lock >= 0)
		close(store->lock);
	free(store->path);
	*store = (struct store)STORE_INIT;
}

char *store_path(const struct store *store, const char *name, struct error *e)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", store->path, name) < 0) {
		error_set_memory(e);
		return NULL;
	}
	return path;
}

int store_read(const struct store *store, const char *name, size_t max, struct bytes *out,
	       struct error *e)
{
	char *path = store_path(store, name, e);
	struct stat st;
	int ret = -1;

	if (!path)
		return -1;
	if (stat(path, &st) == 0)
		ret = io_read_file(path, max, out, e) < 0 ? -1 : 1;
	else if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG)
		ret = 0;
	else
		error_set_errno(e, ERROR_SYSTEM, "%s", path);
	free(path);
	return ret;
}

/* Make the directory @path, unless it exists, and flush the one that contains it. An existing one is
 * flushed too, because a process that was killed may have made it. */
static int store_make_directory(const char *path, struct error *e)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_set_errno(e, ERROR_SYSTEM, "%s", path);
	return io_sync_parent(path, e);
}

int store_write(const struct store *store, const char *name, const void *data, size_t len,
		struct error *e)
{
	char *path = store_path(store, name, e), *template = NULL;
	struct stat st;
	int ret = -1;

	if (path)
		template = store_path(store, INCOMPLETE "/XXXXXX", e);
	if (!template)
		goto out;
	for (char *slash = strchr(path + strlen(store->path) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (store_make_directory(path, e) < 0)
			goto out;
		*slash = '/';
	}
	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		error_set(e, ERROR_SYSTEM, "%s: not a regular file, so it is not replaced", path);
	else
		ret = io_replace_file(path, template, 0600, data, len, e);
out:
	free(template);
	free(path);
	return ret;
}

int store_make(const struct store *store, const char *name, struct error *e)
{
	char *path = store_path(store, name, e);
	int ret = path ? store_make_directory(path, e) : -1;

	free(path);
	return ret;
}

int store_remove(const struct store *store, const char *name, struct error *e)
{
	char *path = store_path(store, name, e);
	struct error why = ERROR_INIT;
	int ret = -1;

	if (!path)
		return -1;
	if (unlink(path) == 0)
		ret = 1;
	else if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG)
		ret = 0;
	else
		error_set_errno(e, ERROR_SYSTEM, "%s", path);
	/* Also if there is none: a process that was killed may have removed it. */
	if (ret >= 0 && io_sync_parent(path, &why) < 0 && (ret > 0 || errno == EIO)) {
		*e = why;
		ret = -1;
	}
	free(path);
	return ret;
}

int store_each(const struct store *store, const char *name, const char *suffix, size_t max,
	       int (*use)(void *context, const char *path, const struct bytes *text,
			  struct error *e),
	       void *context, struct error *e)
{
	const char *const suffixes[] = { suffix, NULL };
	char *path = store_path(store, name, e);
	struct stat st;
	int ret = -1;

	if (!path)
		return -1;
	if (stat(path, &st) == 0)
		ret = io_each_file(path, suffixes, max, use, context, e);
	else if (errno == ENOENT)
		ret = 0;
	else
		error_set_errno(e, ERROR_SYSTEM, "%s", path);
	free(path);
	return ret;
}

static int store_use_folders(DIR *dir, const char *path,
			     int (*use)(void *context, const char *folder, struct error *e),
			     void *context, struct error *e)
{
	struct dirent *entry = NULL;
	struct stat st;
	int ret = 0;

	while (ret == 0 && (errno = 0, entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		/* NOLINTNEXTLINE(*.StdCLibraryFunctions): a directory that opendir() opened has a descriptor */
		if (fstatat(dirfd(dir), entry->d_name, &st, 0) < 0)
			return error_set_errno(e, ERROR_SYSTEM, "%s/%s", path, entry->d_name);
		if (S_ISDIR(st.st_mode))
			ret = use(context, entry->d_name, e);
	}
	if (ret == 0 && errno)
		return error_set_errno(e, ERROR_SYSTEM, "%s", path);
	return ret;
}

int store_each_folder(const struct store *store, const char *name,
		      int (*use)(void *context, const char *folder, struct error *e), void *context,
		      struct error *e)
{
	char *path = store_path(store, name, e);
	int ret = -1;
	DIR *dir;

	if (!path)
		return -1;
	dir = opendir(path);
	if (dir)
		ret = store_use_folders(dir, path, use, context, e);
	else if (errno == ENOENT)
		ret = 0;
	else
		error_set_errno(e, ERROR_SYSTEM, "%s", path);
	if (dir)
		closedir(dir);
	free(path);
	return ret;
}
