// SPDX-License-Identifier: Apache-2.0
/*
 * PID 1 of the bench's realm sets up mounts, modules and network, then runs the agent and a root
 * shell on the console until a signal ends the realm. It does the same in every boot, whatever the
 * boot is for, because what is measured (initramfs, device tree) must be the same too.
 */
#include "network.h"
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

static void complain(const char *what, const char *name)
{
	fprintf(stderr, "init: %s %s: %s\n", what, name, strerror(errno));
}

/* --- mounts ---------------------------------------------------------------------------------- */

struct mount_point {
	const char *type, *target, *data;
	unsigned long flags;
};

#define SAFE (MS_NOSUID | MS_NODEV | MS_NOEXEC)

static const struct mount_point mounts_first[] = {
	{ "devtmpfs", "/dev", NULL, MS_NOSUID },
	{ "proc", "/proc", NULL, SAFE },
	{ "sysfs", "/sys", NULL, SAFE },
	{ "devpts", "/dev/pts", "mode=0620,gid=5", MS_NOSUID | MS_NOEXEC },
	{ "tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV },
	{ "tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV },
	{ "tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV },
};

/* Their file systems are modules, which must be loaded first. */
static const struct mount_point mounts_late[] = {
	{ "configfs", "/sys/kernel/config", NULL, SAFE },
};

static void mount_all(const struct mount_point *points, size_t count)
{
	for (const struct mount_point *p = points; p < points + count; p++) {
		mkdir(p->target, 0755);
		if (mount(p->type, p->target, p->type, p->flags, p->data))
			complain("mounting", p->target);
	}
}

/* Our initramfs has no /dev/console, so the kernel has opened none for PID 1. */
static void console_open(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY);

	if (fd < 0)
		return;
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
}

/* --- modules --------------------------------------------------------------------------------- */

static void module_load(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
		complain("loading", file);
	if (fd >= 0)
		close(fd);
}

/*
 * Loads the modules in the running kernel's list @name. A kernel without a list needs its drivers
 * built in.
 */
static void modules_load(const char *name)
{
	char line[LINE_MAX_BYTES];
	struct utsname kernel;
	FILE *f;

	uname(&kernel);
	snprintf(line, sizeof(line), "/usr/lib/modules/%s/%s", kernel.release, name);
	f = fopen(line, "re");
	if (!f) {
		complain("no modules of this kernel are here:", line);
		return;
	}
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		module_load(line);
	}
	fclose(f);
}

/* --- services -------------------------------------------------------------------------------- */

struct service {
	const char *path;
	char *const *argv;
	bool on_console;
	bool again_after_success; /* it is started again after status 0, too */
	pid_t pid;
	time_t started;
};

static char *const agent_argv[] = { "agent", NULL };
static char *const shell_argv[] = { "-sh", NULL };

static struct service services[] = {
	{ .path = "/usr/lib/realmkey/agent", .argv = agent_argv },
	{ .path = "/bin/sh", .argv = shell_argv, .on_console = true, .again_after_success = true },
};

#define SERVICES (sizeof(services) / sizeof(services[0]))

/* /dev/console cannot be a controlling terminal; the terminal behind it can. */
static void terminal_open(void)
{
	char active[64] = "", device[80];
	FILE *f = fopen("/sys/class/tty/console/active", "re");
	const char *name;
	int fd;

	if (f && fgets(active, sizeof(active), f))
		active[strcspn(active, "\n")] = '\0';
	if (f)
		fclose(f);
	name = strrchr(active, ' '); /* the last one is /dev/console */
	snprintf(device, sizeof(device), "/dev/%s", name ? name + 1 : active);
	fd = open(device, O_RDWR | O_NOCTTY);
	if (fd < 0 || ioctl(fd, TIOCSCTTY, 0))
		return;
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
}

static _Noreturn void service_exec(const struct service *service)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (service->on_console)
		terminal_open();
	if (chdir("/root"))
		complain("entering", "/root");
	execv(service->path, service->argv);
	complain("starting", service->path);
	_exit(127);
}

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void service_start(struct service *service)
{
	service->started = seconds();
	service->pid = fork();
	if (service->pid == 0)
		service_exec(service);
	if (service->pid < 0)
		complain("starting", service->path);
}

