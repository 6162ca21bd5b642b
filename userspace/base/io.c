// SPDX-License-Identifier: Apache-2.0
#include "io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define IO_CHUNK ((size_t)16 << 10)

static ssize_t read_some(int fd, void *data, size_t len)
{
	ssize_t n;

	do
		n = read(fd, data, len);
	while (n < 0 && errno == EINTR);
	return n;
}

int io_read_full(int fd, void *data, size_t len, struct error *e)
{
	uint8_t *at = data;

	while (len > 0) {
		ssize_t n = read_some(fd, at, len);

		if (n < 0)
			return error_set_errno(e, ERROR_SYSTEM, "read");
		if (n == 0)
			return error_set(e, ERROR_SYSTEM, "read: end of file, %zu bytes missing",
					 len);
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int io_write_full(int fd, const void *data, size_t len, struct error *e)
{
	const uint8_t *at = data;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(e, ERROR_SYSTEM, "write");
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int io_read_all(int fd, size_t max, const char *what, struct bytes *out, struct error *e)
{
	size_t before = out->len;
	ssize_t n;

	do {
		/* Grow only when no room is left, because the last read finds nothing. */
		if (out->size < out->len + 2 && bytes_reserve(out, out->len + IO_CHUNK, e) < 0)
			return -1;
		n = read_some(fd, out->data + out->len, out->size - out->len - 1);
		if (n > 0)
			out->len += (size_t)n;
	} while (n > 0 && out->len - before <= max);
	out->data[out->len] = '\0';
	if (n == 0)
		return 0;
	if (n < 0)
		error_set_errno(e, ERROR_INPUT, "%s", what);
	else
		error_set(e, ERROR_INPUT, "%s: more than %zu bytes", what, max);
	bytes_truncate(out, before);
	return -1;
}

int io_read_file(const char *path, size_t max, struct bytes *out, struct error *e)
{
	int fd, ret;

	if (strcmp(path, "-") == 0)
		return io_read_all(STDIN_FILENO, max, "standard input", out, e);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return error_set_errno(e, ERROR_INPUT, "%s", path);
	ret = io_read_all(fd, max, path, out, e);
	close(fd);
	return ret;
}

static bool name_has_suffix(const char *name, const char *const *suffixes)
{
	const char *suffix = strrchr(name, '.');

	for (size_t i = 0; suffix && suffixes[i]; i++)
		if (strcmp(suffix, suffixes[i]) == 0)
			return true;
	return false;
}

int io_each_file(const char *path, const char *const *suffixes, size_t max,
		 int (*use)(void *context, const char *name, const struct bytes *text,
			    struct error *e),
		 void *context, struct error *e)
{
	struct bytes name = BYTES_INIT, text = BYTES_INIT;
	struct dirent **entry = NULL;
	struct stat st;
	int count = 0, ret = 0;
	bool file = strcmp(path, "-") == 0; /* standard input */

	if (!file && stat(path, &st) < 0)
		return error_set_errno(e, ERROR_INPUT, "%s", path);
	if (file || !S_ISDIR(st.st_mode)) {
		ret = io_read_file(path, max, &text, e);
		if (ret == 0)
			ret = use(context, path, &text, e);
		bytes_free(&text);
		return ret;
	}
	count = scandir(path, &entry, NULL, alphasort);
	if (count < 0)
		return error_set_errno(e, ERROR_INPUT, "%s", path);
	for (int i = 0; i < count; i++) {
		if (ret == 0 && entry[i]->d_name[0] != '.' &&
		    name_has_suffix(entry[i]->d_name, suffixes)) {
			bytes_clear(&name);
			bytes_clear(&text);
			bytes_printf(&name, "%s/%s", path, entry[i]->d_name);
			ret = bytes_check(&name, e);
			if (ret == 0)
				ret = io_read_file(bytes_text(&name), max, &text, e);
			if (ret == 0)
				ret = use(context, bytes_text(&name), &text, e);
		}
		free(entry[i]);
	}
	free(entry);
	bytes_free(&name);
	bytes_free(&text);
	return ret;
}

/* Flush @fd to the disk, unless the file is in RAM. */
static int file_sync(int fd, const char *path, struct error *e)
{
	struct statfs fs;
	bool ram = fstatfs(fd, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);

	if (!ram && fsync(fd) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "%s", path);
	return 0;
}

int io_sync_parent(const char *path, struct error *e)
{
	const char *slash = strrchr(path, '/');
	char *parent = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd, ret;

	if (!parent)
		return error_set_memory(e);
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(parent);
	if (fd < 0)
		return error_set_errno(e, ERROR_SYSTEM, "%s", path);
	ret = file_sync(fd, path, e);
	close(fd);
	return ret;
}

/* Write the file at the template @path. It is created as 0600 and is never more accessible than
 * @mode. */
static int write_temporary(char *path, mode_t mode, const void *data, size_t len, struct error *e)
{
	int fd = mkostemp(path, O_CLOEXEC), ret = -1;

	if (fd < 0)
		return error_set_errno(e, ERROR_SYSTEM, "%s", path);
	if (fchmod(fd, mode) < 0)
		error_set_errno(e, ERROR_SYSTEM, "%s", path);
	else if (io_write_full(fd, data, len, e) < 0)
		error_add(e, "%s", path);
	else
		ret = file_sync(fd, path, e);
	if (close(fd) < 0 && ret == 0)
		ret = error_set_errno(e, ERROR_SYSTEM, "%s", path);
	if (ret < 0)
		unlink(path);
	return ret;
}

int io_replace_file(const char *path, const char *template, mode_t mode, const void *data,
		    size_t len, struct error *e)
{
	char *temporary = strdup(template);
	int ret;

	if (!temporary)
		return error_set_memory(e);
	ret = write_temporary(temporary, mode, data, len, e);
	if (ret == 0 && rename(temporary, path) < 0) {
		ret = error_set_errno(e, ERROR_SYSTEM, "%s", path);
		unlink(temporary);
	}
	if (ret == 0)
		ret = io_sync_parent(path, e);
	free(temporary);
	return ret;
}

/* Replace @path, whose file is @old, or NULL if there is none. */
static int output_replace(const char *path, const struct stat *old, mode_t mode, const void *data,
			  size_t len, struct error *e)
{
	mode_t mask = umask(0);
	char *template = NULL;
	int ret;

	umask(mask);
	if (asprintf(&template, "%s.XXXXXX", path) < 0)
		return error_set_memory(e);
	ret = io_replace_file(path, template, old ? mode & old->st_mode : mode & ~mask, data, len,
			      e);
	free(template);
	return ret;
}

/* Replace the regular file @old to which the symbolic link @path leads. */
static int output_replace_target(const char *path, const struct stat *old, mode_t mode,
				 const void *data, size_t len, struct error *e)
{
	char *target = realpath(path, NULL);
	struct stat now;
	int ret;

	if (!target)
		return error_set_errno(e, ERROR_SYSTEM, "%s", path);
	/* Not the same: another process changes the links. */
	if (lstat(target, &now) < 0 || now.st_dev != old->st_dev || now.st_ino != old->st_ino)
		ret = error_set(e, ERROR_SYSTEM, "%s: changes while it is written", path);
	else
		ret = output_replace(target, old, mode, data, len, e);
	free(target);
	return ret;
}

/* An open descriptor through which the file @st can be written, among those that a shell can
 * redirect by one digit, or -1. A link such as /dev/stdout names one; a second opening would lose
 * the position in the file, and is impossible for a socket. */
static int output_descriptor(const struct stat *st)
{
	struct stat own;

	for (int fd = STDOUT_FILENO; fd <= 9; fd++)
		if (fstat(fd, &own) == 0 && own.st_dev == st->st_dev && own.st_ino == st->st_ino &&
		    (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY)
			return fd;
	return -1;
}

/* Write to what @path names, without replacing it. */
static int output_into(const char *path, mode_t mode, const void *data, size_t len, struct error *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, mode), ret;

	if (fd < 0)
		return error_set_errno(e, ERROR_SYSTEM, "%s", path);
	ret = io_write_full(fd, data, len, e);
	if (ret < 0)
		error_add(e, "%s", path);
	if (close(fd) < 0 && ret == 0)
		ret = error_set_errno(e, ERROR_SYSTEM, "%s", path);
	return ret;
}

int io_write_file(const char *path, mode_t mode, const void *data, size_t len, struct error *e)
{
	struct stat link, st;
	int fd;

	if (strcmp(path, "-") == 0)
		return io_write_full(STDOUT_FILENO, data, len, e);
	if (lstat(path, &link) < 0)
		return errno == ENOENT ? output_replace(path, NULL, mode, data, len, e) :
					 error_set_errno(e, ERROR_SYSTEM, "%s", path);
	if (S_ISREG(link.st_mode))
		return output_replace(path, &link, mode, data, len, e);
	if (stat(path, &st) < 0)
		return errno == ENOENT ? output_into(path, mode, data, len, e) :
					 error_set_errno(e, ERROR_SYSTEM, "%s", path);
	fd = output_descriptor(&st);
	if (fd >= 0)
		return io_write_full(fd, data, len, e) < 0 ? error_add(e, "%s", path) : 0;
	if (S_ISREG(st.st_mode))
		return output_replace_target(path, &st, mode, data, len, e);
	return output_into(path, mode, data, len, e);
}
