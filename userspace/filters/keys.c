// SPDX-License-Identifier: Apache-2.0
/* The system calls of realmkey-keys. */
#include <errno.h>
#include <linux/keyctl.h>
#include <sys/mman.h>

#include "rules.h"

#define ALLOW	 SANDBOX_ALLOW
#define ALLOW_IF SANDBOX_ALLOW_IF
#define IS	 SANDBOX_IS
#define BITS	 SANDBOX_BITS

/* An argument of 32 bits. */
#define IS_ID(n, value) BITS(n, 0xffffffffULL, (uint32_t)(value))

/* clang-format off */
static const struct sandbox_rule filters[] SANDBOX_RULES = {
	SANDBOX_FILTER(keys_calls, SCMP_ACT_ERRNO(EPERM)),

	/* memory, but never executable */
	ALLOW(brk), ALLOW(munmap), ALLOW(mremap), ALLOW(madvise), ALLOW(mlock), ALLOW(mlock2),
	ALLOW(munlock),
	ALLOW_IF(mmap, BITS(2, PROT_EXEC, 0)), ALLOW_IF(mprotect, BITS(2, PROT_EXEC, 0)),

	ALLOW(futex), ALLOW(getpid), ALLOW(gettid), ALLOW(exit), ALLOW(exit_group),
	ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(rt_sigreturn), ALLOW(sigaltstack),
	ALLOW(restart_syscall), ALLOW(sched_yield), ALLOW(clock_gettime),

	/* The connection to the keeper, and the log. */
	ALLOW(read), ALLOW(write), ALLOW(poll), ALLOW(ppoll), ALLOW(close),

	/* A key is made in the keyring of this process, and linked into that of its owner. The value of a key that is
	 * there cannot be read or changed. */
	ALLOW_IF(add_key, IS_ID(4, KEY_SPEC_PROCESS_KEYRING)),
	ALLOW_IF(keyctl, IS(0, KEYCTL_SEARCH)), ALLOW_IF(keyctl, IS(0, KEYCTL_LINK)),
	ALLOW_IF(keyctl, IS(0, KEYCTL_UNLINK)), ALLOW_IF(keyctl, IS(0, KEYCTL_REVOKE)),
	ALLOW_IF(keyctl, IS(0, KEYCTL_SETPERM)), ALLOW_IF(keyctl, IS(0, KEYCTL_SET_TIMEOUT)),
	ALLOW_IF(keyctl, IS(0, KEYCTL_CLEAR), IS_ID(1, KEY_SPEC_PROCESS_KEYRING)),

	SANDBOX_KILL_INTRUDER_OF_KEYS, SANDBOX_KILL(request_key),
};
/* clang-format on */
