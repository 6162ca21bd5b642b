/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli: what the sub-commands of realmkey share. A sub-command is a function that gets its own argv
 * (argv[0] is its name) and returns the program's exit code.
 */
#ifndef REALMKEY_CLI_H
#define REALMKEY_CLI_H

#include <stdbool.h>

#include "base/args.h"
#include "base/bytes.h"
#include "base/error.h"
#include "kbs/session.h"

typedef int cli_command(int argc, char **argv);

cli_command command_admin, command_attest, command_extend, command_get_resource,
	command_log, command_measurements, command_rim, command_token, command_verify,
	command_watch;

/* A row of a table of commands; name NULL ends it. */
struct cli_entry {
	const char *name;
	cli_command *run;
	const char *help;	/* one line */
};

/* Run the row of @table that argv[1] names, with its own argv; help, and errors about unknown
 * names, speak of @program. */
int cli_dispatch(const struct cli_entry *table, const char *program, int argc, char **argv);

/* Where the KBS is, how to know it, and where the realm is. The first member of a command's struct
 * of options, so that cli_kbs_options fit every command. */
struct cli_kbs {
	const char *url, *ca, *source;
	unsigned int timeout;	/* seconds, 0: default */
	bool insecure;
};

extern const struct args_option cli_kbs_options[];	/* url, ca, insecure, timeout */
extern const struct args_option cli_source_option[];	/* source; offset in struct cli_kbs */

/* Parse the options of a command; false when there is nothing to run, and then *@code is what to
 * return: help and version were printed, or the usage error was. */
bool cli_parse(const struct args_spec *spec, int argc, char **argv, void *target,
	       const char **operands, int *code);

/* Print "realmkey: NAME: text" (NAME may be NULL) to standard error; returns the exit code. */
int cli_fail(const char *name, const struct error *e);
/* A warning in the same form. */
void cli_warn(const char *name, const char *text);

/* Whether --url is given and good: to be asked before anything is read or started. */
int cli_kbs_check(const struct cli_kbs *kbs, struct error *e);
/* Start the courier for @kbs. */
int cli_courier_start(struct courier *courier, const struct cli_kbs *kbs, struct error *e);
/* The same for a session that will attest: fails early where there is no realm. */
int cli_session_start(struct session *s, const struct cli_kbs *kbs, struct error *e);
/* Take the TEE key from the PEM file @path. */
int cli_tee_key_read(struct tee_key *key, const char *path, struct error *e);

/* Write all of @out to standard output. */
int cli_output(const struct bytes *out, struct error *e);
int cli_output_json(const json_t *value, struct error *e);
/* Write @text and release it; @made is negative if there was no memory to make it. */
int cli_output_text(int made, struct bytes *text, struct error *e);
/* Write one line to standard output; returns the exit code of the command @name. */
int cli_output_line(const char *name, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Read @path without the white space that ends a text file. */
int cli_read_text(const char *path, size_t max, struct bytes *out, struct error *e);
/* The same for a bearer token: ERROR_INPUT when it is empty or cannot stand in an HTTP header (RFC
 * 6750 section 2.1). */
int cli_read_token(const char *path, size_t max, struct bytes *out, struct error *e);

#endif
