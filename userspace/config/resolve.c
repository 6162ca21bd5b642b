// SPDX-License-Identifier: Apache-2.0
/* The users and groups that the configuration names, and what can be compared only when they are known. */
#include <stdlib.h>
#include <string.h>

#include "owner.h"
#include "reading.h"

static void owner_find(struct reading *r, const char *text, const struct config_place *place,
		       const char *title, const char *name, uid_t *uid)
{
	struct error inner = ERROR_INIT;

	if (owner_user(text, uid, &inner) < 0)
		reading_fail_at(r, &inner, place, title, name, "owner");
}

static void group_find(struct reading *r, const char *text, const struct config_place *place,
		       const char *title, const char *name, gid_t *gid)
{
	struct error inner = ERROR_INIT;

	if (owner_group(text, gid, &inner) < 0)
		reading_fail_at(r, &inner, place, title, name, "group");
}

static void peers_find(struct reading *r, const struct config_secret *config,
		       struct settings_secret *secret)
{
	struct error inner = ERROR_INIT;

	if (!config->allows)
		return;
	secret->allow = calloc(config->allows, sizeof(*secret->allow));
	if (!secret->allow) {
		error_set_memory(&inner);
		reading_fail(r, &inner);
		return;
	}
	for (size_t i = 0; i < config->allows; i++) {
		const struct config_allow *peer = &config->allow[i];
		int ret = 0;

		if (peer->kind == CONFIG_PEER_UID)
			ret = owner_user(peer->name, &secret->allow[i], &inner);
		else if (peer->kind == CONFIG_PEER_GID)
			ret = owner_group(peer->name, &secret->allow[i], &inner);
		if (ret < 0)
			reading_fail_at(r, &inner, &config->allow_place, "secret", config->name,
					"allow");
	}
}

static void file_owners(struct reading *r, size_t number)
{
	const struct config_file *config = &r->settings->config.file[number];
	struct settings_file *file = &r->settings->file[number];

	if (config_file_is_own(config)) {
		file->uid = r->settings->secret[config->secret].uid;
		file->gid = r->settings->secret[config->secret].gid;
		return;
	}
	owner_find(r, config->owner, &config->owner_place, "file", config->name, &file->uid);
	group_find(r, config->group, &config->group_place, "file", config->name, &file->gid);
}

/* --- keys ------------------------------------------------------------------------------------ */

static bool keys_equal(const struct settings *s, size_t a, size_t b)
{
	const struct config_secret *one = &s->config.secret[a], *other = &s->config.secret[b];
	bool user = one->key == CONFIG_KEY_USER || one->key_fallback;

	if (!one->key || !other->key || s->secret[a].uid != s->secret[b].uid || !one->key_name ||
	    !other->key_name || strcmp(one->key_name, other->key_name) != 0)
		return false;
	return one->key == other->key ||
	       (user && (other->key == CONFIG_KEY_USER || other->key_fallback));
}

/* A keyring has one key of a type and description. */
static void keys_compare(struct reading *r)
{
	const struct config *config = &r->settings->config;
	struct error inner = ERROR_INIT;

	for (size_t i = 0; i < config->count; i++)
		for (size_t k = 0; k < i; k++) {
			if (!keys_equal(r->settings, i, k))
				continue;
			error_set(&inner, ERROR_CONFIG,
				  "'%s' is already the key of [secret %s], which has the same "
				  "owner",
				  config->secret[i].key_name, config->secret[k].name);
			reading_fail_at(r, &inner, &config->secret[i].key_place, "secret",
					config->secret[i].name, "key");
		}
}

void reading_owners(struct reading *r)
{
	struct settings *s = r->settings;
	const struct config *config = &s->config;
	struct error inner = ERROR_INIT;

	s->secret = calloc(config->count ? config->count : 1, sizeof(*s->secret));
	s->file = calloc(config->files ? config->files : 1, sizeof(*s->file));
	if (!s->secret || !s->file) {
		error_set_memory(&inner);
		reading_fail(r, &inner);
		return;
	}
	for (size_t i = 0; i < config->count; i++) {
		const struct config_secret *secret = &config->secret[i];

		owner_find(r, secret->owner, &secret->owner_place, "secret", secret->name,
			   &s->secret[i].uid);
		group_find(r, secret->group, &secret->group_place, "secret", secret->name,
			   &s->secret[i].gid);
		peers_find(r, secret, &s->secret[i]);
	}
	for (size_t i = 0; i < config->files; i++)
		file_owners(r, i);
	keys_compare(r);
}
