// SPDX-License-Identifier: Apache-2.0
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"

#define KEY_PERMISSIONS \
	(KEYCTL_POSSESSOR(KEYCTL_VIEW | KEYCTL_READ_VALUE | KEYCTL_SEARCH_IT) | \
	 KEYCTL_USER(KEYCTL_ALL))

/* A keyring that only this process has. A key is made here, with its permissions and its time-out, before an owner can find
 * it. */
#define PRIVATE KEY_SPEC_PROCESS_KEYRING

static const struct type {
	const char *name;
	size_t max; /* bytes of a value */
} types[] = {
	[CONFIG_KEY_USER] = { "user", 32767 },
	[CONFIG_KEY_LOGON] = { "logon", 32767 },
	[CONFIG_KEY_BIG] = { "big_key", 1048575 },
};

static const struct type *type_of(const struct store *store, const struct config_secret *secret)
{
	if (secret->key == CONFIG_KEY_BIG && store->no_big_key && secret->key_fallback)
		return &types[CONFIG_KEY_USER];
	return &types[secret->key];
}

const char *store_type(const struct store *store, const struct config_secret *secret)
{
	return type_of(store, secret)->name;
}

/* --- one key ---------------------------------------------------------------------------------- */

struct target {
	struct ring *ring;
	const struct type *type;
	const char *description;
	unsigned int timeout; /* seconds; 0: none */
	char what[300];	      /* for errors */
};

static unsigned int timeout_of(const struct config_secret *secret)
{
	if (secret->on_stale == CONFIG_STALE_KEEP || secret->stale_after <= 0)
		return 0;
	return secret->stale_after / 1000 >= UINT32_MAX ?
		       UINT32_MAX :
		       (unsigned int)((secret->stale_after + 999) / 1000);
}

static int target_find(struct store *store, uint32_t number, struct target *t, struct error *e)
{
	const struct config_secret *secret = &store->settings->config.secret[number];
	const struct settings_secret *owner = &store->settings->secret[number];

	if (!secret->key)
		return error_set(e, ERROR_PROTOCOL, "secret %s has no key", secret->name);
	t->ring = rings_of(&store->rings, owner->uid);
	t->type = type_of(store, secret);
	t->description = secret->key_name;
	t->timeout = timeout_of(secret);
	snprintf(t->what, sizeof(t->what), "key %s:%s", t->type->name, t->description);
	if (!t->ring)
		return error_set(e, ERROR_DELIVERY, "%s: too many keyrings", t->what);
	if (!t->ring->id) {
		*e = t->ring->why;
		return error_add(e, "%s", t->what);
	}
	return 0;
}

/* Returns the key, 0 if there is none that can be used, or -1 with @e. */
static keyctl_id key_find(const struct target *t, struct error *e)
{
	keyctl_id key = keyctl_search(t->ring->id, t->type->name, t->description);

	if (key >= 0)
		return key;
	if (errno == ENOKEY || errno == EKEYEXPIRED || errno == EKEYREVOKED)
		return 0;
	return keyctl_error(e, t->what);
}

static int value_check(const struct store *store, const struct target *t, size_t len,
		       struct error *e)
{
	if (store->no_big_key && t->type == &types[CONFIG_KEY_BIG])
		return error_set(e, ERROR_DELIVERY,
				 "%s: this kernel has no big_key keys: choose type user, or set "
				 "key_fallback = yes",
				 t->what);
	if (!len)
		return error_set(e, ERROR_DELIVERY, "%s: the value is empty, and a key cannot be",
				 t->what);
	if (len <= t->type->max)
		return 0;
	return error_set(
		e, ERROR_DELIVERY,
		"%s: the value has %zu bytes, and a key of type %s has at most %zu: choose "
		"%s",
		t->what, len, t->type->name, t->type->max,
		t->type->max < types[CONFIG_KEY_BIG].max ? "type big_key, or a file" : "a file");
}

/* Make the key, in the private keyring. */
static keyctl_id key_make(const struct target *t, const void *value, size_t len, struct error *e)
{
	keyctl_id key = keyctl_add(t->type->name, t->description, value, len, PRIVATE);

	if (key >= 0 &&
	    (keyctl_setperm(key, KEY_PERMISSIONS) < 0 || keyctl_set_timeout(key, t->timeout) < 0))
		key = -1;
	return key < 0 ? keyctl_error(e, t->what) : key;
}

/*
 * Put @key into its keyring, which displaces @old in one step, and revoke @old. It is linked into the owner's entry in
 * the directory meanwhile: if this process ends in between, the next one revokes it.
 */
static int key_replace(const struct target *t, keyctl_id key, keyctl_id old, struct error *e)
{
	if (old && keyctl_link(old, t->ring->holder) < 0)
		return keyctl_error(e, t->what);
	if (keyctl_link(key, t->ring->id) < 0)
		return keyctl_error(e, t->what);
	/* Another process may have revoked it. */
	if (old && keyctl_revoke(old) < 0 && errno != EKEYREVOKED && errno != EKEYEXPIRED &&
	    errno != ENOKEY)
		return keyctl_error(e, t->what);
	if (old)
		keyctl_unlink(old, t->ring->holder);
	return 0;
}

static int key_set(const struct target *t, const void *value, size_t len, struct error *e)
{
	keyctl_id old = key_find(t, e), key;
	int ret;

	if (old < 0)
		return -1;
	/* A key that is there already would be changed, and not made. */
	keyctl_clear(PRIVATE);
	key = key_make(t, value, len, e);
	ret = key < 0 ? -1 : key_replace(t, key, old, e);
	keyctl_clear(PRIVATE);
	return ret;
}

