/* SPDX-License-Identifier: Apache-2.0 */
/* parser: the state of config_parse(), and its reports; only for the files of this folder. */
#ifndef REALMKEY_CONFIG_PARSER_H
#define REALMKEY_CONFIG_PARSER_H

#include "config.h"

#define PARSER_TITLE_MAX 48
/* Room for "secret NAME", as in the heading, also if it was written with more white space. */
#define PARSER_HEADING_MAX (PARSER_TITLE_MAX + sizeof("secret "))
#define PARSER_LINE_MAX	   4096 /* bytes */
#define PARSER_ERRORS_MAX  64

/* A time that was not given. */
#define CONFIG_UNSET (-1)

struct parser {
	struct config *config;
	struct config_place at;	       /* the line that is read */
	struct config_place end;       /* the last line of the main file */
	const struct section *section; /* NULL before the first, and in one that is an error */
	bool skip; /* the lines up to the next section: their section is an error */
	char title[PARSER_TITLE_MAX + 1]; /* the text between the brackets; empty: none */
	uint32_t seen;			  /* bit i: key i of this section was given */
	config_report *report;
	void *context;
	unsigned int errors;
	bool memory; /* out of memory: nothing further is read */
	struct error *e;
};

/* A key of the configuration. */
struct key {
	const char *name;
	size_t offset; /* of the value in the struct of its section */
	/* Read @value into @field. Returns -1 after an error was reported. */
	int (*read)(struct parser *p, const struct key *key, const char *value, void *field);
	size_t place; /* of a struct config_place in the same struct; 0: that is not kept */
};

/* The struct that the keys of a section are in. */
enum section_of {
	SECTION_CONFIG, /* struct config: "[name]" */
	SECTION_SECRET, /* struct config_secret: "[secret NAME]" */
	SECTION_FILE,	/* struct config_file: "[file NAME]" */
};

struct section {
	const char *name;
	enum section_of of;
	size_t place; /* in struct config, of SECTION_CONFIG: where it begins */
	const struct key *key;
	size_t count;
};

/* keys.c: the table of sections; one without a name ends it. */
extern const struct section config_sections[];
/* Why @path cannot be a file in the keyring, or NULL. */
const char *config_file_fault(const char *path);

/* sink_keys.c: read the keys of a secret that name its sinks. @field is not used. */
int config_read_key(struct parser *p, const struct key *key, const char *value, void *field);
int config_read_credentials(struct parser *p, const struct key *key, const char *value,
			    void *field);
int config_read_volumes(struct parser *p, const struct key *key, const char *value, void *field);
int config_read_allow(struct parser *p, const struct key *key, const char *value, void *field);
/* reload, restart and signal */
int config_read_hooks(struct parser *p, const struct key *key, const char *value, void *field);

/* Report an error in the line that is read, of @key unless that is NULL; returns -1. */
int parser_fail(struct parser *p, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same at @place, of a key of [@title]. Warnings are not counted. */
int parser_fail_at(struct parser *p, const struct config_place *place, const char *title,
		   const char *key, const char *format, ...) __attribute__((format(printf, 5, 6)));
void parser_warn_at(struct parser *p, const struct config_place *place, const char *title,
		    const char *key, const char *format, ...) __attribute__((format(printf, 5, 6)));
int parser_memory(struct parser *p);
/* True if nothing further is to be read. */
bool parser_ends(const struct parser *p);
/* Replace *@field by a copy of @value. */
int parser_store(struct parser *p, const char *value, char **field);

/* Read one file. */
void parser_file(struct parser *p, const struct config_text *file);

/* files.c: put the own files of the secrets before the sections [file NAME], and check all of them together. */
void config_files(struct parser *p);

/* checks.c: check what can be checked only when everything was read, and set what depends on other
 * keys. */
void config_check(struct parser *p);

#endif
