// SPDX-License-Identifier: Apache-2.0
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"

/* Headers older than the kernel lack these. */
#ifndef LANDLOCK_ACCESS_FS_RESOLVE_UNIX
#define LANDLOCK_ACCESS_FS_RESOLVE_UNIX (1ULL << 16)
#endif
#ifndef PR_SET_MDWE
#define PR_SET_MDWE		 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

int sandbox_no_dump(struct error *e)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "PR_SET_DUMPABLE");
	return sandbox_limit(RLIMIT_CORE, 0, e);
}

int sandbox_no_new_privs(struct error *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "PR_SET_NO_NEW_PRIVS");
	return 0;
}

int sandbox_no_new_code(struct error *e)
{
	if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0 && errno != EINVAL)
		return error_set_errno(e, ERROR_SYSTEM, "PR_SET_MDWE");
	return 0;
}

int sandbox_end_with(pid_t parent, struct error *e)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "PR_SET_PDEATHSIG");
	/* It may have ended before. */
	return getppid() == parent ? 0 : error_set(e, ERROR_SYSTEM, "the parent process has ended");
}

int sandbox_limit(int resource, unsigned long max, struct error *e)
{
	struct rlimit limit = { .rlim_cur = max, .rlim_max = max };

	if (setrlimit((__rlimit_resource_t)resource, &limit) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "setrlimit %d to %lu", resource, max);
	return 0;
}

bool sandbox_user(const char *name, uid_t fallback, struct sandbox_identity *identity)
{
	const struct passwd *entry;

	identity->uid = geteuid();
	identity->gid = getegid();
	if (identity->uid != 0)
		return true;
	entry = getpwnam(name);
	if (entry && entry->pw_uid != 0) {
		identity->uid = entry->pw_uid;
		identity->gid = entry->pw_gid;
		return true;
	}
	identity->uid = fallback;
	identity->gid = fallback;
	return false;
}

static int user_become(const struct sandbox_identity *identity, struct error *e)
{
	const bool stays = identity->uid == 0 && identity->gid == getegid();

	if (geteuid() != 0)
		return 0;
	/* A user who stays keeps its groups if a unit withholds CAP_SETGID. */
	if (getgroups(0, NULL) && setgroups(0, NULL) < 0 && !(stays && errno == EPERM))
		return error_set_errno(e, ERROR_SYSTEM, "setgroups");
	if (stays)
		return 0;
	if (setresgid(identity->gid, identity->gid, identity->gid) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "setresgid %u", identity->gid);
	if (setresuid(identity->uid, identity->uid, identity->uid) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "setresuid %u", identity->uid);
	return 0;
}

/* Empty the bounding set, if CAP_SETPCAP allows it; a process without that cannot gain what is left in
 * the set either, once sandbox_no_new_privs() was called. */
static int bounding_drop(struct error *e)
{
	for (unsigned long i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0 && errno != EPERM)
			return error_set_errno(e, ERROR_SYSTEM, "PR_CAPBSET_DROP %lu", i);
	return 0;
}

int sandbox_drop_root(const struct sandbox_identity *identity, struct error *e)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct had[_LINUX_CAPABILITY_U32S_3], data[_LINUX_CAPABILITY_U32S_3];

	/* The bounding set first: to change it requires a capability that the change of user takes. */
	if (bounding_drop(e) < 0)
		return -1;
	if (identity->keep && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "PR_SET_KEEPCAPS");
	if (user_become(identity, e) < 0)
		return -1;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "PR_CAP_AMBIENT_CLEAR_ALL");
	if (syscall(SYS_capget, &header, had) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "capget");
	for (size_t i = 0; i < ARRAY_SIZE(data); i++) {
		uint32_t keep = had[i].permitted & (uint32_t)(identity->keep >> 32 * i);

		data[i] = (struct __user_cap_data_struct){ .effective = keep, .permitted = keep };
	}
	/* A unit that withholds all capabilities may refuse the call, too. */
	if (memcmp(had, data, sizeof(had)) && syscall(SYS_capset, &header, data) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "capset");
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "PR_SET_KEEPCAPS");
	return 0;
}

/* --- Landlock ------------------------------------------------------------------------------- */

/* The rights that a rule for a file may have; all others are for directories. */
#define FILE_RIGHTS \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | \
	 LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE | \
	 LANDLOCK_ACCESS_FS_IOCTL_DEV)

