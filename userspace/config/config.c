// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <ini.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/encode.h"
#include "base/realm.h"
#include "kbs/kbs.h"
#include "kbs/url.h"
#include "rsi/rsi.h"

/* inih silently truncates longer section names. */
#define SECTION_MAX	48
#define FILE_PATH_MAX	255
#define TIMEOUT_DEFAULT 60
#define TIMEOUT_MAX	600

struct parser {
	struct config *config;
	const char *next, *end;	       /* the text that inih has not read yet */
	const char *name;	       /* of the file */
	const struct section *section; /* NULL before the first */
	char title[SECTION_MAX + 1];   /* the text between the brackets */
	int line;		       /* the last one that inih has read */
	uint32_t seen;		       /* bit i: key i of this section was given */
	int failed_line;	       /* 0 unless *e is set */
	struct error *e;
};

struct key {
	const char *name;
	size_t offset; /* in struct config or struct config_secret */
	int (*read)(struct parser *p, const struct key *key, const char *value, void *field);
	size_t line; /* in the same struct: where the key was given; 0: that is not kept */
};

struct section {
	const char *name;
	bool titled; /* "[name TITLE]", one for each secret */
	size_t line; /* in struct config: where it begins, unless titled */
	const struct key *key;
	size_t count;
};

/* The struct that the keys of the current section are read into. */
static void *section_target(const struct parser *p)
{
	struct config *config = p->config;

	return p->section->titled ? (void *)&config->secret[config->count - 1] : (void *)config;
}

__attribute__((format(printf, 4, 5))) static int parser_fail(struct parser *p, int line,
							     const char *key, const char *format,
							     ...)
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
		{ "yes", true }, { "true", true },   { "on", true },   { "1", true },
		{ "no", false }, { "false", false }, { "off", false }, { "0", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strcasecmp(value, words[i].word)) {
			*(bool *)field = words[i].value;
			return 0;
		}
	}
	return parser_fail(p, p->line, key->name, "'%s' is neither yes nor no", value);
}

/* True if @value has only digits of @base, and *@number, its value, is at most @max. */
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
	/* Register 0, the RIM, cannot be extended. */
	for (unsigned int i = 1; i < REALM_REGISTERS; i++) {
		if (!strcmp(value, realm_register_name(i))) {
			*(unsigned int *)field = i;
			return 0;
		}
	}
	return parser_fail(p, p->line, key->name, "'%s' is not one of REM0, REM1, REM2, REM3",
			   value);
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

/* Why @path cannot be a file in the keyring, or NULL. Names with a leading '.' are reserved for the
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
		return "contains a tab";
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
	{ "url", offsetof(struct config, url), read_text, offsetof(struct config, url_line) },
	{ "ca", offsetof(struct config, ca), read_path, offsetof(struct config, ca_line) },
	{ "insecure", offsetof(struct config, insecure), read_bool, 0 },
	{ "source", offsetof(struct config, source), read_source,
	  offsetof(struct config, source_line) },
	{ "timeout", offsetof(struct config, timeout), read_timeout, 0 },
};

static const struct key measure_keys[] = {
	{ "register", offsetof(struct config, measure_register), read_register, 0 },
};

static const struct key secret_keys[] = {
	{ "resource", offsetof(struct config_secret, resource), read_resource, 0 },
	{ "file", offsetof(struct config_secret, file), read_file, 0 },
	{ "mode", offsetof(struct config_secret, mode), read_mode, 0 },
	{ "owner", offsetof(struct config_secret, owner), read_text,
	  offsetof(struct config_secret, owner_line) },
	{ "group", offsetof(struct config_secret, group), read_text,
	  offsetof(struct config_secret, group_line) },
	{ "required", offsetof(struct config_secret, required), read_bool, 0 },
};

static const struct section sections[] = {
	{ "kbs", false, offsetof(struct config, line), kbs_keys, ARRAY_SIZE(kbs_keys) },
	{ "measure", false, offsetof(struct config, measure_line), measure_keys,
	  ARRAY_SIZE(measure_keys) },
	{ "secret", true, 0, secret_keys, ARRAY_SIZE(secret_keys) },
};

/* Sections of earlier versions, and what to write instead. */
static const struct {
	const char *name, *replacement;
} old_sections[] = {
	{ "log", "[log] extend is now [measure] register = REM3" },
};

