// SPDX-License-Identifier: Apache-2.0
/* Lines, sections and keys of one file. The parser goes on after an error. */
#include "parser.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"

static const char blank[] = " \t\r\n";

/* The struct that the keys of the current section are read into. */
static char *section_target(const struct parser *p)
{
	struct config *config = p->config;

	return p->section->titled ? (char *)&config->secret[config->count - 1] : (char *)config;
}

static struct config_place *place_at(char *target, size_t offset)
{
	return (struct config_place *)(void *)(target + offset);
}

/* True for the same file twice, or if one is a directory on the path of the other. */
static bool files_clash(const char *a, const char *b)
{
	size_t alen = strlen(a), blen = strlen(b), len = alen < blen ? alen : blen;

	return !memcmp(a, b, len) && (alen == blen || (alen < blen ? b[len] : a[len]) == '/');
}

static bool key_was_given(const struct parser *p, const char *name)
{
	for (size_t i = 0; i < p->section->count; i++)
		if (!strcmp(p->section->key[i].name, name))
			return p->seen & (UINT32_C(1) << i);
	return false;
}

/* Check what can be checked only when a section is complete. */
static void section_end(struct parser *p)
{
	const struct config_secret *other;
	struct config_secret *secret;
	const char *fault;

	if (!p->section || !p->section->titled)
		return;
	secret = (struct config_secret *)(void *)section_target(p);
	if (!key_was_given(p, "resource"))
		parser_fail_at(p, &secret->place, p->title, "resource", "missing");
	if (!key_was_given(p, "file")) { /* by default the name of the secret */
		fault = config_file_fault(secret->name);
		if (fault)
			parser_fail_at(p, &secret->place, p->title, "file",
				       "missing, and the name '%s' %s", secret->name, fault);
		else
			parser_store(p, secret->name, &secret->file);
	}
	for (other = p->config->secret; other < secret && secret->file; other++)
		if (other->file && files_clash(other->file, secret->file))
			parser_fail_at(p, &secret->place, p->title, "file",
				       "'%s' clashes with '%s' of [secret %s]", secret->file,
				       other->file, other->name);
}

/* An error if something was given at @place, which is in this file or in another. */
static int already_given(struct parser *p, const struct config_place *place)
{
	if (place->file == p->at.file)
		return parser_fail(p, NULL, "already given in line %d", place->line);
	return parser_fail(p, NULL, "already given in %s:%d", place->file, place->line);
}

static int secret_add(struct parser *p, const char *name)
{
	struct config *config = p->config;
	struct config_secret *grown;

	if (!*name)
		return parser_fail(p, NULL, "requires a name: [%s NAME]", p->title);
	/* Names are shown in logs and on the status line. */
	if (name[strspn(name, ENCODE_ALPHANUMERIC "_.-")])
		return parser_fail(p, NULL, "a name consists of letters, digits, '_', '.' and '-'");
	for (size_t i = 0; i < config->count; i++)
		if (!strcmp(config->secret[i].name, name))
			return already_given(p, &config->secret[i].place);
	if (config->count == CONFIG_SECRETS_MAX)
		return parser_fail(p, NULL, "more than %d secrets", CONFIG_SECRETS_MAX);
	grown = reallocarray(config->secret, config->count + 1, sizeof(*grown));
	if (!grown)
		return parser_memory(p);
	config->secret = grown;
	grown[config->count] = (struct config_secret){
		.mode = 0400,
		.required = true,
		.refresh = CONFIG_UNSET,
		.stale_after = CONFIG_UNSET,
		.place = p->at,
	};
	if (parser_store(p, name, &grown[config->count].name) < 0)
		return -1;
	config->count++;
	return 0;
}

/* Copy the text between the brackets, without white space at its ends, into p->title. @len
 * characters at @text are the line. */
static int section_title(struct parser *p, const char *text, size_t len)
{
	const char *close = memchr(text, ']', len), *rest;
	size_t size;

	if (!close)
		return parser_fail(p, NULL, "'[' without ']'");
	rest = close + 1 + strspn(close + 1, blank);
	if (*rest && !strchr("#;", *rest))
		return parser_fail(p, NULL, "text after ']'");
	text += 1 + strspn(text + 1, blank);
	for (size = text < close ? (size_t)(close - text) : 0;
	     size && strchr(blank, text[size - 1]); size--)
		;
	if (!size || size > PARSER_TITLE_MAX)
		return parser_fail(p, NULL, "a section's name has 1 to %d characters",
				   PARSER_TITLE_MAX);
	memcpy(p->title, text, size);
	p->title[size] = '\0';
	return 0;
}

static const struct section *section_find(const char *word, size_t len)
{
	for (const struct section *section = config_sections; section->name; section++)
		if (strlen(section->name) == len && !memcmp(section->name, word, len))
			return section;
	return NULL;
}

/* Read a line "[...]". Returns -1 if the section is an error: its keys are not read. */
static int section_begin(struct parser *p, const char *text, size_t len)
{
	const struct section *section;
	struct config_place *place;
	const char *name;
	size_t word;

	p->seen = 0;
	p->title[0] = '\0';
	if (section_title(p, text, len))
		return -1;
	word = strcspn(p->title, blank);
	name = p->title + word + strspn(p->title + word, blank);
	section = section_find(p->title, word);
	if (!section)
		return parser_fail(p, NULL, "unknown section");
	if (section->titled) {
		if (secret_add(p, name) < 0)
			return -1;
	} else {
		place = place_at((char *)p->config, section->place);
		if (*name)
			return parser_fail(p, NULL, "accepts no name");
		if (place->line && place->file == p->at.file)
			return already_given(p, place);
		*place = p->at;
	}
	p->section = section;
	return 0;
}

