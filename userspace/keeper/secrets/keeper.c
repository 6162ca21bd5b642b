// SPDX-License-Identifier: Apache-2.0
#include "keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "confine.h"
#include "deliver.h"
#include "digests.h"
#include "journal.h"
#include "kbs/courier_input.h"
#include "outlets.h"
#include "publish.h"

#define PATH_TEXT_MAX 300

/* --- start ----------------------------------------------------------------------------------- */

/* Only the device, whose descriptor is a right that is checked when it is opened. Netlink checks a
 * capability at each request, and needs sendmsg(), whose address a seccomp filter cannot see. */
int keeper_open_realm(struct keeper *keeper, struct error *e)
{
	const struct config *config = &keeper->settings->config;
	struct rsi *rsi = rsi_open(config->source, e);

	keeper->session.rsi = rsi;
	if (!rsi)
		return -1;
	if (strcmp(rsi_source_name(rsi), "netlink"))
		return 0;
	if (config->source)
		return error_set(e, ERROR_CONFIG,
				 "%s:%d: [kbs] source: realmkeyd reads the realm "
				 "through its device only",
				 config->source_place.file, config->source_place.line);
	return error_set(e, ERROR_NO_DRIVER,
			 "cannot open /dev/cca-rsi, and realmkeyd does not use "
			 "netlink");
}

static int keeper_open_keyring(struct keeper *keeper, const char *path, struct error *e)
{
	const struct settings *settings = keeper->settings;

	if (keyring_open(&keeper->keyring, path, settings->config.keyring_size,
			 keeper->identity.uid, keeper->identity.gid, e) < 0)
		return -1;
	for (size_t i = 0; i < settings->config.count; i++)
		keeper->secret[i].config = &settings->config.secret[i];
	return groups_declare(keeper, e) < 0 ? -1 : groups_make(keeper, e);
}

/* Say which file of the configuration the courier has refused: only it parses these files, and it does not
 * know their names. */
static int courier_refused(const struct config *config, struct error *e)
{
	struct courier_names names = {
		.proxy_credentials = config->proxy_credentials,
		.certificate = config->certificate,
		.key = config->key,
	};
	const struct config_place *place = &config->ca_place;
	const char *name, *key = "ca";

	for (size_t i = 0; i < config->urls && config->cas; i++)
		names.ca[i] = config->ca[keeper_ca(config, i)];
	name = courier_input(&names, e);
	if (!name)
		return -1;
	if (name == config->proxy_credentials) {
		place = &config->proxy_credentials_place;
		key = "proxy_credentials";
	} else if (name == config->certificate) {
		place = &config->certificate_place;
		key = "certificate";
	} else if (name == config->key) {
		place = &config->key_place;
		key = "key";
	}
	error_reclassify(e, ERROR_ANY, ERROR_CONFIG);
	error_add(e, "%s", name);
	return error_add(e, "%s:%d: [kbs] %s", place->file, place->line, key);
}

int keeper_open_courier(struct keeper *keeper, const char *program, struct error *e)
{
	const struct settings *settings = keeper->settings;
	const struct config *config = &settings->config;
	struct courier_target target = {
		.servers = config->urls,
		.proxy = config->proxy,
		.proxy_credentials = &settings->proxy_credentials,
		.certificate = &settings->certificate,
		.key = &settings->key,
		.timeout = config->timeout,
		.insecure = config->insecure,
	};

	_Static_assert(CONFIG_URLS_MAX <= FAILOVER_SERVERS_MAX, "kbs/failover.h");
	for (size_t i = 0; i < config->urls; i++) {
		const struct bytes *ca = &settings->ca[keeper_ca(config, i)];

		target.server[i] = (struct courier_server){
			.url = config->url[i],
			.ca = ca->len ? ca->data : NULL,
			.ca_len = ca->len,
		};
	}
	if (courier_start(&keeper->session.courier, program, &target, e) == 0)
		return 0;
	return e->kind == ERROR_INPUT ? courier_refused(config, e) : -1;
}

int keeper_start(struct keeper *keeper, const struct settings *settings, const char *program,
		 const char *keyring, int64_t now, struct error *e)
{
	keeper->settings = settings;
	keeper->started = now;
	keeper->has_user = confine_identity(&keeper->identity);
	keeper->secret = calloc(settings->config.count, sizeof(*keeper->secret));
	if (!keeper->secret && settings->config.count)
		return error_set_memory(e);
	if (keeper_open_realm(keeper, e) < 0 || keeper_open_keyring(keeper, keyring, e) < 0 ||
	    outlets_open(keeper, e) < 0 || digests_take_over(keeper, e) < 0)
		return -1;
	keeper_take_over(keeper, now);
	if (keeper_open_courier(keeper, program, e) < 0)
		return -1;
	if (!keeper->has_user)
		log_line(LOG_LEVEL_WARNING,
			 "no user " CONFINE_USER ": using %u; systemd-sysusers "
			 "creates it",
			 keeper->identity.uid);
	return 0;
}

void keeper_stop(struct keeper *keeper)
{
	session_close(&keeper->session);
	outlets_close(keeper);
	keyring_close(&keeper->keyring);
	bytes_free(&keeper->digests);
	groups_free(keeper);
	free(keeper->secret);
	*keeper = (struct keeper)KEEPER_INIT;
}

/* --- staleness ------------------------------------------------------------------------------- */

