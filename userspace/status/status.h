/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status: what realmkeyd publishes about its secrets, as JSON in the file STATUS_FILE of the keyring. The
 * keeper writes it after each pass. realmkey reads it, and so does the next keeper, which takes over
 * what is in the keyring. It contains no secret. These are functions over bytes: they do no I/O.
 *
 * All times are milliseconds on the boot clock, because the host controls the wall clock; the keyring does
 * not outlive the boot either. 0 means never.
 */
#ifndef REALMKEY_STATUS_H
#define REALMKEY_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define STATUS_FILE    ".status"
#define STATUS_MAX     ((size_t)2 << 20)
#define STATUS_VERSION 1
/* status_decode() accepts no more; a configuration has at most a quarter of that. */
#define STATUS_SECRETS_MAX 1024
#define STATUS_FILES_MAX   1024 /* of one secret */

/* The state of a secret. */
enum status_state {
	STATUS_MISSING,	  /* it was never delivered */
	STATUS_DELIVERED, /* it is in its places */
	STATUS_STALE,	  /* it is there, and older than stale_after */
	STATUS_REMOVED,	  /* it was removed because it was stale */
	STATUS_STATES,
};

struct status_secret {
	/* Of the configuration. @file, the secret's own one, may be NULL, and so may @key: "TYPE:NAME" of its kernel key. */
	char *name, *file, *resource, *key;
	char **files; /* all files with its value and nothing else, also @file; owned, as are the texts */
	size_t file_count;
	bool required;
	enum status_state state;
	bool incomplete;  /* it is there, but not in each of its places: files and kernel key */
	int64_t success;  /* the KBS confirmed this value last */
	int64_t changed;  /* the content changed last */
	int64_t next;	  /* the next request; 0: none is planned */
	uint64_t version; /* how often the content changed */
	uint64_t attempts, failures; /* of all time */
	unsigned int failed;	     /* in succession */
	enum error_kind kind; /* of the last failure, ERROR_NONE if the last request succeeded */
	int64_t failed_at;    /* the last failure */
	char *error;	      /* its text, or NULL */
};

#define STATUS_KINDS ERROR_ANY

struct status {
	int64_t now;	     /* when this was written */
	int64_t started;     /* when the keeper started */
	bool ready;	     /* every required secret is there */
	char *url;	     /* of the KBS that was used last */
	char *configuration; /* that was read: hex of settings.text_digest; or NULL */
	int64_t ear_until;   /* when the EAR expires; 0: there is none */
	uint64_t passes;
	uint64_t failures[STATUS_KINDS]; /* by kind of error */
	struct status_secret *secret;	 /* owned, as is all text above */
	size_t count;
};

#define STATUS_INIT { 0 }

/* The word for @state: "missing", "delivered", "stale", "removed". */
const char *status_state_name(enum status_state state);
/* The word for @kind in metrics, logs and JSON: "network", "tls", "policy" and so on. */
const char *status_kind_name(enum error_kind kind);
/* Append @status as JSON to @out. */
int status_encode(const struct status *status, struct bytes *out, struct error *e);
/* Read @len bytes of @text. An ERROR_INPUT names the member; @status is then empty. Unknown members are
 * ignored, so that an older program reads the file of a newer one. */
int status_decode(const void *text, size_t len, struct status *status, struct error *e);
/* The secret called @name, or NULL. */
const struct status_secret *status_find(const struct status *status, const char *name);
/* True if @secret is delivered, in each of its places, and not stale. */
bool status_is_good(const struct status_secret *secret);
/* The first file of @secret, or NULL. */
const char *status_file(const struct status_secret *secret);
void status_free(struct status *status);

#endif
