// SPDX-License-Identifier: Apache-2.0
/* What the supervisor of realmkeyd gives up: a child gives it up, tries one action, and its exit status is the
 * outcome. */
#include "confine_test.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "attempts.h"
#include "base/array.h"
#include "keeper/privilege.h"

#define KILLED 1000 /* not an errno: killed by SIGSYS */
#define ANY    (-1) /* it depends on the kernel */

TRY(tcp, socket(AF_INET, SOCK_STREAM, 0))
TRY(netlink, socket(AF_NETLINK, SOCK_RAW, 0))
TRY(high_domain, syscall(SYS_socket, 0x100000000 | AF_INET, SOCK_STREAM, 0))
TRY(ptrace, syscall(SYS_ptrace, 16, 1, 0, 0))
TRY(peek, syscall(SYS_process_vm_readv, other, 0, 0, 0, 0, 0))
TRY(poke, syscall(SYS_process_vm_writev, 1, 0, 0, 0, 0, 0))
TRY(kcmp, syscall(SYS_kcmp, 1, 1, 0, 0, 0))
TRY(perf, syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0))
TRY(kexec, syscall(SYS_kexec_load, 0, 0, NULL, 0))
TRY(umount, syscall(SYS_umount2, "/nonexistent", 0))
TRY(fsopen, syscall(SYS_fsopen, "tmpfs", 0))
TRY(move_mount, syscall(SYS_move_mount, -1, "", -1, "", 0))
TRY(setns, syscall(SYS_setns, 0, 0))
TRY(handle, syscall(SYS_open_by_handle_at, -1, NULL, 0))
TRY(pidfd, syscall(SYS_pidfd_open, 1, 0))
TRY(read_file, open("/etc/passwd", O_RDONLY))
TRY(chroot, chroot("/"))

static int try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return outcome(waitpid(pid, NULL, 0));
}

static int try_bind(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "privilege-%d", (int)getpid());
	return outcome(bind(fd, (struct sockaddr *)&address, sizeof(address)));
}

/* What the next keeper does for its own confinement. */
static int try_keeper(void)
{
	struct sandbox_identity identity;
	struct error e = ERROR_INIT;

	confine_identity(&identity);
	if (confine_begin_unlocked(&e) == 0 &&
	    confine_finish(keyring_fd, &identity, getppid(), &e) == 0)
		return 0;
	fprintf(stderr, "%s\n", e.text);
	return 1;
}

static int try_lend(void)
{
	struct error e = ERROR_INIT;
	int ret = privilege_lend(1001, &e);

	if (ret || geteuid() != 1001)
		return 1;
	privilege_return();
	return geteuid() != 0 || prctl(PR_GET_DUMPABLE) != 0;
}

static int try_dump(void)
{
	return prctl(PR_GET_DUMPABLE);
}

static int try_gain(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
}

static const struct {
	const char *name;
	int (*function)(void);
	int programs, none; /* if it may execute programs, and if it may not */
} attempts[] = {
	{ "trace a process", try_ptrace, KILLED, KILLED },
	{ "read its memory", try_peek, KILLED, KILLED },
	{ "write its memory", try_poke, KILLED, KILLED },
	{ "compare descriptors", try_kcmp, KILLED, KILLED },
	{ "take a descriptor", try_getfd, KILLED, KILLED },
	{ "a pidfd", try_pidfd, KILLED, KILLED },
	{ "perf", try_perf, KILLED, KILLED },
	{ "bpf", try_bpf, KILLED, KILLED },
	{ "load a module", try_module, KILLED, KILLED },
	{ "load a kernel", try_kexec, KILLED, KILLED },
	{ "io_uring", try_io_uring, KILLED, KILLED },
	{ "a key", try_keyctl, KILLED, KILLED },
	{ "a file by handle", try_handle, KILLED, KILLED },
	{ "a namespace of its own", try_unshare, KILLED, KILLED },
	{ "another namespace", try_setns, KILLED, KILLED },
	{ "unmount", try_umount, KILLED, KILLED },
	{ "mount", try_mount, EPERM, EPERM },
	{ "mount by fsopen()", try_fsopen, EPERM, EPERM },
	{ "move a mount", try_move_mount, EPERM, EPERM },
	{ "turn data into code", try_data_to_code, EACCES, EACCES },
	{ "execute a program", try_execve, 0, KILLED },
	{ "a TCP socket", try_tcp, 0, EAFNOSUPPORT },
	{ "the same, with more bits", try_high_domain, 0, EAFNOSUPPORT },
	{ "a netlink socket", try_netlink, 0, EAFNOSUPPORT },
	{ "a UDP socket", try_udp6, ANY, EAFNOSUPPORT },
	{ "a raw socket", try_raw, ANY, EAFNOSUPPORT },
	{ "a packet socket", try_packet, ANY, EAFNOSUPPORT },
	{ "a vsock", try_vsock, ANY, EAFNOSUPPORT },
	{ "be dumped", try_dump, 0, 0 },
	{ "decide that for itself", try_dumpable, 0, 0 },
	{ "gain privileges", try_gain, 0, 0 },

	{ "read a file", try_read_file, 0, 0 },
	{ "bind a Unix socket", try_bind, 0, 0 },
	{ "a Unix socket", try_unix, 0, 0 },
	{ "fork", try_fork, 0, 0 },
	{ "fork in the old way", try_process, 0, 0 },
	{ "fork in the new way", try_clone3, EINVAL, EINVAL }, /* without arguments */
	{ "change capabilities", try_capset, EFAULT, EFAULT }, /* likewise */
	{ "load a library", try_code, 0, 0 },
	{ "change the root", try_chroot, 0, 0 },
	{ "act as another user", try_lend, 0, 0 },
	{ "confine a keeper", try_keeper, 0, 0 },
};

static int attempt(int (*function)(void), bool programs)
{
	struct error e = ERROR_INIT;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (privilege_begin(&e) < 0 || privilege_give_up(programs, &e) < 0) {
			fprintf(stderr, "%s\n", e.text);
			_exit(200);
		}
		_exit(function());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? KILLED : KILLED + WTERMSIG(status);
	return WEXITSTATUS(status);
}

static void the_supervisor_gives_up_what_it_does_not_need(void **state)
{
	int failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		for (int programs = 0; programs < 2; programs++) {
			int wanted = programs ? attempts[i].programs : attempts[i].none;
			int got = attempt(attempts[i].function, programs);

			if (got == wanted || wanted == ANY)
				continue;
			failed++;
			print_error("%s, %s: %d, expected %d\n", attempts[i].name,
				    programs ? "programs" : "none", got, wanted);
		}
	}
	assert_int_equal(failed, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_supervisor_gives_up_what_it_does_not_need),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
