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
 * opened, nothing can be executed. Ports need Landlock ABI 4, @alone ABI 6; older kernels do
 * without these two. Returns 1, or 0 where the kernel has no Landlock: then nothing is confined,
 * and the caller must find another way.
 */
int sandbox_landlock(const struct sandbox_access *access, struct error *e);

/* What happens to one system call, if all of its @count comparisons hold. They are about 64 bits,
 * of which the kernel takes 32 for an int: a rule that refuses a value must mask the rest away. */
struct sandbox_rule {
	int call;		/* SCMP_SYS(name); calls that this machine has not are skipped */
	uint32_t action;	/* SCMP_ACT_ALLOW, SCMP_ACT_ERRNO(n), SCMP_ACT_KILL_PROCESS */
	unsigned int count;
	struct scmp_arg_cmp arg[3];
};

#define SANDBOX_ALLOW(name) { .call = SCMP_SYS(name), .action = SCMP_ACT_ALLOW }
#define SANDBOX_KILL(name) { .call = SCMP_SYS(name), .action = SCMP_ACT_KILL_PROCESS }
/* Up to three of the comparisons below. */
#define SANDBOX_ALLOW_IF(name, ...) \
	{ .call = SCMP_SYS(name), .action = SCMP_ACT_ALLOW, \
	  .count = sizeof((struct scmp_arg_cmp[]){ __VA_ARGS__ }) / sizeof(struct scmp_arg_cmp), \
	  .arg = { __VA_ARGS__ } }
#define SANDBOX_IS(n, value) { .arg = (n), .op = SCMP_CMP_EQ, .datum_a = (value) }
#define SANDBOX_MAX(n, value) { .arg = (n), .op = SCMP_CMP_LE, .datum_a = (value) }
#define SANDBOX_BITS(n, mask, value) \
	{ .arg = (n), .op = SCMP_CMP_MASKED_EQ, .datum_a = (mask), .datum_b = (value) }

/* Rules for what no honest path of any of our programs does once it has started: whoever comes
 * there is not the program any more. */
#define SANDBOX_KILL_INTRUDER \
	SANDBOX_KILL(execve), SANDBOX_KILL(execveat), SANDBOX_KILL(ptrace), \
	SANDBOX_KILL(process_vm_readv), SANDBOX_KILL(process_vm_writev), \
	SANDBOX_KILL(pidfd_getfd), SANDBOX_KILL(mount), SANDBOX_KILL(umount2), \
	SANDBOX_KILL(pivot_root), SANDBOX_KILL(chroot), SANDBOX_KILL(move_mount), \
	SANDBOX_KILL(open_tree), SANDBOX_KILL(fsopen), SANDBOX_KILL(unshare), \
	SANDBOX_KILL(setns), SANDBOX_KILL(bpf), SANDBOX_KILL(perf_event_open), \
	SANDBOX_KILL(userfaultfd), SANDBOX_KILL(io_uring_setup), SANDBOX_KILL(init_module), \
	SANDBOX_KILL(finit_module), SANDBOX_KILL(delete_module), SANDBOX_KILL(kexec_load), \
	SANDBOX_KILL(kexec_file_load), SANDBOX_KILL(open_by_handle_at), SANDBOX_KILL(reboot), \
	SANDBOX_KILL(setuid), SANDBOX_KILL(setresuid), SANDBOX_KILL(capset)

/*
 * Load a seccomp filter: the rules, and @otherwise for everything else (rules whose action is
 * @otherwise are redundant and skipped). Filters add up: of several, the strictest answer counts.
 * The process must have one thread.
 */
int sandbox_seccomp(uint32_t otherwise, const struct sandbox_rule *rule, size_t count,
		    struct error *e);

#endif
