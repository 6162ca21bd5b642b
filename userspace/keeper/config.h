/* SPDX-License-Identifier: Apache-2.0 */
/* config: realmkeyd's INI file, read into a struct by one table of keys. */
#ifndef REALMKEY_CONFIG_H
#define REALMKEY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

#define CONFIG_FILE_MAX ((size_t)256 << 10)
#define CONFIG_SECRETS_MAX 256

struct config_secret {
	char *name;		/* from [secret NAME] */
	char *resource;		/* repository/type/tag */
	char *file;		/* relative to the keyring; no "..", no leading '/' */
	char *owner, *group;	/* names or numbers; NULL: root */
	mode_t mode;		/* default 0400; no bit outside 0777 */
	bool required;		/* default yes */
	int line;		/* where the section begins, for errors */
};

struct config {
	char *url;
	char *ca;		/* file, or NULL for the system's roots */
	bool insecure;
	char *source;		/* RSI source, or NULL */
	unsigned int timeout;	/* seconds for one request */
	unsigned int log_extend;	/* register that deliveries are measured into, 1 to 4; 0: none */
	int line, log_line;	/* where [kbs] and [log] begin, for errors; 0: they do not */
	struct config_secret *secret;
	size_t count;
};

#define CONFIG_INIT { 0 }

/* Parse @len bytes; @name is the file's name for errors. Every error is ERROR_CONFIG and reads
 * "NAME:LINE: [section] key: reason". Unknown sections and keys, duplicates, missing mandatory keys
 * (kbs.url, secret.resource) and two secrets with one file are errors. */
int config_parse(struct config *config, const void *text, size_t len, const char *name,
		 struct error *e);
void config_free(struct config *config);

#endif
