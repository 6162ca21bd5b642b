// SPDX-License-Identifier: Apache-2.0
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int exit_code;
} kinds[] = {
	[ERROR_NONE] = { "none", 0 },
	[ERROR_SYSTEM] = { "system", 1 },
	[ERROR_USAGE] = { "usage", 2 },
	[ERROR_CONFIG] = { "config", 3 },
	[ERROR_NO_REALM] = { "no-realm", 4 },
	[ERROR_NETWORK] = { "network", 5 },
	[ERROR_TLS] = { "tls", 6 },
	[ERROR_ATTESTATION] = { "attestation", 7 },
	[ERROR_POLICY] = { "policy", 8 },
	[ERROR_NOT_FOUND] = { "not-found", 9 },
	[ERROR_DELIVERY] = { "delivery", 10 },
	[ERROR_PROTOCOL] = { "protocol", 11 },
	[ERROR_INPUT] = { "input", 12 },
	[ERROR_NO_DRIVER] = { "no-driver", 13 },
};

/* The sequences of UTF-8 by their first byte; the range of the second byte excludes overlong forms,
 * surrogates, the C1 control characters and what lies beyond U+10FFFF (RFC 3629 section 4). */
static const struct {
	unsigned char first, last, second_min, second_max;
	size_t len;
} sequences[] = {
	{ 0x20, 0x7e, 0, 0, 1 },
	{ 0xc2, 0xc2, 0xa0, 0xbf, 2 },
	{ 0xc3, 0xdf, 0x80, 0xbf, 2 },
	{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 },
	{ 0xed, 0xed, 0x80, 0x9f, 3 },
	{ 0xee, 0xef, 0x80, 0xbf, 3 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
	{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

/* Those that reorder, hide or break the line they stand in (Unicode TR 36 section 3): zero-width
 * characters, bidirectional controls, line and paragraph separators. */
static const struct {
	unsigned char second, third_min, third_max;	/* after 0xe2 */
} deceptive[] = {
	{ 0x80, 0x8b, 0x8f },	/* U+200B to U+200F */
	{ 0x80, 0xa8, 0xae },	/* U+2028 to U+202E */
	{ 0x81, 0xa0, 0xaf },	/* U+2060 to U+206F */
};

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static bool sequence_fits(size_t i, const unsigned char *s)
{
	if (s[0] < sequences[i].first || s[0] > sequences[i].last)
		return false;
	if (sequences[i].len == 1)
		return true;
	if (s[1] < sequences[i].second_min || s[1] > sequences[i].second_max)
		return false;
	for (size_t k = 2; k < sequences[i].len; k++)
		if ((s[k] & 0xc0) != 0x80)
			return false;
	return true;
}

static bool character_deceives(const unsigned char *s)
{
	for (size_t i = 0; s[0] == 0xe2 && i < ARRAY_SIZE(deceptive); i++)
		if (s[1] == deceptive[i].second && s[2] >= deceptive[i].third_min &&
		    s[2] <= deceptive[i].third_max)
			return true;
	return false;
}

/* The length of the printable character at @s, 0 if there is none. */
static size_t character_length(const unsigned char *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(sequences); i++)
		if (sequence_fits(i, s))
			return character_deceives(s) ? 0 : sequences[i].len;
	return 0;
}

void error_text_clean(char *text)
{
	unsigned char *s = (unsigned char *)text;

	while (*s) {
		size_t len = character_length(s);

		if (len == 0) {
			*s = '?';
			len = 1;
		}
		s += len;
	}
}

static int error_vset(struct error *e, enum error_kind kind, const char *format, va_list args)
{
	char text[ERROR_TEXT_MAX];

	/* Not straight into @e: an argument may be the text of @e itself. */
	vsnprintf(text, sizeof(text), format, args);
	error_text_clean(text);
	e->kind = kind;
	e->transient = false;
	memcpy(e->text, text, sizeof(text));
	return -1;
}

int error_set(struct error *e, enum error_kind kind, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_vset(e, kind, format, args);
	va_end(args);
	return -1;
}

int error_set_transient(struct error *e, enum error_kind kind, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_vset(e, kind, format, args);
	va_end(args);
	e->transient = true;
	return -1;
}

int error_set_errno(struct error *e, enum error_kind kind, const char *format, ...)
{
	const char *cause = strerror(errno);
	char where[ERROR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(where, sizeof(where), format, args);
	va_end(args);
	error_set(e, kind, "%s", cause);
	return error_add(e, "%s", where);
}

int error_set_memory(struct error *e)
{
	return error_set(e, ERROR_SYSTEM, "out of memory");
}

int error_add(struct error *e, const char *format, ...)
{
	char where[ERROR_TEXT_MAX], text[ERROR_TEXT_MAX];
	size_t cause = strlen(e->text);
	size_t room = sizeof(text) - 1 - cause;
	va_list args;

	va_start(args, format);
	vsnprintf(where, sizeof(where), format, args);
	va_end(args);
	if (room <= 2)
		return -1;
	snprintf(text, sizeof(text), "%.*s: %s", (int)(room - 2), where, e->text);
	error_text_clean(text);
	memcpy(e->text, text, sizeof(text));
	return -1;
}

static size_t kind_index(enum error_kind kind)
{
	return (size_t)kind < ARRAY_SIZE(kinds) ? (size_t)kind : (size_t)ERROR_SYSTEM;
}

int error_exit_code(const struct error *e)
{
	return kinds[kind_index(e->kind)].exit_code;
}

const char *error_kind_name(enum error_kind kind)
{
	return kinds[kind_index(kind)].name;
}
