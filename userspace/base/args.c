// SPDX-License-Identifier: Apache-2.0
#include "args.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"

#define HELP_COLUMN 24
#define HELP_WIDTH  80

/* Every program has these; --help lists them after the program's own tables. */
static const struct args_option builtin_options[] = {
	{ .name = "help", .help = "show this text and exit" },
	{ .name = "version", .help = "show the version and exit" },
	{ 0 },
};

struct scan {
	const struct args_spec *spec;
	void *target;
	const char **operands;
	unsigned int count; /* operands so far */
	uint64_t seen;	    /* options so far, one bit each in the order of the tables */
	struct error *e;
};

/* Whether the @len characters at @word spell @name. */
static bool name_matches(const char *word, size_t len, const char *name)
{
	return name && strlen(name) == len && !memcmp(word, name, len);
}

/* Find the option named by the @len characters at @word, and its index over all tables. */
static const struct args_option *option_find(const struct args_spec *spec, const char *word,
					     size_t len, unsigned int *index)
{
	*index = 0;
	for (const struct args_option *const *table = spec->options; *table; table++) {
		for (const struct args_option *o = *table; o->name; o++, (*index)++) {
			if (name_matches(word, len, o->name) || name_matches(word, len, o->alias))
				return o;
		}
	}
	return NULL;
}

static int option_number(const struct args_option *o, const char *text, unsigned int *value,
			 struct error *e)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno || number < o->min || number > o->max)
		return error_set(e, ERROR_USAGE, "--%s: '%s' is not a number from %u to %u",
				 o->name, text, o->min, o->max);
	*value = (unsigned int)number;
	return 0;
}

static int option_store(struct scan *s, const struct args_option *o, const char *value)
{
	char *member = (char *)s->target + o->offset;

	switch (o->type) {
	case ARGS_FLAG:
		*(bool *)(void *)member = true;
		return 0;
	case ARGS_TEXT:
		*(const char **)(void *)member = value;
		return 0;
	case ARGS_NUMBER:
		return option_number(o, value, (unsigned int *)(void *)member, s->e);
	}
	return 0;
}

/* Read @arg, which begins with "--"; @next is the argument after it or NULL. Returns how many of
 * the two were used, or -1. */
static int option_read(struct scan *s, const char *arg, const char *next)
{
	const char *word = arg + 2, *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const char *value = equals ? equals + 1 : next;
	const struct args_option *o;
	unsigned int index;

	o = option_find(s->spec, word, len, &index);
	if (!o || index >= ARGS_OPTIONS_MAX)
		return error_set(s->e, ERROR_USAGE, "unknown option '--%.*s' (see --help)",
				 (int)len, word);
	if (o->type == ARGS_FLAG && equals)
		return error_set(s->e, ERROR_USAGE, "--%s accepts no value", o->name);
	if (o->type != ARGS_FLAG && !value)
		return error_set(s->e, ERROR_USAGE, "--%s needs a value: %s", o->name, o->value);
	if (o->type != ARGS_FLAG && s->seen & UINT64_C(1) << index)
		return error_set(s->e, ERROR_USAGE, "--%s is given twice", o->name);
	s->seen |= UINT64_C(1) << index;
	if (option_store(s, o, value))
		return -1;
	return o->type == ARGS_FLAG || equals ? 1 : 2;
}

static int operand_read(struct scan *s, const char *word)
{
	if (s->count == s->spec->operands_max)
		return error_set(s->e, ERROR_USAGE, "'%s' is one argument too many (see --help)",
				 word);
	s->operands[s->count++] = word;
	return 1;
}

int args_parse(const struct args_spec *spec, int argc, char *const argv[], void *target,
	       const char **operands, struct error *e)
{
	struct scan s = { .spec = spec, .target = target, .operands = operands, .e = e };
	bool options = true;

	for (unsigned int i = 0; i < spec->operands_max; i++)
		operands[i] = NULL;
	for (int i = 1, used; i < argc; i += used) {
		const char *arg = argv[i];

		used = 1;
		if (!options || arg[0] != '-' || !arg[1])
			used = operand_read(&s, arg);
		else if (!strcmp(arg, "--"))
			options = false;
		else if (!strcmp(arg, "--help") || !strcmp(arg, "-h"))
			return ARGS_HELP;
		else if (!strcmp(arg, "--version"))
			return ARGS_VERSION;
		else if (arg[1] == '-')
			used = option_read(&s, arg, i + 1 < argc ? argv[i + 1] : NULL);
		else
			used = error_set(e, ERROR_USAGE, "unknown option '%s' (see --help)", arg);
		if (used < 0)
			return -1;
	}
	if (s.count < spec->operands_min)
		return error_set(e, ERROR_USAGE, "an argument is missing: %s (see --help)",
				 spec->operands);
	return ARGS_RUN;
}

/* Append @text, wrapped at HELP_WIDTH; each line but the first is indented. */
static void help_wrap(const char *text, struct bytes *out)
{
	size_t column = HELP_COLUMN;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (column > HELP_COLUMN && column + 1 + word > HELP_WIDTH) {
			bytes_printf(out, "\n%*s", HELP_COLUMN, "");
			column = HELP_COLUMN;
		}
		bytes_printf(out, "%s%.*s", column > HELP_COLUMN ? " " : "", (int)word, text);
		column += word + (column > HELP_COLUMN);
		text += word;
		text += strspn(text, " ");
	}
	bytes_append_text(out, "\n");
}

static void help_table(const struct args_option *table, struct bytes *out)
{
	for (const struct args_option *o = table; o->name; o++) {
		size_t start = out->len, width;

		bytes_printf(out, "  --%s", o->name);
		if (o->alias)
			bytes_printf(out, ", --%s", o->alias);
		if (o->value)
			bytes_printf(out, " %s", o->value);
		width = out->len - start;
		if (width + 2 > HELP_COLUMN)
			bytes_printf(out, "\n%*s", HELP_COLUMN, "");
		else
			bytes_printf(out, "%*s", (int)(HELP_COLUMN - width), "");
		help_wrap(o->help, out);
	}
}

int args_help(const struct args_spec *spec, struct bytes *out)
{
	bytes_printf(out, "usage: %s [OPTION]...%s%s\n\n%s\n\nOptions:\n", spec->name,
		     *spec->operands ? " " : "", spec->operands, spec->about);
	for (const struct args_option *const *table = spec->options; *table; table++)
		help_table(*table, out);
	help_table(builtin_options, out);
	if (spec->notes)
		bytes_printf(out, "\n%s\n", spec->notes);
	return out->failed ? -1 : 0;
}

int args_answer(const struct args_spec *spec, int outcome, const char *version, struct error *e)
{
	struct bytes text = BYTES_INIT;
	int ret;

	if (outcome == ARGS_HELP)
		args_help(spec, &text);
	else
		bytes_printf(&text, "%s\n", version);
	ret = bytes_check(&text, e);
	if (ret == 0 && io_write_full(STDOUT_FILENO, text.data, text.len, e) < 0)
		ret = error_add(e, "standard output");
	bytes_free(&text);
	return ret;
}