static void key_read(struct parser *p, const char *name, const char *value)
{
	struct config_place *place = NULL;
	const struct key *key;
	uint32_t bit;
	char *target;

	for (key = p->section->key; key < p->section->key + p->section->count; key++)
		if (!strcmp(key->name, name))
			break;
	if (key == p->section->key + p->section->count) {
		parser_fail(p, name, "unknown key");
		return;
	}
	bit = UINT32_C(1) << (key - p->section->key);
	target = section_target(p);
	if (key->place)
		place = place_at(target, key->place);
	if (p->seen & bit)
		parser_fail(p, name, "given twice");
	else if (place && place->file == p->at.file) /* under its name of earlier versions */
		parser_fail(p, name, "already given in line %d", place->line);
	else
		key->read(p, key, value, target + key->offset);
	p->seen |= bit;
	if (place)
		*place = p->at;
}

/* Cut the white space at the end of @text. */
static char *text_trim(char *text)
{
	size_t len = strlen(text);

	while (len && strchr(blank, text[len - 1]))
		text[--len] = '\0';
	return text + strspn(text, blank);
}

/* Cut white space followed by ';', and everything after it. */
static void comment_cut(char *text)
{
	for (char *at = strchr(text, ';'); at; at = strchr(at + 1, ';'))
		if (at > text && strchr(blank, at[-1])) {
			*at = '\0';
			return;
		}
}

/* Read "key = value", or "key: value". */
static void pair_read(struct parser *p, char *text)
{
	char *mark, *name;

	comment_cut(text);
	mark = text + strcspn(text, "=:");
	if (!*mark) {
		parser_fail_at(p, &p->at, "", NULL, "neither 'key = value' nor '[section]'");
		return;
	}
	*mark = '\0';
	name = text_trim(text);
	if (!p->section) {
		parser_fail(p, NULL, "'%s' is before the first section", name);
		p->skip = true; /* once is enough */
	} else if (!*name) {
		parser_fail(p, NULL, "no key before '='");
	} else {
		key_read(p, name, text_trim(mark + 1));
	}
}

/* True if @len characters at @text contain a control character. */
static bool has_control(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
			return true;
	return false;
}

/* Read a line of @len characters at @text, without white space at its ends. */
static void parser_line(struct parser *p, const char *text, size_t len)
{
	char copy[PARSER_LINE_MAX + 1];
	bool heading = len && *text == '[';

	if (!len || *text == '#' || *text == ';')
		return;
	if (heading) {
		section_end(p);
		p->section = NULL;
		p->skip = true; /* unless it is a good one */
	}
	if (has_control(text, len)) {
		parser_fail_at(p, &p->at, heading ? "" : p->title, NULL, "a control character");
	} else if (len > PARSER_LINE_MAX) {
		parser_fail_at(p, &p->at, heading ? "" : p->title, NULL,
			       "longer than %d characters", PARSER_LINE_MAX);
	} else if (heading || !p->skip) {
		memcpy(copy, text, len);
		copy[len] = '\0';
		if (!heading)
			pair_read(p, copy);
		else if (section_begin(p, copy, len) == 0)
			p->skip = false;
	}
}

/* The name of the file is kept, because places refer to it. */
static int file_begin(struct parser *p, const char *name)
{
	struct config *config = p->config;
	char **grown = reallocarray(config->name, config->names + 1, sizeof(*grown));

	if (!grown)
		return parser_memory(p);
	config->name = grown;
	grown[config->names] = NULL;
	if (parser_store(p, name, &grown[config->names]) < 0)
		return -1;
	p->at = (struct config_place){ .file = grown[config->names++], .line = 1 };
	p->section = NULL;
	p->skip = false;
	p->title[0] = '\0';
	return 0;
}

void parser_file(struct parser *p, const struct config_text *file)
{
	const char *next = file->len ? file->text : "", *end = next + file->len;

	if (file_begin(p, file->name) < 0)
		return;
	if (file->len > CONFIG_FILE_MAX) {
		parser_fail(p, NULL, "the file is over %zu KiB", CONFIG_FILE_MAX >> 10);
		return;
	}
	if (file->len >= 3 && !memcmp(next, "\xef\xbb\xbf", 3))
		next += 3; /* a byte order mark would hide the first line's '[' */
	for (p->at.line = 0; next < end && !parser_ends(p);) {
		const char *newline = memchr(next, '\n', (size_t)(end - next));
		const char *line = next, *stop = newline ? newline : end;

		p->at.line++;
		next = newline ? newline + 1 : end;
		while (line < stop && (*line == ' ' || *line == '\t'))
			line++;
		while (line < stop && (stop[-1] == ' ' || stop[-1] == '\t' || stop[-1] == '\r'))
			stop--;
		parser_line(p, line, (size_t)(stop - line));
	}
	if (!p->at.line)
		p->at.line = 1;
	section_end(p);
	p->section = NULL;
	p->title[0] = '\0';
}
