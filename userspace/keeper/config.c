// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <ini.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/encode.h"
#include "kbs/kbs.h"
#include "rsi/rsi.h"

/* inih cuts longer section names short without a word. */
#define SECTION_MAX 48
#define FILE_PATH_MAX 255
#define TIMEOUT_DEFAULT 60
#define TIMEOUT_MAX 600

struct parser {
	struct config *config;
	const char *next, *end;		/* the text not yet handed to inih */
	const char *name;
	const struct section *section;	/* NULL before the first */
	char title[SECTION_MAX + 1];	/* what stands between the brackets */
	int line;			/* the last one handed to inih */
	uint32_t seen;			/* keys of this section so far, by index */
	int url_line;			/* where it was met, or 0 */
	int failed_line;		/* 0 unless *e is set */
	struct error *e;
};

struct key {
	const char *name;
	size_t offset;			/* in struct config or struct config_secret */
	int (*read)(struct parser *p, const struct key *key, const char *value, void *field);
};

struct section {
	const char *name;
	size_t line;			/* in struct config: where it begins; TITLED: "[name TITLE]" */
	const struct key *key;
	size_t count;
};

#define TITLED SIZE_MAX

/* Where a section's keys go. */
static void *section_target(const struct parser *p)
{
	struct config *config = p->config;

	return p->section->line == TITLED ? (void *)&config->secret[config->count - 1] : (void *)config;
}

__attribute__((format(printf, 4, 5)))
static int parser_fail(struct parser *p, int line, const char *key, const char *format, ...)
{
	char reason[ERROR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	p->failed_line = line;
	if (!p->section)
		return error_set(p->e, ERROR_CONFIG, "%s:%d: %s", p->name, line, reason);
	return error_set(p->e, ERROR_CONFIG, "%s:%d: [%s]%s%s: %s", p->name, line, p->title,
			 key ? " " : "", key ? key : "", reason);
}

static int parser_memory(struct parser *p)
{
	p->failed_line = p->line;
	return error_set_memory(p->e);
}

static int text_store(struct parser *p, const char *value, void *field)
{
	char **text = field;

	*text = strdup(value);
	return *text ? 0 : parser_memory(p);
}

static int read_text(struct parser *p, const struct key *key, const char *value, void *field)
{
	if (!*value)
		return parser_fail(p, p->line, key->name, "is empty");
	return text_store(p, value, field);
}

static int read_url(struct parser *p, const struct key *key, const char *value, void *field)
{
	p->url_line = p->line;	/* judged when [kbs] insecure is known */
	return read_text(p, key, value, field);
}

static int read_path(struct parser *p, const struct key *key, const char *value, void *field)
{
	if (value[0] != '/')
		return parser_fail(p, p->line, key->name, "'%s' is not an absolute path", value);
	return text_store(p, value, field);
}

static int read_bool(struct parser *p, const struct key *key, const char *value, void *field)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{ "yes", true }, { "true", true }, { "on", true }, { "1", true },
		{ "no", false }, { "false", false }, { "off", false }, { "0", false },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcasecmp(value, words[i].word)) {
			*(bool *)field = words[i].value;
			return 0;
		}
	}
	return parser_fail(p, p->line, key->name, "'%s' is neither yes nor no", value);
}

/* Digits of @base only, at most @max. */
static bool number_from_text(const char *value, int base, unsigned long max, unsigned long *number)
{
	const char *digits = base == 8 ? "01234567" : "0123456789";

	if (!*value || strlen(value) > 9 || strspn(value, digits) != strlen(value))
		return false;
	*number = strtoul(value, NULL, base);
	return *number <= max;
}

static int read_timeout(struct parser *p, const struct key *key, const char *value, void *field)
{
	unsigned long seconds;

	if (!number_from_text(value, 10, TIMEOUT_MAX, &seconds) || !seconds)
		return parser_fail(p, p->line, key->name,
				   "'%s' is not a number of seconds from 1 to %d", value,
				   TIMEOUT_MAX);
	*(unsigned int *)field = (unsigned int)seconds;
	return 0;
}

static int read_register(struct parser *p, const struct key *key, const char *value, void *field)
{
	unsigned long index;

	if (!number_from_text(value, 10, RSI_REGISTERS - 1, &index) || !index)
		return parser_fail(p, p->line, key->name,
				   "'%s' is not a register from 1 to %d (REM0 to REM%d)", value,
				   RSI_REGISTERS - 1, RSI_REGISTERS - 2);
	*(unsigned int *)field = (unsigned int)index;
	return 0;
}

