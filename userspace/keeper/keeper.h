/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper: which secrets there are, which of them are in the keyring, and what to do about the
 * others. A pass asks for each missing secret that is due, in the order of the configuration, over one
 * session, until a failure occurs that would occur for all of them.
 */
#ifndef REALMKEY_KEEPER_H
#define REALMKEY_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/error.h"
#include "sandbox/sandbox.h"
#include "config/config.h"
#include "kbs/session.h"
#include "keyring/keyring.h"
#include "retry.h"

struct keeper_secret {
	const struct config_secret *config;
	uid_t uid;
	gid_t gid;
	bool delivered;
	struct error error;    /* why it is not delivered */
	unsigned int failures; /* in succession */
	int64_t due;	       /* when to request it, on the boot clock, or RETRY_NEVER */
};

struct keeper {
	const char *file; /* of the configuration, for errors; not owned */
	struct config config;
	struct bytes ca; /* contents of the file config.ca; empty if there is none */
	struct session session;
	struct keyring keyring;
	struct sandbox_identity identity; /* what this process becomes when it is confined */
	bool has_user;			  /* the system has the user for that */
	struct keeper_secret *secret;	  /* config.count of them, owned */
};

#define KEEPER_INIT \
	{ .config = CONFIG_INIT, \
	  .ca = BYTES_INIT, \
	  .session = SESSION_INIT, \
	  .keyring = KEYRING_INIT }

/* Read the configuration file @path and the CA file that it names, and look up the owners
 * and what this process becomes. An ERROR_CONFIG names file, line and key. */
int keeper_configure(struct keeper *keeper, const char *path, struct error *e);
/* Open all that the confined process will use: the realm's device, the keyring at @keyring with the
 * files that are in it, and the courier (@program, or NULL for the installed one). */
int keeper_start(struct keeper *keeper, const char *program, const char *keyring, struct error *e);
void keeper_stop(struct keeper *keeper);

/* A pass: request each missing secret that is due at @now, in milliseconds on the boot clock. If one of
 * them was denied, the EAR is dropped first, because a denied EAR stays denied. */
void keeper_run(struct keeper *keeper, int64_t now);
/* Decide when to request those again that failed in the last pass (retry.h). @now is the time after
 * it, @random 32 random bits. */
void keeper_plan(struct keeper *keeper, int64_t now, uint32_t random);
/* Make every missing secret due at once, as if none had failed yet. */
void keeper_hurry(struct keeper *keeper);
/* When the next secret is due, or RETRY_NEVER. */
int64_t keeper_next(const struct keeper *keeper);

/* True if every required secret was delivered. */
bool keeper_ready(const struct keeper *keeper);
/* True if the courier exited: then this process can get no further secret. */
bool keeper_lost(const struct keeper *keeper);
/* The error of the first required secret that is missing, or NULL. Owned by @keeper. */
const struct error *keeper_failure(const struct keeper *keeper);
/* Write one line for people to @text: how many secrets were delivered, and the error of the first
 * missing one. */
void keeper_status(const struct keeper *keeper, char *text, size_t size);

#endif
