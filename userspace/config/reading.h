/* SPDX-License-Identifier: Apache-2.0 */
/* reading: the state of settings_read(); only for the files of this folder. */
#ifndef REALMKEY_CONFIG_READING_H
#define REALMKEY_CONFIG_READING_H

#include "settings.h"

struct source {
	char *name;
	struct bytes text;
};

struct reading {
	struct settings *settings;
	struct source source[CONFIG_FILES_MAX]; /* the main file and its drop-ins */
	size_t sources;
	config_report *report;
	void *context;
	bool text_only; /* settings_read_text() */
	bool failed;
	struct error *e; /* the first error, if failed */
};

void reading_fail(struct reading *r, const struct error *cause);
/* The same for what the key at @place of section [@title @name] names; @name may be NULL. @cause changes. */
void reading_fail_at(struct reading *r, struct error *cause, const struct config_place *place,
		     const char *title, const char *name, const char *key);

/* resolve.c: find the numbers of all users and groups, and the keys that two secrets would share. */
void reading_owners(struct reading *r);
/* templates.c: read the templates. After reading_owners(). */
void reading_templates(struct reading *r);

#endif
