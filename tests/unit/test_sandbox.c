// SPDX-License-Identifier: Apache-2.0
/* The steps of the sandbox, and the confinement of the courier: a child process confines itself,
 * tries one operation, and exits with its errno. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attempts.h"
#include "refuse.h"
#include "sandbox_filters.h"
#include "base/array.h"
#include "sandbox/sandbox.h"
#include "courier/confine.h"

#define KILLED 1000 /* not an errno: the child was killed by SIGSYS */
#define PORT   4433

static long landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static int child_wait(pid_t pid)
{
	int status;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return KILLED;
	if (!WIFEXITED(status))
		fail_msg("the child ended with wait status %#x", (unsigned int)status);
	return WEXITSTATUS(status);
}

/* --- what to try ------------------------------------------------------------------------------ */

TRY(open_passwd, open("/etc/passwd", O_RDONLY))
TRY(open_null, open("/dev/null", O_RDONLY))
TRY(open_mem, open("/proc/self/mem", O_RDONLY))
TRY(open_program, open("/proc/self/exe", O_RDONLY))
TRY(open_nsswitch, open("/etc/nsswitch.conf", O_RDONLY))
TRY(list_etc, opendir("/etc") ? 0 : -1)
TRY(open_resolv, open("/etc/resolv.conf", O_RDONLY))
TRY(write_resolv, open("/etc/resolv.conf", O_WRONLY))
TRY(path_resolv, open("/etc/passwd", O_PATH))
TRY(create, open("/tmp/realmkey-x", O_CREAT | O_WRONLY, 0600))
TRY(tmpfile, open("/tmp", O_TMPFILE | O_RDWR, 0600))
TRY(unlink, unlink("/tmp/realmkey-x"))
TRY(list, opendir("/") ? 0 : -1)
TRY(device, open("/dev/cca-rsi", O_RDWR))
TRY(journal, socket(AF_UNIX, SOCK_DGRAM, 0))
TRY(tcp, socket(AF_INET, SOCK_STREAM, IPPROTO_TCP))
TRY(netlink, socket(AF_NETLINK, SOCK_RAW, 16))
TRY(mptcp, socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP))
TRY(route, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE))

/* As in the zone of a link-local address. */
static int interface_request(unsigned long request)
{
	struct ifreq interface = { .ifr_name = "lo" };

	interface.ifr_ifindex = 1;
	return ioctl(socket(AF_INET, SOCK_DGRAM, 0), request, &interface);
}

TRY(interface_number, interface_request(SIOCGIFINDEX))
TRY(interface_name, interface_request(SIOCGIFNAME))
TRY(interface_address, interface_request(SIOCGIFADDR))
TRY(interfaces, interface_request(SIOCGIFCONF))
TRY(interface_flags, interface_request(SIOCSIFFLAGS))

static int connect_port(uint16_t port)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons(port),
					.sin_addr = { htonl(INADDR_LOOPBACK) } };

	return connect(socket(AF_INET, SOCK_STREAM, 0), (const struct sockaddr *)&to, sizeof(to));
}

TRY(connect, connect_port(PORT))
TRY(connect_other, connect_port(PORT + 1))

static int try_server(void)
{
	const struct sockaddr_in any = { .sin_family = AF_INET };

	return outcome(
		bind(socket(AF_INET, SOCK_STREAM, 0), (const struct sockaddr *)&any, sizeof(any)));
}

TRY(signal, kill(getppid(), 0))
static int try_limit(void)
{
	const struct rlimit more = { 1000, 1000 };

	return outcome(setrlimit(RLIMIT_NOFILE, &more));
}

static void *thread(void *arg)
{
	return arg;
}

static int try_thread(void)
{
	pthread_t t;
	int error = pthread_create(&t, NULL, thread, NULL);

	return error ? error : pthread_join(t, NULL);
}

