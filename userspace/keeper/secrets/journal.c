// SPDX-License-Identifier: Apache-2.0
#include "journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/io.h"
#include "status/status.h"

#define NUMBER_SIZE 12

static struct {
	enum journal_format format;
	bool debug;
	int fd; /* connected to the journal; -1 if there is none */
} journal = { .fd = -1 };

static struct {
	const char *secret, *kbs;
	unsigned int attempt;
	enum error_kind kind;
} context;

static const struct {
	int priority; /* syslog(3) */
	const char *name;
} levels[] = {
	[LOG_LEVEL_ERROR] = { 3, "error" },
	[LOG_LEVEL_WARNING] = { 4, "warning" },
	[LOG_LEVEL_INFO] = { 6, "info" },
	[LOG_LEVEL_DEBUG] = { 7, "debug" },
};

int journal_format_read(const char *text, enum journal_format *format, struct error *e)
{
	static const char *const words[] = {
		[JOURNAL_AUTOMATIC] = "auto",
		[JOURNAL_TEXT] = "text",
		[JOURNAL_JSON] = "json",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strcmp(text, words[i])) {
			*format = (enum journal_format)i;
			return 0;
		}
	}
	return error_set(e, ERROR_USAGE, "--log-format: '%s' is not auto, text or json", text);
}

/* As log.c does, because the variable alone does not say where standard error leads. */
static bool stderr_leads_to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return !strcmp(own, stream);
}

static void journal_connect(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(to.sun_path))
		return;
	strcpy(to.sun_path, path);
	journal.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (journal.fd >= 0 && connect(journal.fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		journal_close();
}

void journal_open(enum journal_format format, bool debug, const char *path)
{
	journal.format = format;
	journal.debug = debug;
	log_show_debug(debug);
	journal_close();
	if (format == JOURNAL_AUTOMATIC && stderr_leads_to_journal())
		journal_connect(path);
	log_set(journal_log);
}

void journal_close(void)
{
	if (journal.fd >= 0)
		close(journal.fd);
	journal.fd = -1;
}

void journal_context(const char *secret, const char *kbs, unsigned int attempt,
		     enum error_kind kind)
{
	context.secret = secret;
	context.kbs = kbs;
	context.attempt = attempt;
	context.kind = kind;
}

static const char *secret_value(char number[NUMBER_SIZE])
{
	(void)number;
	return context.secret;
}

static const char *kbs_value(char number[NUMBER_SIZE])
{
	(void)number;
	return context.kbs;
}

static const char *attempt_value(char number[NUMBER_SIZE])
{
	snprintf(number, NUMBER_SIZE, "%u", context.attempt);
	return context.attempt ? number : NULL;
}

static const char *kind_value(char number[NUMBER_SIZE])
{
	(void)number;
	return context.kind == ERROR_NONE ? NULL : status_kind_name(context.kind);
}

/* @value returns text, NULL to leave out the field, or @number with a number in it. */
static const struct {
	const char *native, *json;
	const char *(*value)(char number[NUMBER_SIZE]);
} fields[] = {
	{ "SECRET", "secret", secret_value },
	{ "KBS", "kbs", kbs_value },
	{ "ATTEMPT", "attempt", attempt_value },
	{ "KIND", "kind", kind_value },
};

/* Append @text, in which no newline can begin another field. */
static void clean_append(struct bytes *out, const char *text)
{
	char clean[ERROR_TEXT_MAX + 256];

	snprintf(clean, sizeof(clean), "%s", text);
	error_text_clean(clean);
	bytes_append_text(out, clean);
}

void journal_entry_native(enum log_level level, const char *line, struct bytes *out)
{
	bytes_printf(out, "PRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nMESSAGE=", levels[level].priority,
		     program_invocation_short_name);
	clean_append(out, line);
	bytes_append_text(out, "\n");
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		char number[NUMBER_SIZE];
		const char *value = fields[i].value(number);

		if (!value)
			continue;
		bytes_printf(out, "%s=", fields[i].native);
		clean_append(out, value);
		bytes_append_text(out, "\n");
	}
}

/* Append a string of JSON. Text that is clean has only two characters that JSON escapes. */
static void json_text_append(struct bytes *out, const char *text)
{
	struct bytes clean = BYTES_INIT;
	const char *at;

	clean_append(&clean, text);
	bytes_append_text(out, "\"");
	for (at = bytes_text(&clean); *at; at++)
		bytes_printf(out, "%s%c", *at == '"' || *at == '\\' ? "\\" : "", *at);
	bytes_append_text(out, "\"");
	bytes_free(&clean);
}

void journal_entry_json(enum log_level level, const char *line, struct bytes *out)
{
	bytes_printf(out, "{\"boot-ms\":%" PRId64 ",\"level\":\"%s\",\"message\":", clock_boot_ms(),
		     levels[level].name);
	json_text_append(out, line);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		char number[NUMBER_SIZE];
		const char *value = fields[i].value(number);

		if (!value)
			continue;
		bytes_printf(out, ",\"%s\":", fields[i].json);
		if (value == number)
			bytes_append_text(out, value);
		else
			json_text_append(out, value);
	}
	bytes_append_text(out, "}\n");
}

/* Returns false if the line could not be logged. */
static bool entry_write(enum log_level level, const char *line)
{
	struct bytes entry = BYTES_INIT;
	struct error e = ERROR_INIT;
	bool written = false;

	if (journal.fd >= 0)
		journal_entry_native(level, line, &entry);
	else
		journal_entry_json(level, line, &entry);
	/* Not sendto() with the address, which the keeper's system call filter refuses. */
	if (bytes_check(&entry, &e) == 0)
		written = journal.fd >= 0 ?
				  send(journal.fd, entry.data, entry.len, MSG_NOSIGNAL) >= 0 :
				  io_write_full(STDERR_FILENO, entry.data, entry.len, &e) == 0;
	bytes_free(&entry);
	return written;
}

void journal_log(enum log_level level, const char *line)
{
	if (level == LOG_LEVEL_DEBUG && !journal.debug)
		return;
	if ((journal.fd < 0 && journal.format != JOURNAL_JSON) || !entry_write(level, line))
		log_to_stderr(level, line);
}
