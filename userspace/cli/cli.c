// SPDX-License-Identifier: Apache-2.0
#include "cli.h"

#include <ctype.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "base/json.h"
#include "kbs/message.h"

#define LINE_SIZE 1024

const struct args_option cli_source_option[] = {
	{ .name = "source",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct cli_kbs, source),
	  .value = "SOURCE",
	  .help = "read the realm through device or netlink (default: the "
		  "first that answers)" },
	{ 0 },
};

static const struct args_option show_json[] = {
	CLI_JSON_OPTION(struct cli_show, "print JSON"),
	{ 0 },
};

const struct args_option *const cli_show_options[] = { cli_source_option, show_json, NULL };

/* --- the command line ------------------------------------------------------------------------ */

static int usage_print(const struct cli_entry *table, const char *program, int fd)
{
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	int ret;

	bytes_printf(&text, "usage: %s COMMAND [ARGUMENT...]\n\n", program);
	for (; table->name; table++)
		bytes_printf(&text, "  %-22s %s\n", table->name, table->help);
	bytes_printf(&text,
		     "\nRun %s COMMAND --help for more about a command. A command's\n"
		     "options may also stand before it.\n",
		     program);
	ret = bytes_check(&text, &e);
	if (ret == 0)
		ret = io_write_full(fd, text.data, text.len, &e);
	bytes_free(&text);
	if (ret == 0)
		return 0;
	error_add(&e, "help");
	return cli_fail(NULL, &e);
}

/* Whether the option @word is followed by its value. What the commands do not know, they refuse. */
static bool option_has_value(const char *word)
{
	/* All options without a value of all commands. */
	static const char *const flags[] = {
		"affirming",
		"allow-all",
		"as-bool",
		"as-integer",
		"as-single-value",
		"base64",
		"deny-all",
		"diff",
		"environment-is-readable-in-proc",
		"explain",
		"follow",
		"help",
		"insecure",
		"json",
		"metrics",
		"now",
		"replay",
		"version",
		"withdraw",
	};

	if (strncmp(word, "--", 2) != 0 || strchr(word, '='))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (!strcmp(word + 2, flags[i]))
			return false;
	return true;
}

const struct cli_entry *cli_find(const struct cli_entry *table, int argc, char **argv)
{
	int at = 1;

	while (at < argc && argv[at][0] == '-')
		at += 1 + option_has_value(argv[at]);
	for (; at < argc && table->name; table++) {
		char *command = argv[at];

		if (strcmp(table->name, command) != 0)
			continue;
		memmove(&argv[2], &argv[1], sizeof(*argv) * (size_t)(at - 1));
		argv[1] = command;
		return table;
	}
	return NULL;
}

int cli_dispatch(const struct cli_entry *table, const char *program, int argc, char **argv)
{
	const struct cli_entry *entry;
	struct error e = ERROR_INIT;

	if (argc < 2) {
		usage_print(table, program, STDERR_FILENO);
		return error_exit_code(&(struct error){ .kind = ERROR_USAGE });
	}
	entry = cli_find(table, argc, argv);
	if (entry)
		return entry->run(argc - 1, argv + 1);
	for (int i = 1; i < argc && (i == 1 || argv[1][0] == '-'); i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h") ||
		    !strcmp(argv[i], "help"))
			return usage_print(table, program, STDOUT_FILENO);
	error_set(&e, ERROR_USAGE,
		  argv[1][0] == '-' ? "%s: no command follows (see %s --help)" :
				      "no command '%s' (see %s --help)",
		  argv[1], program);
	return cli_fail(NULL, &e);
}

/* Options that may be given several times; a command gets one text, with a line for each value. */
static const struct {
	const char *word, *name;
} repeatable[] = { { "--url", "--url" }, { "--ca", "--ca" }, { "--cert-file", "--ca" } };

/* Whether @word is that option with a value, either in @word after '=', or else @next. */
static bool repeatable_is(size_t i, const char *word, const char *next, const char **value)
{
	const size_t len = strlen(repeatable[i].word);

	if (strncmp(word, repeatable[i].word, len) != 0 || (word[len] && word[len] != '='))
		return false;
	*value = word[len] ? word + len + 1 : next;
	return *value;
}

/* Copy @argv to @out, which has room for twice as much, with the values of each repeatable option joined into
 * one. The texts are never released, because the command refers to them until it ends. Returns their number. */
