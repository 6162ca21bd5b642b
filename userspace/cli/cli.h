/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli: shared by the sub-commands of realmkey. A sub-command is a function that gets its own argv,
 * in which argv[0] is its name, and returns the exit code of the program.
 */
#ifndef REALMKEY_CLI_H
#define REALMKEY_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/args.h"
#include "base/bytes.h"
#include "base/error.h"
#include "kbs/denial.h"
#include "kbs/session.h"

/* The arguments of the program, as they are after cli_find(). */
extern char **cli_argv;

typedef int cli_command(int argc, char **argv);

cli_command command_admin, command_attest, command_config, command_extend, command_get_secret,
	command_get_resource, command_log, command_measurements, command_plan, command_refresh,
	command_reload, command_rim, command_run, command_status, command_test_policy,
	command_token, command_verify, command_wait, command_watch;

/* A row of a table of commands. A row whose name is NULL ends the table. */
struct cli_entry {
	const char *name;
	cli_command *run;
	const char *help; /* one line */
};

/* Find the command of @table that the first word in @argv names, options before it left aside, and
 * move that word to argv[1], in front of those options. NULL if there is none; then @argv stays. */
const struct cli_entry *cli_find(const struct cli_entry *table, int argc, char **argv);

/* Find a command in this way and run it. @program is the name of the program in help and in errors.
 * Returns the exit code. */
int cli_dispatch(const struct cli_entry *table, const char *program, int argc, char **argv);

#define CLI_PATH_SIZE 4096

/* The path of another of our programs: in a build folder @near, relative to this program's folder, and otherwise
 * @installed. */
void cli_program_path(const char *near, const char *installed, char path[CLI_PATH_SIZE]);

/* Options about the KBS and the source of the realm. It is the first member of each command's
 * struct of options, so that the tables below fit every command. */
struct cli_kbs {
	const char *url, *ca; /* each a list with a line for each value (cli_parse()) */
	const char *proxy, *proxy_credentials, *certificate, *key;
	const char *source;
	unsigned int timeout; /* seconds; 0: the default */
	bool insecure;
};

extern const struct args_option cli_kbs_options[];   /* all but source */
extern const struct args_option cli_source_option[]; /* source; offset in struct cli_kbs */

/* The option --json of a command whose struct of options, @target, has a member bool json. */
#define CLI_JSON_OPTION(target, text) \
	{ .name = "json", .type = ARGS_FLAG, .offset = offsetof(target, json), .help = (text) }

/* The options of a command that only prints what it reads from the realm. */
struct cli_show {
	struct cli_kbs kbs; /* for --source */
	bool json;
};

extern const struct args_option *const cli_show_options[]; /* source, json */

/* Parse the options of a command. Returns false if help, the version or an error was printed; the
 * command then returns *@code. */
bool cli_parse(const struct args_spec *spec, int argc, char **argv, void *target,
	       const char **operands, int *code);

/* Print "realmkey: NAME: text" to standard error; @name may be NULL. Returns the exit code. */
int cli_fail(const char *name, const struct error *e);
/* A warning in the same form. */
void cli_warn(const char *name, const char *text);

/* Check the options about KBSs. Call it before anything is read or started. */
int cli_kbs_check(const struct cli_kbs *kbs, struct error *e);
/* How a person reaches KBS @server of those in @kbs; the texts are valid until the next call. */
void cli_kbs_used(const struct cli_kbs *kbs, size_t server, struct denial_kbs *used);
/* Read the files and start the courier. */
int cli_courier_start(struct courier *courier, const struct cli_kbs *kbs, struct error *e);
/* The same for a session, and read its TEE key from the PEM file @key, if it is not NULL. A session that will
 * attest gets a new key otherwise; it fails early if this machine is not a realm. */
int cli_session_start(struct session *s, const struct cli_kbs *kbs, const char *key, bool attest,
		      struct error *e);
/* Read the TEE key from the PEM file @path. */
int cli_tee_key_read(struct tee_key *key, const char *path, struct error *e);

/* Write @out to standard output, unless an append to it failed. */
int cli_output(const struct bytes *out, struct error *e);
int cli_output_json(const json_t *value, struct error *e);
/* The same as cli_output(); then release @text. */
int cli_output_text(struct bytes *text, struct error *e);
/* Write one line to standard output. Returns the exit code of the command @name. */
int cli_output_line(const char *name, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A JSON string of @text, a new reference. If @text is not valid UTF-8, which JSON requires, NULL
 * and an error of @kind: "SUBJECT not UTF-8 text", in which @subject is "VALUE is" or the like. */
json_t *cli_json_text(const char *text, const char *subject, enum error_kind kind, struct error *e);

/* Append the file @path, at most @max bytes, to @out, without white space at its end. */
int cli_read_text(const char *path, size_t max, struct bytes *out, struct error *e);
/* The same for a bearer token. ERROR_INPUT if it is empty or has a character that is not allowed in
 * an HTTP header. */
int cli_read_token(const char *path, size_t max, struct bytes *out, struct error *e);

#endif
