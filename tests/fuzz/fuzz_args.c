// SPDX-License-Identifier: Apache-2.0
/* Each line of the input is an argument of a program, and also the value of an option that a
 * function of the library reads. */
#include "base/args.h"
#include "event/event_type.h"
#include "fuzz.h"
#include "config/owner.h"
#include "rim/rim_vmm.h"

#define ARGUMENTS_MAX 16

struct target {
	bool flag;
	const char *text;
	unsigned int number;
};

static const struct args_option options[] = {
	{ .name = "flag", .offset = offsetof(struct target, flag), .help = "a flag" },
	{ .name = "text",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct target, text),
	  .value = "TEXT",
	  .alias = "alias",
	  .help = "a text" },
	{ .name = "number",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct target, number),
	  .value = "NUMBER",
	  .help = "a number",
	  .min = 1,
	  .max = 3600 },
	{ 0 },
};

static const struct args_option *const tables[] = { options, NULL };

static const struct args_spec spec = {
	.name = "fuzz",
	.operands = "ONE [TWO]",
	.operands_min = 1,
	.operands_max = 2,
	.about = "A program.",
	.options = tables,
};

static void parse(int argc, char *const argv[])
{
	struct target target = { .number = 1 };
	const char *operands[2];
	struct error e = ERROR_INIT;
	int ret = args_parse(&spec, argc, argv, &target, operands, &e);

	must_explain(ret < 0 ? -1 : 0, &e);
	must(ret == 0 || ret == ARGS_HELP || ret == ARGS_VERSION || e.kind == ERROR_USAGE);
	must(target.number >= 1 && target.number <= 3600);
	must(ret != ARGS_RUN || operands[0]);
}

static void value_read(const char *text)
{
	struct error e = ERROR_INIT, e2 = ERROR_INIT, e3 = ERROR_INIT;
	uint32_t type;
	uid_t uid;

	must_explain(event_type_parse(text, &type, &e), &e);
	must_explain(rim_vmm_find(text, &e2) ? 0 : -1, &e2);
	/* A name is looked up in the files of this machine. */
	if (text[strspn(text, "0123456789")])
		return;
	if (*text)
		must_explain(owner_user(text, &uid, &e3), &e3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct part input = { data, size };
	char *argv[ARGUMENTS_MAX + 1] = { (char *)"fuzz" };
	int argc = 1;

	while (input.size && argc < ARGUMENTS_MAX)
		argv[argc++] = part_text(part_until(&input, '\n'));
	parse(argc, argv);
	while (argc > 1) {
		value_read(argv[--argc]);
		free(argv[argc]);
	}
	return 0;
}
