// SPDX-License-Identifier: Apache-2.0
/* Filters for test_sandbox, made as those of the programs are. */
#include <errno.h>
#include <sys/socket.h>

#include "filters/rules.h"

/* clang-format off */
static const struct sandbox_rule filters[] SANDBOX_RULES = {
	SANDBOX_FILTER(actions, SCMP_ACT_ALLOW),
	SANDBOX_REFUSE(getppid, EXDEV),
	SANDBOX_ALLOW(getpid), /* redundant */
	SANDBOX_IF(socket, SCMP_ACT_ERRNO(EPERM), SANDBOX_BITS(0, 0xffffffff, AF_INET)),
	SANDBOX_REFUSE(open, EXDEV), /* not on arm64 */

	SANDBOX_FILTER(comparisons, SCMP_ACT_ALLOW),
	SANDBOX_IF(getppid, SCMP_ACT_ERRNO(EXDEV), SANDBOX_MAX(0, 6), SANDBOX_IS(5, 0x100000002)),
	SANDBOX_IF(getpgid, SCMP_ACT_ERRNO(EDOM), SANDBOX_BITS(1, 0xf0000000f0, 0x1000000010)),
	SANDBOX_REFUSE(getuid, ENXIO),

	SANDBOX_FILTER(intruder, SCMP_ACT_ALLOW),
	SANDBOX_KILL_INTRUDER,
};
/* clang-format on */
