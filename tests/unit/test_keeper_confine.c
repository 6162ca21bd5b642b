// SPDX-License-Identifier: Apache-2.0
/*
 * The keeper's confinement: a child confines itself, tries one action, and its exit status is the
 * outcome. The children inherit more descriptors than the keeper has open, because what an action
 * could reach must exist.
 */
#include "confine_test.h"

#include <errno.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "attempts.h"
#include "confine_keyring.h"
#include "refuse.h"
#include "base/array.h"
#include "sandbox/sandbox.h"
#include "jose/jwe.h"
#include "jose/tee_key.h"
#include "keeper/notify.h"

#define KILLED 1000 /* an outcome that is not an errno: killed by SIGSYS */
#define TRIED  100  /* added to the outcome in the exit status; that of a sanitizer is less */

static long landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

/* --- what the keeper must not do -------------------------------------------------------------- */

TRY(tcp, socket(AF_INET, SOCK_STREAM, 0))
TRY(route, socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE))
TRY(generic, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC))
TRY(alg, socket(AF_ALG, SOCK_SEQPACKET, 0))
TRY(unix_datagram, socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0))
TRY(pair, socketpair(AF_UNIX, SOCK_DGRAM, 0, (int[2]){ 0 }))

#define ADDRESS(a) (const struct sockaddr *)&(a), sizeof(a)

TRY(connect, connect(spare, ADDRESS(service_path)))
TRY(connect_abstract, connect(spare, ADDRESS(service_abstract)))
TRY(bind, bind(spare, ADDRESS(service_abstract)))
TRY(accept, accept4(listener, NULL, NULL, 0))
TRY(sendto, sendto(notify, "x", 1, 0, ADDRESS(service_path)))
TRY(sendto_spare, sendto(spare_datagram, "x", 1, 0, ADDRESS(service_path)))
TRY(no_address, sendto(spare_datagram, "x", 1, 0, NULL, 0))

static struct msghdr *message_to_service(void)
{
	static struct iovec data = { .iov_base = (char *)"x", .iov_len = 1 };
	static struct msghdr message = { .msg_name = &service_path,
					 .msg_namelen = sizeof(service_path),
					 .msg_iov = &data,
					 .msg_iovlen = 1 };

	return &message;
}

TRY(sendmsg, sendmsg(notify, message_to_service(), 0))
TRY(sendmmsg, syscall(SYS_sendmmsg, notify, message_to_service(), 1, 0))

static int try_recvmsg(void)
{
	char data, control[CMSG_SPACE(sizeof(int))];

	return outcome(
		recvmsg(receiver, message_with_descriptor(&data, control, sizeof(control)), 0));
}

TRY(recvmmsg, syscall(SYS_recvmmsg, receiver, NULL, 1, 0, NULL))

/* The byte arrives, and the descriptor that was sent with it does not. */
static int try_receive(void)
{
	int next = fcntl(spare, F_DUPFD_CLOEXEC, 0);
	char data;

	close(next);
	if (recv(receiver, &data, 1, 0) != 1)
		return WRONG;
	return fcntl(next, F_GETFD) >= 0 ? WRONG : 0;
}

TRY(passwd, open("/etc/passwd", O_RDONLY))
TRY(parent, open("../etc/passwd", O_RDONLY))
TRY(program, open("/proc/self/exe", O_RDONLY))
TRY(own_memory, open("/proc/self/mem", O_RDWR))
TRY(openat2, syscall(SYS_openat2, outside_fd, "old", NULL, 0))
TRY(outside, openat(outside_fd, "old", O_RDONLY))
TRY(create, openat(outside_fd, "new", O_CREAT | O_WRONLY, 0600))
TRY(remove, unlinkat(outside_fd, "old", 0))
TRY(chmod_outside, fchmodat(AT_FDCWD, "/", 0777, 0))
TRY(setuid_bit, fchmod(keyring_fd, 04755))
TRY(link, linkat(keyring_fd, "d", outside_fd, "new", 0))
TRY(times, utimensat(keyring_fd, "d", NULL, 0))
TRY(symlink, symlinkat("/etc", keyring_fd, "new"))
TRY(node, mknodat(keyring_fd, "new", S_IFCHR | 0600, 0x103))
TRY(chdir, fchdir(outside_fd))

