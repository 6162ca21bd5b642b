// SPDX-License-Identifier: Apache-2.0
#include "confine.h"

#include <sys/resource.h>
#include <unistd.h>

#include "base/array.h"
#include "filters/keys.h"
#include "sandbox/sandbox.h"

#define FILES_MAX 8

int confine_begin(struct error *e)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	/* The values are in locked memory. A unit sets its own limit, and may not allow this. */
	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
	return sandbox_no_dump(e);
}

/* The keys belong to root, so the user stays. No call of the filter has a path, so the root directory stays too. */
int confine_keys(struct error *e)
{
	const struct sandbox_identity identity = { .uid = geteuid(), .gid = getegid() };
	const struct sandbox_access nothing = { .alone = true };

	if (sandbox_drop_root(&identity, e) < 0 || sandbox_no_dump(e) < 0 ||
	    sandbox_no_new_privs(e) < 0 || sandbox_no_new_code(e) < 0 ||
	    sandbox_limit(RLIMIT_NOFILE, FILES_MAX, e) < 0 || sandbox_landlock(&nothing, e) < 0)
		return -1;
	return sandbox_seccomp(keys_calls, ARRAY_SIZE(keys_calls), e);
}