static int read_mode(struct parser *p, const struct key *key, const char *value, void *field)
{
	unsigned long mode;

	if (!number_from_text(value, 8, 0777, &mode))
		return parser_fail(p, p->line, key->name,
				   "'%s' is not an octal mode from 0 to 0777", value);
	*(mode_t *)field = (mode_t)mode;
	return 0;
}

static int read_source(struct parser *p, const struct key *key, const char *value, void *field)
{
	char known[128] = "";

	for (const char *const *source = rsi_sources(); *source; source++) {
		size_t len = strlen(known);

		if (!strcmp(value, *source))
			return text_store(p, value, field);
		snprintf(known + len, sizeof(known) - len, "%s%s", len ? ", " : "", *source);
	}
	return parser_fail(p, p->line, key->name, "unknown source '%s' (known: %s)", value, known);
}

static int read_resource(struct parser *p, const struct key *key, const char *value, void *field)
{
	struct error inner = ERROR_INIT;
	char path[512];

	if (kbs_resource_path(value, path, sizeof(path), &inner))
		return parser_fail(p, p->line, key->name, "%s", inner.text);
	return text_store(p, path, field);
}

/* Why @path cannot be a file in the keyring, or NULL. Names with a leading '.' are left to the
 * keyring's own temporary files. */
static const char *file_fault(const char *path)
{
	if (!*path)
		return "is empty";
	if (*path == '/')
		return "must be relative to the keyring";
	if (strlen(path) > FILE_PATH_MAX)
		return "is too long";
	if (strchr(path, '\t'))
		return "has a tab in it";
	for (const char *name = path; name; name = strchr(name, '/')) {
		name += *name == '/';
		if (*name == '/' || !*name)
			return "has an empty component";
		if (*name == '.')
			return "has a component that begins with '.'";
	}
	return NULL;
}

static int read_file(struct parser *p, const struct key *key, const char *value, void *field)
{
	const char *fault = file_fault(value);

	if (fault)
		return parser_fail(p, p->line, key->name, "'%s' %s", value, fault);
	return text_store(p, value, field);
}

static const struct key kbs_keys[] = {
	{ "url", offsetof(struct config, url), read_url },
	{ "ca", offsetof(struct config, ca), read_path },
	{ "insecure", offsetof(struct config, insecure), read_bool },
	{ "source", offsetof(struct config, source), read_source },
	{ "timeout", offsetof(struct config, timeout), read_timeout },
};

static const struct key log_keys[] = {
	{ "extend", offsetof(struct config, log_extend), read_register },
};

static const struct key secret_keys[] = {
	{ "resource", offsetof(struct config_secret, resource), read_resource },
	{ "file", offsetof(struct config_secret, file), read_file },
	{ "mode", offsetof(struct config_secret, mode), read_mode },
	{ "owner", offsetof(struct config_secret, owner), read_text },
	{ "group", offsetof(struct config_secret, group), read_text },
	{ "required", offsetof(struct config_secret, required), read_bool },
};

static const struct section sections[] = {
	{ "kbs", offsetof(struct config, line), kbs_keys, sizeof(kbs_keys) / sizeof(kbs_keys[0]) },
	{ "log", offsetof(struct config, log_line), log_keys,
	  sizeof(log_keys) / sizeof(log_keys[0]) },
	{ "secret", TITLED, secret_keys, sizeof(secret_keys) / sizeof(secret_keys[0]) },
};

static bool files_clash(const char *a, const char *b)
{
	size_t alen = strlen(a), blen = strlen(b), len = alen < blen ? alen : blen;

	/* The same file, or one a directory of the other. */
	return !memcmp(a, b, len) &&
	       (alen == blen || (alen < blen ? b[len] : a[len]) == '/');
}

/* The secret's file must be its own; without "file" it is called as the secret. */
static int secret_check_file(struct parser *p, struct config_secret *secret)
{
	const char *fault;

	if (!secret->file) {
		fault = file_fault(secret->name);
		if (fault)
			return parser_fail(p, secret->line, "file",
					   "missing, and the name '%s' %s", secret->name, fault);
		if (text_store(p, secret->name, &secret->file))
			return -1;
	}
	for (const struct config_secret *other = p->config->secret; other < secret; other++) {
		if (files_clash(other->file, secret->file))
			return parser_fail(p, secret->line, "file",
					   "'%s' clashes with '%s' of [secret %s]", secret->file,
					   other->file, other->name);
	}
	return 0;
}