TRY(ptrace, syscall(SYS_ptrace, 16, other, 0, 0))
TRY(peek, syscall(SYS_process_vm_readv, other, 0, 0, 0, 0, 0))
TRY(poke, syscall(SYS_process_vm_writev, other, 0, 0, 0, 0, 0))
TRY(pidfd, syscall(SYS_pidfd_open, other, 0))
TRY(setns, syscall(SYS_setns, outside_fd, 0))
TRY(chroot, chroot("."))
TRY(io_uring_enter, syscall(SYS_io_uring_enter, -1, 0, 0, 0, 0, 0))
TRY(setuid, syscall(SYS_setuid, 0))
TRY(setresuid, syscall(SYS_setresuid, 0, 0, 0))
TRY(setgroups, syscall(SYS_setgroups, 0, NULL))
TRY(add_key, syscall(SYS_add_key, "user", "x", "x", 1, -3))
TRY(terminal, ioctl(0, TIOCSTI, "x"))
TRY(unlock, syscall(SYS_munlockall))

TRY(kill, kill(other, SIGKILL))
TRY(terminate_parent, kill(getppid(), SIGTERM))
TRY(thread_signal, syscall(SYS_tgkill, other, other, SIGTERM))
TRY(queue_signal, syscall(SYS_rt_sigqueueinfo, other, SIGTERM, NULL))
TRY(set_owner, fcntl(receiver, F_SETOWN, other))
TRY(async, fcntl(receiver, F_SETFL, O_ASYNC))

static int try_limit(void)
{
	const struct rlimit more = { RLIM_INFINITY, RLIM_INFINITY };

	return outcome(setrlimit(RLIMIT_CORE, &more));
}

static int try_core(void)
{
	struct rlimit core;

	return getrlimit(RLIMIT_CORE, &core) || core.rlim_max ? WRONG : 0;
}

/* --- what the keeper must be able to do ------------------------------------------------------- */

/*
 * Makes a key, whose private half is in libcrypto's secure heap, and seals and opens a JWE with it.
 */
static int try_open_jwe(void)
{
	struct bytes jwe = BYTES_INIT, plain = BYTES_LOCKED_INIT;
	struct tee_key key = TEE_KEY_INIT;
	struct error e = ERROR_INIT;
	uint8_t random[8];
	json_t *jwk = NULL;
	size_t before;
	int ret = WRONG;

	RAND_bytes(random, sizeof(random)); /* the generators' states are in that heap too */
	RAND_priv_bytes(random, sizeof(random));
	before = CRYPTO_secure_used();
	if (tee_key_generate(&key, &e) < 0 || CRYPTO_secure_used() <= before)
		goto out;
	jwk = tee_key_jwk(&key, &e);
	if (jwk && jwe_seal(jwk, "secret", 6, NULL, &jwe, &e) == 0 &&
	    jwe_open(&key, jwe.data, jwe.len, &plain, &e) == 0)
		ret = strcmp(bytes_text(&plain), "secret") ? WRONG : 0;
out:
	json_decref(jwk);
	tee_key_free(&key);
	bytes_free(&jwe);
	bytes_free(&plain);
	return CRYPTO_secure_used() == before ? ret : WRONG;
}

static int try_notify(void)
{
	const struct notify manager = { .fd = notify };
	char text[16] = "";

	notify_send(&manager, "READY=1");
	return recv(datagrams, text, sizeof(text), MSG_DONTWAIT) == 7 && !strcmp(text, "READY=1") ?
		       0 :
		       WRONG;
}

static int timer; /* as the keeper has one before it is confined */

static int try_wait(void)
{
	const struct itimerspec moment = { .it_value.tv_nsec = 1000000 };
	struct pollfd p = { .fd = timer, .events = POLLIN };

	if (timerfd_settime(timer, 0, &moment, NULL) < 0)
		return errno;
	return poll(&p, 1, 10000) == 1 ? 0 : WRONG;
}

