// SPDX-License-Identifier: Apache-2.0
#include "cli.h"

#include <ctype.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "base/json.h"
#include "kbs/ca_file.h"
#include "kbs/message.h"
#include "kbs/url.h"

#define PEM_MAX	    ((size_t)64 << 10)
#define URL_SIZE    512
#define TIMEOUT_MAX 600
#define LINE_SIZE   1024

const struct args_option cli_kbs_options[] = {
	{ .name = "url",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct cli_kbs, url),
	  .value = "URL",
	  .help = "the KBS, https://HOST[:PORT] (required)" },
	{ .name = "ca",
	  .alias = "cert-file",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct cli_kbs, ca),
	  .value = "FILE",
	  .help = "trust only the certificates in this PEM file, not the system's" },
	{ .name = "insecure",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct cli_kbs, insecure),
	  .help = "allow http://, with which anyone on the network path can pretend to be the "
		  "KBS" },
	{ .name = "timeout",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct cli_kbs, timeout),
	  .value = "SECONDS",
	  .help = "time-out of one request (default 60)",
	  .min = 1,
	  .max = TIMEOUT_MAX },
	{ 0 },
};

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
		bytes_printf(&text, "  %-20s %s\n", table->name, table->help);
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

bool cli_parse(const struct args_spec *spec, int argc, char **argv, void *target,
	       const char **operands, int *code)
{
	struct error e = ERROR_INIT;
	int outcome = args_parse(spec, argc, argv, target, operands, &e);

	if (outcome == ARGS_RUN)
		return true;
	if (outcome > ARGS_RUN)
		outcome = args_answer(spec, outcome, "realmkey " REALMKEY_VERSION, &e);
	*code = outcome < 0 ? cli_fail(spec->name, &e) : 0;
	return false;
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

/* --- the KBS --------------------------------------------------------------------------------- */

static int kbs_read_url(const struct cli_kbs *kbs, char url[URL_SIZE], struct error *e)
{
	if (!kbs->url)
		return error_set(e, ERROR_USAGE, "--url is required");
	return url_parse(kbs->url, kbs->insecure, url, URL_SIZE, e);
}

int cli_kbs_check(const struct cli_kbs *kbs, struct error *e)
{
	char url[URL_SIZE];

	return kbs_read_url(kbs, url, e);
}

/* Lock every page that is used, also what libraries copy and what is on the stack, if this user may lock
 * without a limit. With a limit, later allocations could fail; then private keys and secrets are locked as far
 * as it reaches. */
static void memory_lock(void)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0)
		(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

static int courier_open(struct courier *courier, const struct cli_kbs *kbs, struct error *e)
{
	struct bytes ca = BYTES_INIT;
	char url[URL_SIZE];
	struct courier_target target = {
		.server = { { .url = url } },
		.servers = 1,
		.timeout = kbs->timeout,
		.insecure = kbs->insecure,
	};
	int ret = -1;

	if (kbs_read_url(kbs, url, e) < 0)
		return -1;
	memory_lock();
	if (kbs->ca && ca_file_read(kbs->ca, &ca, e) < 0)
		goto out;
	target.server[0].ca = kbs->ca ? ca.data : NULL;
	target.server[0].ca_len = ca.len;
	ret = courier_begin(courier, secure_getenv("REALMKEY_COURIER"), &target, e);
out:
	bytes_free(&ca);
	return ret;
}

static int courier_await(struct courier *courier, const struct cli_kbs *kbs, struct error *e)
{
	int ret = courier_ready(courier, e);

	if (ret < 0 && kbs->ca && e->kind == ERROR_INPUT) /* the courier lacks the name */
		error_add(e, "%s", kbs->ca);
	return ret;
}

int cli_courier_start(struct courier *courier, const struct cli_kbs *kbs, struct error *e)
{
	return courier_open(courier, kbs, e) < 0 ? -1 : courier_await(courier, kbs, e);
}

int cli_session_start(struct session *s, const struct cli_kbs *kbs, const char *key, bool attest,
		      struct error *e)
{
	struct error no_realm = ERROR_INIT;

	if (cli_kbs_check(kbs, e) < 0)
		return -1;
	/* First: it may start this command again in another program (tools.c). */
	if (attest) {
		s->rsi = rsi_open(kbs->source, &no_realm);
		if (key && cli_tee_key_read(&s->key, key, e) < 0)
			return -1;
		if (!s->rsi) {
			*e = no_realm;
			return -1;
		}
	}
	if (courier_open(&s->courier, kbs, e) < 0)
		return -1;
	/* While the courier starts. */
	if (!attest && key && cli_tee_key_read(&s->key, key, e) < 0)
		return -1;
	if (attest && !key && tee_key_generate(&s->key, e) < 0)
		return -1;
	return courier_await(&s->courier, kbs, e);
}

int cli_tee_key_read(struct tee_key *key, const char *path, struct error *e)
{
	struct bytes pem = BYTES_LOCKED_INIT;
	int ret = -1;

	if (io_read_file(path, PEM_MAX, &pem, e) == 0) {
		ret = tee_key_from_pem(key, pem.data, pem.len, e);
		if (ret < 0)
			error_add(e, "%s", path);
	}
	bytes_free(&pem);
	return ret;
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
