// SPDX-License-Identifier: Apache-2.0
#include "kernel.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KMEMLEAK "/sys/kernel/debug/kmemleak"
/* kmemleak does not report younger objects. */
#define LEAK_AGE 6
/* How long to wait for a port, in tenths of a second */
#define PORT_WAIT 100

static void *image;
static size_t image_size;

bool kernel_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t size = strlen(text);
	bool good;

	if (fd < 0)
		return false;
	good = write(fd, text, size) == (ssize_t)size;
	close(fd);
	return good;
}

int kernel_read(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t size;

	if (fd < 0)
		return -1;
	while ((size = read(fd, text + used, room - 1 - used)) > 0)
		used += (size_t)size;
	text[used] = '\0';
	close(fd);
	return size < 0 ? -1 : (int)used;
}

/* /dev/vport1p2 is the port whose name is in /sys/class/virtio-ports/vport1p2/name. */
static bool port_is(const char *name_file, const char *name)
{
	char text[32] = "";

	if (kernel_read(name_file, text, sizeof(text)) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, name) == 0;
}

static int port_open(const char *name)
{
	char path[64];
	glob_t found;
	int fd = -1;

	if (glob("/sys/class/virtio-ports/*/name", 0, NULL, &found))
		return -1;
	for (size_t i = 0; i < found.gl_pathc && fd < 0; i++) {
		if (!port_is(found.gl_pathv[i], name))
			continue;
		*strrchr(found.gl_pathv[i], '/') = '\0';
		snprintf(path, sizeof(path), "/dev%s", strrchr(found.gl_pathv[i], '/'));
		fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	}
	globfree(&found);
	return fd;
}

/* The driver may find the ports later than this program starts. */
int kernel_port(const char *name)
{
	int fd = port_open(name);

	for (int i = 0; fd < 0 && i < PORT_WAIT; i++) {
		usleep(100000);
		fd = port_open(name);
	}
	return fd;
}

bool kernel_parameter(const char *name, long value)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	snprintf(text, sizeof(text), "%ld", value);
	return kernel_write(path, text);
}

bool kernel_module_prepare(void)
{
	int fd = open(MODULE_FILE, O_RDONLY | O_CLOEXEC);
	struct stat st;
	bool good;

	if (fd < 0)
		return false;
	good = fstat(fd, &st) == 0 && (image = malloc((size_t)st.st_size)) != NULL &&
	       read(fd, image, (size_t)st.st_size) == st.st_size;
	image_size = (size_t)st.st_size;
	close(fd);
	return good;
}

int kernel_module_load_with(const char *parameters)
{
	return (int)syscall(SYS_init_module, image, image_size, parameters);
}

int kernel_module_load(void)
{
	return kernel_module_load_with("");
}

int kernel_module_unload(void)
{
	return (int)syscall(SYS_delete_module, MODULE_NAME, O_NONBLOCK);
}

/* Opened once, because only the tested call may allocate between begin and end. */
static int fault_file(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		tap_bail("cannot open fail-nth: %s", strerror(errno));
	return fd;
}

void kernel_fault_begin(unsigned int nth)
{
	char text[16];
	int size = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(fault_file(), text, (size_t)size, 0) != size)
		tap_bail("cannot write fail-nth: %s", strerror(errno));
}

/* Reading and writing the file are system calls too, which a fault that is left over may hit. */
bool kernel_fault_end(void)
{
	char text[16] = "";
	bool injected = pread(fault_file(), text, sizeof(text) - 1, 0) > 0 && atoi(text) == 0;

	while (pwrite(fault_file(), "0", 1, 0) != 1)
		;
	return injected;
}

bool kernel_no_leaks(void)
{
	static char text[65536];
	char *line;

	for (int i = 0; i < 2; i++) {
		sleep(LEAK_AGE);
		if (!kernel_write(KMEMLEAK, "scan"))
			tap_bail("cannot start a kmemleak scan: %s", strerror(errno));
	}
	if (kernel_read(KMEMLEAK, text, sizeof(text)) == 0)
		return true;
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		tap_note("%s", line);
	kernel_write(KMEMLEAK, "clear");
	return false;
}

bool kernel_rsi_is_fake(void)
{
	const char *rsi = getenv("RSI");

	return !rsi || strcmp(rsi, "fake") == 0;
}