static int try_pair(void)
{
	int pair[2];

	return outcome(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

/* A datagram socket can send to each process that listens at a path, as the journal does. */
static int try_datagram_pair(void)
{
	int pair[2];

	return outcome(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair));
}

TRY(receive, recvmsg(-1, &(struct msghdr){ 0 }, 0))
TRY(ptrace, syscall(SYS_ptrace, 16, getppid(), 0, 0))
TRY(peek, syscall(SYS_process_vm_readv, getppid(), 0, 0, 0, 0, 0))
TRY(handle, syscall(SYS_open_by_handle_at, 0, 0, 0))
TRY(setuid, syscall(SYS_setresuid, 0, 0, 0))

/* --- the confinement of the courier ----------------------------------------------------------- */

static const struct attempt {
	const char *name;
	int (*function)(void);
	int landlock, none; /* expected outcome with Landlock, and without it */
} attempts[] = {
	{ "open /etc/passwd", try_open_passwd, EACCES, EACCES },
	{ "open /dev/null", try_open_null, EACCES, EACCES },
	{ "open /dev/cca-rsi", try_device, ENOSYS, ENOSYS },
	{ "open /proc/self/mem", try_open_mem, EACCES, EACCES },
	{ "open its program", try_open_program, EACCES, EACCES },
	{ "open /etc/nsswitch.conf", try_open_nsswitch, EACCES, EACCES },
	{ "list /etc", try_list_etc, EACCES, EACCES },
	{ "open /etc/resolv.conf", try_open_resolv, 0, EACCES },
	{ "write /etc/resolv.conf", try_write_resolv, ENOSYS, ENOSYS },
	{ "O_PATH", try_path_resolv, ENOSYS, ENOSYS },
	{ "create a file", try_create, ENOSYS, ENOSYS },
	{ "O_TMPFILE", try_tmpfile, ENOSYS, ENOSYS },
	{ "unlink", try_unlink, ENOSYS, ENOSYS },
	{ "list /", try_list, EACCES, EACCES },
	{ "TCP socket", try_tcp, 0, 0 },
	{ "UDP socket", try_udp6, 0, 0 },
	{ "Unix socket", try_unix, ENOSYS, ENOSYS },
	{ "netlink socket", try_netlink, ENOSYS, ENOSYS },
	{ "netlink socket for addresses", try_route, ENOSYS, ENOSYS },
	{ "number of an interface", try_interface_number, 0, 0 },
	{ "name of an interface", try_interface_name, ENOSYS, ENOSYS },
	{ "address of an interface", try_interface_address, ENOSYS, ENOSYS },
	{ "list of interfaces", try_interfaces, ENOSYS, ENOSYS },
	{ "flags of an interface", try_interface_flags, ENOSYS, ENOSYS },
	{ "packet socket", try_packet, ENOSYS, ENOSYS },
	{ "raw socket", try_raw, ENOSYS, ENOSYS },
	{ "MPTCP socket", try_mptcp, ENOSYS, ENOSYS },
	{ "vsock", try_vsock, ENOSYS, ENOSYS },
	{ "connect to the KBS's port", try_connect, ECONNREFUSED, ECONNREFUSED },
	{ "connect to another port", try_connect_other, EACCES, ECONNREFUSED },
	{ "receive a descriptor", try_receive, ENOSYS, ENOSYS },
	{ "bind", try_server, ENOSYS, ENOSYS },
	{ "map code", try_code, ENOSYS, ENOSYS },
	{ "turn data into code", try_data_to_code, ENOSYS, ENOSYS },
	{ "clone a process", try_process, ENOSYS, ENOSYS },
	{ "clone3", try_clone3, ENOSYS, ENOSYS },
	{ "signal the keeper", try_signal, ENOSYS, ENOSYS },
	{ "become dumpable", try_dumpable, ENOSYS, ENOSYS },
	{ "raise a limit", try_limit, ENOSYS, ENOSYS },
	{ "make a thread", try_thread, ENOSYS, ENOSYS },
	{ "socketpair", try_pair, ENOSYS, ENOSYS },
	{ "socketpair of datagrams", try_datagram_pair, ENOSYS, ENOSYS },
	{ "execve", try_execve, KILLED, KILLED },
	{ "ptrace", try_ptrace, KILLED, KILLED },
	{ "process_vm_readv", try_peek, KILLED, KILLED },
	{ "mount", try_mount, KILLED, KILLED },
	{ "unshare", try_unshare, KILLED, KILLED },
	{ "keyctl", try_keyctl, KILLED, KILLED },
	{ "bpf", try_bpf, KILLED, KILLED },
	{ "io_uring", try_io_uring, KILLED, KILLED },
	{ "open_by_handle_at", try_handle, KILLED, KILLED },
	{ "finit_module", try_module, KILLED, KILLED },
	{ "setresuid", try_setuid, KILLED, KILLED },
	{ "capset", try_capset, KILLED, KILLED },
	{ "pidfd_getfd", try_getfd, KILLED, KILLED },
	{ "datagrams to the journal", try_journal, ENOSYS, ENOSYS },
};

/* A courier for one KBS over TCP, or at a Unix socket. */
static int confine_attempt_for(const struct attempt *attempt, bool landlock, bool passed)
{
	struct error e = ERROR_INIT;
	struct target target = { .server = { { .to = { .port = "4433" } } }, .servers = 1 };
	struct confine_stamp stamp;
	pid_t pid = fork();
	int files;

	if (passed) {
		target.server[0].to.transport = URL_UNIX;
		strcpy(target.server[0].to.path, "/run/kbs/socket");
	}
	if (pid == 0) {
		if (!landlock && refuse(SCMP_SYS(landlock_create_ruleset), ENOSYS))
			_exit(200);
		if (confine_drop(&e) < 0 || confine_supervisor(&target, &e) < 0)
			_exit(201);
		files = confine_files(&target, &stamp, &e);
		if (files != landlock)
			_exit(202);
		if (confine_calls(&target, files, &e) < 0)
			_exit(203);
		_exit(attempt->function());
	}
	return child_wait(pid);
}

static int confine_attempt(const struct attempt *attempt, bool landlock)
{
	return confine_attempt_for(attempt, landlock, false);
}

static void confine_check(bool landlock)
{
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		int expected = landlock ? attempts[i].landlock : attempts[i].none;
		int got = confine_attempt(&attempts[i], landlock);

		if (landlock && attempts[i].function == try_connect_other && landlock_abi() < 4)
			expected = ECONNREFUSED;
		if (got == expected)
			continue;
		failed++;
		print_error("%s: %s, expected %s\n", attempts[i].name,
			    got == KILLED ? "killed" : strerror(got),
			    expected == KILLED ? "killed" : strerror(expected));
	}
	assert_int_equal(failed, 0);
}

