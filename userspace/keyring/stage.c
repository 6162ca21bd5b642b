// SPDX-License-Identifier: Apache-2.0
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/io.h"
#include "tree.h"

/* A generation has this name while it is staged and after it was replaced. Number 0 is for
 * keyring_publish(). */
#define GENERATION_NAME_MAX 24

/* What a file shall contain: data, or what is in another file, with its modification time. */
struct content {
	const void *data;
	size_t len;
	int fd; /* -1: data */
};

static void generation_name(uint32_t number, char name[GENERATION_NAME_MAX])
{
	snprintf(name, GENERATION_NAME_MAX, GENERATION_PREFIX "%u", (unsigned int)number);
}

static int generation_remove(const struct keyring *keyring, uint32_t number)
{
	char name[GENERATION_NAME_MAX];

	generation_name(number, name);
	return tree_remove(keyring->dir, name);
}

/* The file that keeps the old generation of the unit of @name. */
static struct keyring_file *unit_first(const struct keyring *keyring, const char *name)
{
	size_t i = 0;

	while (!keyring_same_unit(keyring->file[i].name, name))
		i++;
	return &keyring->file[i];
}

/* Set @e from errno. */
static int stage_fail(struct error *e, const char *what)
{
	if (errno == ENOSPC)
		return error_set(
			e, ERROR_DELIVERY,
			"the keyring is full (%s); set a larger [keyring] size, or size= of its "
			"mount unit",
			strerror(errno));
	return error_set_errno(e, ERROR_DELIVERY, "%s", what);
}

/* --- old generations -------------------------------------------------------------------------- */

/* Remove all old generations, to make room. True if there was one. */
static bool old_remove_all(struct keyring *keyring)
{
	bool removed = false;

	for (size_t i = 0; i < keyring->count; i++) {
		struct keyring_file *file = &keyring->file[i];

		if (!file->old || generation_remove(keyring, file->old))
			continue;
		file->old = 0;
		removed = true;
	}
	return removed;
}

int64_t keyring_tidy(struct keyring *keyring, int64_t now)
{
	int64_t next = INT64_MAX;

	if (now == INT64_MAX) {
		old_remove_all(keyring);
		return next;
	}
	for (size_t i = 0; i < keyring->count; i++) {
		struct keyring_file *file = &keyring->file[i];

		if (!file->old)
			continue;
		if (!file->expiry)
			file->expiry = now + KEYRING_OLD_MS;
		if (file->expiry <= now) {
			if (!generation_remove(keyring, file->old))
				file->old = 0;
			else /* again later */
				file->expiry = now + KEYRING_OLD_MS;
		}
		if (file->old && file->expiry < next)
			next = file->expiry;
	}
	return next;
}

/* --- files ------------------------------------------------------------------------------------ */

