// SPDX-License-Identifier: Apache-2.0
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "array.h"

static const int exit_codes[] = {
	[ERROR_NONE] = 0,      [ERROR_SYSTEM] = 1,	[ERROR_USAGE] = 2,
	[ERROR_CONFIG] = 3,    [ERROR_NO_REALM] = 4,	[ERROR_NETWORK] = 5,
	[ERROR_TLS] = 6,       [ERROR_ATTESTATION] = 7, [ERROR_POLICY] = 8,
	[ERROR_NOT_FOUND] = 9, [ERROR_DELIVERY] = 10,	[ERROR_PROTOCOL] = 11,
	[ERROR_INPUT] = 12,    [ERROR_NO_DRIVER] = 13,
};

/* The printable sequences of UTF-8 by their first byte. The range of the second byte excludes
 * overlong forms, surrogates, the C1 control characters and numbers above U+10FFFF (RFC 3629
 * section 4). */
static const struct {
	unsigned char first, last, second_min, second_max;
	size_t len;
} sequences[] = {
	{ 0x20, 0x7e, 0, 0, 1 },       { 0xc2, 0xc2, 0xa0, 0xbf, 2 }, { 0xc3, 0xdf, 0x80, 0xbf, 2 },
	{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
	{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
	{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

/* Characters that reorder or hide text or break a line (Unicode TR 36 section 3): zero-width
 * characters, bidirectional controls, line and paragraph separators. */
static const struct {
	unsigned char second, third_min, third_max; /* after 0xe2 */
} deceptive[] = {
	{ 0x80, 0x8b, 0x8f }, /* U+200B to U+200F */
	{ 0x80, 0xa8, 0xae }, /* U+2028 to U+202E */
	{ 0x81, 0xa0, 0xaf }, /* U+2060 to U+206F */
};

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

/* The length in bytes of the printable character at @s; 0 if it is none. */
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

	/* Format into a copy: an argument may be the text of @e itself. */
	vsnprintf(text, sizeof(text), format, args);
	error_text_clean(text);
	e->kind = kind;
	e->transient = false;
	e->memory = false;
	e->machine = false;
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

/* The errors that say nothing about a file or a peer, only that this machine cannot go on. */
static bool errno_is_machine(int error)
{
	static const int errors[] = { ENOMEM, ENOBUFS, EMFILE, ENFILE, EIO };

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (error == errors[i])
			return true;
	return false;
}

int error_set_errno(struct error *e, enum error_kind kind, const char *format, ...)
{
	const int saved = errno;
	bool memory = saved == ENOMEM, machine = errno_is_machine(saved);
	const char *cause = strerror(saved);
	char where[ERROR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(where, sizeof(where), format, args);
	va_end(args);
	error_set(e, machine ? ERROR_SYSTEM : kind, "%s", cause);
	e->memory = memory;
	e->machine = machine;
	error_add(e, "%s", where);
	errno = saved;
	return -1;
}

int error_set_memory(struct error *e)
{
	error_set(e, ERROR_SYSTEM, "out of memory");
	e->memory = true;
	e->machine = true;
	return -1;
}

int error_add(struct error *e, const char *format, ...)
{
	char where[ERROR_TEXT_MAX], text[ERROR_TEXT_MAX];
	size_t cause = strlen(e->text);
	size_t room = sizeof(text) - 1 - cause, len;
	va_list args;

	va_start(args, format);
	vsnprintf(where, sizeof(where), format, args);
	va_end(args);
	if (room <= 2)
		return -1;
	len = strnlen(where, room - 2);
	memcpy(text, where, len);
	memcpy(text + len, ": ", 2);
	memcpy(text + len + 2, e->text, cause + 1);
	error_text_clean(text);
	memcpy(e->text, text, sizeof(text));
	return -1;
}

int error_append(struct error *e, const char *format, ...)
{
	size_t len = strlen(e->text);
	va_list args;

	va_start(args, format);
	vsnprintf(e->text + len, sizeof(e->text) - len, format, args);
	va_end(args);
	error_text_clean(e->text);
	return -1;
}

int error_reclassify(struct error *e, enum error_kind from, enum error_kind to)
{
	if ((e->kind == from || from == ERROR_ANY) && !e->machine)
		e->kind = to;
	return -1;
}

int error_exit_code(const struct error *e)
{
	if ((size_t)e->kind >= ARRAY_SIZE(exit_codes))
		return exit_codes[ERROR_SYSTEM];
	return exit_codes[e->kind];
}
