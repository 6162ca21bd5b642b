// SPDX-License-Identifier: Apache-2.0
/* The keeper's confinement: a child confines itself, tries one action, and its exit status is the
 * outcome. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <signal.h>
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

#include "base/array.h"
#include "base/sandbox.h"
#include "jose/jwe.h"
#include "jose/tee_key.h"
#include "keeper/confine.h"
#include "keeper/keyring.h"

#define KILLED 1000	/* an outcome that is not an errno: killed by SIGSYS */
#define WRONG 140	/* likewise: something other than the tried call failed */
#define TRIED 100	/* added to the outcome in the exit status; that of a sanitizer is less */

static char keyring[] = "/tmp/test_confine.XXXXXX", outside[] = "/tmp/test_confine.XXXXXX";
static int keyring_fd, outside_fd;
static pid_t other;	/* a process for the test that kills another */

static long landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

/* Returns 0 or an errno from the result of a call. */
static int outcome(long result)
{
	return result < 0 ? errno : 0;
}

/* --- what the keeper must not do -------------------------------------------------------------- */

#define TRY(name, call) \
	static int try_##name(void) \
	{ \
		return outcome(call); \
	}

TRY(tcp, socket(AF_INET, SOCK_STREAM, 0))
TRY(udp6, socket(AF_INET6, SOCK_DGRAM, 0))
TRY(raw, socket(AF_INET, SOCK_RAW, IPPROTO_ICMP))
TRY(packet, socket(AF_PACKET, SOCK_RAW, 0))
TRY(vsock, socket(AF_VSOCK, SOCK_STREAM, 0))
TRY(route, socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE))
TRY(generic, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC))
TRY(unix, socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0))

TRY(passwd, open("/etc/passwd", O_RDONLY))
TRY(program, open("/proc/self/exe", O_RDONLY))
TRY(create, openat(outside_fd, "new", O_CREAT | O_WRONLY, 0600))
TRY(remove, unlinkat(outside_fd, "old", 0))
TRY(chmod_outside, fchmodat(AT_FDCWD, "/etc", 0777, 0))

TRY(ptrace, syscall(SYS_ptrace, 16, other, 0, 0))
TRY(peek, syscall(SYS_process_vm_readv, other, 0, 0, 0, 0, 0))
TRY(mount, syscall(SYS_mount, 0, "/", "tmpfs", 0, 0))
TRY(unshare, syscall(SYS_unshare, 0x10000000))
TRY(bpf, syscall(SYS_bpf, 0, 0, 0))
TRY(io_uring, syscall(SYS_io_uring_setup, 1, 0))
TRY(module, syscall(SYS_finit_module, 0, 0, 0))
TRY(setuid, syscall(SYS_setresuid, 1, 1, 1))
TRY(keyctl, syscall(SYS_keyctl, 0, -3, 0))
TRY(process, syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))
TRY(clone3, syscall(SYS_clone3, NULL, 0))
TRY(dumpable, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
TRY(terminate, kill(other, SIGTERM))
TRY(terminal, ioctl(0, TIOCSTI, "x"))
TRY(unlock, syscall(SYS_munlockall))

static int try_execve(void)
{
	char *argv[] = { (char *)"true", NULL };

	return outcome(execve("/bin/true", argv, argv + 1));
}

static int try_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? errno : 0;
}

static int try_data_to_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return outcome(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

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

/* Without a mount: the directory replaces the root of the keyring. */
static int try_put(void)
{
	struct keyring ring = { .dir = keyring_fd };
	struct error e = ERROR_INIT;

	for (int i = 0; i < 2; i++)
		if (keyring_put(&ring, "d/a", 0400, geteuid(), getegid(), "secret", 6, &e) != i)
			return WRONG;
	return keyring_put(&ring, "d/a", 0440, geteuid(), getegid(), "other", 5, &e) ? WRONG : 0;
}

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

	RAND_bytes(random, sizeof(random));	/* the generators' states are in that heap too */
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

/* Sends as the notification of the service manager is sent. */
static int try_notify(void)
{
	const struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "\0nobody-listens" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return outcome(sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (const struct sockaddr *)&to,
			      sizeof(to)));
}

static int try_wait(void)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	return outcome(sigtimedwait(&set, NULL, &moment));
}

TRY(kill, kill(other, SIGKILL))
TRY(realm_mark, access("/sys/firmware/cca/realm_guest", F_OK))

