// SPDX-License-Identifier: Apache-2.0
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LOG_LINE_MAX (ERROR_TEXT_MAX + 256)

static log_function *log_sink;
static bool stderr_is_journal, debug_shown;

/* syslog(3) */
static const int priorities[] = {
	[LOG_LEVEL_ERROR] = 3,
	[LOG_LEVEL_WARNING] = 4,
	[LOG_LEVEL_INFO] = 6,
	[LOG_LEVEL_DEBUG] = 7,
};

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

int log_failure(const struct error *e)
{
	log_line(LOG_LEVEL_ERROR, "%s", e->text);
	return error_exit_code(e);
}

void log_show_debug(bool show)
{
	debug_shown = show;
}

void log_to_stderr(enum log_level level, const char *line)
{
	if (level == LOG_LEVEL_DEBUG && !debug_shown)
		return;
	if (stderr_is_journal)
		dprintf(STDERR_FILENO, "<%d>%s\n", priorities[level], line);
	else
		dprintf(STDERR_FILENO, "%s: %s\n", program_invocation_short_name, line);
}

/* --- the journal ----------------------------------------------------------------------------- */

int log_journal_connect(const char *path, int flags)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (!journal_connected() || strlen(path) >= sizeof(to.sun_path))
		return -1;
	strcpy(to.sun_path, path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | flags, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

void log_clean(struct bytes *out, const char *text)
{
	char clean[LOG_LINE_MAX];

	snprintf(clean, sizeof(clean), "%s", text);
	error_text_clean(clean);
	bytes_append_text(out, clean);
}

void log_entry_begin(struct bytes *out, enum log_level level, const char *line)
{
	bytes_printf(out, "PRIORITY=%d\n", priorities[level]);
	log_entry_field(out, "SYSLOG_IDENTIFIER", program_invocation_short_name);
	log_entry_field(out, "MESSAGE", line);
}

void log_entry_field(struct bytes *out, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	bytes_printf(out, "%s=", name);
	log_clean(out, value);
	bytes_append_text(out, "\n");
}

bool log_entry_send(int journal, const struct bytes *entry)
{
	/* Not sendto() with the address, which system call filters refuse. */
	return entry->len && send(journal, entry->data, entry->len, MSG_NOSIGNAL) >= 0;
}
