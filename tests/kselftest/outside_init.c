// SPDX-License-Identifier: Apache-2.0
/*
 * PID 1 of a machine that is not a realm (see outside). It loads the modules in its directory in
 * the order of their names. cca_rsi is 3.ko, which must refuse to load. 4.ko is cca_rsi with the
 * fake RSI and without netlink, which must load and work.
 */
#include "tap.h"

#include <fcntl.h>
#include <linux/cca_rsi.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KLOG_READ_ALL 3

static int module_load(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	int ret, error;

	if (fd < 0)
		tap_bail("cannot open %s", file);
	ret = (int)syscall(SYS_finit_module, fd, "", 0);
	error = errno;
	close(fd);
	errno = error;
	return ret;
}

/*
 * Counts the module's own lines in the kernel's log, without the loader's message about the taint.
 */
static int lines_of_module(void)
{
	static char log[1 << 20];
	int length = klogctl(KLOG_READ_ALL, log, sizeof(log) - 1), count = 0;

	if (length < 0)
		return -1;
	for (const char *at = log; (at = strstr(at, "] cca_rsi: ")); at++)
		count += !strstr(at, "taint") || strchr(at, '\n') < strstr(at, "taint");
	return count;
}

static void refuses_with_one_line(void)
{
	CHECK_ERRNO(module_load("/3.ko"), ENODEV);
	CHECK(lines_of_module() == 1);
	CHECK(access("/sys/module/cca_rsi", F_OK) != 0);
}

static void refuses_again(void)
{
	CHECK_ERRNO(module_load("/3.ko"), ENODEV);
	CHECK(lines_of_module() == 2);
}

static void works_without_netlink(void)
{
	struct cca_rsi_extend extend = { .index = 1 };
	struct cca_rsi_token token = { .fd = -1 };
	struct cca_rsi_config config;
	char log[4096];
	int device;

	CHECK(module_load("/4.ko") == 0);
	device = open("/dev/cca-rsi", O_RDWR | O_CLOEXEC);
	CHECK(device >= 0 && ioctl(device, CCA_RSI_CONFIG, &config) == 0);
	extend.digest_size = config.digest_size;
	CHECK(ioctl(device, CCA_RSI_EXTEND, &extend) == 0 && extend.seq == config.log_seq);
	CHECK(ioctl(device, CCA_RSI_TOKEN, &token) == 0 && token.log_seq == extend.seq + 1);
	CHECK(read(device, log, sizeof(log)) > 0);
	close(token.fd);
	close(device);
	CHECK(syscall(SYS_delete_module, "cca_rsi", O_NONBLOCK) == 0);
}

static const struct tap_test tests[] = {
	{ "outside a realm the module refuses with ENODEV and one line", refuses_with_one_line },
	{ "a second load is refused in the same way", refuses_again },
	{ "without netlink the module loads and works, over the fake RSI", works_without_netlink },
};

static void console_open(void)
{
	int fd;

	mkdir("/dev", 0755);
	mkdir("/sys", 0755);
	mount("none", "/dev", "devtmpfs", 0, NULL);
	mount("none", "/sys", "sysfs", 0, NULL);
	fd = open("/dev/console", O_RDWR);
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
}

int main(void)
{
	console_open();
	if (module_load("/1.ko") || module_load("/2.ko"))
		tap_note("cannot load what the module depends on: %s", strerror(errno));
	tap_run(tests, sizeof(tests) / sizeof(tests[0]));
	sync();
	return reboot(RB_POWER_OFF);
}
