// SPDX-License-Identifier: Apache-2.0
/* What the parser reports. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parser.h"

static void place_error(struct error *e, const struct config_place *place, const char *title,
			const char *key, const char *format, va_list args)
{
	char reason[ERROR_TEXT_MAX];

	vsnprintf(reason, sizeof(reason), format, args);
	if (*title)
		error_set(e, ERROR_CONFIG, "%s:%d: [%s]%s%s: %s", place->file, place->line, title,
			  key ? " " : "", key ? key : "", reason);
	else
		error_set(e, ERROR_CONFIG, "%s:%d: %s", place->file, place->line, reason);
}

static void report_error(struct parser *p, const struct config_place *place, const char *title,
			 const char *key, const char *format, va_list args)
{
	struct error e = ERROR_INIT;

	if (parser_ends(p))
		return;
	place_error(&e, place, title, key, format, args);
	if (!p->errors++)
		*p->e = e;
	if (p->report)
		p->report(p->context, false, e.text);
	if (p->errors == PARSER_ERRORS_MAX && p->report)
		p->report(p->context, false, "too many errors; the rest was not read");
}

int parser_fail_at(struct parser *p, const struct config_place *place, const char *title,
		   const char *key, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report_error(p, place, title, key, format, args);
	va_end(args);
	return -1;
}

int parser_fail(struct parser *p, const char *key, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report_error(p, &p->at, p->title, key, format, args);
	va_end(args);
	return -1;
}

void parser_warn_at(struct parser *p, const struct config_place *place, const char *title,
		    const char *key, const char *format, ...)
{
	struct error e = ERROR_INIT;
	va_list args;

	if (!p->report)
		return;
	va_start(args, format);
	place_error(&e, place, title, key, format, args);
	va_end(args);
	p->report(p->context, true, e.text);
}

int parser_memory(struct parser *p)
{
	p->memory = true;
	return error_set_memory(p->e);
}

bool parser_ends(const struct parser *p)
{
	return p->memory || p->errors >= PARSER_ERRORS_MAX;
}

int parser_store(struct parser *p, const char *value, char **field)
{
	free(*field);
	*field = strdup(value);
	return *field ? 0 : parser_memory(p);
}
