// SPDX-License-Identifier: Apache-2.0
#include "confine.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "filters/courier.h"
#include "route/broker.h"
#include "sandbox/sandbox.h"

#define NOBODY	  65534
#define DNS_PORT  53
#define FILES_MAX 64

int confine_drop(struct error *e)
{
	struct sandbox_identity identity = { 0 };

	sandbox_user(CONFINE_USER, NOBODY, &identity);
	if (sandbox_drop_root(&identity, e) < 0 || sandbox_no_new_privs(e) < 0 ||
	    sandbox_no_dump(e) < 0 || sandbox_no_new_code(e) < 0)
		return -1;
	if (sandbox_limit(RLIMIT_NOFILE, FILES_MAX, e) < 0 || sandbox_limit(RLIMIT_FSIZE, 0, e) < 0)
		return -1;
	/* After the change of user, which clears it. RLIMIT_NPROC is not set, because it counts all
	 * processes of user 65534; confine_calls() allows no clone(). */
	return sandbox_end_with(getppid(), e);
}

int confine_supervisor(const struct target *target, struct error *e)
{
	struct sandbox_path paths[1 + FAILOVER_SERVERS_MAX] = { { "/", SANDBOX_READ } };
	char directory[FAILOVER_SERVERS_MAX][URL_PATH_SIZE];
	struct sandbox_access access = { .path = paths, .paths = 1, .alone = true };

	/* A rule for the directory, because a socket is made anew when its server starts again. */
	for (size_t i = 0; i < target->servers; i++) {
		const char *path = target->server[i].to.path;

		if (target->server[i].to.transport != URL_UNIX)
			continue;
		snprintf(directory[i], sizeof(directory[i]), "%.*s",
			 (int)(strrchr(path, '/') - path) + 1, path);
		paths[access.paths++] = (struct sandbox_path){ directory[i], SANDBOX_MEET };
	}
	if (sandbox_landlock(&access, e) < 0)
		return -1;
	return sandbox_seccomp(supervisor_calls, ARRAY_SIZE(supervisor_calls), e);
}

/* --- files ----------------------------------------------------------------------------------- */

/*
 * The files that the resolver of glibc reads when it looks a name up among "files dns" (resolver.h). It
 * reads no other: services, because ports are numbers, nsswitch.conf and modules not, because
 * resolver_prepare() has done it.
 *
 * A rule of Landlock applies to the file that a path leads to now, through symbolic links. It does not
 * apply to a file that is renamed over it or made later, and a rule for /etc would allow all that is
 * there. So a worker that has become stale (confine_changed()) ends, and the supervisor starts another.
 */
/* clang-format off */
static const struct sandbox_path resolver_paths[CONFINE_FILES] = {
	{ "/etc/resolv.conf", SANDBOX_READ },
	{ "/etc/hosts", SANDBOX_READ },
	{ "/etc/host.conf", SANDBOX_READ },
	{ "/etc/gai.conf", SANDBOX_READ },
};
/* clang-format on */

static void stamp_take(struct confine_stamp *stamp)
{
	struct stat st;

	memset(stamp, 0, sizeof(*stamp));
	for (size_t i = 0; i < ARRAY_SIZE(resolver_paths); i++) {
		if (stat(resolver_paths[i].path, &st) < 0)
			continue;
		stamp->file[i][0] = (int64_t)st.st_dev;
		stamp->file[i][1] = (int64_t)st.st_ino;
		stamp->file[i][2] = st.st_size;
		stamp->file[i][3] = st.st_mtim.tv_sec;
		stamp->file[i][4] = st.st_mtim.tv_nsec;
		stamp->file[i][5] = st.st_ctim.tv_sec;
		stamp->file[i][6] = st.st_ctim.tv_nsec;
	}
}

bool confine_changed(const struct confine_stamp *stamp)
{
	struct confine_stamp now;

	stamp_take(&now);
	return memcmp(&now, stamp, sizeof(now)) != 0;
}

int confine_files(const struct target *target, struct confine_stamp *stamp, struct error *e)
{
	uint16_t ports[FAILOVER_SERVERS_MAX + 1];
	size_t count = target_ports(target, ports);
	const struct sandbox_access access = {
		.path = resolver_paths,
		.paths = count ? ARRAY_SIZE(resolver_paths) : 0,
		.port = ports,
		.ports = count ? count + 1 : 0,
		.alone = true,
	};

	ports[count] = DNS_PORT;
	/* First: what changes in between must count as changed. */
	stamp_take(stamp);
	return sandbox_landlock(&access, e);
}

/* --- system calls ---------------------------------------------------------------------------- */

int confine_calls(const struct target *target, int files, struct error *e)
{
	/* The strictest action of all filters applies. The second filter allows no third. */
	if (!files && sandbox_seccomp(worker_no_files, ARRAY_SIZE(worker_no_files), e) < 0)
		return -1;
	if (!broker_needed(target))
		return sandbox_seccomp(worker_calls, ARRAY_SIZE(worker_calls), e);
	if (!target_uses(target, URL_TCP))
		return sandbox_seccomp(worker_calls_passed, ARRAY_SIZE(worker_calls_passed), e);
	return sandbox_seccomp(worker_calls_both, ARRAY_SIZE(worker_calls_both), e);
}
