// SPDX-License-Identifier: Apache-2.0
/*
 * The system calls of the supervisor of realmkeyd. The keepers that it starts inherit the filters, so what a keeper
 * needs for its own start stays: change of user, capabilities, change of root, Landlock, further filters.
 */
#include <errno.h>
#include <sys/socket.h>

#include "rules.h"

#define KILL   SANDBOX_KILL
#define REFUSE SANDBOX_REFUSE

/* clang-format off */
static const struct sandbox_rule filters[] SANDBOX_RULES = {
	SANDBOX_FILTER(realmkeyd_calls, SCMP_ACT_ALLOW),
	KILL(ptrace), KILL(process_vm_readv), KILL(process_vm_writev), KILL(pidfd_getfd), KILL(kcmp),
	KILL(pidfd_open), KILL(pidfd_send_signal), KILL(perf_event_open), KILL(bpf),
	KILL(init_module), KILL(finit_module), KILL(delete_module), KILL(kexec_load),
	KILL(kexec_file_load), KILL(reboot), KILL(open_by_handle_at), KILL(userfaultfd),
	KILL(io_uring_setup), KILL(io_uring_enter), KILL(io_uring_register),
	KILL(keyctl), KILL(add_key), KILL(request_key),
	KILL(unshare), KILL(setns), KILL(pivot_root), KILL(umount2), KILL(open_tree),
	KILL(swapon), KILL(swapoff), KILL(settimeofday), KILL(clock_settime), KILL(sethostname),

	/* A keeper tries these if the keyring was unmounted, and reports the error. */
	REFUSE(mount, EPERM), REFUSE(fsopen, EPERM), REFUSE(fsmount, EPERM), REFUSE(move_mount, EPERM),

	/* systemd starts the courier. */
	SANDBOX_FILTER(realmkeyd_no_programs, SCMP_ACT_ALLOW),
	KILL(execve), KILL(execveat),
	SANDBOX_IF(socket, SCMP_ACT_ERRNO(EAFNOSUPPORT), SANDBOX_NOT(0, AF_UNIX)),
};
/* clang-format on */
