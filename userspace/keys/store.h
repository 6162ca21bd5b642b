/* SPDX-License-Identifier: Apache-2.0 */
/* store: the keys of the secrets of a configuration, in the keyrings of their owners. */
#ifndef REALMKEY_STORE_H
#define REALMKEY_STORE_H

#include "config/settings.h"
#include "rings.h"
#include "sinks/message.h"

struct store {
	const struct settings *settings;
	struct rings rings;
	bool no_big_key;		  /* this kernel does not have that type */
	uint8_t have[CONFIG_SECRETS_MAX]; /* for each secret: 1 if its key exists */
};

/* The type of the key of @secret in the kernel. */
const char *store_type(const struct store *store, const struct config_secret *secret);
/* Find or make the keyrings of all owners, revoke the keys that no secret has, and look for those that are there. What
 * concerns one owner only is reported when a secret of that owner is set. Call it before the process is confined.
 * @directory: as for rings_find(). */
int store_open(struct store *store, const struct settings *settings, const char *directory,
	       struct error *e);
/* A sinks_handle; @context is the store. Needs add_key() and the operations of keyctl() in filters/keys.c. */
int store_handle(void *context, const struct sinks_message *m, struct error *e);
/* Revoke all keys in all keyrings, whatever the configuration is. Returns how many there were, or -1. */
int store_revoke_all(const char *directory, struct error *e);

#endif
