/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_run: runs the program `realmkey` of the same build, as a person or a script does, and keeps
 * its output. A sanitizer's report fails the test by the exit code.
 */
#ifndef REALMKEY_TEST_CLI_RUN_H
#define REALMKEY_TEST_CLI_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"

/* The result of the last run. */
struct cli_run {
	int code;	       /* exit code, or 128 plus the signal */
	struct bytes out, err; /* standard output and error */
};

extern struct cli_run cli;

/* Run realmkey with the words up to NULL; its standard input is empty. Returns the exit code. */
#define CLI(...) cli_run(NULL, 0, (const char *const[]){ __VA_ARGS__, NULL })
/* The same, with @len bytes at @input as standard input. */
int cli_run(const void *input, size_t len, const char *const *word);
void cli_free(void);

/* Assert that the last run failed with @code: nothing on standard output, one line "realmkey: WHERE:
 * ..." on standard error, which contains @why. */
void cli_refused(int code, const char *where, const char *why);
/* Assert that the last run succeeded: exit code 0, nothing on standard error. */
void cli_went_well(void);
/* Assert that the output of the last run contains @text. */
void cli_printed(const char *text);

/* The path of a program of the same build, such as "cli/realmkey"; in a static buffer. */
const char *cli_program(const char *name);

/* The directory of the test's own files. */
extern char scratch_directory[];
/* Make it, before the tests of a group, and remove it after them with the files @name, up to NULL; this fails if a test
 * left another one. */
int scratch_make(void **state);
int scratch_remove(const char *const *name);
/* The path of @name in it, in one of four static buffers. */
const char *scratch(const char *name);
void scratch_write(const char *name, const void *data, size_t len);

#endif