/* True for the same file twice, or if one is a directory on the path of the other. */
static bool files_clash(const char *a, const char *b)
{
	size_t alen = strlen(a), blen = strlen(b), len = alen < blen ? alen : blen;

	return !memcmp(a, b, len) && (alen == blen || (alen < blen ? b[len] : a[len]) == '/');
}

/* Check what can be checked only when a section is complete. */
static int section_end(struct parser *p)
{
	const struct config_secret *other;
	struct config_secret *secret;
	const char *fault;

	if (!p->section || !p->section->titled)
		return 0;
	secret = section_target(p);
	if (!secret->resource)
		return parser_fail(p, secret->line, "resource", "missing");
	if (!secret->file) { /* by default the name of the secret */
		fault = file_fault(secret->name);
		if (fault)
			return parser_fail(p, secret->line, "file", "missing, and the name '%s' %s",
					   secret->name, fault);
		if (text_store(p, secret->name, &secret->file))
			return -1;
	}
	for (other = p->config->secret; other < secret; other++) {
		if (files_clash(other->file, secret->file))
			return parser_fail(p, secret->line, "file",
					   "'%s' clashes with '%s' of [secret %s]", secret->file,
					   other->file, other->name);
	}
	return 0;
}

static int secret_add(struct parser *p, const char *name)
{
	struct config *config = p->config;
	struct config_secret *grown;

	if (!*name)
		return parser_fail(p, p->line, NULL, "requires a name: [%s NAME]", p->title);
	/* Names are shown in logs and on the status line. */
	if (name[strspn(name, ENCODE_ALPHANUMERIC "_.-")])
		return parser_fail(p, p->line, NULL,
				   "a name consists of letters, digits, '_', "
				   "'.' and '-'");
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
		.name = strdup(name),
		.mode = 0400,
		.required = true,
		.line = p->line,
	};
	return grown[config->count++].name ? 0 : parser_memory(p);
}

/* True if the rest of a line is white space and a comment. */
static bool line_ends(const char *rest, const char *end)
{
	while (rest < end && strchr(" \t\r\n", *rest))
		rest++;
	return rest == end || *rest == '#' || *rest == ';';
}

/* Copy the text between the brackets, without white space at its ends, into p->title. @len
 * characters at @text are the line. */
