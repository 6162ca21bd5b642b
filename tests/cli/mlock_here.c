// SPDX-License-Identifier: Apache-2.0
/*
 * mlockall() for programs that are tested outside of a realm. The keeper locks all of its memory, and raises its
 * limit for that first. In a container it may not, and would run out of memory as soon as it has given up root. There,
 * nothing is locked; memory in use is the same, because the keeper locks pages when they are used.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __SANITIZE_ADDRESS__ /* it has one that does nothing */
int mlockall(int flags)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY)
		return (int)syscall(SYS_mlockall, flags);
	if (flags & MCL_ONFAULT)
		return 0;
	errno = EPERM; /* it would load pages that are not used */
	return -1;
}
#endif