static int key_confirm(const struct target *t, struct error *e)
{
	keyctl_id key = key_find(t, e);

	if (key < 0)
		return -1;
	/* It has expired, or another process has revoked or removed it. */
	if (!key)
		return error_set(e, ERROR_DELIVERY, "%s: the key is gone", t->what);
	return keyctl_set_timeout(key, t->timeout) < 0 ? keyctl_error(e, t->what) : 0;
}

static int key_remove(const struct target *t, struct error *e)
{
	keyctl_id key = key_find(t, e);

	if (key <= 0)
		return key;
	if (keyctl_revoke(key) < 0)
		return keyctl_error(e, t->what);
	keyctl_unlink(key, t->ring->id);
	return 0;
}

int store_handle(void *context, const struct sinks_message *m, struct error *e)
{
	struct store *store = context;
	struct target t;

	if (target_find(store, m->number, &t, e) < 0)
		return -1;
	switch (m->type) {
	case SINKS_SET:
		return value_check(store, &t, m->len, e) < 0 ? -1 : key_set(&t, m->body, m->len, e);
	case SINKS_CONFIRM:
		return key_confirm(&t, e);
	case SINKS_REMOVE:
		return key_remove(&t, e);
	default:
		return error_set(e, ERROR_PROTOCOL, "message of type %d is not about keys",
				 (int)m->type);
	}
}

/* --- what is there ---------------------------------------------------------------------------- */

/* Whether a secret of the owner @uid has the key @d. Without @store none has. */
static bool key_is_wanted(const struct store *store, uid_t uid, const struct keyctl_description *d)
{
	for (size_t i = 0; store && i < store->settings->config.count; i++) {
		const struct config_secret *secret = &store->settings->config.secret[i];

		if (secret->key && store->settings->secret[i].uid == uid &&
		    !strcmp(type_of(store, secret)->name, d->type) &&
		    !strcmp(secret->key_name, d->text))
			return true;
	}
	return false;
}

static bool key_is_in(keyctl_id id, keyctl_id keyring)
{
	keyctl_id key[KEYCTL_KEYS_MAX];
	int count = keyctl_list(keyring, key);

	for (int i = 0; i < count; i++)
		if (key[i] == id)
			return true;
	return false;
}

/* Revoke the keys in @keyring that nothing needs: those that no secret has, or, in the directory, that were being replaced.
 * Returns how many there were. */
static int keys_purge(const struct store *store, const struct ring *ring, keyctl_id keyring)
{
	static struct keyctl_description d;
	keyctl_id key[KEYCTL_KEYS_MAX];
	int count = keyctl_list(keyring, key), revoked = 0;

	for (int i = 0; i < count; i++) {
		const bool known = keyctl_describe(key[i], &d) == 0;

		if (known && (!strcmp(d.type, "keyring") ||
			      (keyring == ring->id && key_is_wanted(store, ring->uid, &d))))
			continue;
		/* A key that was revoked or has expired has no description, and only leaves the keyring. */
		if (known && (keyring == ring->id || !key_is_in(key[i], ring->id)))
			revoked += keyctl_revoke(key[i]) == 0;
		keyctl_unlink(key[i], keyring);
	}
	return revoked;
}

static int ring_purge(const struct store *store, const struct ring *ring)
{
	int revoked = 0;

	/* First the directory, because it is compared with the other. */
	if (ring->holder)
		revoked += keys_purge(store, ring, ring->holder);
	if (ring->id)
		revoked += keys_purge(store, ring, ring->id);
	return revoked;
}

/* A kernel has a type if a key can be made. */
static bool big_key_missing(void)
{
	keyctl_id key = keyctl_add("big_key", "realmkey:probe", "x", 1, PRIVATE);
	bool missing = key < 0 && errno == ENODEV;

	if (key >= 0)
		keyctl_unlink(key, PRIVATE);
	return missing;
}

static void store_look(struct store *store)
{
	for (size_t i = 0; i < store->settings->config.count; i++) {
		struct error e = ERROR_INIT;
		struct target t;

		store->have[i] = store->settings->config.secret[i].key &&
				 target_find(store, (uint32_t)i, &t, &e) == 0 &&
				 key_find(&t, &e) > 0;
	}
}

int store_open(struct store *store, const struct settings *settings, const char *directory,
	       struct error *e)
{
	int revoked = 0;

	*store = (struct store){ .settings = settings };
	if (rings_begin(e) < 0 || rings_find(&store->rings, directory, e) < 0)
		return -1;
	store->no_big_key = big_key_missing();
	for (size_t i = 0; i < settings->config.count; i++) {
		const struct config_secret *secret = &settings->config.secret[i];
		const struct settings_secret *owner = &settings->secret[i];
		const struct ring *ring = NULL;

		if (secret->key)
			ring = rings_open(&store->rings, owner->uid, owner->gid);
		if (ring && !ring->id)
			log_line(LOG_LEVEL_ERROR, "%s", ring->why.text);
	}
	for (size_t i = 0; i < store->rings.count; i++)
		revoked += ring_purge(store, &store->rings.ring[i]);
	if (revoked)
		log_line(LOG_LEVEL_INFO, "revoked %d keys that no secret has", revoked);
	store_look(store);
	return 0;
}

int store_revoke_all(const char *directory, struct error *e)
{
	static struct rings rings;
	int revoked = 0;

	if (rings_find(&rings, directory, e) < 0)
		return -1;
	for (size_t i = 0; i < rings.count; i++)
		revoked += ring_purge(NULL, &rings.ring[i]);
	return revoked;
}