/* What can be judged only when a section is complete. */
static int section_end(struct parser *p)
{
	struct config_secret *secret;

	if (!p->section || p->section->line != TITLED)
		return 0;
	secret = section_target(p);
	if (!secret->resource)
		return parser_fail(p, secret->line, "resource", "missing");
	return secret_check_file(p, secret);
}

static int secret_add(struct parser *p, const char *name)
{
	struct config *config = p->config;
	struct config_secret *grown;

	for (size_t i = 0; i < config->count; i++) {
		if (!strcmp(config->secret[i].name, name))
			return parser_fail(p, p->line, NULL, "already given in line %d",
					   config->secret[i].line);
	}
	if (config->count == CONFIG_SECRETS_MAX)
		return parser_fail(p, p->line, NULL, "more than %d secrets", CONFIG_SECRETS_MAX);
	grown = reallocarray(config->secret, config->count + 1, sizeof(*grown));
	if (!grown)
		return parser_memory(p);
	config->secret = grown;
	grown[config->count] = (struct config_secret){
		.name = strdup(name), .mode = 0400, .required = true, .line = p->line,
	};
	return grown[config->count++].name ? 0 : parser_memory(p);
}

/* Names are seen in logs and on the status line. */
static bool name_is_plain(const char *name)
{
	return !name[strspn(name, ENCODE_ALPHANUMERIC "_.-")];
}

/* Split "secret NAME" and find what is known by the first word. */
static const struct section *section_find(const char *title, const char **name)
{
	size_t len = strcspn(title, " \t");

	*name = title + len + strspn(title + len, " \t");
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (strlen(sections[i].name) == len && !memcmp(title, sections[i].name, len))
			return &sections[i];
	}
	return NULL;
}

static int section_open_titled(struct parser *p, const char *name)
{
	if (!*name)
		return parser_fail(p, p->line, NULL, "needs a name: [%s NAME]", p->title);
	if (!name_is_plain(name))
		return parser_fail(p, p->line, NULL, "a name is made of letters, digits, '_', '.' "
						     "and '-'");
	return secret_add(p, name);
}

static int section_open_single(struct parser *p, const char *name)
{
	int *line = (int *)(void *)((char *)p->config + p->section->line);

	if (*name)
		return parser_fail(p, p->line, NULL, "takes no name");
	if (*line)
		return parser_fail(p, p->line, NULL, "already given in line %d", *line);
	*line = p->line;
	return 0;
}

/* Whether nothing but white space and a comment is left of a line. */
static bool line_ends(const char *rest, const char *end)
{
	while (rest < end && strchr(" \t\r\n", *rest))
		rest++;
	return rest == end || *rest == '#' || *rest == ';';
}

/* The text between the brackets of @len characters at @text, trimmed, into p->title. */
static int section_title(struct parser *p, const char *text, size_t len)
{
	const char *close = memchr(text, ']', len), *end = text + len;
	size_t size;

	if (!close)
		return parser_fail(p, p->line, NULL, "'[' without ']'");
	if (!line_ends(close + 1, end))
		return parser_fail(p, p->line, NULL, "something follows ']'");
	for (text++; text < close && strchr(" \t", *text); text++)
		;
	for (size = (size_t)(close - text); size && strchr(" \t", text[size - 1]); size--)
		;
	if (!size || size > SECTION_MAX)
		return parser_fail(p, p->line, NULL, "a section's name has 1 to %d characters",
				   SECTION_MAX);
	memcpy(p->title, text, size);
	p->title[size] = '\0';
	return 0;
}

/* A line "[...]". inih tells neither of a section without keys nor of one opened twice, so these
 * lines are looked at here. */
static int section_begin(struct parser *p, const char *text, size_t len)
{
	static const struct section unknown;
	const char *name;

	if (section_end(p))
		return -1;
	p->section = NULL;
	p->seen = 0;
	if (section_title(p, text, len))
		return -1;
	p->section = section_find(p->title, &name);
	if (!p->section) {
		p->section = &unknown;
		return parser_fail(p, p->line, NULL, "unknown section");
	}
	return p->section->line == TITLED ? section_open_titled(p, name) : section_open_single(p, name);
}

/* In a line without what ends it: "\n" or "\r\n". */
static bool has_control(const char *text, size_t len)
{
	if (len && text[len - 1] == '\n')
		len--;
	if (len && text[len - 1] == '\r')
		len--;
	for (size_t i = 0; i < len; i++) {
		if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
			return true;
	}
	return false;
}

