// SPDX-License-Identifier: Apache-2.0
#include "keyring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/io.h"

#define MOUNT_SOURCE   "realmkey"
#define MOUNT_SIZE     "16m"
#define MOUNT_MODE     "0751"
#define MOUNTINFO_MAX  ((size_t)16 << 20)
#define DIRECTORY_MODE 0755

/* The name of a file until it is complete, or of a directory with that file, or of what such a one has
 * replaced. One is enough, because only one process can lock the keyring. */
#define TEMPORARY ".new"

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

/* Replace *@dir by the directory @name in it, which is created if @make says so. @name is one
 * component and not "..", so with O_NOFOLLOW it cannot lead elsewhere; openat2() would be refused
 * by the RestrictSUIDSGID= of a unit. */
static int directory_enter(int *dir, const char *name, bool make)
{
	bool made = make && !mkdirat(*dir, name, DIRECTORY_MODE);
	struct stat st;
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
	if (made)
		return fchmod(next, DIRECTORY_MODE);
	/* A directory that root made, in this keyring, before this process gave up root. */
	if (make && geteuid() != 0 && !fstat(next, &st) && st.st_uid == 0)
		(void)!fchown(next, geteuid(), getegid());
	return 0;
}

/* Keeps errno. */
static bool file_is_regular(int dir, const char *name)
{
	int saved = errno;
	struct stat st;
	bool regular = !fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode);

	errno = saved;
	return regular;
}

/* Enter the components of @path, beginning at @dir, which is closed: all of them if @last is NULL,
 * else all but the last, to which *@last then points. Missing ones are created if @make says so; if
 * a file is in the way of one, *@last points to that one. Returns the directory, or -1 with errno. */
static int directory_walk(int dir, const char *path, const char **last, bool make)
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
		if (directory_enter(&dir, name, make)) {
			if (!last || !make || errno != ENOTDIR || !file_is_regular(dir, name))
				goto fail;
			*last = path;
			return dir;
		}
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

/* Remove the file @name in @dir, or the directory and all that is in it; 0 if there is none. Returns
 * -1 with errno. */
static int entry_remove(int dir, const char *name)
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
		    entry_remove(fd, entry->d_name))
			break;
	failure = errno;
	closedir(stream);
	errno = failure;
	return failure ? -1 : unlinkat(dir, name, AT_REMOVEDIR);
}

/* Set @e from errno after directory_walk() failed for @path. */
static int path_fail(const char *path, struct error *e)
{
	if (errno == ELOOP)
		return error_set(e, ERROR_DELIVERY, "%s: contains a symbolic link", path);
	if (errno == EXDEV)
		return error_set(e, ERROR_DELIVERY, "%s: contains '..' or another mount", path);
	return error_set_errno(e, ERROR_DELIVERY, "%s", path);
}

/* True if the comma-separated list @options contains @option. */
static bool options_have(const char *options, const char *option)
{
	size_t len = strlen(option);

	while (options) {
		if (!strncmp(options, option, len) && (!options[len] || options[len] == ','))
			return true;
		options = strchr(options, ',');
		options += !!options;
	}
	return false;
}

/* Split @line at spaces, in place; returns the number of words, at most @max. */
static size_t line_split(char *line, char **word, size_t max)
{
	size_t count = 0;
	char *save = NULL;

	for (char *w = strtok_r(line, " ", &save); w && count < max; w = strtok_r(NULL, " ", &save))
		word[count++] = w;
	return count;
}

/*
 * Returns why a mount is not a keyring, or NULL if it is one. @line has the form of
 * proc_pid_mountinfo(5), and is changed:
 *
 *	ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG]... - TYPE SOURCE SUPEROPTIONS
 */
