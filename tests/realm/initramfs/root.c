// SPDX-License-Identifier: Apache-2.0
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <linux/dm-ioctl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_SECTORS 8 /* 4 KiB */
#define HASH_DIGITS   64
#define DEVICE_NAME   "root"

/* --- the disk ---------------------------------------------------------------------------------- */

static int serial_is_ours(const char *file)
{
	char serial[32] = "";
	FILE *f = fopen(file, "re");

	if (!f)
		return 0;
	if (!fgets(serial, sizeof(serial), f))
		serial[0] = '\0';
	fclose(f);
	serial[strcspn(serial, "\n")] = '\0';
	return strcmp(serial, ROOT_SERIAL) == 0;
}

/* /sys/block/vda/serial holds the serial number of /dev/vda. */
static int disk_find(char *device, size_t size)
{
	static const char prefix[] = "/sys/block/";
	int ret = -1;
	glob_t found;

	errno = ENODEV;
	if (glob("/sys/block/vd*/serial", 0, NULL, &found))
		return -1;
	for (size_t i = 0; ret && i < found.gl_pathc; i++) {
		const char *name = found.gl_pathv[i] + sizeof(prefix) - 1;

		if (!serial_is_ours(found.gl_pathv[i]))
			continue;
		snprintf(device, size, "/dev/%.*s", (int)strcspn(name, "/"), name);
		ret = 0;
	}
	globfree(&found);
	return ret;
}

/* --- dm-verity --------------------------------------------------------------------------------- */

struct dm_request {
	struct dm_ioctl header;
	struct dm_target_spec target;
	char parameters[512];
};

static void request_init(struct dm_request *request, uint32_t flags)
{
	memset(request, 0, sizeof(*request));
	request->header.version[0] = DM_VERSION_MAJOR;
	request->header.data_size = sizeof(*request);
	request->header.data_start = offsetof(struct dm_request, target);
	request->header.flags = flags;
	strcpy(request->header.name, DEVICE_NAME);
}

static int verity_parse(const char *text, uint64_t *blocks, const char **hash)
{
	char *end;

	errno = 0;
	*blocks = strtoull(text, &end, 10);
	*hash = end + 1;
	if (errno || !*blocks || *blocks > UINT32_MAX || *end != ':' ||
	    strlen(*hash) != HASH_DIGITS || strspn(*hash, "0123456789abcdef") != HASH_DIGITS) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

static void table_make(struct dm_request *request, const char *disk, uint64_t blocks,
		       const char *hash)
{
	request_init(request, DM_READONLY_FLAG);
	request->header.target_count = 1;
	request->target.length = blocks * BLOCK_SECTORS;
	strcpy(request->target.target_type, "verity");
	snprintf(request->parameters, sizeof(request->parameters),
		 "1 %s %s 4096 4096 %" PRIu64 " %" PRIu64 " sha256 %s -", disk, disk, blocks,
		 blocks, hash);
}

/* Makes /dev/dm-0, the disk's data with each block checked. */
static int device_make(const char *disk, uint64_t blocks, const char *hash)
{
	struct dm_request request;
	int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	int ret = -1;

	if (fd < 0)
		return -1;
	request_init(&request, DM_READONLY_FLAG);
	if (ioctl(fd, DM_DEV_CREATE, &request))
		goto out;
	table_make(&request, disk, blocks, hash);
	if (ioctl(fd, DM_TABLE_LOAD, &request))
		goto out;
	request_init(&request, 0); /* without the suspend flag: resume */
	ret = ioctl(fd, DM_DEV_SUSPEND, &request);
out:
	close(fd);
	return ret;
}

/* --- the new root ------------------------------------------------------------------------------ */

struct step {
	const char *what, *type, *source, *target, *data;
	unsigned long flags;
};

static const struct step steps[] = {
	{ "memory for what is written", "tmpfs", "root", "/rw", "mode=0755", 0 },
	{ "the file system", "erofs", "/dev/dm-0", "/rw/lower", NULL, MS_RDONLY },
	{ "the overlay", "overlay", "root", "/rw/root",
	  "lowerdir=/rw/lower,upperdir=/rw/upper,workdir=/rw/work", 0 },
	{ "/dev", NULL, "/dev", "/rw/root/dev", NULL, MS_MOVE },
	{ "/proc", NULL, "/proc", "/rw/root/proc", NULL, MS_MOVE },
	{ "/sys", NULL, "/sys", "/rw/root/sys", NULL, MS_MOVE },
};

static const char *steps_take(void)
{
	static const char *const folders[] = { "/rw/lower", "/rw/upper", "/rw/work", "/rw/root" };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const struct step *s = &steps[i];

		mkdir(s->target, 0755);
		if (mount(s->source, s->target, s->type, s->flags, s->data))
			return s->what;
		for (size_t k = 0; i == 0 && k < sizeof(folders) / sizeof(folders[0]); k++)
			mkdir(folders[k], 0755);
	}
	return NULL;
}

static const char *root_start(void)
{
	static char *const argv[] = { "/sbin/init", NULL };
	static char *const environment[] = { "TERM=linux", NULL };
	sigset_t none;

	umount2("/run", MNT_DETACH);
	umount2("/tmp", MNT_DETACH);
	if (chdir("/rw/root") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		return "changing to it";
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(argv[0], argv, environment);
	return argv[0];
}

const char *root_switch(const char *verity)
{
	const char *hash, *failed;
	uint64_t blocks;
	char disk[64];

	if (verity_parse(verity, &blocks, &hash))
		return "realm.root= is not BLOCKS:HASH";
	if (disk_find(disk, sizeof(disk)))
		return "the disk";
	if (device_make(disk, blocks, hash))
		return "dm-verity";
	failed = steps_take();
	return failed ? failed : root_start();
}