int64_t secret_stale_at(const struct keeper *keeper, const struct keeper_secret *secret)
{
	int64_t since = secret->success ? secret->success : keeper->started;

	if (secret->state != STATUS_DELIVERED || !secret->config->stale_after)
		return RETRY_NEVER;
	return since + secret->config->stale_after;
}

static void secret_remove(struct keeper *keeper, struct keeper_secret *secret)
{
	struct error e = ERROR_INIT;

	if (deliver_removal(keeper, (size_t)(secret - keeper->secret), &e) < 0) {
		log_line(LOG_LEVEL_ERROR, "%s: stale, but cannot be removed: %s",
			 secret->config->name, e.text);
		return;
	}
	secret->state = STATUS_REMOVED;
	if (secret->due == RETRY_NEVER)
		secret->due = 0;
}

const struct error *keeper_age(struct keeper *keeper, int64_t now)
{
	static const char *const what[] = {
		[CONFIG_STALE_KEEP] = "it is kept",
		[CONFIG_STALE_REMOVE] = "it is removed",
		[CONFIG_STALE_FAIL] = "realmkeyd fails",
	};
	const struct error *failure = NULL;

	for (size_t i = 0; i < keeper->settings->config.count; i++) {
		struct keeper_secret *secret = &keeper->secret[i];
		const enum config_stale on_stale = secret->config->on_stale;

		if (secret_stale_at(keeper, secret) > now)
			continue;
		secret->state = STATUS_STALE;
		keeper_log_about(keeper, secret);
		log_line(LOG_LEVEL_WARNING,
			 "%s: stale, because the KBS has not confirmed it for %lld s; %s%s%s",
			 secret->config->name, (long long)secret->config->stale_after / 1000,
			 what[on_stale], *secret->error.text ? ": " : "", secret->error.text);
		keeper_log_about(keeper, NULL);
		if (on_stale == CONFIG_STALE_REMOVE)
			secret_remove(keeper, secret);
		if (on_stale == CONFIG_STALE_FAIL && !failure)
			failure = &secret->error;
	}
	return failure;
}

void keeper_log_about(const struct keeper *keeper, const struct keeper_secret *secret)
{
	if (secret)
		journal_context(secret->config->name,
				keeper->settings->config.url[keeper->session.courier.server],
				secret->failures, secret->error.kind);
	else
		journal_context(NULL, NULL, 0, ERROR_NONE);
}

/* --- the result ------------------------------------------------------------------------------ */

bool secret_is_there(const struct keeper_secret *secret)
{
	return secret->state == STATUS_DELIVERED || secret->state == STATUS_STALE;
}

bool secret_is_good(const struct keeper_secret *secret)
{
	return !secret->incomplete &&
	       (secret->state == STATUS_DELIVERED ||
		(secret->state == STATUS_STALE && secret->config->on_stale == CONFIG_STALE_KEEP));
}

bool keeper_lost(const struct keeper *keeper)
{
	return keeper->session.courier.fd < 0;
}

bool keeper_needs_keys(const struct keeper *keeper, int64_t now)
{
	for (size_t i = 0; i < keeper->settings->config.count; i++) {
		const struct keeper_secret *secret = &keeper->secret[i];

		if (secret->key_failed && secret->due <= now && keeper->keys.fd < 0)
			return true;
	}
	return false;
}

const struct error *keeper_failure(const struct keeper *keeper)
{
	for (size_t i = 0; i < keeper->settings->config.count; i++) {
		if (!secret_is_good(&keeper->secret[i]) && keeper->secret[i].config->required)
			return &keeper->secret[i].error;
	}
	return NULL;
}

bool keeper_ready(const struct keeper *keeper)
{
	return !keeper_failure(keeper);
}

int64_t keeper_next(const struct keeper *keeper)
{
	int64_t next = RETRY_NEVER;

	for (size_t i = 0; i < keeper->settings->config.count; i++) {
		const struct keeper_secret *secret = &keeper->secret[i];
		const int64_t stale = secret_stale_at(keeper, secret);

		if (secret->due < next)
			next = secret->due;
		if (stale < next)
			next = stale;
	}
	return next;
}

/* The first template that is not in the keyring, or NULL. */
static const struct keeper_file *template_missing(const struct keeper *keeper)
{
	for (size_t i = 0; i < keeper->files; i++)
		if (keeper->file[i].template &&
		    !keyring_has(&keeper->keyring, keeper->file[i].index))
			return &keeper->file[i];
	return NULL;
}

void keeper_status(const struct keeper *keeper, char *text, size_t size)
{
	const struct keeper_file *template = template_missing(keeper);
	const struct keeper_secret *missing = NULL, *stale = NULL;
	const size_t count = keeper->settings->config.count;
	char without[PATH_TEXT_MAX] = "";
	size_t delivered = 0;

	for (size_t i = 0; i < count; i++) {
		const struct keeper_secret *secret = &keeper->secret[i];

		delivered += secret_is_good(secret);
		if (!secret_is_good(secret) && !missing)
			missing = secret;
		if (secret->state == STATUS_STALE && !stale)
			stale = secret;
	}
	if (template)
		snprintf(without, sizeof(without), "without %s; ", template->path);
	if (missing)
		snprintf(text, size, "%zu of %zu secrets delivered; %s%s: %s", delivered, count,
			 without, missing->config->name, missing->error.text);
	else if (stale)
		snprintf(text, size, "all %zu secrets delivered; %s%s is stale: %s", count, without,
			 stale->config->name, stale->error.text);
	else
		snprintf(text, size, "all %zu secrets delivered%s%s", count,
			 template ? "; without " : "", template ? template->path : "");
}
