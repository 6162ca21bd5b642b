// SPDX-License-Identifier: Apache-2.0
#include "mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/io.h"
#include "base/log.h"

#define MOUNT_SOURCE  "realmkey"
#define MOUNT_SIZE    ((size_t)16 << 20)
#define MOUNT_MODE    "0751"
#define MOUNTINFO_MAX ((size_t)16 << 20)

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

/* Set the options of a tmpfs with at most @size bytes. */
static int tmpfs_configure(int fs, size_t size)
{
	char text[24];

	snprintf(text, sizeof(text), "%zu", size);
	return fsconfig(fs, FSCONFIG_SET_FLAG, "noswap", NULL, 0) ||
			       fsconfig(fs, FSCONFIG_SET_STRING, "size", text, 0) ?
		       -1 :
		       0;
}

/* Give the tmpfs with root @dir @size bytes, if it has another size. This needs CAP_SYS_ADMIN, which a
 * unit does not give: there the size is that of the mount unit. A secret that does not fit is an
 * error later, so this is only a warning. */
static void mount_resize(int dir, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct statfs fs;
	int context = -1;
	bool done;

	if (fstatfs(dir, &fs) || fs.f_type != TMPFS_MAGIC ||
	    (size_t)fs.f_blocks * (size_t)fs.f_bsize == (size + page - 1) / page * page)
		return;
	context = fspick(dir, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH);
	done = context >= 0 && !tmpfs_configure(context, size) &&
	       !fsconfig(context, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
	if (!done)
		log_line(LOG_LEVEL_WARNING,
			 "the keyring is mounted with size %zu, and setting [keyring] size %zu "
			 "failed (%s); set size= in the mount unit or unmount it",
			 (size_t)fs.f_blocks * (size_t)fs.f_bsize, size, strerror(errno));
	if (context >= 0)
		close(context);
}

/* Create a file system of @type. Returns a file descriptor of its mount, or -1 with errno: EINVAL
 * if the kernel lacks an option. */
static int mount_create(const char *type, bool swapless, size_t size)
{
	int mount = -1, saved;
	int fs = fsopen(type, FSOPEN_CLOEXEC);

	if (fs < 0)
		return -1;
	if (!fsconfig(fs, FSCONFIG_SET_STRING, "source", MOUNT_SOURCE, 0) &&
	    !fsconfig(fs, FSCONFIG_SET_STRING, "mode", MOUNT_MODE, 0) &&
	    (swapless || !tmpfs_configure(fs, size)) &&
	    !fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mount = fsmount(fs, FSMOUNT_CLOEXEC,
				MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	saved = errno;
	close(fs);
	errno = saved;
	return mount;
}

/* Mount a keyring over *@dir and make *@dir its root. */
static int mount_make(int *dir, size_t size, struct error *e)
{
	int root, mount = mount_create("tmpfs", false, size);

	if (mount < 0 && (errno == EINVAL || errno == ENODEV))
		mount = mount_create("ramfs", true, size);
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

int mount_ensure(int *dir, size_t size, uid_t owner, struct error *e)
{
	struct statx sx;

	if (statx(*dir, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx))
		return error_set_errno(e, ERROR_DELIVERY, "statx");
	if (!(sx.stx_mask & STATX_MNT_ID) || !(sx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT))
		return error_set(e, ERROR_DELIVERY,
				 "this kernel does not report mounts (STATX_MNT_ID)");
	if (!(sx.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return mount_make(dir, size ? size : MOUNT_SIZE, e);
	if (mount_check(*dir, sx.stx_mnt_id, owner, e))
		return -1;
	if (size)
		mount_resize(*dir, size);
	return 0;
}
