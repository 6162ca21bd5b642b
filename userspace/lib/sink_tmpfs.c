// SPDX-License-Identifier: Apache-2.0
#include "sink_tmpfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bytes.h"
#include "io.h"

#define MOUNT_SOURCE "realmkey"
#define MOUNT_SIZE "16m"
#define MOUNT_MODE "0751"
#define MOUNTINFO_MAX ((size_t)16 << 20)
#define DIRECTORY_MODE 0755

/* What is being written, until it has its name. One is enough: the keyring is locked by its one
 * user. */
#define TEMPORARY ".new"

/* Move *@dir on to the directory @name in it, making it if it is not there. */
static int directory_enter(int *dir, const char *name)
{
	static const struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	bool made = !mkdirat(*dir, name, DIRECTORY_MODE);
	int next;

	if (!made && errno != EEXIST)
		return -1;
	next = (int)syscall(SYS_openat2, *dir, name, &how, sizeof(how));
	if (next < 0)
		return -1;
	close(*dir);
	*dir = next;
	/* The umask must not decide who gets at a secret. */
	return made ? fchmod(next, DIRECTORY_MODE) : 0;
}

/* Follow the components of @path from @dir, which is consumed, up to *@last (the part after the
 * last '/') or, if @last is NULL, through all of it. Returns the directory or -1 with errno. */
static int directory_walk(int dir, const char *path, const char **last)
{
	char name[NAME_MAX + 1];

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
		if (directory_enter(&dir, name))
			goto fail;
		path += len;
	}
	if (last)
		*last = path;
	return dir;
fail:
	close(dir);
	return -1;
}

/* What errno says of a @path that was walked. */
static int path_fail(const char *path, struct error *e)
{
	if (errno == ELOOP)
		return error_set(e, ERROR_DELIVERY, "%s: has a symbolic link in it", path);
	if (errno == EXDEV)
		return error_set(e, ERROR_DELIVERY, "%s: has '..' or another mount in it", path);
	return error_set_errno(e, ERROR_DELIVERY, "%s", path);
}

/* Whether the comma-separated @options hold @option. */
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
 * Why a mount is no keyring of ours, or NULL. @line, in the form of proc_pid_mountinfo(5), is
 * changed: ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG]... - TYPE SOURCE SUPEROPTIONS
 */
static const char *mountinfo_fault(char *line)
{
	char *word[32], *tail = strstr(line, " - "), *super[3];

	if (!tail)
		return "it cannot be understood";
	*tail = '\0';
	if (line_split(line, word, 32) < 6 || line_split(tail + 3, super, 3) < 3)
		return "it cannot be understood";
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

/* Whether what is mounted as @id can be used as it is: 0, or -1 with the reason. */
static int mount_check(int dir, uint64_t id, struct error *e)
{
	struct bytes text = BYTES_INIT;
	const char *fault = NULL;
	char *line;
	struct stat st;
	int fd, ret = -1;

	fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(e, ERROR_DELIVERY, "/proc/self/mountinfo");
	if (io_read_all(fd, MOUNTINFO_MAX, "/proc/self/mountinfo", &text, e))
		goto out;
	line = text.len ? mountinfo_find((char *)text.data, id) : NULL;
	fault = line ? mountinfo_fault(line) : "it cannot be found in mountinfo";
	if (!fault && (fstat(dir, &st) || st.st_uid != geteuid() || st.st_mode & 022))
		fault = "others could write to it";
	ret = fault ? error_set(e, ERROR_DELIVERY, "is a mount, but not a keyring of ours: %s",
				fault) : 0;
out:
	bytes_free(&text);
	close(fd);
	return ret;
}

/* A new instance of @type, or -1 with errno: EINVAL where the kernel has no such option. */
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

static int mount_ensure(int *dir, struct error *e)
{
	struct statx sx;

	if (statx(*dir, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx))
		return error_set_errno(e, ERROR_DELIVERY, "statx");
	if (!(sx.stx_mask & STATX_MNT_ID) ||
	    !(sx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT))
		return error_set(e, ERROR_DELIVERY, "this kernel does not tell mounts apart");
	if (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return mount_check(*dir, sx.stx_mnt_id, e);
	return mount_make(dir, e);
}

/* Be the only one to write here, and remove what one that was killed has left. */
static int keyring_claim(int dir, struct error *e)
{
	if (flock(dir, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ?
		       error_set(e, ERROR_DELIVERY, "is in use by another process") :
		       error_set_errno(e, ERROR_DELIVERY, "cannot lock");
	if (unlinkat(dir, TEMPORARY, 0) && errno != ENOENT)
		return error_set_errno(e, ERROR_DELIVERY, "%s", TEMPORARY);
	return 0;
}

int sink_tmpfs_open(struct sink_tmpfs *sink, const char *path, struct error *e)
{
	int dir, root;

	if (*path != '/' || !path[strspn(path, "/")])
		return error_set(e, ERROR_DELIVERY, "%s: not the absolute path of a directory",
				 path);
	root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = root < 0 ? -1 : directory_walk(root, path, NULL);
	if (dir < 0)
		return path_fail(path, e);
	if (mount_ensure(&dir, e) || keyring_claim(dir, e)) {
		close(dir);
		return error_add(e, "%s", path);
	}
	sink->dir = dir;
	return 0;
}

/* Whether the regular file @fd holds just the @len bytes @data. Read, not mapped: its owner may cut
 * it short meanwhile, which would be a SIGBUS here. */
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

static bool file_same(int dir, const char *name, mode_t mode, uid_t uid, gid_t gid,
		      const void *data, size_t len)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
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

/* Make TEMPORARY in @root with its final mode and owner before its first byte. The mode comes
 * first: to set it afterwards would take a capability. */
static int temporary_write(int root, mode_t mode, uid_t uid, gid_t gid, const void *data,
			   size_t len, struct error *e)
{
	int fd, ret = -1;

	fd = openat(root, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0)
		return error_set_errno(e, ERROR_DELIVERY, "cannot create");
	if (fchmod(fd, mode))
		error_set_errno(e, ERROR_DELIVERY, "cannot set mode %04o", mode);
	else if (fchown(fd, uid, gid))
		error_set_errno(e, ERROR_DELIVERY, "cannot give it to %u:%u", uid, gid);
	else if (!io_write_full(fd, data, len, e))
		ret = 0;
	else
		e->kind = ERROR_DELIVERY;
	close(fd);
	if (ret)
		unlinkat(root, TEMPORARY, 0);
	return ret;
}

int sink_tmpfs_put(struct sink_tmpfs *sink, const char *file, mode_t mode, uid_t uid, gid_t gid,
		   const void *data, size_t len, struct error *e)
{
	const char *name;
	int dir, ret = -1;

	dir = openat(sink->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		dir = directory_walk(dir, file, &name);
	if (dir < 0)
		return path_fail(file, e);
	if (file_same(dir, name, mode, uid, gid, data, len)) {
		ret = 1;
		goto out;
	}
	if (temporary_write(sink->dir, mode, uid, gid, data, len, e)) {
		error_add(e, "%s", file);
		goto out;
	}
	if (renameat(sink->dir, TEMPORARY, dir, name)) {
		path_fail(file, e);
		unlinkat(sink->dir, TEMPORARY, 0);
		goto out;
	}
	ret = 0;
out:
	close(dir);
	return ret;
}

void sink_tmpfs_close(struct sink_tmpfs *sink)
{
	if (sink->dir >= 0)
		close(sink->dir);
	sink->dir = -1;
}