static int section_title(struct parser *p, const char *text, size_t len)
{
	const char *close = memchr(text, ']', len), *end = text + len;
	size_t size;

	if (!close)
		return parser_fail(p, p->line, NULL, "'[' without ']'");
	if (!line_ends(close + 1, end))
		return parser_fail(p, p->line, NULL, "text after ']'");
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

static bool title_begins(const char *word, const char *text, size_t len)
{
	return strlen(word) == len && !memcmp(text, word, len);
}

/* Read a line "[...]". inih reports neither a section without keys nor one that is opened again, so
 * these lines are read here. */
static int section_begin(struct parser *p, const char *text, size_t len)
{
	static const struct section unknown;
	const char *name;
	size_t word;
	int *line;

	if (section_end(p))
		return -1;
	p->section = NULL;
	p->seen = 0;
	if (section_title(p, text, len))
		return -1;
	word = strcspn(p->title, " \t");
	name = p->title + word + strspn(p->title + word, " \t");
	for (size_t i = 0; i < ARRAY_SIZE(old_sections); i++)
		if (title_begins(old_sections[i].name, p->title, word))
			return parser_fail(p, p->line, NULL, "%s", old_sections[i].replacement);
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (title_begins(sections[i].name, p->title, word))
			p->section = &sections[i];
	if (!p->section) {
		p->section = &unknown;
		return parser_fail(p, p->line, NULL, "unknown section");
	}
	if (p->section->titled)
		return secret_add(p, name);
	line = (int *)(void *)((char *)p->config + p->section->line);
	if (*name)
		return parser_fail(p, p->line, NULL, "accepts no name");
	if (*line)
		return parser_fail(p, p->line, NULL, "already given in line %d", *line);
	*line = p->line;
	return 0;
}

/* True if @len characters at @text, without the newline at their end, contain a control
 * character. */
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

/* Called by inih for the next line; NULL ends the parse. Indentation is removed, because inih reads
 * an indented line as continuation of the line before. A comment becomes an empty line. */
static char *parser_line(char *buffer, int size, void *stream)
{
	size_t len, max = (size_t)size - 1;
	struct parser *p = stream;
	const char *newline;

	if (p->failed_line || p->next == p->end)
		return NULL;
	p->line++;
	newline = memchr(p->next, '\n', (size_t)(p->end - p->next));
	newline = newline ? newline + 1 : p->end;
	while (p->next < newline && strchr(" \t", *p->next) && *p->next)
		p->next++;
	len = (size_t)(newline - p->next);
	if (len && (*p->next == '#' || *p->next == ';'))
		len = 0;
	else if (has_control(p->next, len))
		parser_fail(p, p->line, NULL, "a control character");
	else if (len > max)
		parser_fail(p, p->line, NULL, "longer than %zu characters", max - 1);
	else if (len && *p->next == '[')
		section_begin(p, p->next, len);
	if (p->failed_line)
		return NULL;
	memcpy(buffer, p->next, len);
	buffer[len] = '\0';
	p->next = newline;
	return buffer;
}

/* Called by inih for each "key = value". Returns 0 on failure, as inih requires. */
static int parser_key(void *user, const char *section, const char *name, const char *value)
{
	struct parser *p = user;
	const struct key *key;
	uint32_t bit;
	char *target;

	(void)section;
	if (p->failed_line)
		return 0;
	if (!p->section)
		return parser_fail(p, p->line, NULL, "'%s' is before the first section", name) == 0;
	if (!*name)
		return parser_fail(p, p->line, NULL, "no key before '='") == 0;
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
	target = section_target(p);
	if (key->line)
		*(int *)(void *)(target + key->line) = p->line;
	return key->read(p, key, value, target + key->offset) == 0;
}

/* Check [kbs] url at the end, when insecure is known too. */
static int url_check(struct parser *p)
{
	struct error inner = ERROR_INIT;
	char url[1024];

	p->section = &sections[0];
	strcpy(p->title, "kbs");
	if (!p->config->url)
		return parser_fail(p, p->line ? p->line : 1, "url", "missing");
	if (url_parse(p->config->url, p->config->insecure, url, sizeof(url), &inner))
		return parser_fail(p, p->config->url_line, "url", "%s", inner.text);
	free(p->config->url);
	p->config->url = NULL;
	return text_store(p, url, &p->config->url);
}

/* Without a secret, programs that wait for this one would start without theirs. */
static int secrets_check(struct parser *p)
{
	if (p->config->count)
		return 0;
	p->section = NULL;
	return parser_fail(p, p->line, NULL,
			   "no section [secret NAME], so there is nothing to get");
}

static int parser_run(struct parser *p)
{
	int line = ini_parse_stream(parser_line, p, parser_key, p);

	/* inih continues after a line that it cannot split; report the first error. */
	if (line > 0 && (!p->failed_line || line < p->failed_line)) {
		p->section = NULL;
		return parser_fail(p, line, NULL, "neither 'key = value' nor '[section]'");
	}
	if (p->failed_line)
		return -1;
	if (line < 0)
		return parser_memory(p);
	return section_end(p) || url_check(p) || secrets_check(p) ? -1 : 0;
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
		p.next += 3; /* a byte order mark would hide the first line's '[' */
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
