// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/args.h"

#define OPERANDS_MAX 3

struct target {
	bool loud, extra;
	const char *file, *other;
	unsigned int count;
	char guard[8];
};

static const struct args_option first[] = {
	{ .name = "file",
	  .alias = "cert-file",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct target, file),
	  .value = "FILE",
	  .help = "the file" },
	{ .name = "loud",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct target, loud),
	  .help = "say more" },
	{ .name = "count",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct target, count),
	  .value = "N",
	  .help = "how many of the things there will be, in a text that is long "
		  "enough to need a second and even a third line of the help (7)",
	  .min = 2,
	  .max = 4000000000 },
	{ 0 },
};

static const struct args_option second[] = {
	{ .name = "other-file-with-a-long-name",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct target, other),
	  .value = "PATH",
	  .help = "another file" },
	{ .name = "extra",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct target, extra),
	  .help = "and more" },
	{ 0 },
};

static const struct args_option *const tables[] = { first, second, NULL };

static const struct args_spec spec = {
	.name = "tool do",
	.operands = "IN OUT [MORE]",
	.operands_min = 2,
	.operands_max = OPERANDS_MAX,
	.about = "Does it.",
	.options = tables,
	.notes = "See also elsewhere.",
};

static struct target target;
static const char *operand[OPERANDS_MAX + 1];
static struct error error;

/* Parses the words at @word, which end with NULL. */
static int parse(const char *const *word)
{
	char *argv[16] = { (char *)"do" };
	int argc = 1;

	for (; *word; word++)
		argv[argc++] = (char *)*word;
	target = (struct target){ .guard = "guarded" };
	error = (struct error)ERROR_INIT;
	memset(operand, 0xff, sizeof(operand));
	return args_parse(&spec, argc, argv, &target, operand, &error);
}

#define PARSE(...) parse((const char *const[]){ __VA_ARGS__, NULL })

static void options_reach_their_members(void **state)
{
	(void)state;
	assert_int_equal(PARSE("in", "--file", "a", "--loud", "out", "--count", "7",
			       "--other-file-with-a-long-name=b"),
			 ARGS_RUN);
	assert_string_equal(target.file, "a");
	assert_string_equal(target.other, "b");
	assert_true(target.loud);
	assert_false(target.extra);
	assert_int_equal(target.count, 7);
	assert_string_equal(target.guard, "guarded");
	assert_string_equal(operand[0], "in");
	assert_string_equal(operand[1], "out");
	assert_null(operand[2]);
	assert_int_equal((uintptr_t)operand[3], UINTPTR_MAX);
}

static void absent_options_leave_their_members(void **state)
{
	(void)state;
	assert_int_equal(PARSE("in", "out"), ARGS_RUN);
	assert_null(target.file);
	assert_null(target.other);
	assert_false(target.loud);
	assert_int_equal(target.count, 0);
}

static void values_after_an_equals_sign(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--file=a=b", "--count=4000000000", "in", "out"), ARGS_RUN);
	assert_string_equal(target.file, "a=b");
	assert_int_equal(target.count, 4000000000);
	assert_int_equal(PARSE("--file=", "in", "out"), ARGS_RUN);
	assert_string_equal(target.file, "");
	assert_int_equal(PARSE("--file", "--loud", "in", "out"), ARGS_RUN);
	assert_string_equal(target.file, "--loud");
	assert_false(target.loud);
}

static void an_alias_is_the_same_option(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--cert-file", "a", "in", "out"), ARGS_RUN);
	assert_string_equal(target.file, "a");
	assert_int_equal(PARSE("--cert-file", "a", "in", "--file", "b", "out"), -1);
	assert_string_equal(error.text, "--file is given twice");
}

static void one_dash_is_an_operand_and_two_end_the_options(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-", "--loud", "--", "--file", "--"), ARGS_RUN);
	assert_true(target.loud);
	assert_null(target.file);
	assert_string_equal(operand[0], "-");
	assert_string_equal(operand[1], "--file");
	assert_string_equal(operand[2], "--");
	assert_int_equal(PARSE("", "--", "--help"), ARGS_RUN);
	assert_string_equal(operand[0], "");
	assert_string_equal(operand[1], "--help");
}

static void help_and_version_end_the_parsing(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--help"), ARGS_HELP);
	assert_int_equal(PARSE("--loud", "-h", "--bogus"), ARGS_HELP);
	assert_int_equal(PARSE("a", "b", "c", "--version", "d"), ARGS_VERSION);
	assert_int_equal(PARSE("--bogus", "--help"), -1);
}

