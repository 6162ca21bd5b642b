/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: the steps by which a process gives up what it will not need. Each program orders them in
 * a profile of its own: user, capabilities, paths, and system calls last, because a step may need a
 * call that the next one takes away.
 *
 * Every step fails closed: 0, or -1 with ERROR_SYSTEM and a process that must not go on.
 */
#ifndef REALMKEY_SANDBOX_H
#define REALMKEY_SANDBOX_H

#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* No core dump, no ptrace and no /proc/PID/mem by others of the same user. Changing the user undoes
 * the latter, so do that first. */
int sandbox_no_dump(struct error *e);
/* execve() never gains privileges again. */
int sandbox_no_new_privs(struct error *e);
/* No memory both writable and executable; kernels before 6.3 cannot, and that is no error. */
int sandbox_no_new_code(struct error *e);
/* Soft and hard limit of one RLIMIT_*. */
int sandbox_limit(int resource, unsigned long max, struct error *e);
/* Become @name, for good, with no supplementary groups; 65534 where that user does not exist.
 * Nothing happens, and 0 is returned, when the process is not root. */
int sandbox_drop_user(const char *name, struct error *e);
/* Empty every capability set, the bounding set as far as that is allowed. */
int sandbox_drop_capabilities(struct error *e);

#define SANDBOX_READ	1U	/* read files, list directories */
#define SANDBOX_WRITE	2U	/* write, create, remove, rename, truncate */
#define SANDBOX_IOCTL	4U	/* ioctl on devices */

struct sandbox_path {
	const char *path;	/* a file, or a directory with all below it; skipped if absent */
	unsigned int access;	/* SANDBOX_* */
};

struct sandbox_access {
	const struct sandbox_path *path;
	size_t paths;
	const uint16_t *port;	/* TCP ports that connect() may use; NULL: TCP is not restricted */
	size_t ports;
	bool alone;		/* no signal and no abstract socket to anyone outside */
};

/*
 * Confine this thread and its future children to @access by Landlock; what is not listed cannot be
 * opened, nothing can be executed. Ports need Landlock ABI 4, @alone ABI 6; older kernels do without
 * these two. Returns 1, or 0 where the kernel has no Landlock: then nothing is confined and the caller must find
 * another way.
 */
int sandbox_landlock(const struct sandbox_access *access, struct error *e);

/* What happens to one system call, if all of its @count comparisons hold. They are about 64 bits, of
 * which the kernel takes 32 for an int: a rule that refuses a value must mask the others away. */
struct sandbox_rule {
	int call;		/* SCMP_SYS(name); calls that this machine has not are skipped */
	uint32_t action;	/* SCMP_ACT_ALLOW, SCMP_ACT_ERRNO(n), SCMP_ACT_KILL_PROCESS */
	unsigned int count;
	struct scmp_arg_cmp arg[3];
};

/*
 * Load a seccomp filter: the rules, and @otherwise for everything else (rules whose action is
 * @otherwise are redundant and skipped). Filters add up: of several, the strictest answer counts.
 * The process must have one thread.
 */
int sandbox_seccomp(uint32_t otherwise, const struct sandbox_rule *rule, size_t count,
		    struct error *e);

#endif