int file_in_place(const struct keyring *keyring, const struct keyring_file *file)
{
	struct stat here, open;
	const char *name;
	int dir, ret = -1;

	if (file->fd < 0)
		return 0;
	dir = openat(keyring->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		dir = tree_walk(dir, file->name, &name, false);
	if (dir < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -1;
	if (!fstatat(dir, name, &here, AT_SYMLINK_NOFOLLOW) && !fstat(file->fd, &open))
		ret = here.st_ino == open.st_ino && here.st_dev == open.st_dev;
	else if (errno == ENOENT)
		ret = 0;
	close(dir);
	return ret;
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

bool keyring_same(const struct keyring *keyring, int index, const void *data, size_t len)
{
	const struct keyring_file *file = &keyring->file[index];
	struct stat st;

	return file_in_place(keyring, file) == 1 && !fstat(file->fd, &st) &&
	       st.st_mode == (S_IFREG | file->mode) && st.st_uid == file->uid &&
	       st.st_gid == file->gid && st.st_size >= 0 && (size_t)st.st_size == len &&
	       contents_same(file->fd, data, len);
}

static int write_all(int fd, const void *data, size_t len, struct error *e)
{
	if (io_write_full(fd, data, len, e) == 0)
		return 0;
	if (errno == ENOSPC)
		return stage_fail(e, "cannot write");
	return error_reclassify(e, ERROR_ANY, ERROR_DELIVERY);
}

/* Copy what @from contains at the moment to @to. Its owner may change it meanwhile. */
static int file_copy(int from, int to, struct error *e)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
	uint8_t block[4096];
	struct stat st;
	int ret = -1;

	if (fstat(from, &st))
		return error_set_errno(e, ERROR_DELIVERY, "cannot read the present file");
	for (off_t at = 0; at < st.st_size; at += (off_t)sizeof(block)) {
		size_t size = (size_t)(st.st_size - at);
		ssize_t n = pread(from, block, size < sizeof(block) ? size : sizeof(block), at);

		if (n < 0) {
			error_set_errno(e, ERROR_DELIVERY, "cannot read the present file");
			goto out;
		}
		if (write_all(to, block, (size_t)n, e))
			goto out;
		if ((size_t)n < sizeof(block))
			break;
	}
	times[1] = st.st_mtim;
	ret = futimens(to, times) ? error_set_errno(e, ERROR_DELIVERY, "cannot set the time") : 0;
out:
	OPENSSL_cleanse(block, sizeof(block));
	return ret;
}

/* Create @name in @dir with mode 0, so that nobody can open it before it is complete. The mode is set
 * before the owner, because afterwards that would require a capability. Returns its descriptor, or
 * -1 with an error and errno; nothing is left then. */
static int file_make(int dir, const char *name, const struct keyring_file *file,
		     const struct content *content, struct error *e)
{
	int fd, saved;

	fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0)
		return stage_fail(e, "cannot create");
	if (content->fd < 0 ? write_all(fd, content->data, content->len, e) :
			      file_copy(content->fd, fd, e))
		goto fail;
	if (fchmod(fd, file->mode)) {
		error_set_errno(e, ERROR_DELIVERY, "cannot set mode %04o", file->mode);
		goto fail;
	}
	if (!fchown(fd, file->uid, file->gid))
		return fd;
	error_set_errno(e, ERROR_DELIVERY, "cannot set owner %u:%u", file->uid, file->gid);
fail:
	saved = errno;
	unlinkat(dir, name, 0);
	close(fd);
	errno = saved;
	return -1;
}

/* --- the stage -------------------------------------------------------------------------------- */

int stage_begin(struct keyring *keyring, const char *name, struct error *e)
{
	if (keyring->unit && keyring_same_unit(keyring->unit, name))
		return 0;
	if (keyring->unit)
		return error_set(e, ERROR_DELIVERY, "%s: '%s' is staged and not committed", name,
				 keyring->unit);
	/* Something of an earlier process may have this name. */
	if (generation_remove(keyring, keyring->generation + 1))
		return error_set_errno(e, ERROR_DELIVERY,
				       "%s: cannot remove " GENERATION_PREFIX "%u", name,
				       (unsigned int)keyring->generation + 1);
	keyring->generation++;
	keyring->unit = name;
	return 0;
}

/* The directory in the stage in which @file is, and its name there, which is @stage if the file is a
 * unit. Returns -1 with errno. */
static int stage_enter(const struct keyring *keyring, const char *file,
		       char stage[GENERATION_NAME_MAX], const char **name)
{
	const char *below = strchr(file, '/');
	int dir = openat(keyring->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int saved;

	generation_name(keyring->generation, stage);
	*name = stage;
	if (dir < 0 || !below)
		return dir;
	if (tree_enter(&dir, stage, true)) {
		saved = errno;
		close(dir);
		errno = saved;
		return -1;
	}
	return tree_walk(dir, below, name, true);
}

/* Returns the descriptor of the file in the stage, or -1 with an error and errno. */
static int stage_make(const struct keyring *keyring, const struct keyring_file *file,
		      const struct content *content, struct error *e)
{
	char stage[GENERATION_NAME_MAX];
	const char *name;
	int dir, fd, saved;

	dir = stage_enter(keyring, file->name, stage, &name);
	if (dir < 0)
		return stage_fail(e, "cannot create");
	if (file->staged >= 0)
		unlinkat(dir, name, 0);
	fd = file_make(dir, name, file, content, e);
	saved = errno;
	close(dir);
	errno = saved;
	return fd;
}

/* Write @file into the stage. */
static int stage_write(struct keyring *keyring, struct keyring_file *file,
		       const struct content *content, struct error *e)
{
	int fd = stage_make(keyring, file, content, e);

	if (fd < 0 && errno == ENOSPC && old_remove_all(keyring)) {
		*e = (struct error)ERROR_INIT;
		fd = stage_make(keyring, file, content, e);
	}
	if (file->staged >= 0)
		close(file->staged);
	file->staged = fd;
	return fd < 0 ? error_add(e, "%s", file->name) : 0;
}

static void stage_end(struct keyring *keyring)
{
	for (size_t i = 0; i < keyring->count; i++) {
		struct keyring_file *file = &keyring->file[i];

		if (file->staged >= 0)
			close(file->staged);
		file->staged = -1;
		file->removed = false;
	}
	keyring->unit = NULL;
}

void keyring_abandon(struct keyring *keyring)
{
	if (!keyring->unit)
		return;
	/* If this fails, keyring_settle() of the next process removes it. */
	(void)generation_remove(keyring, keyring->generation);
	stage_end(keyring);
}

static bool stage_in_use(const struct keyring *keyring)
{
	for (size_t i = 0; i < keyring->count; i++)
		if (keyring->file[i].staged >= 0 || keyring->file[i].removed)
			return true;
	return false;
}

int keyring_stage(struct keyring *keyring, int index, const void *data, size_t len, struct error *e)
{
	const struct content content = { .data = data, .len = len, .fd = -1 };
	struct keyring_file *file = &keyring->file[index];

	if (keyring_same(keyring, index, data, len))
		return 1;
	if (stage_begin(keyring, file->name, e))
		return -1;
	if (stage_write(keyring, file, &content, e)) {
		if (!stage_in_use(keyring))
			keyring_abandon(keyring);
		return -1;
	}
	file->removed = false;
	return 0;
}

int keyring_stage_removal(struct keyring *keyring, int index, struct error *e)
{
	struct keyring_file *file = &keyring->file[index];
	int there = file_in_place(keyring, file);

	if (there < 0)
		return error_set_errno(e, ERROR_DELIVERY, "%s", file->name);
	if (!there)
		return 1;
	if (stage_begin(keyring, file->name, e))
		return -1;
	file->removed = true;
	return 0;
}

/* --- commit ----------------------------------------------------------------------------------- */

/* Copy the unit's files that are in place and neither staged nor removed into the stage. Returns how many
 * files it then has, or -1 with an error. */
static int unit_complete(struct keyring *keyring, struct error *e)
{
	int files = 0;

	for (size_t i = 0; i < keyring->count; i++) {
		struct keyring_file *file = &keyring->file[i];
		const struct content content = { .fd = file->fd };
		int there;

		if (!keyring_same_unit(file->name, keyring->unit) || file->removed)
			continue;
		if (file->staged < 0) {
			there = file_in_place(keyring, file);
			if (there < 0)
				return error_set_errno(e, ERROR_DELIVERY, "%s", file->name);
			if (!there)
				continue;
			if (stage_write(keyring, file, &content, e))
				return -1;
		}
		files++;
	}
	return files;
}

/* Exchange the stage with @unit, or rename one of them if there is no other. Then the old generation,
 * if there is one, has the name of the stage. */
static int unit_exchange(const struct keyring *keyring, const char *unit, const char *stage,
			 int files, struct error *e)
{
	int dir = keyring->dir;

	if (!files) {
		if (!unlinkat(dir, unit, 0) || errno == ENOENT)
			return 0;
		if (errno != EISDIR || tree_remove(dir, stage) || renameat(dir, unit, dir, stage))
			return error_set_errno(e, ERROR_DELIVERY, "cannot remove '%s'", unit);
		return 0;
	}
	/* A file takes the place of a file, and a reader that has the old one open keeps it. */
	if (!strchr(keyring->unit, '/')) {
		if (!renameat(dir, stage, dir, unit))
			return 0;
		if (errno != EISDIR)
			return error_set_errno(e, ERROR_DELIVERY, "cannot rename");
	}
	if (!renameat2(dir, stage, dir, unit, RENAME_EXCHANGE) ||
	    (errno == ENOENT && !renameat(dir, stage, dir, unit)))
		return 0;
	return error_set_errno(e, ERROR_DELIVERY, "cannot replace '%s'", unit);
}

/* Put the stage with @files files in its place. */
static int unit_place(struct keyring *keyring, int files, struct error *e)
{
	struct keyring_file *first = unit_first(keyring, keyring->unit);
	char unit[NAME_MAX + 1], stage[GENERATION_NAME_MAX];

	snprintf(unit, sizeof(unit), "%.*s", (int)strcspn(keyring->unit, "/"), keyring->unit);
	generation_name(keyring->generation, stage);
	if (first->old && generation_remove(keyring, first->old))
		return error_set_errno(e, ERROR_DELIVERY, "cannot remove the old '%s'", unit);
	first->old = 0;
	if (unit_exchange(keyring, unit, stage, files, e))
		return -1;
	/* An old file is not kept: a reader can hold it open only, not find it. */
	if (unlinkat(keyring->dir, stage, 0) && errno != ENOENT) {
		first->old = keyring->generation;
		first->expiry = 0;
	}
	return 0;
}

int keyring_commit(struct keyring *keyring, struct error *e)
{
	int files;

	if (!keyring->unit)
		return 0;
	files = unit_complete(keyring, e);
	if (files < 0 || unit_place(keyring, files, e)) {
		keyring_abandon(keyring);
		return -1;
	}
	for (size_t i = 0; i < keyring->count; i++) {
		struct keyring_file *file = &keyring->file[i];

		if (!keyring_same_unit(file->name, keyring->unit))
			continue;
		if (file->fd >= 0)
			close(file->fd);
		file->fd = file->staged;
		file->staged = -1;
	}
	stage_end(keyring);
	return 0;
}

bool keyring_staged(const struct keyring *keyring, int index)
{
	return keyring->file[index].staged >= 0;
}

int keyring_published(const struct keyring *keyring, const char *name, size_t max,
		      struct bytes *data, struct error *e)
{
	int fd = openat(keyring->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return errno == ENOENT ? 0 : error_set_errno(e, ERROR_DELIVERY, "%s", name);
	ret = io_read_all(fd, max, name, data, e);
	close(fd);
	return ret;
}

int keyring_publish(struct keyring *keyring, const char *name, mode_t mode, const void *data,
		    size_t len, struct error *e)
{
	const struct keyring_file file = { .mode = mode, .uid = geteuid(), .gid = getegid() };
	const struct content content = { .data = data, .len = len, .fd = -1 };
	char stage[GENERATION_NAME_MAX];
	int fd;

	generation_name(0, stage);
	if (tree_remove(keyring->dir, stage))
		return error_set_errno(e, ERROR_DELIVERY, "%s", stage);
	fd = file_make(keyring->dir, stage, &file, &content, e);
	if (fd < 0 && errno == ENOSPC && old_remove_all(keyring)) {
		*e = (struct error)ERROR_INIT;
		fd = file_make(keyring->dir, stage, &file, &content, e);
	}
	if (fd < 0)
		return error_add(e, "%s", name);
	close(fd);
	if (!renameat(keyring->dir, stage, keyring->dir, name))
		return 0;
	error_set_errno(e, ERROR_DELIVERY, "%s: cannot rename", name);
	unlinkat(keyring->dir, stage, 0);
	return -1;
}

void keyring_touch(const struct keyring *keyring, const char *name)
{
	int fd = openat(keyring->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)futimens(fd, NULL);
	close(fd);
}
