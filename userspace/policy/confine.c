// SPDX-License-Identifier: Apache-2.0
#include "confine.h"

#include <sys/resource.h>

#include "base/array.h"
#include "filters/policy.h"
#include "sandbox/sandbox.h"

#define NOBODY	 65534
#define OWN_DATA ((size_t)16 << 20) /* of the program and its libraries, and what malloc() wastes */

static int limits_set(size_t memory, struct error *e)
{
#ifndef __SANITIZE_ADDRESS__ /* which maps terabytes; the engine's own count holds there, too */
	if (sandbox_limit(RLIMIT_DATA, memory + OWN_DATA, e) < 0)
		return -1;
#else
	(void)memory;
#endif
	if (sandbox_limit(RLIMIT_STACK, CONFINE_STACK, e) < 0 ||
	    sandbox_limit(RLIMIT_NOFILE, 0, e) < 0)
		return -1;
	return sandbox_limit(RLIMIT_FSIZE, 0, e);
}

int policy_confine(size_t memory, pid_t parent, struct error *e)
{
	const uint16_t no_port = 0;
	const struct sandbox_access nothing = { .port = &no_port, .alone = true };
	struct sandbox_identity identity = { 0 };

	sandbox_user("nobody", NOBODY, &identity);
	if (sandbox_drop_root(&identity, e) < 0 || sandbox_no_new_privs(e) < 0 ||
	    sandbox_no_dump(e) < 0 || sandbox_no_new_code(e) < 0 || sandbox_end_with(parent, e) < 0)
		return -1;
	if (sandbox_landlock(&nothing, e) < 0 || limits_set(memory, e) < 0)
		return -1;
	return sandbox_seccomp(policy_calls, ARRAY_SIZE(policy_calls), e);
}
