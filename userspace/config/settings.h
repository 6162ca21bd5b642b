/* SPDX-License-Identifier: Apache-2.0 */
/* settings: the configuration together with all that it names: the contents of files, and the numbers of
 * users and groups. After it was read, a process can give up its access to files. */
#ifndef REALMKEY_SETTINGS_H
#define REALMKEY_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/error.h"
#include "config.h"
#include "template/template.h"

#define SETTINGS_PATH	     "/etc/realmkey/realmkeyd.conf"
#define SETTINGS_DIGEST_SIZE 32

/* The option --config (args.h) of a program whose struct @target has a member for it. */
#define SETTINGS_OPTION(target) \
	{ .name = "config", \
	  .type = ARGS_TEXT, \
	  .offset = offsetof(target, config), \
	  .value = "FILE", \
	  .help = "configuration file (default " SETTINGS_PATH ")" }

struct settings_secret {
	uid_t uid;
	gid_t gid;
	/* For each config_secret.allow: the number of the user or group; of others 0. Owned. */
	unsigned int *allow;
};

struct settings_file {
	uid_t uid;
	gid_t gid;
	struct template template; /* empty if the file is not a template */
};

struct settings {
	struct config config;
	struct settings_secret *secret;	  /* config.count of them */
	struct settings_file *file;	  /* config.files of them */
	struct bytes ca[CONFIG_URLS_MAX]; /* the contents of the files config.ca */
	struct bytes certificate;	  /* PEM; empty if there is none */
	struct bytes key;		  /* PEM, locked; likewise */
	struct bytes proxy_credentials;	  /* USER:PASSWORD without a newline, locked; likewise */
	uint8_t digest
		[SETTINGS_DIGEST_SIZE]; /* of all that was read: two equal ones mean that nothing
					       * has changed */
	uint8_t text_digest[SETTINGS_DIGEST_SIZE]; /* of the files of the configuration alone */
};

#define SETTINGS_INIT { .key = BYTES_LOCKED_INIT, .proxy_credentials = BYTES_LOCKED_INIT }

/*
 * Read the file @path, the drop-ins *.conf in the directory @path.d in the order of their names, and
 * all that they name. @report, which may be NULL, gets each error and warning; @e gets the first error,
 * an ERROR_CONFIG that names file and line, or an error of this machine. On failure @settings is empty.
 * It calls crypto_prepare().
 */
int settings_read(struct settings *settings, const char *path, config_report *report, void *context,
		  struct error *e);
/* The same without the contents of any file that the configuration names (certificates, keys, templates; ->digest is not
 * set): for realmkey-keys, realmkey-hooks and realmkey-local. */
int settings_read_text(struct settings *settings, const char *path, config_report *report,
		       void *context, struct error *e);
/* The same for a person who has changed the configuration: report also what settings_audit() finds, and go
 * on after errors. @watchdog is as there. */
int settings_check(struct settings *settings, const char *path, unsigned int watchdog,
		   config_report *report, void *context, struct error *e);
/* For a program as @report: log errors and warnings; and for one beside realmkeyd, which has logged the warnings: these only
 * as debug messages. @reported is a bool that becomes true with an error. */
void settings_log(void *reported, bool warning, const char *text);
void settings_log_errors(void *reported, bool warning, const char *text);
void settings_free(struct settings *settings);

#endif