static int try_courier(void)
{
	const char question = 'x';

	return outcome(send(sender, &question, 1, MSG_NOSIGNAL));
}

static const struct attempt {
	const char *name;
	int (*function)(void);
	int landlock, none; /* expected outcome with Landlock, and without it */
} attempts[] = {
	{ "TCP socket", try_tcp, EPERM, EPERM },
	{ "UDP socket", try_udp6, EPERM, EPERM },
	{ "raw socket", try_raw, EPERM, EPERM },
	{ "packet socket", try_packet, EPERM, EPERM },
	{ "vsock", try_vsock, EPERM, EPERM },
	{ "route netlink", try_route, EPERM, EPERM },
	{ "generic netlink", try_generic, EPERM, EPERM },
	{ "crypto socket", try_alg, EPERM, EPERM },
	{ "Unix socket", try_unix, EPERM, EPERM },
	{ "Unix datagram socket", try_unix_datagram, EPERM, EPERM },
	{ "socketpair", try_pair, EPERM, EPERM },
	{ "connect to a service", try_connect, EPERM, EPERM },
	{ "connect to an abstract socket", try_connect_abstract, EPERM, EPERM },
	{ "bind", try_bind, EPERM, EPERM },
	{ "accept", try_accept, EPERM, EPERM },
	{ "send to another address", try_sendto, EPERM, EPERM },
	{ "send to an address, from a socket left open", try_sendto_spare, EPERM, EPERM },
	{ "send without an address from a socket left open", try_no_address, ENOTCONN, ENOTCONN },
	{ "sendmsg with an address", try_sendmsg, EPERM, EPERM },
	{ "sendmmsg", try_sendmmsg, EPERM, EPERM },
	{ "recvmsg with a descriptor", try_recvmsg, EPERM, EPERM },
	{ "recvmmsg", try_recvmmsg, EPERM, EPERM },
	{ "receive without the descriptor", try_receive, 0, 0 },
	{ "open /etc/passwd", try_passwd, ENOENT, ENOENT },
	{ "open it through ..", try_parent, ENOENT, ENOENT },
	{ "open its program", try_program, ENOENT, ENOENT },
	{ "open /proc/self/mem", try_own_memory, ENOENT, ENOENT },
	{ "openat2", try_openat2, EPERM, EPERM },
	{ "open a file outside of the keyring", try_outside, EACCES, 0 },
	{ "create a file", try_create, EACCES, EACCES },
	{ "remove a file", try_remove, EACCES, EACCES },
	{ "chmod by name", try_chmod_outside, EPERM, EPERM },
	{ "set a setuid bit", try_setuid_bit, EPERM, EPERM },
	{ "link", try_link, EPERM, EPERM },
	{ "set times by name", try_times, EPERM, EPERM },
	{ "symbolic link", try_symlink, EPERM, EPERM },
	{ "device node", try_node, EPERM, EPERM },
	{ "change directory", try_chdir, EPERM, EPERM },
	{ "execve", try_execve, KILLED, KILLED },
	{ "ptrace", try_ptrace, KILLED, KILLED },
	{ "process_vm_readv", try_peek, KILLED, KILLED },
	{ "process_vm_writev", try_poke, KILLED, KILLED },
	{ "pidfd_open", try_pidfd, KILLED, KILLED },
	{ "pidfd_getfd", try_getfd, KILLED, KILLED },
	{ "mount", try_mount, KILLED, KILLED },
	{ "unshare", try_unshare, KILLED, KILLED },
	{ "setns", try_setns, KILLED, KILLED },
	{ "chroot", try_chroot, KILLED, KILLED },
	{ "bpf", try_bpf, KILLED, KILLED },
	{ "io_uring_setup", try_io_uring, KILLED, KILLED },
	{ "io_uring_enter", try_io_uring_enter, KILLED, KILLED },
	{ "finit_module", try_module, KILLED, KILLED },
	{ "setuid back", try_setuid, KILLED, KILLED },
	{ "setresuid back", try_setresuid, KILLED, KILLED },
	{ "setgroups", try_setgroups, KILLED, KILLED },
	{ "capset", try_capset, KILLED, KILLED },
	{ "keyctl", try_keyctl, KILLED, KILLED },
	{ "add_key", try_add_key, KILLED, KILLED },
	{ "clone a process", try_process, EPERM, EPERM },
	{ "clone3", try_clone3, EPERM, EPERM },
	{ "become dumpable", try_dumpable, EPERM, EPERM },
	{ "raise a limit", try_limit, EPERM, EPERM },
	{ "dump core", try_core, 0, 0 },
	{ "unlock memory", try_unlock, EPERM, EPERM },
	{ "map code", try_code, EPERM, EPERM },
	{ "turn data into code", try_data_to_code, EPERM, EPERM },
	{ "type into a terminal", try_terminal, EPERM, EPERM },
	{ "kill a process", try_kill, EPERM, EPERM },
	{ "terminate its parent", try_terminate_parent, EPERM, EPERM },
	{ "tgkill", try_thread_signal, EPERM, EPERM },
	{ "rt_sigqueueinfo", try_queue_signal, EPERM, EPERM },
	{ "F_SETOWN", try_set_owner, EPERM, EPERM },
	{ "O_ASYNC", try_async, EPERM, EPERM },
	{ "put a secret into the keyring", try_put, 0, 0 },
	{ "compare it with another user's file", try_compare, 0, 0 },
	{ "replace another user's file", try_replace, 0, 0 },
	{ "take over the keyring", try_settle, 0, 0 },
	{ "remove another user's file", try_remove_secret, 0, 0 },
	{ "publish a file", try_publish, 0, 0 },
	{ "replace a directory, and a file by one", try_exchange, 0, 0 },
	{ "make a key and open a JWE", try_open_jwe, 0, 0 },
	{ "notify the service manager", try_notify, 0, 0 },
	{ "send to the courier", try_courier, 0, 0 },
	{ "wait for a time", try_wait, 0, 0 },
};

