/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args: long options described by tables; one parser and one form of --help for all programs.
 *
 * A program describes its options in tables of struct args_option. Each entry names the member of
 * the program's own struct that gets the value; several commands can share a table. The parser
 * accepts "--name VALUE", "--name=VALUE", "--flag", "--" and, anywhere among them, operands; "-" is
 * an operand. Options cannot be abbreviated.
 */
#ifndef REALMKEY_ARGS_H
#define REALMKEY_ARGS_H

#include <stddef.h>

#include "bytes.h"
#include "error.h"

enum args_type {
	ARGS_FLAG,   /* bool: true when given */
	ARGS_TEXT,   /* const char *: points into argv */
	ARGS_NUMBER, /* unsigned int, decimal, min..max */
};

struct args_option {
	const char *name; /* without the dashes; NULL ends a table */
	enum args_type type;
	size_t offset;	       /* of the member in the program's struct */
	const char *value;     /* name of the value in --help, "FILE"; NULL for a flag */
	const char *help;      /* what the option does: any length, without line breaks */
	const char *alias;     /* a second name, or NULL */
	unsigned int min, max; /* ARGS_NUMBER only */
};

#define ARGS_OPTIONS_MAX 64

struct args_spec {
	const char *name;     /* "realmkey token show" */
	const char *operands; /* for the usage line; "" for none */
	unsigned int operands_min, operands_max;
	const char *about;			  /* one or more lines */
	const struct args_option *const *options; /* NULL-terminated list of tables */
	const char *notes;			  /* lines after the options, or NULL */
};

enum args_outcome {
	ARGS_RUN,
	ARGS_HELP,    /* --help or -h; the arguments after it were not read */
	ARGS_VERSION, /* --version, likewise */
};

/*
 * Read argv[1] .. argv[argc - 1] into the struct at @target and into @operands, an array of
 * spec->operands_max pointers; operands that are not given become NULL. Returns an enum
 * args_outcome, or -1 with an ERROR_USAGE that names the option.
 */
int args_parse(const struct args_spec *spec, int argc, char *const argv[], void *target,
	       const char **operands, struct error *e);

/* Append the text of --help. */
int args_help(const struct args_spec *spec, struct bytes *out);

/* Write to standard output what @outcome, ARGS_HELP or ARGS_VERSION, requests; @version is
 * "PROGRAM VERSION". ERROR_SYSTEM if not all of it could be written. */
int args_answer(const struct args_spec *spec, int outcome, const char *version, struct error *e);

#endif
