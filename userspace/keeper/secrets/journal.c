// SPDX-License-Identifier: Apache-2.0
#include "journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
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

static const char *const levels[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
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

void journal_open(enum journal_format format, bool debug, const char *path)
{
	journal.format = format;
	journal.debug = debug;
	log_show_debug(debug);
	journal_close();
	if (format == JOURNAL_AUTOMATIC)
		journal.fd = log_journal_connect(path, 0);
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

static void entry_native(enum log_level level, const char *line, struct bytes *out)
{
	log_entry_begin(out, level, line);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		char number[NUMBER_SIZE];

		log_entry_field(out, fields[i].native, fields[i].value(number));
	}
}

/* Append a string of JSON. Text that is clean has only two characters that JSON escapes. */
static void json_text_append(struct bytes *out, const char *text)
{
	struct bytes clean = BYTES_INIT;
	const char *at;

	log_clean(&clean, text);
	bytes_append_text(out, "\"");
	for (at = bytes_text(&clean); *at; at++)
		bytes_printf(out, "%s%c", *at == '"' || *at == '\\' ? "\\" : "", *at);
	bytes_append_text(out, "\"");
	bytes_free(&clean);
}

static void entry_json(enum log_level level, const char *line, struct bytes *out)
{
	bytes_printf(out, "{\"boot-ms\":%" PRId64 ",\"level\":\"%s\",\"message\":", clock_boot_ms(),
		     levels[level]);
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
	bool written;

	if (journal.fd >= 0) {
		entry_native(level, line, &entry);
		written = log_entry_send(journal.fd, &entry);
	} else {
		entry_json(level, line, &entry);
		written = bytes_check(&entry, &e) == 0 &&
			  io_write_full(STDERR_FILENO, entry.data, entry.len, &e) == 0;
	}
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
