// SPDX-License-Identifier: Apache-2.0
#include "keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/log.h"
#include "confine.h"
#include "kbs/ca_file.h"
#include "kbs/denial.h"
#include "owner.h"
#include "record.h"

/* Failed in the last pass; keeper_plan() decides when to try again. */
#define UNPLANNED (-1)

/* --- start ----------------------------------------------------------------------------------- */

static int keeper_find_owners(struct keeper *keeper, struct error *e)
{
	keeper->secret = calloc(keeper->config.count, sizeof(*keeper->secret));
	if (!keeper->secret && keeper->config.count)
		return error_set_memory(e);
	for (size_t i = 0; i < keeper->config.count; i++) {
		struct keeper_secret *secret = &keeper->secret[i];
		const struct config_secret *config = &keeper->config.secret[i];

		secret->config = config;
		if (owner_user(config->owner, &secret->uid, e) < 0)
			return error_add(e, "%s:%d: [secret %s] owner", keeper->file,
					 config->owner_line, config->name);
		if (owner_group(config->group, &secret->gid, e) < 0)
			return error_add(e, "%s:%d: [secret %s] group", keeper->file,
					 config->group_line, config->name);
	}
	return 0;
}

/* An error of the CA file is one of the configuration, which names that file. */
static int keeper_fail_ca(const struct keeper *keeper, struct error *e)
{
	error_reclassify(e, ERROR_ANY, ERROR_CONFIG);
	return error_add(e, "%s:%d: [kbs] ca", keeper->file, keeper->config.ca_line);
}

int keeper_configure(struct keeper *keeper, const char *path, struct error *e)
{
	const struct config *config = &keeper->config;
	struct bytes text = BYTES_INIT;
	int ret;

	keeper->file = path;
	ret = io_read_file(path, CONFIG_FILE_MAX, &text, e);
	if (ret < 0)
		error_reclassify(e, ERROR_ANY, ERROR_CONFIG);
	else
		ret = config_parse(&keeper->config, text.data, text.len, path, e);
	if (ret == 0 && config->ca && ca_file_read(config->ca, &keeper->ca, e) < 0)
		ret = keeper_fail_ca(keeper, e);
	if (ret == 0)
		ret = keeper_find_owners(keeper, e);
	keeper->has_user = confine_identity(&keeper->identity);
	bytes_free(&text);
	return ret;
}

/* Only the device, whose descriptor is a right that is checked when it is opened. Netlink checks a
 * capability at each request, and needs sendmsg(), whose address a seccomp filter cannot see. */
static int keeper_open_realm(struct keeper *keeper, struct error *e)
{
	const struct config *config = &keeper->config;
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
				 keeper->file, config->source_line);
	return error_set(e, ERROR_NO_DRIVER,
			 "cannot open /dev/cca-rsi, and realmkeyd does not use "
			 "netlink");
}

static int keeper_open_keyring(struct keeper *keeper, const char *path, struct error *e)
{
	if (keyring_open(&keeper->keyring, path, keeper->identity.uid, keeper->identity.gid, e) < 0)
		return -1;
	for (size_t i = 0; i < keeper->config.count; i++)
		if (keyring_remember(&keeper->keyring, keeper->config.secret[i].file, e) < 0)
			return -1;
	return 0;
}

int keeper_start(struct keeper *keeper, const char *program, const char *keyring, struct error *e)
{
	const struct config *config = &keeper->config;
	const struct courier_target target = {
		.server = { { .url = config->url,
			      .ca = keeper->ca.len ? keeper->ca.data : NULL,
			      .ca_len = keeper->ca.len } },
		.servers = 1,
		.timeout = config->timeout,
		.insecure = config->insecure,
	};
	int ret;

	if (keeper_open_realm(keeper, e) < 0 || keeper_open_keyring(keeper, keyring, e) < 0)
		return -1;
	ret = courier_start(&keeper->session.courier, program, &target, e);
	bytes_free(&keeper->ca);
	if (ret < 0 && config->ca && e->kind == ERROR_INPUT) { /* the courier lacks the name */
		error_add(e, "%s", config->ca);
		return keeper_fail_ca(keeper, e);
	}
	if (ret == 0 && !keeper->has_user)
		log_line(LOG_LEVEL_WARNING,
			 "no user " CONFINE_USER ": using %u; systemd-sysusers "
			 "creates it",
			 keeper->identity.uid);
	return ret;
}

void keeper_stop(struct keeper *keeper)
{
	session_close(&keeper->session);
	keyring_close(&keeper->keyring);
	bytes_free(&keeper->ca);
	free(keeper->secret);
	keeper->secret = NULL;
	config_free(&keeper->config);
}

/* --- a pass ---------------------------------------------------------------------------------- */