/* Look at a line before inih gets it; returns how much of it inih shall get. */
static size_t line_check(struct parser *p, const char *text, size_t len, size_t max)
{
	if (len && (*text == '#' || *text == ';'))
		return 0;
	if (has_control(text, len))
		parser_fail(p, p->line, NULL, "a control character");
	else if (len > max)
		parser_fail(p, p->line, NULL, "longer than %zu characters", max - 1);
	else if (len && *text == '[')
		section_begin(p, text, len);
	return len;
}

/* inih wants the next line: without its indentation, which would make it a continuation of the line
 * before. NULL ends the parse. */
static char *parser_line(char *buffer, int size, void *stream)
{
	struct parser *p = stream;
	const char *newline;
	size_t len;

	if (p->failed_line || p->next == p->end)
		return NULL;
	p->line++;
	newline = memchr(p->next, '\n', (size_t)(p->end - p->next));
	newline = newline ? newline + 1 : p->end;
	while (p->next < newline && strchr(" \t", *p->next) && *p->next)
		p->next++;
	len = line_check(p, p->next, (size_t)(newline - p->next), (size_t)size - 1);
	if (p->failed_line)
		return NULL;
	memcpy(buffer, p->next, len);
	buffer[len] = '\0';
	p->next = newline;
	return buffer;
}

/* inih has split "key = value". */
static int parser_key(void *user, const char *section, const char *name, const char *value)
{
	struct parser *p = user;
	const struct key *key;
	uint32_t bit;

	(void)section;
	if (p->failed_line)
		return 0;
	if (!p->section)
		return parser_fail(p, p->line, NULL, "'%s' stands before any section", name) == 0;
	if (!*name)
		return parser_fail(p, p->line, NULL, "nothing stands before '='") == 0;
	for (key = p->section->key; key < p->section->key + p->section->count; key++) {
		if (!strcmp(key->name, name))
			break;
	}
	if (key == p->section->key + p->section->count)
		return parser_fail(p, p->line, name, "unknown key") == 0;
	bit = UINT32_C(1) << (key - p->section->key);
	if (p->seen & bit)
		return parser_fail(p, p->line, name, "given twice") == 0;
	p->seen |= bit;
	return key->read(p, key, value, (char *)section_target(p) + key->offset) == 0;
}

static int check_url(struct parser *p)
{
	struct error inner = ERROR_INIT;
	char url[1024];

	p->section = &sections[0];
	strcpy(p->title, "kbs");
	if (!p->config->url)
		return parser_fail(p, p->line ? p->line : 1, "url", "missing");
	if (kbs_url(p->config->url, p->config->insecure, url, sizeof(url), &inner))
		return parser_fail(p, p->url_line, "url", "%s", inner.text);
	free(p->config->url);
	p->config->url = NULL;
	return text_store(p, url, &p->config->url);
}

static int parser_run(struct parser *p)
{
	int line = ini_parse_stream(parser_line, p, parser_key, p);

	/* inih reads on after a line that it cannot split; the first fault is the one to tell. */
	if (line > 0 && (!p->failed_line || line < p->failed_line)) {
		p->section = NULL;
		return parser_fail(p, line, NULL, "neither 'key = value' nor '[section]'");
	}
	if (p->failed_line)
		return -1;
	if (line < 0)
		return parser_memory(p);
	return section_end(p) || check_url(p) ? -1 : 0;
}

int config_parse(struct config *config, const void *text, size_t len, const char *name,
		 struct error *e)
{
	struct parser p = {
		.config = config,
		.next = text,
		.end = (const char *)text + len,
		.name = name,
		.e = e,
	};
	int ret;

	*config = (struct config)CONFIG_INIT;
	config->timeout = TIMEOUT_DEFAULT;
	if (len >= 3 && !memcmp(p.next, "\xef\xbb\xbf", 3))
		p.next += 3;	/* a byte order mark would hide the first line's '[' */
	if (len > CONFIG_FILE_MAX)
		return error_set(e, ERROR_CONFIG, "%s:1: the file is over %zu KiB", name,
				 CONFIG_FILE_MAX >> 10);
	ret = parser_run(&p);
	if (ret)
		config_free(config);
	return ret;
}

void config_free(struct config *config)
{
	for (size_t i = 0; i < config->count; i++) {
		struct config_secret *secret = &config->secret[i];

		free(secret->name);
		free(secret->resource);
		free(secret->file);
		free(secret->owner);
		free(secret->group);
	}
	free(config->secret);
	free(config->url);
	free(config->ca);
	free(config->source);
	*config = (struct config)CONFIG_INIT;
}