static const struct attempt {
	const char *name;
	int (*function)(void);
	int landlock, none;	/* expected outcome with Landlock, and without it */
} attempts[] = {
	{ "TCP socket", try_tcp, EPERM, EPERM },
	{ "UDP socket", try_udp6, EPERM, EPERM },
	{ "raw socket", try_raw, EPERM, EPERM },
	{ "packet socket", try_packet, EPERM, EPERM },
	{ "vsock", try_vsock, EPERM, EPERM },
	{ "route netlink", try_route, EPERM, EPERM },
	{ "generic netlink", try_generic, 0, 0 },
	{ "Unix socket", try_unix, 0, 0 },
	{ "open /etc/passwd", try_passwd, EACCES, 0 },
	{ "open its program", try_program, EACCES, 0 },
	{ "create a file", try_create, EACCES, 0 },
	{ "remove a file", try_remove, EACCES, 0 },
	{ "chmod by name", try_chmod_outside, EPERM, EPERM },
	{ "execve", try_execve, KILLED, KILLED },
	{ "ptrace", try_ptrace, KILLED, KILLED },
	{ "process_vm_readv", try_peek, KILLED, KILLED },
	{ "mount", try_mount, KILLED, KILLED },
	{ "unshare", try_unshare, KILLED, KILLED },
	{ "bpf", try_bpf, KILLED, KILLED },
	{ "io_uring", try_io_uring, KILLED, KILLED },
	{ "finit_module", try_module, KILLED, KILLED },
	{ "setresuid", try_setuid, KILLED, KILLED },
	{ "keyctl", try_keyctl, EPERM, EPERM },
	{ "clone a process", try_process, EPERM, EPERM },
	{ "clone3", try_clone3, EPERM, EPERM },
	{ "become dumpable", try_dumpable, EPERM, EPERM },
	{ "raise a limit", try_limit, EPERM, EPERM },
	{ "dump core", try_core, 0, 0 },
	{ "unlock memory", try_unlock, EPERM, EPERM },
	{ "map code", try_code, EPERM, EPERM },
	{ "turn data into code", try_data_to_code, EPERM, EPERM },
	{ "terminate a process", try_terminate, EPERM, EPERM },
	{ "type into a terminal", try_terminal, EPERM, EPERM },
	{ "put secrets into the keyring", try_put, 0, 0 },
	{ "make a key and open a JWE", try_open_jwe, 0, 0 },
	{ "notify the service manager", try_notify, ECONNREFUSED, ECONNREFUSED },
	{ "wait for SIGHUP", try_wait, EAGAIN, EAGAIN },
	{ "kill the courier", try_kill, 0, 0 },
	{ "look whether this is a realm", try_realm_mark, ENOENT, ENOENT },
};

static _Noreturn void child_try(int (*function)(void), bool landlock)
{
	static const struct sandbox_rule hide = { .call = SCMP_SYS(landlock_create_ruleset),
						  .action = SCMP_ACT_ERRNO(ENOSYS) };
	struct error e = ERROR_INIT;

	if (!landlock && sandbox_seccomp(SCMP_ACT_ALLOW, &hide, 1, &e) < 0)
		_exit(1);
	if (confine_begin(&e) < 0 || confine_finish(keyring, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		_exit(2);
	}
	_exit(TRIED + function());
}

static int confine_attempt(int (*function)(void), bool landlock)
{
	int status;
	pid_t pid;

	other = fork();
	if (other == 0) {
		pause();
		_exit(0);
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
	if (landlock_abi() < 1) {
		print_message("# this kernel has no Landlock\n");
		skip();
	}
	confine_check(true);
}

/* The keeper can then open root's files, but has no access to network, programs and processes. */
static void the_keeper_without_landlock(void **state)
{
	(void)state;
	confine_check(false);
}

static int directory_make(char *path)
{
	return mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

static int group_setup(void **state)
{
	(void)state;
	keyring_fd = directory_make(keyring);
	outside_fd = directory_make(outside);
	return keyring_fd < 0 || outside_fd < 0 ? -1 : 0;
}

static int group_teardown(void **state)
{
	(void)state;
	close(keyring_fd);
	close(outside_fd);
	return rmdir(keyring) | rmdir(outside);
}

static int setup(void **state)
{
	(void)state;
	return close(openat(outside_fd, "old", O_CREAT | O_WRONLY, 0600));
}

static int teardown(void **state)
{
	(void)state;
	unlinkat(keyring_fd, "d/a", 0);
	unlinkat(keyring_fd, "d", AT_REMOVEDIR);
	unlinkat(outside_fd, "new", 0);
	unlinkat(outside_fd, "old", 0);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_keeper_stays_confined),
		TEST(the_keeper_without_landlock),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
