// SPDX-License-Identifier: Apache-2.0
#include "outlets.h"

#include <string.h>

#include "base/log.h"

#define HOOK_FAILURES_MAX 5

/* --- connections ----------------------------------------------------------------------------- */

static bool keys_are_used(const struct config *config)
{
	for (size_t i = 0; i < config->count; i++)
		if (config->secret[i].key != CONFIG_KEY_NONE)
			return true;
	return false;
}

static bool hooks_are_used(const struct config *config)
{
	for (size_t i = 0; i < config->count; i++)
		if (config->secret[i].hooks)
			return true;
	return false;
}

/* Note which keys there are. */
static void keys_note(struct keeper *keeper, const struct bytes *have)
{
	for (size_t i = 0; i < keeper->settings->config.count && i < have->len; i++)
		keeper->secret[i].key_there = keeper->secret[i].config->key != CONFIG_KEY_NONE &&
					      have->data[i] == 1;
}

int outlets_open(struct keeper *keeper, struct error *e)
{
	const struct settings *settings = keeper->settings;
	struct bytes have = BYTES_INIT;
	struct error failure = ERROR_INIT;
	int ret;

	keeper->keys.name = "realmkey-keys";
	keeper->hooks.name = "realmkey-hooks";
	if (keys_are_used(&settings->config) &&
	    sinks_connect(&keeper->keys, keeper->keys.name,
			  keeper->keys_path ? keeper->keys_path : SINKS_KEYS_SOCKET,
			  settings->text_digest, &have, &keeper->keys_error) < 0)
		log_line(LOG_LEVEL_ERROR, "kernel keys: %s", keeper->keys_error.text);
	ret = bytes_check(&have, e);
	keys_note(keeper, &have);
	bytes_clear(&have);
	if (hooks_are_used(&settings->config) &&
	    sinks_connect(&keeper->hooks, keeper->hooks.name,
			  keeper->hooks_path ? keeper->hooks_path : SINKS_HOOKS_SOCKET,
			  settings->text_digest, &have, &failure) < 0)
		log_line(LOG_LEVEL_ERROR,
			 "hooks: %s; no unit is reloaded until realmkeyd is restarted",
			 failure.text);
	bytes_free(&have);
	return ret;
}

void outlets_close(struct keeper *keeper)
{
	sinks_close(&keeper->keys);
	sinks_close(&keeper->hooks);
}

static void between(struct keeper *keeper)
{
	if (keeper->between)
		keeper->between(keeper->context);
}

/* --- keys ------------------------------------------------------------------------------------ */

static int keys_call(struct keeper *keeper, enum sinks_type type, size_t number, const void *body,
		     size_t len, struct error *e)
{
	const bool connected = keeper->keys.fd >= 0;
	int ret;

	if (!connected) {
		*e = keeper->keys_error;
		return -1;
	}
	between(keeper);
	ret = sinks_call(&keeper->keys, type, (uint32_t)number, body, len, e);
	if (ret < 0) {
		/* It can be tried again, whatever the cause is. */
		error_reclassify(e, ERROR_ANY, ERROR_DELIVERY);
		error_add(e, "kernel key %s", keeper->secret[number].config->key_name);
		if (keeper->keys.fd < 0)
			keeper->keys_error = *e;
	}
	return ret;
}

int outlets_set_key(struct keeper *keeper, size_t number, struct error *e)
{
	struct keeper_secret *secret = &keeper->secret[number];
	const int ret = keys_call(keeper, SINKS_SET, number, bytes_text(&secret->value),
				  secret->value.len, e);

	secret->key_there |= ret == 0;
	secret->key_late = secret->key_failed = ret < 0;
	return ret;
}

int outlets_confirm_key(struct keeper *keeper, size_t number, struct error *e)
{
	struct keeper_secret *secret = &keeper->secret[number];
	const int ret = keys_call(keeper, SINKS_CONFIRM, number, NULL, 0, e);

	secret->key_late = secret->key_failed = ret < 0;
	return ret;
}

int outlets_remove_key(struct keeper *keeper, size_t number, struct error *e)
{
	keeper->secret[number].key_there = false;
	return keys_call(keeper, SINKS_REMOVE, number, NULL, 0, e);
}

/* --- hooks ----------------------------------------------------------------------------------- */

static void hook_call(struct keeper *keeper, size_t number)
{
	struct keeper_secret *secret = &keeper->secret[number];
	struct error e = ERROR_INIT;

	between(keeper);
	if (sinks_call(&keeper->hooks, SINKS_CHANGED, (uint32_t)number, NULL, 0, &e) == 0) {
		secret->hook = false;
		return;
	}
	keeper_log_about(keeper, secret);
	if (keeper->hooks.fd < 0) {
		log_line(LOG_LEVEL_ERROR,
			 "hooks: %s; no unit is reloaded until realmkeyd is restarted", e.text);
	} else if (++secret->hook_failures < HOOK_FAILURES_MAX) {
		log_line(LOG_LEVEL_WARNING, "%s: hooks: %s; trying again after the next pass",
			 secret->config->name, e.text);
	} else {
		log_line(LOG_LEVEL_ERROR, "%s: hooks: %s; not tried again until the secret changes",
			 secret->config->name, e.text);
		secret->hook = false;
	}
	keeper_log_about(keeper, NULL);
}

void outlets_call_hooks(struct keeper *keeper)
{
	for (size_t i = 0; i < keeper->settings->config.count && keeper->hooks.fd >= 0; i++)
		if (keeper->secret[i].hook)
			hook_call(keeper, i);
}
