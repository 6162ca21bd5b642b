// SPDX-License-Identifier: Apache-2.0
/*
 * escape KEYRING: what an intruder in realmkeyd would try against the services of a real system. It
 * runs in the place of realmkeyd, in its unit. For each attempt a child confines itself as realmkeyd
 * does and makes it. First, the same services are reached without the confinement, because an
 * attempt at something that does not exist would prove nothing. Prints a line for each attempt;
 * exits with 0 if all of them failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper/secrets/confine.h"
#include "keeper/notify.h"

#define SYSTEMD	       "/run/systemd/private"
#define BUS	       "/run/dbus/system_bus_socket"
#define JOURNAL	       "/run/systemd/journal/socket"
#define JOURNAL_STDOUT "/run/systemd/journal/stdout"

static struct notify manager;
static int keyring, spare, spare_datagram;

static long connect_to(int fd, const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	strcpy(to.sun_path, path);
	return connect(fd, (const struct sockaddr *)&to, sizeof(to));
}

static long send_to(int fd, const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	strcpy(to.sun_path, path);
	return sendto(fd, "MESSAGE=escaped\n", 16, 0, (const struct sockaddr *)&to, sizeof(to));
}

static long message_to(int fd, const char *path)
{
	struct iovec text = { .iov_base = (char *)"MESSAGE=escaped\n", .iov_len = 16 };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const struct msghdr message = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &text, .msg_iovlen = 1
	};

	strcpy(to.sun_path, path);
	return sendmsg(fd, &message, 0);
}

static long connect_abstract(void)
{
	const struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "\0escape" };

	return connect(spare, (const struct sockaddr *)&to, sizeof(to));
}

#define TRY(name, call) \
	static long try_##name(void) \
	{ \
		return call; \
	}

TRY(socket, socket(AF_UNIX, SOCK_STREAM, 0))
TRY(datagram, socket(AF_UNIX, SOCK_DGRAM, 0))
TRY(inet, socket(AF_INET, SOCK_STREAM, 0))
TRY(systemd, connect_to(spare, SYSTEMD))
TRY(bus, connect_to(spare, BUS))
TRY(journal_stdout, connect_to(spare, JOURNAL_STDOUT))
TRY(journal, send_to(spare_datagram, JOURNAL))
TRY(journal_by_notify, send_to(manager.fd, JOURNAL))
TRY(journal_by_message, message_to(manager.fd, JOURNAL))
TRY(abstract, connect_abstract())
TRY(shadow, open("/etc/shadow", O_RDONLY))
TRY(passwd, open("/etc/passwd", O_RDONLY))
TRY(systemd_memory, open("/proc/1/mem", O_RDONLY))
TRY(own_memory, open("/proc/self/mem", O_RDWR))
TRY(device, open("/dev/cca-rsi", O_RDWR))
TRY(chown_root, fchownat(AT_FDCWD, "/etc", 1, 1, 0))
TRY(io_uring, syscall(SYS_io_uring_setup, 1, 0))
TRY(getfd, syscall(SYS_pidfd_getfd, -1, 0, 0))
TRY(keyctl, syscall(SYS_keyctl, 0, -3, 0))
TRY(ptrace, syscall(SYS_ptrace, 16, 1, 0, 0))
TRY(setuid, setuid(0))
TRY(capset, syscall(SYS_capset, NULL, NULL))
TRY(kill, kill(1, SIGRTMIN + 24))
TRY(execve, execl("/bin/true", "true", (char *)NULL))
TRY(mount, syscall(SYS_mount, "x", "/", "tmpfs", 0, 0))

static const struct attempt {
	const char *name;
	long (*function)(void);
} attempts[] = {
	{ "a Unix socket", try_socket },
	{ "a datagram socket", try_datagram },
	{ "an INET socket", try_inet },
	{ "connect to systemd", try_systemd },
	{ "connect to D-Bus", try_bus },
	{ "connect to the journal", try_journal_stdout },
	{ "send to the journal", try_journal },
	{ "send to the journal from the notify socket", try_journal_by_notify },
	{ "sendmsg to the journal from the notify socket", try_journal_by_message },
	{ "connect to an abstract socket", try_abstract },
	{ "open /etc/shadow", try_shadow },
	{ "open /etc/passwd", try_passwd },
	{ "open systemd's memory", try_systemd_memory },
	{ "open its own memory", try_own_memory },
	{ "open the realm's device", try_device },
	{ "chown /etc", try_chown_root },
	{ "io_uring", try_io_uring },
	{ "pidfd_getfd", try_getfd },
	{ "keyctl", try_keyctl },
	{ "ptrace", try_ptrace },
	{ "setuid(0)", try_setuid },
	{ "capset", try_capset },
	{ "signal systemd", try_kill },
	{ "execve", try_execve },
	{ "mount", try_mount },
};

/* Returns why the child of this attempt failed, or NULL if it did not: "escaped". */
static const char *attempt_run(const struct attempt *attempt)
{
	struct sandbox_identity identity;
	struct error e = ERROR_INIT;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		confine_identity(&identity);
		if (confine_begin(&e) < 0 || confine_finish(keyring, &identity, 0, &e) < 0) {
			dprintf(STDERR_FILENO, "escape: %s\n", e.text);
			_exit(255);
		}
		_exit(attempt->function() < 0 ? errno : 0);
	}
	if (waitpid(pid, &status, 0) != pid || (WIFEXITED(status) && WEXITSTATUS(status) == 255))
		return NULL;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? "killed" : NULL;
	return WEXITSTATUS(status) ? strerror(WEXITSTATUS(status)) : NULL;
}

/* Whether this is a system whose services can be reached from here. */
static bool services_reached(void)
{
	static const char *const services[] = { SYSTEMD, BUS, JOURNAL_STDOUT };

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		bool reached = connect_to(fd, services[i]) == 0;

		close(fd);
		printf("without confinement, %s: %s\n", services[i],
		       reached ? "reached" : strerror(errno));
		if (!reached)
			return false;
	}
	return send_to(spare_datagram, JOURNAL) > 0;
}

int main(int argc, char **argv)
{
	int escaped = 0;

	notify_open(&manager, getenv("NOTIFY_SOCKET"));
	keyring = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	spare = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	spare_datagram = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (keyring < 0 || manager.fd < 0 || !services_reached()) {
		printf("nothing can be tried here: %s\n", strerror(errno));
		return 2;
	}
	fflush(stdout);
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		const char *failure = attempt_run(&attempts[i]);

		printf("%s: %s\n", attempts[i].name, failure ? failure : "ESCAPED");
		fflush(stdout);
		escaped += !failure;
	}
	notify_send(&manager, "READY=1");
	return escaped ? 1 : 0;
}
