/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal: log lines with fields: the secret, the KBS, the attempt and the kind of the failure that a
 * line is about. They go to the journal in its native protocol (systemd's JOURNAL_NATIVE_PROTOCOL), or,
 * as JSON or as plain lines without the fields, to standard error. The socket is made and connected before the
 * keeper is confined, because afterwards the keeper can neither make nor connect one.
 */
#ifndef REALMKEY_JOURNAL_H
#define REALMKEY_JOURNAL_H

#include <stdbool.h>

#include "base/error.h"
#include "base/log.h"

enum journal_format {
	JOURNAL_AUTOMATIC, /* the journal if standard error leads there, otherwise plain lines */
	JOURNAL_TEXT,	   /* as log_to_stderr() */
	JOURNAL_JSON,	   /* one JSON object a line, to standard error */
};

/* Read the value of --log-format: "auto", "text" or "json". An ERROR_USAGE lists them. */
int journal_format_read(const char *text, enum journal_format *format, struct error *e);

/* Connect to the journal at @path (LOG_JOURNAL) if @format asks for it, and make journal_log() the callback of
 * the log. Without a journal, lines go to standard error. @debug: log lines of that level too. */
void journal_open(enum journal_format format, bool debug, const char *path);
void journal_close(void);

/* What the lines that follow are about: each value may be NULL, 0 or ERROR_NONE, which leaves out the field. The text
 * is not copied: it must stay until the next call. All of it may come from outside. */
void journal_context(const char *secret, const char *kbs, unsigned int attempt,
		     enum error_kind kind);

/* The callback. */
void journal_log(enum log_level level, const char *line);

#endif