static int repeated_join(int argc, char **argv, char **out, struct error *e)
{
	static struct bytes joined[ARRAY_SIZE(repeatable)];
	int place[ARRAY_SIZE(repeatable)] = { 0 }, count = 0, at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(repeatable); i++)
		bytes_free(&joined[i]); /* of a command before this one, in tests */
	for (; at < argc && strcmp(argv[at], "--") != 0; at++) {
		const char *value = NULL, *next = at + 1 < argc ? argv[at + 1] : NULL;
		size_t i = 0;

		while (i < ARRAY_SIZE(repeatable) && !repeatable_is(i, argv[at], next, &value))
			i++;
		if (i == ARRAY_SIZE(repeatable)) {
			out[count++] = argv[at];
			if (at && next && option_has_value(argv[at]))
				out[count++] = argv[++at];
			continue;
		}
		at += value == next;
		i = i == ARRAY_SIZE(repeatable) - 1 ? i - 1 :
						      i; /* the same option by another name */
		if (place[i])
			bytes_append_text(&joined[i], "\n");
		bytes_append_text(&joined[i], value);
		if (place[i])
			continue;
		out[count++] = (char *)repeatable[i].name;
		place[i] = count++;
	}
	for (; at < argc; at++)
		out[count++] = argv[at];
	for (size_t i = 0; i < ARRAY_SIZE(repeatable); i++) {
		if (bytes_check(&joined[i], e) < 0)
			return -1;
		if (place[i])
			out[place[i]] = (char *)bytes_text(&joined[i]);
	}
	return count;
}

bool cli_parse(const struct args_spec *spec, int argc, char **argv, void *target,
	       const char **operands, int *code)
{
	char **words = calloc(2 * (size_t)argc + 1, sizeof(*words));
	struct error e = ERROR_INIT;
	int outcome = words ? repeated_join(argc, argv, words, &e) : error_set_memory(&e);

	if (outcome >= 0)
		outcome = args_parse(spec, outcome, words, target, operands, &e);
	free(words);
	if (outcome == ARGS_RUN)
		return true;
	if (outcome > ARGS_RUN)
		outcome = args_answer(spec, outcome, "realmkey " REALMKEY_VERSION, &e);
	*code = outcome < 0 ? cli_fail(spec->name, &e) : 0;
	return false;
}

void cli_program_path(const char *near, const char *installed, char path[CLI_PATH_SIZE])
{
	const size_t len = strlen(near) + 1;
	ssize_t own = readlink("/proc/self/exe", path, CLI_PATH_SIZE - len);
	char *end = NULL;

	if (own > 0) {
		path[own] = '\0';
		end = strrchr(path, '/');
	}
	if (end)
		memcpy(end + 1, near, len);
	if (!end || access(path, X_OK) < 0)
		snprintf(path, CLI_PATH_SIZE, "%s", installed);
}

int cli_fail(const char *name, const struct error *e)
{
	if (name && !strncmp(name, "realmkey ", 9))
		name += 9;
	fprintf(stderr, "realmkey: %s%s%s\n", name ? name : "", name ? ": " : "", e->text);
	return error_exit_code(e);
}

void cli_warn(const char *name, const char *text)
{
	fprintf(stderr, "realmkey: %s: %s\n", name, text);
}

/* --- input and output ------------------------------------------------------------------------ */

int cli_output(const struct bytes *out, struct error *e)
{
	if (bytes_check(out, e) < 0)
		return -1;
	if (io_write_full(STDOUT_FILENO, out->data, out->len, e) < 0)
		return error_add(e, "standard output");
	return 0;
}

int cli_output_text(struct bytes *text, struct error *e)
{
	int ret = cli_output(text, e);

	bytes_free(text);
	return ret;
}

int cli_output_json(const json_t *value, struct error *e)
{
	struct bytes text = BYTES_INIT;
	int ret = json_pretty(value, &text, e);

	if (ret == 0)
		ret = cli_output(&text, e);
	bytes_free(&text);
	return ret;
}

int cli_output_line(const char *name, const char *format, ...)
{
	struct error e = ERROR_INIT;
	char line[LINE_SIZE];
	va_list args;
	int ret;

	va_start(args, format);
	vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	error_text_clean(line);
	strcat(line, "\n");
	ret = io_write_full(STDOUT_FILENO, line, strlen(line), &e);
	if (ret == 0)
		return 0;
	error_add(&e, "standard output");
	return cli_fail(name, &e);
}

json_t *cli_json_text(const char *text, const char *subject, enum error_kind kind, struct error *e)
{
	json_error_t cause;
	json_t *value = json_pack_ex(&cause, 0, "s", text);

	if (value)
		return value;
	if (json_error_code(&cause) == json_error_invalid_utf8)
		error_set(e, kind, "%s not UTF-8 text", subject);
	else
		error_set_memory(e);
	return NULL;
}

int cli_read_text(const char *path, size_t max, struct bytes *out, struct error *e)
{
	size_t len;

	if (io_read_file(path, max, out, e) < 0)
		return -1;
	len = out->len;
	while (len && isspace(out->data[len - 1]))
		len--;
	bytes_truncate(out, len);
	return 0;
}

int cli_read_token(const char *path, size_t max, struct bytes *out, struct error *e)
{
	if (cli_read_text(path, max, out, e) < 0)
		return -1;
	if (!out->len)
		return error_set(e, ERROR_INPUT, "%s: is empty", path);
	if (strspn(bytes_text(out), MESSAGE_BEARER_CHARACTERS) != out->len)
		return error_set(e, ERROR_INPUT, "%s: not a bearer token", path);
	return 0;
}