static const struct {
	unsigned int access;
	uint64_t rights;
} landlock_rights[] = {
	{ SANDBOX_READ, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR },
	{ SANDBOX_WRITE, LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE |
				 LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
				 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
				 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
				 LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER },
	{ SANDBOX_IOCTL, LANDLOCK_ACCESS_FS_IOCTL_DEV },
	{ SANDBOX_MEET, LANDLOCK_ACCESS_FS_RESOLVE_UNIX },
};

/* The version of Landlock's ABI, or 0 if the kernel has no Landlock, did not enable it, or a
 * container hides it. */
static int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

/* All rights that ABI @abi can refuse. */
static struct landlock_ruleset_attr landlock_handled(int abi, const struct sandbox_access *access)
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1,
	};

	if (abi >= 2)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi >= 5)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	if (abi >= 4 && access->port)
		attr.handled_access_net = LANDLOCK_ACCESS_NET_BIND_TCP |
					  LANDLOCK_ACCESS_NET_CONNECT_TCP;
	if (abi >= 6 && access->alone)
		attr.scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL;
	if (abi >= 9 && access->alone)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_RESOLVE_UNIX;
	return attr;
}

static uint64_t landlock_path_rights(unsigned int access, const struct stat *st)
{
	uint64_t rights = 0;

	for (size_t i = 0; i < ARRAY_SIZE(landlock_rights); i++)
		if (access & landlock_rights[i].access)
			rights |= landlock_rights[i].rights;
	return S_ISDIR(st->st_mode) ? rights : rights & FILE_RIGHTS;
}

static int landlock_add_path(int ruleset, uint64_t handled, const struct sandbox_path *path,
			     struct error *e)
{
	struct landlock_path_beneath_attr attr = { .parent_fd = -1 };
	struct stat st;
	int ret = -1;

	attr.parent_fd = open(path->path, O_PATH | O_CLOEXEC);
	if (attr.parent_fd < 0) /* a path that cannot be reached needs no rule */
		return errno == ENOENT || errno == EACCES || errno == ENOTDIR ?
			       0 :
			       error_set_errno(e, ERROR_SYSTEM, "%s", path->path);
	if (fstat(attr.parent_fd, &st) < 0) {
		error_set_errno(e, ERROR_SYSTEM, "%s", path->path);
		goto out;
	}
	attr.allowed_access = landlock_path_rights(path->access, &st) & handled;
	ret = 0;
	if (attr.allowed_access &&
	    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &attr, 0) < 0)
		ret = error_set_errno(e, ERROR_SYSTEM, "landlock: %s", path->path);
out:
	close(attr.parent_fd);
	return ret;
}

static int landlock_add_rules(int ruleset, const struct landlock_ruleset_attr *attr,
			      const struct sandbox_access *access, struct error *e)
{
	struct landlock_net_port_attr port = { .allowed_access = LANDLOCK_ACCESS_NET_CONNECT_TCP };

	for (size_t i = 0; i < access->paths; i++)
		if (landlock_add_path(ruleset, attr->handled_access_fs, &access->path[i], e) < 0)
			return -1;
	for (size_t i = 0; attr->handled_access_net && i < access->ports; i++) {
		port.port = access->port[i];
		if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_NET_PORT, &port, 0) < 0)
			return error_set_errno(e, ERROR_SYSTEM, "landlock: port %u",
					       access->port[i]);
	}
	return 0;
}

int sandbox_landlock(const struct sandbox_access *access, struct error *e)
{
	int abi = landlock_abi(), ruleset, ret = -1;
	struct landlock_ruleset_attr attr = landlock_handled(abi, access);

	if (!abi)
		return 0;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset < 0)
		return error_set_errno(e, ERROR_SYSTEM, "landlock_create_ruleset");
	if (landlock_add_rules(ruleset, &attr, access, e) < 0 || sandbox_no_new_privs(e) < 0)
		goto out;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0) {
		error_set_errno(e, ERROR_SYSTEM, "landlock_restrict_self");
		goto out;
	}
	ret = 1;
out:
	close(ruleset);
	return ret;
}

/* --- seccomp -------------------------------------------------------------------------------- */

int sandbox_seccomp(const struct sock_filter *code, size_t len, struct error *e)
{
	struct sock_fprog filter = {
		.len = (unsigned short)len,
		.filter = (struct sock_filter *)code, /* the kernel copies it */
	};

	if (sandbox_no_new_privs(e) < 0)
		return -1;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "seccomp");
	return 0;
}
