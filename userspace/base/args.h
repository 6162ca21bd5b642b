/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args: long options by table, one parser and one form of --help for every program.
 *
 * A program describes its options in tables of struct args_option, each naming the member of the
 * program's own struct that takes the value; tables can be shared by several commands. Accepted are
 * "--name VALUE", "--name=VALUE", "--flag", "--" and, anywhere among them, operands; "-" is an
 * operand. Nothing may be abbreviated.
 */
#ifndef REALMKEY_ARGS_H
#define REALMKEY_ARGS_H

#include <stddef.h>

#include "bytes.h"
#include "error.h"

enum args_type {
	ARGS_FLAG,		/* bool: true when given */
	ARGS_TEXT,		/* const char *: points into argv */
	ARGS_NUMBER,		/* unsigned int, decimal, min..max */
};

struct args_option {
	const char *name;	/* without the dashes; NULL ends a table */
	enum args_type type;
	size_t offset;		/* of the member in the program's struct */
	const char *value;	/* what help calls the value, "FILE"; NULL for a flag */
	const char *help;	/* what it does, any length, no line breaks */
	const char *alias;	/* another spelling, or NULL */
	unsigned int min, max;	/* ARGS_NUMBER only */
};

#define ARGS_OPTIONS_MAX 64

struct args_spec {
	const char *name;				/* "realmkey token show" */
	const char *operands;				/* as usage shows them; "" for none */
	unsigned int operands_min, operands_max;
	const char *about;				/* one or more lines */
	const struct args_option *const *options;	/* NULL-terminated list of tables */
	const char *notes;				/* lines after the options, or NULL */
};

enum args_outcome {
	ARGS_RUN,
	ARGS_HELP,		/* --help or -h was met; what follows it was not looked at */
	ARGS_VERSION,		/* --version, likewise */
};

/*
 * Read argv[1] .. argv[argc - 1] into the struct at @target and @operands, an array of
 * spec->operands_max pointers of which those not given become NULL. Returns an enum args_outcome,
 * or -1 with an ERROR_USAGE that names the option.
 */
int args_parse(const struct args_spec *spec, int argc, char *const argv[], void *target,
	       const char **operands, struct error *e);

/* Append the text of --help. 0, or -1 out of memory. */
int args_help(const struct args_spec *spec, struct bytes *out);

#endif