static void keeper_log_denial(const struct keeper *keeper)
{
	const struct session *session = &keeper->session;
	const struct denial_kbs kbs = {
		.url = keeper->config.url,
		.ca = keeper->config.ca,
		.insecure = keeper->config.insecure,
	};
	struct error unexplained = ERROR_INIT;
	struct bytes text = BYTES_INIT;
	char *save = NULL;

	if (session->ear.len &&
	    denial_explain(&session->ear, &session->token, &kbs, &text, &unexplained) == 0 &&
	    text.len)
		for (char *line = strtok_r((char *)text.data, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			log_line(LOG_LEVEL_WARNING, "%s", line);
	bytes_free(&text);
}

static void secret_deliver(struct keeper *keeper, struct keeper_secret *secret)
{
	const struct config_secret *config = secret->config;
	struct bytes plain = BYTES_LOCKED_INIT;
	struct error *e = &secret->error;
	int ret;

	*e = (struct error)ERROR_INIT;
	ret = session_get(&keeper->session, config->resource, &plain, e);
	/* Record first: no secret may be delivered without a record in the event log. */
	if (ret == 0 && keeper->config.measure_register)
		ret = record_delivery(keeper->session.rsi, keeper->config.measure_register,
				      config->resource, keeper->session.jwe_digest, e);
	if (ret == 0)
		ret = keyring_put(&keeper->keyring, config->file, config->mode, secret->uid,
				  secret->gid, plain.data, plain.len, e);
	bytes_free(&plain);
	secret->delivered = ret >= 0;
	if (secret->delivered)
		log_line(LOG_LEVEL_INFO, "%s: %s %s", config->name,
			 ret ? "unchanged:" : "delivered to", config->file);
	else
		log_line(config->required ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "%s: %s",
			 config->name, e->text);
}

static bool secret_is_due(const struct keeper_secret *secret, int64_t now)
{
	return !secret->delivered && secret->due <= now;
}

static bool keeper_denied(const struct keeper *keeper, int64_t now)
{
	for (size_t i = 0; i < keeper->config.count; i++) {
		if (secret_is_due(&keeper->secret[i], now) &&
		    keeper->secret[i].error.kind == ERROR_POLICY)
			return true;
	}
	return false;
}

/* True if every other secret would fail too: if there is no EAR, this realm was not attested. */
static bool failure_is_common(const struct keeper *keeper, const struct error *e)
{
	return keeper_lost(keeper) || !keeper->session.ear.len || retry_is_common(e->kind);
}

void keeper_run(struct keeper *keeper, int64_t now)
{
	const struct keeper_secret *common = NULL;
	bool explained = false;

	if (keeper_denied(keeper, now))
		bytes_clear(&keeper->session.ear);
	for (size_t i = 0; i < keeper->config.count; i++) {
		struct keeper_secret *secret = &keeper->secret[i];

		if (!secret_is_due(secret, now))
			continue;
		secret->due = UNPLANNED;
		if (common) { /* same cause as an earlier secret, already logged */
			secret->error = common->error;
			secret->failures = common->failures;
			continue;
		}
		secret_deliver(keeper, secret);
		if (secret->delivered)
			continue;
		secret->failures++;
		if (secret->error.kind == ERROR_POLICY && !explained) {
			keeper_log_denial(keeper);
			explained = true;
		}
		if (failure_is_common(keeper, &secret->error))
			common = secret;
	}
}

/* One random number for a whole pass: secrets that failed in the same way are requested together. */
void keeper_plan(struct keeper *keeper, int64_t now, uint32_t random)
{
	for (size_t i = 0; i < keeper->config.count; i++) {
		struct keeper_secret *secret = &keeper->secret[i];

		if (!secret->delivered && secret->due == UNPLANNED)
			secret->due = retry_due(&secret->error, secret->failures, now, random);
	}
}

void keeper_hurry(struct keeper *keeper)
{
	for (size_t i = 0; i < keeper->config.count; i++) {
		keeper->secret[i].failures = 0;
		keeper->secret[i].due = 0;
	}
}

/* --- the result ------------------------------------------------------------------------------ */

bool keeper_lost(const struct keeper *keeper)
{
	return keeper->session.courier.fd < 0;
}

const struct error *keeper_failure(const struct keeper *keeper)
{
	for (size_t i = 0; i < keeper->config.count; i++) {
		if (!keeper->secret[i].delivered && keeper->secret[i].config->required)
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

	for (size_t i = 0; i < keeper->config.count; i++) {
		if (!keeper->secret[i].delivered && keeper->secret[i].due < next)
			next = keeper->secret[i].due;
	}
	return next;
}

void keeper_status(const struct keeper *keeper, char *text, size_t size)
{
	const struct keeper_secret *missing = NULL;
	size_t delivered = 0;

	for (size_t i = 0; i < keeper->config.count; i++) {
		if (keeper->secret[i].delivered)
			delivered++;
		else if (!missing)
			missing = &keeper->secret[i];
	}
	if (missing)
		snprintf(text, size, "%zu of %zu secrets delivered; %s: %s", delivered,
			 keeper->config.count, missing->config->name, missing->error.text);
	else
		snprintf(text, size, "all %zu secrets delivered", delivered);
}
