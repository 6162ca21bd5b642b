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

	switch (p->section->of) {
	case SECTION_SECRET:
		return (char *)&config->secret[config->count - 1];
	case SECTION_FILE:
		return (char *)&config->file[config->files - 1];
	case SECTION_CONFIG:
		break;
	}
	return (char *)config;
}

static struct config_place *place_at(char *target, size_t offset)
{
	return (struct config_place *)(void *)(target + offset);
}

static bool key_was_given(const struct parser *p, const char *name)
{
	for (size_t i = 0; i < p->section->count; i++)
		if (!strcmp(p->section->key[i].name, name))
			return p->seen & (UINT32_C(1) << i);
	return false;
}

/* The path of a file is by default the @name of its section. */
static void path_default(struct parser *p, const char *name, const struct config_place *place,
			 char **path)
{
	const char *fault = config_file_fault(name);

	if (fault)
		parser_fail_at(p, place, p->title, "file", "missing, and the name '%s' %s", name,
			       fault);
	else
		parser_store(p, name, path);
}

static void secret_end(struct parser *p, struct config_secret *secret)
{
	bool other = key_was_given(p, "key") || key_was_given(p, "credential") ||
		     key_was_given(p, "crypttab") || key_was_given(p, "allow");

	if (!key_was_given(p, "resource"))
		parser_fail_at(p, &secret->place, p->title, "resource", "missing");
	if (!key_was_given(p, "file") && !other)
		path_default(p, secret->name, &secret->place, &secret->file);
}

static void file_end(struct parser *p, struct config_file *file)
{
	bool secret = key_was_given(p, "secret"), template = key_was_given(p, "template");

	if (!secret && !template)
		parser_fail_at(p, &file->place, p->title, NULL,
			       "has neither secret = NAME nor template = FILE");
	else if (secret && template)
		parser_fail_at(p, &file->template_place, p->title, "template",
			       "there is also secret; a file has either the one or the other");
	if (!key_was_given(p, "file"))
		path_default(p, file->name, &file->place, &file->path);
}

/* Check what can be checked only when a section is complete. */
static void section_end(struct parser *p)
{
	struct config *config = p->config;

	if (p->section && p->section->of == SECTION_SECRET)
		secret_end(p, &config->secret[config->count - 1]);
	else if (p->section && p->section->of == SECTION_FILE)
		file_end(p, &config->file[config->files - 1]);
}

/* An error if something was given at @place, which is in this file or in another. */
static int already_given(struct parser *p, const struct config_place *place)
{
	if (place->file == p->at.file)
		return parser_fail(p, NULL, "already given in line %d", place->line);
	return parser_fail(p, NULL, "already given in %s:%d", place->file, place->line);
}

/* Names are shown in logs and on the status line. */
static int name_check(struct parser *p, const char *name)
{
	if (!*name)
		return parser_fail(p, NULL, "requires a name: [%s NAME]", p->title);
	if (name[strspn(name, ENCODE_ALPHANUMERIC "_.-")])
		return parser_fail(p, NULL, "a name consists of letters, digits, '_', '.' and '-'");
	return 0;
}

static int secret_add(struct parser *p, const char *name)
{
	struct config *config = p->config;
	struct config_secret *grown;

	if (name_check(p, name) < 0)
		return -1;
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

/* The own files of the secrets are put before these in the end. */
static int file_add(struct parser *p, const char *name)
{
	struct config *config = p->config;
	struct config_file *grown;

	if (name_check(p, name) < 0)
		return -1;
	for (size_t i = 0; i < config->files; i++)
		if (!strcmp(config->file[i].name, name))
			return already_given(p, &config->file[i].place);
	if (config->files == CONFIG_KEYRING_FILES_MAX - CONFIG_SECRETS_MAX)
		return parser_fail(p, NULL, "more than %d sections [file NAME]",
				   CONFIG_KEYRING_FILES_MAX - CONFIG_SECRETS_MAX);
	grown = reallocarray(config->file, config->files + 1, sizeof(*grown));
	if (!grown)
		return parser_memory(p);
	config->file = grown;
	grown[config->files] = (struct config_file){
		.secret = CONFIG_NO_SECRET,
		.mode = 0400,
		.place = p->at,
	};
	if (parser_store(p, name, &grown[config->files].name) < 0)
		return -1;
	config->files++;
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

/* Without a name. */
static int config_add(struct parser *p, const struct section *section, const char *name)
{
	struct config_place *place = place_at((char *)p->config, section->place);

	if (*name)
		return parser_fail(p, NULL, "accepts no name");
	if (place->line && place->file == p->at.file)
		return already_given(p, place);
	*place = p->at;
	return 0;
}

/* Read a line "[...]". Returns -1 if the section is an error: its keys are not read. */
static int section_begin(struct parser *p, const char *text, size_t len)
{
	const struct section *section;
	const char *name;
	size_t word;
	int ret;

	p->seen = 0;
	p->title[0] = '\0';
	if (section_title(p, text, len))
		return -1;
	word = strcspn(p->title, blank);
	name = p->title + word + strspn(p->title + word, blank);
	section = section_find(p->title, word);
	if (!section)
		return parser_fail(p, NULL, "unknown section");
	if (section->of == SECTION_SECRET)
		ret = secret_add(p, name);
	else if (section->of == SECTION_FILE)
		ret = file_add(p, name);
	else
		ret = config_add(p, section, name);
	if (ret == 0)
		p->section = section;
	return ret;
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
