// SPDX-License-Identifier: Apache-2.0
#include "privilege.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/array.h"
#include "filters/supervisor.h"
#include "sandbox/sandbox.h"

int privilege_begin(struct error *e)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	if (sandbox_no_dump(e) < 0)
		return -1;
	/* As the keeper does (confine.c). */
	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "cannot lock memory");
	return 0;
}

int privilege_explain(bool root, struct error *e)
{
	return root ? -1 : error_append(e, "; realmkeyd was not started as root: run it as root");
}

int privilege_give_up(bool programs, struct error *e)
{
	/* Memory that is writable and then executable; the loader needs none. */
	if (sandbox_no_new_privs(e) < 0 || sandbox_no_new_code(e) < 0)
		return -1;
	if (!programs &&
	    sandbox_seccomp(realmkeyd_no_programs, ARRAY_SIZE(realmkeyd_no_programs), e) < 0)
		return -1;
	return sandbox_seccomp(realmkeyd_calls, ARRAY_SIZE(realmkeyd_calls), e);
}

int privilege_lend(uid_t uid, struct error *e)
{
	if (geteuid() != 0 || uid == 0 || seteuid(uid) == 0)
		return 0;
	return error_set_errno(e, ERROR_SYSTEM, "cannot act as user %u", uid);
}

void privilege_return(void)
{
	struct error e = ERROR_INIT;

	/* A change of user makes a process traceable where fs.suid_dumpable says so. */
	if (geteuid() != getuid() && (seteuid(getuid()) < 0 || sandbox_no_dump(&e) < 0))
		abort();
}
