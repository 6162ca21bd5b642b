/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: the library's one way to say something: a callback of the program. A log line is visible to
 * the host, so nothing secret may ever reach it.
 */
#ifndef REALMKEY_LOG_H
#define REALMKEY_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

typedef void log_function(enum log_level level, const char *line);

/* NULL (the start) drops everything. */
void log_set(log_function *function);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For programs: "<N>line" on stderr under systemd (JOURNAL_STREAM), else "program: line". */
void log_to_stderr(enum log_level level, const char *line);

#endif
