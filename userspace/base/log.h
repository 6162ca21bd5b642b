/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: the library logs through one callback that the program sets. The host can read the log, so a
 * log line must never contain a secret.
 */
#ifndef REALMKEY_LOG_H
#define REALMKEY_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

typedef void log_function(enum log_level level, const char *line);

/* Set the callback. NULL, as at the start, drops all lines. Call it before a sandbox is entered. */
void log_set(log_function *function);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A callback for programs: writes "<N>line" to stderr if that is the journal (JOURNAL_STREAM), and
 * "program: line" otherwise. Lines of level DEBUG are dropped unless log_show_debug(true) was
 * called. */
void log_to_stderr(enum log_level level, const char *line);
void log_show_debug(bool show);

#endif