static const char *mountinfo_fault(char *line)
{
	char *word[32], *tail = strstr(line, " - "), *super[3];

	if (!tail)
		return "its line in mountinfo is malformed";
	*tail = '\0';
	if (line_split(line, word, ARRAY_SIZE(word)) < 6 ||
	    line_split(tail + 3, super, ARRAY_SIZE(super)) < 3)
		return "its line in mountinfo is malformed";
	if (strcmp(super[1], MOUNT_SOURCE) || strcmp(word[3], "/"))
		return "something else is mounted there";
	if (strcmp(super[0], "ramfs") &&
	    (strcmp(super[0], "tmpfs") || !options_have(super[2], "noswap")))
		return "it can be swapped out";
	if (!options_have(word[5], "nosuid") || !options_have(word[5], "nodev") ||
	    !options_have(word[5], "noexec"))
		return "it lacks nosuid, nodev or noexec";
	return NULL;
}

/* The line of mount @id in the mountinfo @text, NUL-terminated in place; NULL if there is none. */
static char *mountinfo_find(char *text, uint64_t id)
{
	char prefix[24], *save = NULL;
	size_t len = (size_t)snprintf(prefix, sizeof(prefix), "%llu ", (unsigned long long)id);

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, prefix, len))
			return line;
	}
	return NULL;
}

/* Check that mount @id, whose root is @dir, is a keyring. 0, or -1 with the reason. */
static int mount_check(int dir, uint64_t id, uid_t owner, struct error *e)
{
	struct bytes text = BYTES_INIT;
	const char *fault = NULL;
	char *line;
	struct stat st;
	int ret = -1;

	if (io_read_file("/proc/self/mountinfo", MOUNTINFO_MAX, &text, e) < 0) {
		error_reclassify(e, ERROR_INPUT, ERROR_DELIVERY);
		goto out;
	}
	line = text.len ? mountinfo_find((char *)text.data, id) : NULL;
	fault = line ? mountinfo_fault(line) : "it is not in mountinfo";
	if (!fault &&
	    (fstat(dir, &st) || (st.st_uid != geteuid() && st.st_uid != owner) || st.st_mode & 022))
		fault = "others could write to it";
	ret = fault ? error_set(e, ERROR_DELIVERY, "is a mount, but not a keyring: %s", fault) : 0;
out:
	bytes_free(&text);
	return ret;
}

/* Create a file system of @type. Returns a file descriptor of its mount, or -1 with errno: EINVAL
 * if the kernel lacks an option. */