static _Noreturn void child_try(int (*function)(void), bool landlock)
{
	struct sandbox_identity identity;
	struct error e = ERROR_INIT;

	if (!landlock && refuse(SCMP_SYS(landlock_create_ruleset), ENOSYS))
		_exit(1);
	confine_identity(&identity);
	timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
	if (ring_declare(&e) || confine_begin_unlocked(&e) < 0 ||
	    confine_finish(keyring_fd, &identity, 0, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		_exit(2);
	}
	_exit(TRIED + function());
}

static int confine_attempt(int (*function)(void), bool landlock)
{
	struct sandbox_identity identity;
	int status;
	pid_t pid;

	other = fork();
	if (other == 0) {
		confine_identity(&identity);
		_exit(setresuid(identity.uid, identity.uid, identity.uid) || pause());
	}
	pid = fork();
	if (pid == 0)
		child_try(function, landlock);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	kill(other, SIGKILL);
	assert_int_equal(waitpid(other, NULL, 0), other);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return KILLED;
	if (!WIFEXITED(status) || WEXITSTATUS(status) < TRIED)
		return WRONG;
	return WEXITSTATUS(status) - TRIED;
}

static const char *outcome_name(int value)
{
	return value == KILLED ? "killed" : value == WRONG ? "wrong" : strerror(value);
}

static void confine_check(bool landlock)
{
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		int wanted = landlock ? attempts[i].landlock : attempts[i].none;
		int got = confine_attempt(attempts[i].function, landlock);

		if (got == wanted)
			continue;
		failed++;
		print_error("%s: %s (%d), expected %s\n", attempts[i].name, outcome_name(got), got,
			    outcome_name(wanted));
	}
	assert_int_equal(failed, 0);
}

static void the_keeper_stays_confined(void **state)
{
	(void)state;
	root_require();
	if (landlock_abi() < 1) {
		print_message("# this kernel has no Landlock\n");
		skip();
	}
	confine_check(true);
}

