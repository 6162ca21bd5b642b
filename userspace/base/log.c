// SPDX-License-Identifier: Apache-2.0
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"

#define LOG_LINE_MAX (ERROR_TEXT_MAX + 256)

static log_function *log_sink;
static bool stderr_is_journal, debug_shown;

/* Whether stderr is the stream that the journal opened. The variable alone does not say so: a
 * program may have inherited it and write to another file. */
static bool journal_connected(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;

	/* NOLINTNEXTLINE(cert-err34-c): a number out of range is not that of a file */
	if (!stream || sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &device, &inode) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_set(log_function *function)
{
	/* Check this now, because a sandbox may forbid it later. */
	stderr_is_journal = journal_connected();
	log_sink = function;
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	va_list args;

	if (!log_sink)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	error_text_clean(line);
	log_sink(level, line);
}

void log_show_debug(bool show)
{
	debug_shown = show;
}

void log_to_stderr(enum log_level level, const char *line)
{
	static const int priorities[] = {
		[LOG_LEVEL_ERROR] = 3,
		[LOG_LEVEL_WARNING] = 4,
		[LOG_LEVEL_INFO] = 6,
		[LOG_LEVEL_DEBUG] = 7,
	};

	if (level == LOG_LEVEL_DEBUG && !debug_shown)
		return;
	if (stderr_is_journal)
		dprintf(STDERR_FILENO, "<%d>%s\n", priorities[level], line);
	else
		dprintf(STDERR_FILENO, "%s: %s\n", program_invocation_short_name, line);
}