/* A service whose pid is -1 is started again, at most once a second. */
static void services_restart(void)
{
	for (struct service *s = services; s < services + SERVICES; s++) {
		if (s->pid < 0 && seconds() > s->started)
			service_start(s);
	}
}

static void child_ended(pid_t pid, int status)
{
	for (struct service *s = services; s < services + SERVICES; s++) {
		if (s->pid == pid)
			s->pid = s->again_after_success || status != 0 ? -1 : 0;
	}
}

static void children_reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		child_ended(pid, status);
}

/* --- the whole -------------------------------------------------------------------------------- */

/* The counter runs from power-on, so it includes the time before the kernel, which the RMM took. */
static void report_start(void)
{
	uint64_t count, hertz;
	struct timespec up;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hertz));
	clock_gettime(CLOCK_BOOTTIME, &up);
	printf("init: PID 1 after %.1f s, %ld.%ld s of them the kernel's\n",
	       (double)count / (double)hertz, (long)up.tv_sec, up.tv_nsec / 100000000);
	fflush(stdout);
}

static void environment(void)
{
	static const char *const variables[][2] = {
		{ "PATH", "/usr/sbin:/usr/bin:/sbin:/bin" },
		{ "HOME", "/root" },
		{ "USER", "root" },
		{ "SHELL", "/bin/sh" },
		{ "TERM", "linux" },
		{ "LC_ALL", "C.UTF-8" },
	};

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		setenv(variables[i][0], variables[i][1], 1);
	if (sethostname("realm", 5))
		complain("naming", "the host");
	umask(022);
}

/*
 * modprobe is not in the archive: while the kernel boots, it requests modules that do not exist (for its
 * certificates' algorithms), and would wait each time for busybox to find that out.
 */
static void modprobe_offer(void)
{
	if (symlink("busybox", "/usr/bin/modprobe"))
		complain("linking", "modprobe");
}

static void machine_set_up(void)
{
	mount_all(mounts_first, sizeof(mounts_first) / sizeof(mounts_first[0]));
	console_open();
	report_start();
	environment();
	modprobe_offer();
	modules_load("order");
	mount_all(mounts_late, sizeof(mounts_late) / sizeof(mounts_late[0]));
}

/* Sets @root to the value of the kernel argument realm.root. Returns false if there is none. */
static bool root_argument(char *line, size_t size, const char **root)
{
	FILE *f = fopen("/proc/cmdline", "re");
	const bool read = f && fgets(line, (int)size, f);
	char *at = read ? strstr(line, ROOT_ARGUMENT) : NULL;

	if (f)
		fclose(f);
	if (!at)
		return false;
	at += strlen(ROOT_ARGUMENT);
	at[strcspn(at, " \n")] = '\0';
	*root = at;
	return true;
}

/* Returns only if the argument is not there. Powers off if the root file system cannot be used. */
static void root_enter(void)
{
	char line[LINE_MAX_BYTES];
	const char *root, *failed;

	if (!root_argument(line, sizeof(line), &root))
		return;
	modules_load("order.root");
	failed = root_switch(root);
	complain("root file system:", failed);
	fflush(stderr);
	sleep(1);
	reboot(RB_POWER_OFF);
}

static _Noreturn void machine_stop(int how)
{
	kill(-1, SIGTERM);
	usleep(100000);
	kill(-1, SIGKILL);
	sync();
	reboot(how);
	_exit(1);
}

/* Busybox's poweroff, halt and reboot send these, and so does the agent. */
static int signal_wait(const sigset_t *signals)
{
	const struct timespec second = { .tv_sec = 1 };

	switch (sigtimedwait(signals, NULL, &second)) {
	case SIGUSR1:
	case SIGUSR2:
		return RB_POWER_OFF;
	case SIGTERM:
		return RB_AUTOBOOT;
	default:
		return 0;
	}
}

int main(void)
{
	sigset_t signals;
	int how;

	if (getpid() != 1) {
		fputs("init: this is PID 1 of a realm; it does nothing elsewhere\n", stderr);
		return 1;
	}
	sigfillset(&signals);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	machine_set_up();
	root_enter();
	if (network_up())
		complain("bringing up", "the network");
	for (size_t i = 0; i < SERVICES; i++)
		service_start(&services[i]);
	while ((how = signal_wait(&signals)) == 0) {
		children_reap();
		services_restart();
	}
	machine_stop(how);
}