static void test_courier_confine(void **state)
{
	(void)state;
	if (landlock_abi() < 1)
		skip();
	confine_check(true);
}

static void test_courier_confine_without_landlock(void **state)
{
	(void)state;
	confine_check(false);
}

/* A worker whose KBS is at a Unix socket gets connections, and can neither make one nor read a file. What is
 * refused to every worker is refused to it. */
static void test_courier_confine_passed(void **state)
{
	static const struct attempt differ[] = {
		{ "TCP socket", try_tcp, ENOSYS, ENOSYS },
		{ "UDP socket", try_udp6, ENOSYS, ENOSYS },
		{ "open /etc/resolv.conf", try_open_resolv, EACCES, EACCES },
		{ "number of an interface", try_interface_number, ENOSYS, ENOSYS },
		{ "connect", try_connect, ENOSYS, ENOSYS },
		{ "receive a descriptor", try_receive, EBADF, EBADF },
	};

	(void)state;
	for (int landlock = landlock_abi() < 1 ? 0 : 1; landlock >= 0; landlock--) {
		for (size_t i = 0; i < ARRAY_SIZE(differ); i++)
			assert_int_equal(confine_attempt_for(&differ[i], landlock, true),
					 differ[i].landlock);
		for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
			if (attempts[i].function != try_receive &&
			    (attempts[i].none == ENOSYS || attempts[i].none == KILLED))
				assert_int_equal(confine_attempt_for(&attempts[i], landlock, true),
						 attempts[i].none);
	}
}

/* --- the steps -------------------------------------------------------------------------------- */

/* The set CapXxx of this process in /proc/self/status. */
static unsigned long long capabilities(const char *set)
{
	unsigned long long bits = ~0ULL;
	FILE *file = fopen("/proc/self/status", "re");
	size_t len = strlen(set);
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, set, len))
			bits = strtoull(line + len + 1, NULL, 16);
	if (file)
		fclose(file);
	return bits;
}

