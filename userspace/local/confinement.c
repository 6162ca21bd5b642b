// SPDX-License-Identifier: Apache-2.0
#include "confinement.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "filters/local.h"
#include "sandbox/sandbox.h"
#include "sinks/served.h"

#define PATH_SIZE 4096

/* The steps that both have after the change of user, which would undo some. */
static int confine(const struct sandbox_access *access, const struct sock_filter *filter,
		   size_t len, struct error *e)
{
	if (sandbox_no_dump(e) < 0 || sandbox_no_new_privs(e) < 0 || sandbox_no_new_code(e) < 0 ||
	    sandbox_landlock(access, e) < 0)
		return -1;
	return sandbox_seccomp(filter, len, e);
}

int confinement_acceptor(const char *config, struct error *e)
{
	const struct sandbox_identity root = { .uid = geteuid(), .gid = getegid() };
	char directory[PATH_SIZE];
	const struct sandbox_path paths[] = {
		{ directory, SANDBOX_READ },	{ ".", SANDBOX_READ },
		{ "/proc", SANDBOX_READ },	{ "/etc/passwd", SANDBOX_READ },
		{ "/etc/group", SANDBOX_READ }, { "/etc/nsswitch.conf", SANDBOX_READ },
	};
	const struct sandbox_access access = {
		.path = paths,
		.paths = ARRAY_SIZE(paths),
		.alone = true,
	};
	const char *slash = strrchr(config, '/');

	snprintf(directory, sizeof(directory), "%.*s", slash > config ? (int)(slash - config) : 1,
		 config);
	if (sandbox_drop_root(&root, e) < 0)
		return -1;
	return confine(&access, local_acceptor_calls, ARRAY_SIZE(local_acceptor_calls), e);
}

int confinement_reader(struct error *e)
{
	const struct sandbox_path paths[] = { { ".", SANDBOX_READ } };
	const struct sandbox_access access = {
		.path = paths,
		.paths = ARRAY_SIZE(paths),
		.alone = true,
	};
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct sandbox_identity identity = { .keep = 0 };

	(void)sandbox_user(SERVED_USER, SERVED_FALLBACK, &identity);
	/* For values, which are locked. A unit sets its own limit, and may not allow this. */
	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
	/* A name then leads into the keyring only, also if the kernel has no Landlock. The unit withholds
	 * CAP_SYS_CHROOT; it has its own means. */
	if (chroot(".") < 0 && errno != EPERM)
		return error_set_errno(e, ERROR_SYSTEM, "chroot");
	if (sandbox_drop_root(&identity, e) < 0)
		return -1;
	return confine(&access, local_reader_calls, ARRAY_SIZE(local_reader_calls), e);
}
