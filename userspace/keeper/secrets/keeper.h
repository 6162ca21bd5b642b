/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper: which secrets there are, what state each is in, and when each is requested. A pass (pass.c) requests
 * what is due over one session, and puts it into the keyring. What cannot be requested now stays as it is.
 */
#ifndef REALMKEY_KEEPER_H
#define REALMKEY_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "config/settings.h"
#include "kbs/session.h"
#include "keyring/keyring.h"
#include "retry.h"
#include "sandbox/sandbox.h"
#include "sinks/client.h"
#include "status/status.h"

#define KEEPER_DIGEST_SIZE 32

/* What the current pass did for a secret. */
enum keeper_result {
	KEEPER_NOT_ASKED,
	KEEPER_FAILED,
	KEEPER_SAME,	/* the KBS has the value that was delivered last */
	KEEPER_CHANGED, /* it has another one, or a place of the secret lacks it */
};

/* All times are milliseconds on the boot clock. */
struct keeper_secret {
	const struct config_secret *config;
	size_t next; /* of its group (groups.h) */
	enum status_state state;
	/* Of the current pass. */
	enum keeper_result result;
	struct bytes value; /* until the group is finished; locked */
	uint8_t jwe_digest[SESSION_DIGEST_SIZE], value_digest[KEEPER_DIGEST_SIZE];
	bool differs;  /* KEEPER_CHANGED, whatever came then */
	bool recorded; /* in the event log */
	bool placed;   /* in one of its places */
	bool given_up; /* it cannot be put into one of them */

	struct error error;	  /* of the last request; no error if that succeeded */
	unsigned int failures;	  /* in succession */
	int64_t due;		  /* when to request it, or RETRY_NEVER */
	int64_t success, changed; /* 0: never or unknown */
	int64_t failed_at;
	uint64_t version, attempts, failed;

	/* Of the value that was delivered last (digests.h). */
	bool known;
	uint8_t digest[KEEPER_DIGEST_SIZE];
	bool incomplete; /* it is there, and yet one of its places lacks it */
	bool key_there;	 /* there is a kernel key */
	bool key_late;	 /* and it may have an earlier value, or too short a time */
	bool key_failed; /* in this process: realmkey-keys could not be asked, or failed */
	bool hook;	 /* realmkey-hooks does not know of the last change yet */
	unsigned int hook_failures;
};

/* A file of the keyring. */
struct keeper_file {
	const char *path;
	int index;	   /* its number in the keyring */
	size_t next, unit; /* the next file of its unit; the unit's number (groups.h) */
	const struct template *template; /* NULL: the file is the value of one secret */
	size_t *secret;			 /* the numbers of those whose values are in it; owned */
	size_t secrets;
	bool staged; /* in the present pass */
	/* Of a template. */
	bool rendered; /* in the present pass */
	bool outdated; /* it must be written as soon as all values are there */
	bool known;    /* what was written last */
	uint8_t digest[KEEPER_DIGEST_SIZE];
};

struct keeper {
	const struct settings *settings; /* not owned */
	struct session session;
	struct keyring keyring;
	struct sandbox_identity identity; /* what this process becomes when it is confined */
	bool has_user;			  /* the system has the user for that */
	struct keeper_secret *secret;	  /* one for each in the configuration; owned */
	struct keeper_file *file;	  /* owned */
	struct keeper_unit *unit;	  /* owned */
	struct keeper_group *group;	  /* owned */
	size_t files, units, groups;
	char **served; /* the names of the files for realmkey-local; owned, as is each of them */
	struct bytes digests; /* what is published in DIGESTS_FILE, with its key; locked */
	struct sinks_client keys, hooks;
	const char *keys_path, *hooks_path; /* their sockets; NULL: those of systemd's units */
	struct error keys_error;	    /* why there is no connection */
	int64_t started;
	uint64_t passes, failures[STATUS_KINDS];
	/* Called between two requests to the KBS, if not NULL. */
	void (*between)(void *context);
	void *context;
};

#define KEEPER_INIT \
	{ \
		.session = SESSION_INIT, \
		.keyring = KEYRING_INIT, \
		.digests = BYTES_LOCKED_INIT, \
		.keys = SINKS_CLIENT_INIT, \
		.hooks = SINKS_CLIENT_INIT, \
	}

/* Open all that the confined process will use: the realm's device, the keyring at @keyring with the
 * files that are in it, the courier (@program, or NULL for the installed one), and the connections to realmkey-keys
 * and realmkey-hooks, if the configuration requires them. That one of these two cannot be reached is not an error here.
 * @settings must stay valid. What is in the keyring and configured counts as delivered. */
int keeper_start(struct keeper *keeper, const struct settings *settings, const char *program,
		 const char *keyring, int64_t now, struct error *e);
void keeper_stop(struct keeper *keeper);
/* Two steps of keeper_start(), for a caller without a keyring. */
int keeper_open_realm(struct keeper *keeper, struct error *e);
int keeper_open_courier(struct keeper *keeper, const char *program, struct error *e);

/* The number of the CA file that is for the KBS number @url. */
static inline size_t keeper_ca(const struct config *config, size_t url)
{
	return config->cas > 1 ? url : 0;
}

/* A pass (pass.c): request each secret that is due at @now. If one of them was denied, the EAR is
 * dropped first, because a denied EAR stays denied. */
void keeper_run(struct keeper *keeper, int64_t now);
/* Decide when to request those again that were requested in the last pass. @now is the time after it,
 * @random 32 random bits. */
void keeper_plan(struct keeper *keeper, int64_t now, uint32_t random);
/* Make secret number @number, or each (-1), due at once, as if none had failed yet: all of them if @all,
 * else those that are missing, stale or failed. */
void keeper_hurry(struct keeper *keeper, int number, bool all);
/* Find what has become stale at @now, and do what is configured for that. Returns the error of a secret with on_stale =
 * fail that became stale, or NULL. */
const struct error *keeper_age(struct keeper *keeper, int64_t now);
/* When keeper_run() or keeper_age() is needed next, or RETRY_NEVER. */
int64_t keeper_next(const struct keeper *keeper);

/* Explain in the log why the KBS denied the EAR. */
void keeper_log_denial(const struct keeper *keeper);
/* Have the log lines that follow say, in fields of their own, that they are about @secret; NULL ends that. */
void keeper_log_about(const struct keeper *keeper, const struct keeper_secret *secret);

/* True if the secret is in the keyring or, without a file, in its kernel key. */
bool secret_is_there(const struct keeper_secret *secret);
/* True if it also counts as delivered: in each of its places. One that is stale does so only with on_stale = keep. */
bool secret_is_good(const struct keeper_secret *secret);
/* When @secret becomes stale, or RETRY_NEVER. If nothing is known of its age, that begins with this process. */
int64_t secret_stale_at(const struct keeper *keeper, const struct keeper_secret *secret);

/* True if every required secret is delivered. */
bool keeper_ready(const struct keeper *keeper);
/* True if the courier exited: then this process can get no further secret. */
bool keeper_lost(const struct keeper *keeper);
/* True if a kernel key must be set at @now, and only another keeper can connect to realmkey-keys. keeper->keys_error
 * says why. */
bool keeper_needs_keys(const struct keeper *keeper, int64_t now);
/* The error of the first required secret that is missing, or NULL. Owned by @keeper. */
const struct error *keeper_failure(const struct keeper *keeper);
/* Write one line for people to @text: how many secrets are delivered, and the error of the first
 * that is missing or stale. */
void keeper_status(const struct keeper *keeper, char *text, size_t size);

#endif
