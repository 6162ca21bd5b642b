/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: the library logs through one callback that the program sets. The host can read the log, so a
 * log line must never contain a secret.
 */
#ifndef REALMKEY_LOG_H
#define REALMKEY_LOG_H

#include <stdbool.h>

#include "bytes.h"
#include "error.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

typedef void log_function(enum log_level level, const char *line);

/* Set the callback. NULL, as at the start, drops all lines. Call it before a sandbox is entered. */
void log_set(log_function *function);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Log the text of @e as an error. Returns the exit status of a program that ends with it. */
int log_failure(const struct error *e);

/* A callback for programs: writes "<N>line" to stderr if that is the journal (JOURNAL_STREAM), and
 * "program: line" otherwise. Lines of level DEBUG are dropped unless log_show_debug(true) was
 * called. */
void log_to_stderr(enum log_level level, const char *line);
void log_show_debug(bool show);
/* The option --verbose (args.h) of a program whose struct @target has a member for it. */
#define LOG_VERBOSE_OPTION(target) \
	{ .name = "verbose", \
	  .type = ARGS_FLAG, \
	  .offset = offsetof(target, verbose), \
	  .help = "log debug messages too" }

/*
 * Lines with fields, for the journal in its native protocol (systemd's JOURNAL_NATIVE_PROTOCOL). The socket is connected
 * before a sandbox is entered. All text may come from outside: in an entry it is clean, so no newline begins another field.
 */
#define LOG_JOURNAL "/run/systemd/journal/socket"

/* Connect to the journal at @path (LOG_JOURNAL) if standard error leads there. @flags are those of socket(2). Returns a
 * descriptor, or -1 if there is none. */
int log_journal_connect(const char *path, int flags);
/* Append @text as error_text_clean() makes it, and at most as much as a line of the log has. */
void log_clean(struct bytes *out, const char *text);
/* Begin an entry: append the level, the program and @line. */
void log_entry_begin(struct bytes *out, enum log_level level, const char *line);
/* Append a field, unless @value is NULL or empty. */
void log_entry_field(struct bytes *out, const char *name, const char *value);
/* Returns false if @entry could not be sent, or if memory ran out while it was made. */
bool log_entry_send(int journal, const struct bytes *entry);

#endif