/* Returns 0, or what is wrong: user, groups or one of the five sets. Without root nothing is kept. */
static int drop(uint64_t keep)
{
	struct sandbox_identity identity = { .keep = keep };
	uid_t before = geteuid(), ruid, euid, suid;
	unsigned long long kept = before ? 0 : keep;
	struct error e = ERROR_INIT;

	if (sandbox_user("no-such-user-here", 61183, &identity) != !!before)
		return 1;
	if (sandbox_drop_root(&identity, &e) < 0)
		return 2;
	getresuid(&ruid, &euid, &suid);
	if (ruid != euid || euid != suid || euid != (before ? before : 61183))
		return 3;
	if (before == 0 && (getgroups(0, NULL) != 0 || getegid() != 61183))
		return 4;
	if (capabilities("CapPrm:") != kept || capabilities("CapEff:") != kept)
		return 5;
	if (capabilities("CapInh:") || capabilities("CapAmb:"))
		return 6;
	if (before == 0 && capabilities("CapBnd:"))
		return 7;
	return setuid(0) == 0 && before == 0 ? 8 : 0;
}

static void test_drop(void **state)
{
	static const uint64_t keep[] = { 0, 1ULL << CAP_CHOWN, 1ULL << CAP_BPF };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keep); i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(drop(keep[i]));
		assert_int_equal(child_wait(pid), 0);
	}
}

/* Root that stays. Returns 0, or what is wrong. @able: it may change its groups. */
static int stay(bool able)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
	const struct sandbox_identity same = { .gid = getegid() };
	struct error e = ERROR_INIT;

	if (setgroups(1, &same.gid) < 0 || (!able && syscall(SYS_capset, &header, none) < 0))
		return 1;
	if (sandbox_drop_root(&same, &e) < 0)
		return 2;
	if (capabilities("CapPrm:") || capabilities("CapEff:"))
		return 3;
	return geteuid() != 0 || getgroups(0, NULL) != !able ? 4 : 0;
}

static void test_stay(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	for (int able = 0; able < 2; able++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(stay(able));
		assert_int_equal(child_wait(pid), 0);
	}
}

static void test_no_dump(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct error e = ERROR_INIT;
		struct rlimit core;

		if (sandbox_no_dump(&e) < 0 || sandbox_no_new_privs(&e) < 0)
			_exit(1);
		getrlimit(RLIMIT_CORE, &core);
		_exit(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) || core.rlim_max ||
		      prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1);
	}
	assert_int_equal(child_wait(pid), 0);
}

static void test_seccomp_actions(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct error e = ERROR_INIT;

		if (sandbox_seccomp(actions, ARRAY_SIZE(actions), &e) < 0)
			_exit(1);
		if (outcome(syscall(SYS_getppid)) != EXDEV || outcome(syscall(SYS_getpid)) != 0)
			_exit(2);
		if (try_tcp() != EPERM || try_unix() != 0)
			_exit(3);
		_exit(outcome(syscall(SYS_socket, (1L << 32) | AF_INET, SOCK_STREAM, 0)) != EPERM);
	}
	assert_int_equal(child_wait(pid), 0);
}

/* Each comparison, with values on both sides of its limit, in both halves of an argument. */
static void test_seccomp_comparisons(void **state)
{
	static const struct {
		long call, first, second, sixth;
		int outcome;
	} cases[] = {
		{ SYS_getppid, 6, 0, 0x100000002, EXDEV },
		{ SYS_getppid, 0, 0, 0x100000002, EXDEV },
		{ SYS_getppid, 7, 0, 0x100000002, 0 },
		{ SYS_getppid, 0x100000000, 0, 0x100000002, 0 },
		{ SYS_getppid, 6, 0, 2, 0 },
		{ SYS_getppid, 6, 0, 0x100000003, 0 },
		{ SYS_getpgid, 0, 0x1000000010, 0, EDOM },
		{ SYS_getpgid, 0, 0x7f5fffff1f, 0, 0 },
		{ SYS_getpgid, 0, 0x1f0fffff1f, 0, EDOM },
		{ SYS_getpgid, 0, 0x1000000020, 0, 0 },
		{ SYS_getpgid, 0, 0x2000000010, 0, 0 },
	};
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct error e = ERROR_INIT;

		if (sandbox_seccomp(comparisons, ARRAY_SIZE(comparisons), &e) < 0)
			_exit(100);
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
			if (outcome(syscall(cases[i].call, cases[i].first, cases[i].second, 0, 0, 0,
					    cases[i].sixth)) != cases[i].outcome)
				_exit((int)i + 1);
		_exit(outcome(syscall(SYS_getuid)) == ENXIO ? 0 : 101);
	}
	assert_int_equal(child_wait(pid), 0);
}

