// SPDX-License-Identifier: Apache-2.0
/*
 * Runs on the machine on which Realmkey is built: has libseccomp make the filters of one program, and writes
 * them as C. So no program assembles filters when it starts, and none loads libseccomp.
 *
 *	filters_make ARCHITECTURE RULES OUTPUT
 *
 * RULES is the section of an object file that SANDBOX_RULES names.
 */
#include <errno.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

#define API_LEVEL \
	3 /* of libseccomp: knows SCMP_ACT_KILL_PROCESS, whatever the kernel of this machine */

struct filter {
	scmp_filter_ctx rules;
	uint32_t architecture, otherwise;
	char name[32];
};

static _Noreturn void die(const char *what, const char *name, int error)
{
	fprintf(stderr, "filters_make: %s: %s: %s\n", name, what, strerror(error));
	exit(1);
}

/* libseccomp returns negative errors. */
static void must(int result, const char *what, const char *name)
{
	if (result < 0)
		die(what, name, -result);
}

static void filter_begin(struct filter *f, const struct sandbox_rule *rule)
{
	f->otherwise = rule->action;
	memcpy(f->name, rule->name, sizeof(f->name));
	f->rules = seccomp_init(f->otherwise);
	if (!f->rules)
		die("cannot begin a filter", f->name, ENOMEM);
	if (f->architecture != seccomp_arch_native()) {
		must(seccomp_arch_add(f->rules, f->architecture), "architecture", f->name);
		must(seccomp_arch_remove(f->rules, seccomp_arch_native()), "this machine", f->name);
	}
	/* System calls of another ABI of the machine have other numbers. */
	must(seccomp_attr_set(f->rules, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS),
	     "other architectures", f->name);
}

static void filter_add(const struct filter *f, const struct sandbox_rule *rule)
{
	int there = seccomp_syscall_resolve_name_arch(f->architecture, rule->name);
	/* libseccomp expects numbers of this machine, and translates them. */
	int here = seccomp_syscall_resolve_name(rule->name);

	if (!f->rules)
		die("a rule before the first filter", rule->name, EINVAL);
	if (there == __NR_SCMP_ERROR)
		die("libseccomp knows no such system call", rule->name, ENOSYS);
	if (there >= 0 && rule->action != f->otherwise)
		must(seccomp_rule_add_array(f->rules, rule->action, here, rule->count, rule->arg),
		     "cannot add the rule", rule->name);
}

static void filter_write(struct filter *f, FILE *out)
{
	FILE *code = tmpfile();
	struct sock_filter step;

	if (!code)
		die("temporary file", f->name, errno);
	must(seccomp_export_bpf(f->rules, fileno(code)), "cannot make the filter", f->name);
	seccomp_release(f->rules);
	if (fseek(code, 0, SEEK_SET))
		die("temporary file", f->name, errno);
	fprintf(out, "\nstatic const struct sock_filter %s[] = {\n", f->name);
	while (fread(&step, sizeof(step), 1, code) == 1)
		fprintf(out, "\t{ 0x%02x, %d, %d, 0x%08x },\n", step.code, step.jt, step.jf,
			step.k);
	fprintf(out, "};\n");
	fclose(code);
}

int main(int argc, char **argv)
{
	struct filter f = { .rules = NULL };
	struct sandbox_rule rule;
	FILE *in, *out;

	if (argc != 4) {
		fprintf(stderr, "usage: filters_make ARCHITECTURE RULES OUTPUT\n");
		return 2;
	}
	f.architecture = seccomp_arch_resolve_name(argv[1]);
	if (!f.architecture)
		die("libseccomp does not know this architecture", argv[1], EINVAL);
	must(seccomp_api_set(API_LEVEL), "API level", argv[1]);
	in = fopen(argv[2], "rb");
	if (!in)
		die("cannot open", argv[2], errno);
	out = fopen(argv[3], "w");
	if (!out)
		die("cannot open", argv[3], errno);
	fprintf(out, "/* Made by filters_make for %s. */\n#include <linux/filter.h>\n", argv[1]);
	while (fread(&rule, sizeof(rule), 1, in) == 1) {
		if (rule.count == SANDBOX_BEGIN) {
			if (f.rules)
				filter_write(&f, out);
			filter_begin(&f, &rule);
		} else {
			filter_add(&f, &rule);
		}
	}
	if (!f.rules)
		die("no filter", argv[2], ENODATA);
	filter_write(&f, out);
	fclose(in);
	if (fclose(out))
		die("cannot write", argv[3], errno);
	return 0;
}
