// SPDX-License-Identifier: Apache-2.0
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

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

int store_open(struct store *store, const char *path, struct error *e)
{
	store->path = strdup(path);
	if (!store->path)
		return error_set_memory(e);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_set_errno(e, ERROR_CONFIG, "%s", path);
	store->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->lock < 0)
		return error_set_errno(e, ERROR_CONFIG, "%s", path);
	return store_check(store, e);
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

/* Make the directories in @path after its first @known characters. */
static int store_make_parents(char *path, size_t known, struct error *e)
{
	for (char *slash = strchr(path + known + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return error_set_errno(e, ERROR_SYSTEM, "%s", path);
		*slash = '/';
	}
	return 0;
}

int store_write(const struct store *store, const char *name, const void *data, size_t len,
		struct error *e)
{
	char *path = store_path(store, name, e);
	int ret = -1;

	if (!path)
		return -1;
	if (store_make_parents(path, strlen(store->path), e) == 0)
		ret = io_write_file(path, 0600, data, len, e);
	free(path);
	return ret;
}

int store_make(const struct store *store, const char *name, struct error *e)
{
	char *path = store_path(store, name, e);
	int ret = 0;

	if (!path)
		return -1;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		ret = error_set_errno(e, ERROR_SYSTEM, "%s", path);
	free(path);
	return ret;
}