#ifdef __x86_64__
/* A call of another ABI has another number, so no rule would hold for it. */
static void test_seccomp_x32(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct error e = ERROR_INIT;

		if (sandbox_no_dump(&e) < 0 ||
		    sandbox_seccomp(intruder, ARRAY_SIZE(intruder), &e) < 0)
			_exit(1);
		syscall(0x40000000 | SYS_getpid);
		_exit(0);
	}
	assert_int_equal(child_wait(pid), KILLED);
}
#endif

static void test_landlock_rights(void **state)
{
	char dir[] = "/tmp/realmkey-sandbox-XXXXXX", file[64];
	pid_t pid;

	(void)state;
	if (landlock_abi() < 1)
		skip();
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/file", dir);
	pid = fork();
	if (pid == 0) {
		const struct sandbox_path paths[] = { { dir, SANDBOX_READ | SANDBOX_WRITE },
						      { "/etc/passwd", SANDBOX_READ },
						      { "/nonexistent/x", SANDBOX_READ } };
		const struct sandbox_access access = { .path = paths, .paths = 3 };
		struct error e = ERROR_INIT;
		int fd;

		if (sandbox_landlock(&access, &e) != 1)
			_exit(1);
		fd = open(file, O_CREAT | O_RDWR, 0600);
		if (fd < 0 || rename(file, file) < 0 || unlink(file) < 0)
			_exit(2);
		if (try_open_passwd() || open("/etc/passwd", O_WRONLY) >= 0)
			_exit(3);
		if (try_create() != EACCES || try_open_null() != EACCES || try_list() != EACCES)
			_exit(4);
		_exit(try_connect() == ECONNREFUSED ? 0 : 5); /* unrestricted without ports */
	}
	assert_int_equal(child_wait(pid), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* A service outside, at a path or an abstract address. */
static int service_start(struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)address, sizeof(*address)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

/* Landlock alone, for a system call filter that must allow connect(). */
static void test_landlock_alone(void **state)
{
	struct sockaddr_un path = { .sun_family = AF_UNIX, .sun_path = "/tmp/realmkey-service" };
	struct sockaddr_un abstract = { .sun_family = AF_UNIX, .sun_path = "\0realmkey-service" };
	const struct sandbox_access access = { .alone = true };
	int services[2], paths, names, signals;
	struct error e = ERROR_INIT;
	long abi = landlock_abi();
	pid_t pid;

	(void)state;
	if (abi < 1)
		skip();
	unlink(path.sun_path);
	services[0] = service_start(&path);
	services[1] = service_start(&abstract);
	pid = fork();
	if (pid == 0) {
		if (sandbox_landlock(&access, &e) != 1)
			_exit(1);
		paths = outcome(connect(socket(AF_UNIX, SOCK_STREAM, 0),
					(const struct sockaddr *)&path, sizeof(path)));
		names = outcome(connect(socket(AF_UNIX, SOCK_STREAM, 0),
					(const struct sockaddr *)&abstract, sizeof(abstract)));
		signals = outcome(kill(getppid(), 0));
		if (paths != (abi >= 9 ? EACCES : 0))
			_exit(2);
		_exit(names != (abi >= 6 ? EPERM : 0) || signals != (abi >= 6 ? EPERM : 0) ? 3 : 0);
	}
	assert_int_equal(child_wait(pid), 0);
	unlink(path.sun_path);
	close(services[0]);
	close(services[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_stay),
		cmocka_unit_test(test_no_dump),
		cmocka_unit_test(test_seccomp_actions),
		cmocka_unit_test(test_seccomp_comparisons),
#ifdef __x86_64__
		cmocka_unit_test(test_seccomp_x32),
#endif
		cmocka_unit_test(test_landlock_rights),
		cmocka_unit_test(test_landlock_alone),
		cmocka_unit_test(test_courier_confine),
		cmocka_unit_test(test_courier_confine_without_landlock),
		cmocka_unit_test(test_courier_confine_passed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
