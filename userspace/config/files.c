// SPDX-License-Identifier: Apache-2.0
/* The files of the keyring: those of the secrets, and the sections [file NAME]. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parser.h"

/* The heading of the section of @file. */
static const char *file_heading(const struct config_file *file, char heading[PARSER_HEADING_MAX])
{
	snprintf(heading, PARSER_HEADING_MAX, "%s %s", config_file_is_own(file) ? "secret" : "file",
		 file->name);
	return heading;
}

/* True for the same file twice, or if one is a directory on the path of the other. */
static bool files_clash(const char *a, const char *b)
{
	size_t alen = strlen(a), blen = strlen(b), len = alen < blen ? alen : blen;

	return !memcmp(a, b, len) && (alen == blen || (alen < blen ? b[len] : a[len]) == '/');
}

static void files_compare(struct parser *p)
{
	const struct config_file *file = p->config->file;
	char heading[PARSER_HEADING_MAX], other[PARSER_HEADING_MAX];

	for (size_t i = 0; i < p->config->files; i++)
		for (size_t k = 0; k < i; k++) {
			if (!file[i].path || !file[k].path ||
			    !files_clash(file[k].path, file[i].path))
				continue;
			parser_fail_at(p, &file[i].place, file_heading(&file[i], heading), "file",
				       "'%s' clashes with '%s' of [%s]", file[i].path, file[k].path,
				       file_heading(&file[k], other));
		}
}

/* Find the secret of a section [file NAME]. */
static void file_find(struct parser *p, struct config_file *file)
{
	const struct config *config = p->config;
	char heading[PARSER_HEADING_MAX];

	for (size_t i = 0; i < config->count && file->secret == CONFIG_NO_SECRET; i++)
		if (!strcmp(config->secret[i].name, file->secret_name))
			file->secret = i;
	if (file->secret == CONFIG_NO_SECRET)
		parser_fail_at(p, &file->secret_place, file_heading(file, heading), "secret",
			       "there is no section [secret %s]", file->secret_name);
}

static int file_copy(struct parser *p, const struct config_secret *secret, struct config_file *file)
{
	if (parser_store(p, secret->name, &file->name) < 0 ||
	    parser_store(p, secret->file, &file->path) < 0 ||
	    (secret->owner && parser_store(p, secret->owner, &file->owner) < 0) ||
	    (secret->group && parser_store(p, secret->group, &file->group) < 0))
		return -1;
	file->mode = secret->mode;
	file->place = secret->place;
	file->owner_place = secret->owner_place;
	file->group_place = secret->group_place;
	file->mode_place = secret->mode_place;
	return 0;
}

/* Put a file for each secret that has one before the others. */
static int files_insert(struct parser *p)
{
	struct config *config = p->config;
	struct config_file *all;
	size_t own = 0, next = 0;
	int ret = 0;

	for (size_t i = 0; i < config->count; i++)
		own += config->secret[i].file != NULL;
	if (!own)
		return 0;
	all = calloc(own + config->files, sizeof(*all));
	if (!all)
		return parser_memory(p);
	if (config->files)
		memcpy(all + own, config->file, config->files * sizeof(*all));
	free(config->file);
	config->file = all;
	config->files += own;
	for (size_t i = 0; i < config->count && ret == 0; i++) {
		if (!config->secret[i].file)
			continue;
		all[next].secret = i;
		ret = file_copy(p, &config->secret[i], &all[next++]);
	}
	return ret;
}

void config_files(struct parser *p)
{
	struct config *config = p->config;

	for (size_t i = 0; i < config->files; i++)
		if (config->file[i].secret_name)
			file_find(p, &config->file[i]);
	if (files_insert(p) == 0)
		files_compare(p);
}