/* What Landlock adds is that descriptors of directories outside lead nowhere. */
static void the_keeper_without_landlock(void **state)
{
	(void)state;
	root_require();
	confine_check(false);
}

static int confine_without_memory(struct error *e)
{
	const struct rlimit none = { 0, 0 };
	struct sandbox_identity identity;

	confine_identity(&identity);
	if (confine_begin_unlocked(e) < 0 || setrlimit(RLIMIT_AS, &none) < 0)
		return 1;
	if (confine_finish(keyring_fd, &identity, 0, e) == 0)
		return 2;
	return e->kind == ERROR_SYSTEM && strstr(e->text, "cannot allocate memory") ? 0 : 3;
}

/* AddressSanitizer does not lock memory, so the child itself uses what its limit allows. */
static int confine_without_locked_memory(struct error *e)
{
	const struct rlimit page = { 4096, 4096 };
	struct sandbox_identity identity;

	confine_identity(&identity);
	if (confine_begin(e) < 0 || setrlimit(RLIMIT_MEMLOCK, &page) < 0 ||
	    syscall(SYS_mlockall, MCL_FUTURE) < 0)
		return 1;
	if (confine_finish(keyring_fd, &identity, 0, e) == 0)
		return 2;
	return e->kind == ERROR_SYSTEM && strstr(e->text, "RLIMIT_MEMLOCK is 4 KiB") ? 0 : 3;
}

static int confine_child(int (*function)(struct error *e))
{
	struct error e = ERROR_INIT;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		status = function(&e);
		if (status)
			fprintf(stderr, "%d: %s\n", status, e.text);
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void memory_that_is_short_has_a_reason(void **state)
{
	(void)state;
	root_require();
	assert_int_equal(confine_child(confine_without_memory), 0);
	assert_int_equal(confine_child(confine_without_locked_memory), 0);
}

static int try_nothing(void)
{
	pause();
	return 0;
}

/* Reads the line of @key in /proc/PID/status. */
static bool status_is(pid_t pid, const char *key, const char *value)
{
	char path[32], line[256], wanted[256];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	snprintf(wanted, sizeof(wanted), "%s:\t%s\n", key, value);
	file = fopen(path, "re");
	while (file && !found && fgets(line, sizeof(line), file))
		found = !strcmp(line, wanted);
	if (file)
		fclose(file);
	return found;
}

/* The documented list: CAP_CHOWN, and nothing else in any set. */
static void the_keeper_has_one_capability(void **state)
{
	static const char *const expected[][2] = {
		{ "CapPrm", "0000000000000001" },
		{ "CapEff", "0000000000000001" },
		{ "CapInh", "0000000000000000" },
		{ "CapAmb", "0000000000000000" },
		{ "CapBnd", "0000000000000000" },
		{ "NoNewPrivs", "1" },
		{ "Groups", " " },
	};
	struct sandbox_identity identity;
	char ids[64];
	int failed = 0;
	pid_t pid;

	(void)state;
	root_require();
	pid = fork();
	if (pid == 0)
		child_try(try_nothing, true);
	assert_true(pid > 0);
	while (!status_is(pid, "Seccomp", "2") && waitpid(pid, NULL, WNOHANG) == 0)
		usleep(1000);
	confine_identity(&identity);
	snprintf(ids, sizeof(ids), "%u\t%u\t%u\t%u", identity.uid, identity.uid, identity.uid,
		 identity.uid);
	failed += !status_is(pid, "Uid", ids);
	snprintf(ids, sizeof(ids), "%u\t%u\t%u\t%u", identity.gid, identity.gid, identity.gid,
		 identity.gid);
	failed += !status_is(pid, "Gid", ids);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		if (status_is(pid, expected[i][0], expected[i][1]))
			continue;
		print_error("%s is not %s\n", expected[i][0], expected[i][1]);
		failed++;
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(failed, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_keeper_stays_confined),
		TEST(the_keeper_without_landlock),
		TEST(the_keeper_has_one_capability),
		TEST(memory_that_is_short_has_a_reason),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