static int mount_create(const char *type, bool swapless)
{
	int mount = -1, saved;
	int fs = fsopen(type, FSOPEN_CLOEXEC);

	if (fs < 0)
		return -1;
	if (!fsconfig(fs, FSCONFIG_SET_STRING, "source", MOUNT_SOURCE, 0) &&
	    !fsconfig(fs, FSCONFIG_SET_STRING, "mode", MOUNT_MODE, 0) &&
	    (swapless || (!fsconfig(fs, FSCONFIG_SET_FLAG, "noswap", NULL, 0) &&
			  !fsconfig(fs, FSCONFIG_SET_STRING, "size", MOUNT_SIZE, 0))) &&
	    !fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mount = fsmount(fs, FSMOUNT_CLOEXEC,
				MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	saved = errno;
	close(fs);
	errno = saved;
	return mount;
}

/* Mount a keyring over *@dir and make *@dir its root. */
static int mount_make(int *dir, struct error *e)
{
	int root, mount = mount_create("tmpfs", false);

	if (mount < 0 && (errno == EINVAL || errno == ENODEV))
		mount = mount_create("ramfs", true);
	if (mount < 0)
		return error_set_errno(e, ERROR_DELIVERY, "cannot make a file system in memory");
	if (move_mount(mount, "", *dir, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)) {
		error_set_errno(e, ERROR_DELIVERY, "cannot mount");
		close(mount);
		return -1;
	}
	root = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		error_set_errno(e, ERROR_DELIVERY, "cannot open the mount");
	close(mount);
	if (root < 0)
		return -1;
	close(*dir);
	*dir = root;
	return 0;
}

static int mount_ensure(int *dir, uid_t owner, struct error *e)
{
	struct statx sx;

	if (statx(*dir, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx))
		return error_set_errno(e, ERROR_DELIVERY, "statx");
	if (!(sx.stx_mask & STATX_MNT_ID) || !(sx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT))
		return error_set(e, ERROR_DELIVERY,
				 "this kernel does not report mounts (STATX_MNT_ID)");
	if (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return mount_check(*dir, sx.stx_mnt_id, owner, e);
	return mount_make(dir, e);
}

/* Lock the keyring, so that only this process writes to it, remove an incomplete file of a process
 * that was killed, and give the keyring to @uid. Root without CAP_DAC_OVERRIDE has to own it in the
 * meantime. */
static int keyring_claim(int dir, uid_t uid, gid_t gid, struct error *e)
{
	if (flock(dir, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ?
			       error_set(e, ERROR_DELIVERY, "is in use by another process") :
			       error_set_errno(e, ERROR_DELIVERY, "cannot lock");
	if (fchown(dir, geteuid(), getegid()))
		return error_set_errno(e, ERROR_DELIVERY, "cannot become its owner");
	if (entry_remove(dir, TEMPORARY))
		return error_set_errno(e, ERROR_DELIVERY, "%s", TEMPORARY);
	if (fchown(dir, uid, gid))
		return error_set_errno(e, ERROR_DELIVERY, "cannot set owner %u:%u", uid, gid);
	return 0;
}

int keyring_open(struct keyring *keyring, const char *path, uid_t uid, gid_t gid, struct error *e)
{
	int dir, root;

	if (*path != '/' || !path[strspn(path, "/")])
		return error_set(e, ERROR_DELIVERY, "%s: not the absolute path of a directory",
				 path);
	root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = root < 0 ? -1 : directory_walk(root, path, NULL, true);
	if (dir < 0)
		return path_fail(path, e);
	if (mount_ensure(&dir, uid, e) || keyring_claim(dir, uid, gid, e)) {
		close(dir);
		return error_add(e, "%s", path);
	}
	keyring->dir = dir;
	return 0;
}

int keyring_remember(struct keyring *keyring, const char *file, struct error *e)
{
	struct keyring_file *old;
	const char *name;
	struct stat st;
	int dir, fd;

	dir = openat(keyring->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		dir = directory_walk(dir, file, &name, false);
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
	old = reallocarray(keyring->old, keyring->count + 1, sizeof(*old));
	if (!old) {
		close(fd);
		return error_set_memory(e);
	}
	keyring->old = old;
	old[keyring->count++] = (struct keyring_file){ .name = file, .fd = fd };
	return 0;
}

/* Open the file @name in @dir, which is @file in the keyring. A remembered descriptor is used only
 * for the file that still has this name. Returns -1 if there is none that can be read. */
static int file_open(const struct keyring *keyring, const char *file, int dir, const char *name)
{
	struct stat here, old;

	for (size_t i = 0; i < keyring->count; i++) {
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

	if (dir >= 0 && directory_enter(&dir, TEMPORARY, true)) {
		close(dir);
		dir = -1;
	}
	if (dir >= 0)
		dir = directory_walk(dir, below, name, true);
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
	if (len >= sizeof(component)) /* directory_walk() refuses it */
		return error_set(e, ERROR_DELIVERY, "name too long");
	memcpy(component, name, len);
	component[len] = '\0';
	if (renameat2(root, TEMPORARY, dir, component, RENAME_EXCHANGE))
		return error_set_errno(e, ERROR_DELIVERY, "cannot replace '%s'", component);
	if (entry_remove(root, TEMPORARY))
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
		dir = directory_walk(dir, file, &name, true);
	if (dir < 0)
		return path_fail(file, e);
	below = strchr(name, '/'); /* NULL unless a file is in the way of a directory */
	if (!below && file_same(file_open(keyring, file, dir, name), mode, uid, gid, data, len)) {
		close(dir);
		return 1;
	}
	if (entry_remove(keyring->dir, TEMPORARY)) {
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
		entry_remove(keyring->dir, TEMPORARY);
	}
out:
	close(dir);
	return ret;
}

void keyring_close(struct keyring *keyring)
{
	if (keyring->dir >= 0)
		close(keyring->dir);
	for (size_t i = 0; i < keyring->count; i++)
		close(keyring->old[i].fd);
	free(keyring->old);
	*keyring = (struct keyring)KEYRING_INIT;
}
