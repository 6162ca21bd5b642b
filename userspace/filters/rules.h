/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules: the system calls of a program, as a table. The table is compiled for the machine on which the
 * program will run, because the numbers of flags depend on it, but it does not become a part of the
 * program: filters_make reads it from the object file and has libseccomp make filters from it.
 */
#ifndef REALMKEY_RULES_H
#define REALMKEY_RULES_H

#include <seccomp.h>
#include <stdint.h>

/* The action for one system call if all of its @count comparisons hold. With SANDBOX_BEGIN, a filter called
 * @name begins, and @action is for all calls without a rule. */
struct sandbox_rule {
	char name[32];	 /* of the call; calls that the architecture lacks are skipped */
	uint32_t action; /* SCMP_ACT_ALLOW, SCMP_ACT_ERRNO(n), SCMP_ACT_KILL_PROCESS */
	uint32_t count;	 /* or SANDBOX_BEGIN */
	/* They compare 64 bits, of which the kernel uses 32 for an int: a rule that refuses a value
	 * must mask the other bits. */
	struct scmp_arg_cmp arg[3];
};

/* The same for each machine, because one machine compiles it, and filters_make reads it on another. */
_Static_assert(sizeof(struct sandbox_rule) == 112, "64-bit machines");

#define SANDBOX_BEGIN UINT32_MAX

/* An attribute of the table: where filters_make finds it. */
#define SANDBOX_RULES __attribute__((used, section("sandbox_rules")))

/* The rules up to the next SANDBOX_FILTER become an array @name for sandbox_seccomp(). Rules with the
 * action @otherwise are redundant and skipped. */
#define SANDBOX_FILTER(filter, otherwise) \
	{ .name = #filter, .action = (otherwise), .count = SANDBOX_BEGIN }
#define SANDBOX_REFUSE(call, error) { .name = #call, .action = SCMP_ACT_ERRNO(error) }
#define SANDBOX_ALLOW(call)	    { .name = #call, .action = SCMP_ACT_ALLOW }
#define SANDBOX_KILL(call)	    { .name = #call, .action = SCMP_ACT_KILL_PROCESS }
/* With up to three of the comparisons below. */
#define SANDBOX_IF(call, what, ...) \
	{ \
		.name = #call, .action = (what), \
		.count = sizeof((struct scmp_arg_cmp[]){ __VA_ARGS__ }) / \
			 sizeof(struct scmp_arg_cmp), \
		.arg = { __VA_ARGS__ } \
	}
#define SANDBOX_ALLOW_IF(call, ...) SANDBOX_IF(call, SCMP_ACT_ALLOW, __VA_ARGS__)
#define SANDBOX_IS(n, value)	    { .arg = (n), .op = SCMP_CMP_EQ, .datum_a = (value) }
#define SANDBOX_NOT(n, value)	    { .arg = (n), .op = SCMP_CMP_NE, .datum_a = (value) }
#define SANDBOX_MAX(n, value)	    { .arg = (n), .op = SCMP_CMP_LE, .datum_a = (value) }
#define SANDBOX_BITS(n, mask, value) \
	{ .arg = (n), .op = SCMP_CMP_MASKED_EQ, .datum_a = (mask), .datum_b = (value) }

/* System calls that none of our programs makes after its start. A process that makes one of them
 * runs an intruder's code. */
#define SANDBOX_KILL_INTRUDER \
	SANDBOX_KILL_INTRUDER_OF_KEYS, SANDBOX_KILL(keyctl), SANDBOX_KILL(add_key), \
		SANDBOX_KILL(request_key)
/* The same for realmkey-keys, which has rules of its own for them. */
#define SANDBOX_KILL_INTRUDER_OF_KEYS \
	SANDBOX_KILL(execve), SANDBOX_KILL(execveat), SANDBOX_KILL(ptrace), \
		SANDBOX_KILL(process_vm_readv), SANDBOX_KILL(process_vm_writev), \
		SANDBOX_KILL(pidfd_getfd), SANDBOX_KILL(mount), SANDBOX_KILL(umount2), \
		SANDBOX_KILL(pivot_root), SANDBOX_KILL(chroot), SANDBOX_KILL(move_mount), \
		SANDBOX_KILL(open_tree), SANDBOX_KILL(fsopen), SANDBOX_KILL(unshare), \
		SANDBOX_KILL(setns), SANDBOX_KILL(bpf), SANDBOX_KILL(perf_event_open), \
		SANDBOX_KILL(userfaultfd), SANDBOX_KILL(io_uring_setup), \
		SANDBOX_KILL(init_module), SANDBOX_KILL(finit_module), \
		SANDBOX_KILL(delete_module), SANDBOX_KILL(kexec_load), \
		SANDBOX_KILL(kexec_file_load), SANDBOX_KILL(open_by_handle_at), \
		SANDBOX_KILL(reboot), SANDBOX_KILL(setuid), SANDBOX_KILL(setresuid), \
		SANDBOX_KILL(setreuid), SANDBOX_KILL(setfsuid), SANDBOX_KILL(setgid), \
		SANDBOX_KILL(setresgid), SANDBOX_KILL(setgroups), SANDBOX_KILL(capset), \
		SANDBOX_KILL(pidfd_open), SANDBOX_KILL(pidfd_send_signal), \
		SANDBOX_KILL(io_uring_enter), SANDBOX_KILL(io_uring_register), SANDBOX_KILL(kcmp)

#endif
