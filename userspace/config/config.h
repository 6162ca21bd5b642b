/* SPDX-License-Identifier: Apache-2.0 */
/* config: realmkeyd's configuration file (realmkeyd.conf(5)), read into a struct by a table of
 * keys. */
#ifndef REALMKEY_CONFIG_H
#define REALMKEY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

#define CONFIG_FILE_MAX	   ((size_t)256 << 10)
#define CONFIG_SECRETS_MAX 256

struct config_secret {
	char *name;		    /* from [secret NAME] */
	char *resource;		    /* repository/type/tag */
	char *file;		    /* relative to the keyring; no "..", no leading '/' */
	char *owner, *group;	    /* names or numbers; NULL: root */
	mode_t mode;		    /* default 0400; no bit outside 0777 */
	bool required;		    /* default yes */
	int line;		    /* where the section begins, for errors */
	int owner_line, group_line; /* where these were given, for errors */
};

struct config {
	char *url;
	char *ca; /* file, or NULL for the system's certificates */
	bool insecure;
	char *source;		       /* RSI source, or NULL */
	unsigned int timeout;	       /* seconds for one request */
	unsigned int measure_register; /* extended before each delivery, 1 to 4; 0: none is */
	int line, measure_line; /* where [kbs] and [measure] begin, for errors; 0: they do not */
	int url_line, ca_line, source_line; /* where these were given, for errors */
	struct config_secret *secret;	    /* owned, as is all text above */
	size_t count;			    /* of the secrets */
};

#define CONFIG_INIT { 0 }

/* Parse @len bytes of @text; @name is the name of the file, for errors. An error is an ERROR_CONFIG
 * that reads "NAME:LINE: [section] key: reason", or out of memory. Unknown sections and keys,
 * duplicates, missing keys (kbs.url, secret.resource), two secrets with the same file, and no secret
 * at all are errors. On failure @config is empty. */
int config_parse(struct config *config, const void *text, size_t len, const char *name,
		 struct error *e);
void config_free(struct config *config);

#endif
