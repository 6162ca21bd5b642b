/* SPDX-License-Identifier: Apache-2.0 */
/* config: realmkeyd's configuration (realmkeyd.conf(5)): the text of a file and of its drop-ins, read
 * into a struct by a table of keys. Nothing here reads a file; settings.h does. */
#ifndef REALMKEY_CONFIG_H
#define REALMKEY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define CONFIG_FILE_MAX		 ((size_t)256 << 10) /* bytes of one file */
#define CONFIG_FILES_MAX	 64		     /* with all drop-ins */
#define CONFIG_SECRETS_MAX	 256
#define CONFIG_URLS_MAX		 8
#define CONFIG_KEYRING_FILES_MAX (2 * CONFIG_SECRETS_MAX) /* of the keyring */
#define CONFIG_LIST_MAX		 32 /* of a secret: credentials, volumes, peers, hooks of all kinds */

/* What happens to a secret that the KBS has not confirmed for stale_after. */
enum config_stale {
	CONFIG_STALE_KEEP,   /* it stays, with a warning that is repeated */
	CONFIG_STALE_REMOVE, /* its file is removed */
	CONFIG_STALE_FAIL,   /* it stays, and counts as missing for readiness */
};

/* Where something was given, for errors; line 0: it was not. */
struct config_place {
	const char *file; /* owned by struct config */
	int line;
};

/* The type of a key in a kernel keyring (keyrings(7)). */
enum config_key_type { CONFIG_KEY_NONE, CONFIG_KEY_USER, CONFIG_KEY_LOGON, CONFIG_KEY_BIG };

/* credential = UNIT[:ID]: a credential that systemd may load for a unit. */
struct config_credential {
	char *unit; /* with its suffix */
	char *id;   /* default: the name of the secret */
};

/* allow = uid:NAME gid:NAME unit:UNIT container:UNIT: a program that may read the secret through the local API. */
enum config_peer { CONFIG_PEER_UID, CONFIG_PEER_GID, CONFIG_PEER_UNIT, CONFIG_PEER_CONTAINER };
struct config_allow {
	enum config_peer kind;
	char *name;
};

/* reload = UNIT..., restart = UNIT..., signal = UNIT SIGNAL...: what realmkey-hooks does after a change. */
enum config_action { CONFIG_RELOAD, CONFIG_RESTART, CONFIG_SIGNAL };
struct config_hook {
	enum config_action action;
	char *unit; /* with its suffix */
	int signal; /* of CONFIG_SIGNAL */
};

struct config_secret {
	char *name;	/* from [secret NAME] */
	char *resource; /* repository/type/tag, and a query if there is one */
	char *file; /* relative to the keyring; no "..", no leading '/'; NULL: none. Default: its
			      * name, if it has neither key, credential, crypttab nor allow; "file ="
			      * without a value: none */
	char *owner, *group; /* names or numbers; NULL: root */
	mode_t mode;	     /* default 0400; no bit outside 0777 */
	bool required;	     /* default yes */
	int64_t refresh;     /* ms; 0: never; default: that of struct config */
	int64_t stale_after; /* ms since the last success; 0: never; default: twice refresh */
	enum config_stale on_stale; /* default CONFIG_STALE_KEEP */
	struct config_place place;  /* where the section begins */
	struct config_place owner_place, group_place, mode_place, stale_place, on_stale_place;
	/* Sinks other than the file. The key belongs to the keyring of @owner. */
	enum config_key_type key;
	char *key_name;	   /* its description */
	bool key_fallback; /* key_fallback = yes: type user if the kernel has no big_key */
	struct config_credential *credential; /* owned */
	size_t credentials;
	char **volume; /* crypttab = VOLUME...; owned */
	size_t volumes;
	struct config_allow *allow; /* owned */
	size_t allows;
	struct config_hook *hook; /* owned */
	size_t hooks;
	struct config_place key_place, key_fallback_place, credential_place, volume_place,
		allow_place, reload_place, restart_place, signal_place;
};

/* "logon:NAME" with the NUL; a name has at most 255 bytes. */
#define CONFIG_KEY_TEXT_MAX 272

