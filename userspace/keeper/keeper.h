/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper: which secrets there are, which lie in the keyring, and what to do about the others. One
 * pass asks for each that is missing, in the order of the configuration, over one session, until
 * something fails that would fail for all of them.
 */
#ifndef REALMKEY_KEEPER_H
#define REALMKEY_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/error.h"
#include "config.h"
#include "kbs/session.h"
#include "keyring.h"

struct keeper_secret {
	const struct config_secret *config;
	uid_t uid;
	gid_t gid;
	bool delivered;
	struct error error;	/* why it is not */
};

struct keeper {
	const char *file;		/* of the configuration, for errors; not owned */
	struct config config;
	struct bytes ca;		/* what config.ca names; empty when it names none */
	struct session session;
	struct keyring keyring;
	struct keeper_secret *secret;	/* config.count of them, owned */
};

#define KEEPER_INIT { .config = CONFIG_INIT, .ca = BYTES_INIT, .session = SESSION_INIT, \
		      .keyring = KEYRING_INIT }

/* Read the configuration file @path and the CA file that it names, resolve its owners. ERROR_CONFIG
 * names file, line and key. */
int keeper_configure(struct keeper *keeper, const char *path, struct error *e);
/* Make sure that this is a realm, open the keyring at @keyring, start the courier (@program, or
 * NULL for the installed one). */
int keeper_start(struct keeper *keeper, const char *program, const char *keyring, struct error *e);
void keeper_stop(struct keeper *keeper);

/* Which of the missing secrets a pass asks for. */
enum keeper_pass {
	KEEPER_ALL,		/* every one; who was denied gets a new EAR to show */
	KEEPER_TRANSIENT,	/* those whose failure time can mend, so none that was denied */
};

void keeper_run(struct keeper *keeper, enum keeper_pass pass);

/* Every required secret is there. */
bool keeper_ready(const struct keeper *keeper);
/* Some secret is missing for a reason that time can mend. */
bool keeper_retry(const struct keeper *keeper);
/* The courier is gone: nothing more can be got by this process. */
bool keeper_lost(const struct keeper *keeper);
/* The error of the first required secret that is missing, or NULL. */
const struct error *keeper_failure(const struct keeper *keeper);
/* One line for people: how many are there, and what the first missing one lacks. */
void keeper_status(const struct keeper *keeper, char *text, size_t size);

#endif
