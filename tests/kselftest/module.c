// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "module.h"
#include "device.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define AUTOLOAD "/proc/sys/kernel/modprobe"

/* Finds the file of module @name, into @path; false if modprobe has to find it. */
static bool file_of(const char *name, char *path, size_t room)
{
	const char *given = strcmp(name, MODULE) == 0 ? getenv("MODULE") : NULL;
	char program[PATH_MAX];
	ssize_t length;

	if (given && *given)
		return (size_t)snprintf(path, room, "%s", given) < room;
	length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	if (length <= 0)
		return false;
	program[length] = '\0';
	*strrchr(program, '/') = '\0';
	return (size_t)snprintf(path, room, "%s/%s.ko", program, name) < room &&
	       access(path, R_OK) == 0;
}

/* MODULE_ARGUMENTS comes first, so that @arguments can override it. */
static const char *arguments_of(const char *name, const char *arguments, char *all, size_t room)
{
	const char *always = strcmp(name, MODULE) == 0 ? getenv("MODULE_ARGUMENTS") : NULL;

	if (!always)
		return arguments;
	snprintf(all, room, "%s %s", always, arguments);
	return all;
}

bool module_load(const char *name, const char *arguments)
{
	char path[PATH_MAX + 64], command[192], all[128];
	long ret;
	int fd;

	arguments = arguments_of(name, arguments, all, sizeof(all));
	if (!file_of(name, path, sizeof(path))) {
		snprintf(command, sizeof(command), "modprobe %s %s 2>/dev/null", name, arguments);
		return system(command) == 0;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ret = syscall(SYS_finit_module, fd, arguments, 0);
	close(fd);
	return ret == 0;
}

int module_unload(const char *name)
{
	return (int)syscall(SYS_delete_module, name, O_NONBLOCK);
}

bool module_at_hand(const char *name)
{
	char path[PATH_MAX + 64];

	return file_of(name, path, sizeof(path));
}

bool module_has_alias(const char *name, const char *alias)
{
	static char file[8 << 20];
	char path[PATH_MAX + 64], line[128];
	int length = snprintf(line, sizeof(line), "alias=%s", alias);
	FILE *f = file_of(name, path, sizeof(path)) ? fopen(path, "re") : NULL;
	size_t size = f ? fread(file, 1, sizeof(file), f) : 0;

	if (f)
		fclose(f);
	return length > 0 && memmem(file, size, line, (size_t)length + 1);
}

bool module_reload(const char *arguments)
{
	return module_unload(MODULE) == 0 && module_load(MODULE, arguments);
}

bool module_loaded(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", name);
	return access(path, F_OK) == 0;
}

static char autoload_was[256];

static void autoload_write(const char *program)
{
	int fd = open(AUTOLOAD, O_WRONLY | O_CLOEXEC);

	/* An empty string is written with its NUL, because a write of 0 bytes has no effect. */
	if (fd >= 0 && write(fd, program, strlen(program) + 1) < 0)
		perror(AUTOLOAD);
	close(fd);
}

static void autoload_on(void)
{
	autoload_write(autoload_was);
}

void module_autoload_off(void)
{
	int fd = open(AUTOLOAD, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, autoload_was, sizeof(autoload_was) - 1);

	close(fd);
	if (length <= 0)
		return;
	autoload_was[strcspn(autoload_was, "\n")] = '\0';
	autoload_write("");
	atexit(autoload_on);
}

bool module_is_fake(void)
{
	struct cca_rsi_config config;

	return device_config(&config) &&
	       memcmp(config.rpv, "a fake realm", sizeof("a fake realm")) == 0;
}

bool kernel_keeps_freed(void)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	bool found = false;
	char line[512];

	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, " kasan_quarantine_put\n") != NULL;
	if (file)
		fclose(file);
	return found;
}

long kernel_memory(void)
{
	static const char *const names[] = { "SUnreclaim", "VmallocUsed", "Percpu", "KernelStack",
					     "PageTables" };
	FILE *file = fopen("/proc/meminfo", "re");
	long sum = 0, value;
	char name[64];

	while (file && fscanf(file, "%63[^:]: %ld%*[^\n] ", name, &value) == 2)
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			sum += strcmp(name, names[i]) == 0 ? value : 0;
	if (file)
		fclose(file);
	return sum;
}