/* Write the key of @secret as "TYPE:NAME", or "" if it has none, as it stands in the configuration. */
void config_key_text(const struct config_secret *secret, char text[CONFIG_KEY_TEXT_MAX]);
/* True if realmkey-local answers for @secret. */
static inline bool config_secret_is_served(const struct config_secret *secret)
{
	return secret->credentials || secret->volumes || secret->allows;
}

#define CONFIG_NO_SECRET SIZE_MAX

/* A file of the keyring: the own file of a secret ([secret] file), or a section [file NAME] with another file for a secret
 * (secret = NAME) or with a template (template = FILE). */
struct config_file {
	char *name;	   /* of the section */
	char *path;	   /* relative to the keyring, as config_secret.file; default: its name */
	size_t secret;	   /* the number of the secret; CONFIG_NO_SECRET: a template */
	char *secret_name; /* of a section [file]: as given, or NULL */
	char *template;	   /* absolute path, or NULL */
	char *owner, *group;
	mode_t mode;
	struct config_place place, secret_place, template_place, owner_place, group_place,
		mode_place;
};

/* True for the own file of a secret. */
static inline bool config_file_is_own(const struct config_file *file)
{
	return file->secret != CONFIG_NO_SECRET && !file->secret_name;
}

struct config {
	char *url[CONFIG_URLS_MAX]; /* as url_parse() returns it, in the order of preference */
	size_t urls;		    /* at least 1 */
	char *ca[CONFIG_URLS_MAX]; /* files: none (the system's certificates), one for all URLs, or one
				     * for each URL */
	size_t cas;
	char *proxy;		 /* http://HOST:PORT, or NULL */
	char *proxy_credentials; /* file with USER:PASSWORD, or NULL */
	char *certificate,
		*key; /* files of the client's TLS certificate and its key: both or none */
	bool insecure;
	char *source;		       /* RSI source, or NULL */
	unsigned int timeout;	       /* seconds for one request */
	unsigned int measure_register; /* extended before each delivery, 1 to 4; 0: none is */
	int64_t refresh;	       /* ms; 0: never; default 1 h */
	size_t keyring_size;	       /* bytes; 0: the keyring's default */
	/* the sections */
	struct config_place place, measure_place, log_place, refresh_place, keyring_place;
	struct config_place url_place, ca_place, insecure_place, source_place, timeout_place,
		proxy_place, proxy_credentials_place, certificate_place, key_place, register_place,
		interval_place, size_place;
	int64_t local_wait; /* ms; [local] wait: how long realmkey-local waits for a secret; default 60 s */
	struct config_place local_place, wait_place;
	struct config_secret *secret; /* owned, as is all text above */
	size_t count;		      /* of the secrets */
	struct config_file *file;     /* owned; first those of the secrets */
	size_t files;
	char **name; /* of the files that were read; the places refer to them */
	size_t names;
};

#define CONFIG_INIT { .urls = 0 }

/* A file: its name for errors, and its contents. */
struct config_text {
	const char *name;
	const void *text;
	size_t len;
};

/* Called for each error and each warning, in order, with one line of text. */
typedef void config_report(void *context, bool warning, const char *text);

/*
 * Read the main file and its drop-ins, @files of them at @file. A section [secret NAME] stands once in
 * all of them; another section stands once in a file, and a key of it in a later file replaces that of
 * an earlier one.
 *
 * Errors read "NAME:LINE: [section] key: reason". Unknown sections and keys, duplicates, missing keys
 * (kbs.url, secret.resource), two secrets with the same file, and no secret at all are errors. What an
 * earlier version accepted has its old meaning, with a warning. @report, which may be NULL, gets all
 * of them, and @e the first error, an ERROR_CONFIG; "out of memory" ends the call.
 *
 * After a failure, @config contains what could be read, for further checks: text may be missing in
 * it. The caller frees it in each case.
 */
int config_parse(struct config *config, const struct config_text *file, size_t files,
		 config_report *report, void *context, struct error *e);
void config_free(struct config *config);

#endif