/* Each wrong line has its own message, and is a usage error. */
static void each_wrong_line_has_its_message(void **state)
{
	static const struct {
		const char *word[5], *text;
	} cases[] = {
		{ { "--bogus", "x" }, "unknown option '--bogus' (see --help)" },
		{ { "--bogus=x" }, "unknown option '--bogus' (see --help)" },
		{ { "--lou" }, "unknown option '--lou' (see --help)" },
		{ { "--louder" }, "unknown option '--louder' (see --help)" },
		{ { "--=x" }, "unknown option '--' (see --help)" },
		{ { "--help=x" }, "unknown option '--help' (see --help)" },
		{ { "-l" }, "unknown option '-l' (see --help)" },
		{ { "-file", "x" }, "unknown option '-file' (see --help)" },
		{ { "--loud=yes" }, "--loud accepts no value" },
		{ { "in", "out", "--file" }, "--file needs a value: FILE" },
		{ { "--file", "a", "--file", "b" }, "--file is given twice" },
		{ { "--count", "3", "--count=3" }, "--count is given twice" },
		{ { "in" }, "an argument is missing: IN OUT [MORE] (see --help)" },
		{ { "a", "b", "c", "d" }, "'d' is one argument too many (see --help)" },
		{ { "--new\nline" }, "unknown option '--new?line' (see --help)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse(cases[i].word), -1);
		assert_string_equal(error.text, cases[i].text);
		assert_int_equal(error.kind, ERROR_USAGE);
	}
	assert_int_equal(PARSE("--loud", "--loud", "in", "out"), ARGS_RUN);
}

static void numbers_stay_within_their_bounds(void **state)
{
	static const char *const wrong[] = {
		"1", "4000000001", "99999999999999999999999", "-3", "+3", " 3", "3 ", "0x10", "3.0",
		"",  "seven",
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(PARSE("--count", wrong[i], "in", "out"), -1);
		snprintf(text, sizeof(text), "--count: '%s' is not a number from 2 to 4000000000",
			 wrong[i]);
		assert_string_equal(error.text, text);
		assert_int_equal(target.count, 0);
	}
	assert_int_equal(PARSE("--count", "2", "in", "out"), ARGS_RUN);
	assert_int_equal(target.count, 2);
	assert_int_equal(PARSE("--count", "0007", "in", "out"), ARGS_RUN);
	assert_int_equal(target.count, 7);
}

static void a_program_may_have_no_operand(void **state)
{
	static const struct args_option *const none[] = { NULL };
	static const struct args_spec bare = {
		.name = "bare",
		.operands = "",
		.about = "Nothing.",
		.options = none,
	};
	char *argv[] = { (char *)"bare", (char *)"x" };
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(args_parse(&bare, 1, argv, NULL, NULL, &e), ARGS_RUN);
	assert_int_equal(args_parse(&bare, 0, argv, NULL, NULL, &e), ARGS_RUN);
	assert_int_equal(args_parse(&bare, 2, argv, NULL, NULL, &e), -1);
	assert_string_equal(e.text, "'x' is one argument too many (see --help)");
	args_help(&bare, &text);
	assert_string_equal(bytes_text(&text),
			    "usage: bare [OPTION]...\n"
			    "\n"
			    "Nothing.\n"
			    "\n"
			    "Options:\n"
			    "  --help                show this text and exit\n"
			    "  --version             show the version and exit\n");
	bytes_free(&text);
}

#define INDENT "                        "

static void help_lists_every_option(void **state)
{
	struct bytes text = BYTES_INIT;

	(void)state;
	args_help(&spec, &text);
	assert_string_equal(bytes_text(&text),
			    "usage: tool do [OPTION]... IN OUT [MORE]\n"
			    "\n"
			    "Does it.\n"
			    "\n"
			    "Options:\n"
			    "  --file, --cert-file FILE\n"
			    "                        the file\n"
			    "  --loud                say more\n"
			    "  --count N             "
			    "how many of the things there will be, in a text that is\n" INDENT
			    "long enough to need a second and even a third line of\n" INDENT
			    "the help (7)\n"
			    "  --other-file-with-a-long-name PATH\n"
			    "                        another file\n"
			    "  --extra               and more\n"
			    "  --help                show this text and exit\n"
			    "  --version             show the version and exit\n"
			    "\n"
			    "See also elsewhere.\n");
	bytes_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_reach_their_members),
		cmocka_unit_test(absent_options_leave_their_members),
		cmocka_unit_test(values_after_an_equals_sign),
		cmocka_unit_test(an_alias_is_the_same_option),
		cmocka_unit_test(one_dash_is_an_operand_and_two_end_the_options),
		cmocka_unit_test(help_and_version_end_the_parsing),
		cmocka_unit_test(each_wrong_line_has_its_message),
		cmocka_unit_test(numbers_stay_within_their_bounds),
		cmocka_unit_test(a_program_may_have_no_operand),
		cmocka_unit_test(help_lists_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
