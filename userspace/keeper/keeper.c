// SPDX-License-Identifier: Apache-2.0
#include "keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/log.h"
#include "kbs/denial.h"
#include "owner.h"
#include "record.h"

#define CA_MAX ((size_t)1 << 20)

/* --- start ------------------------------------------------------------------------------------ */

static int owners_resolve(struct keeper *keeper, struct error *e)
{
	keeper->secret = calloc(keeper->config.count, sizeof(*keeper->secret));
	if (!keeper->secret && keeper->config.count)
		return error_set_memory(e);
	for (size_t i = 0; i < keeper->config.count; i++) {
		struct keeper_secret *secret = &keeper->secret[i];
		const struct config_secret *config = &keeper->config.secret[i];

		secret->config = config;
		if (owner_user(config->owner, &secret->uid, e) < 0)
			return error_add(e, "%s:%d: [secret %s] owner", keeper->file, config->line,
					 config->name);
		if (owner_group(config->group, &secret->gid, e) < 0)
			return error_add(e, "%s:%d: [secret %s] group", keeper->file, config->line,
					 config->name);
	}
	return 0;
}

/* An error about the CA is one of the configuration. */
static int ca_fail(const struct keeper *keeper, struct error *e)
{
	e->kind = ERROR_CONFIG;
	return error_add(e, "%s:%d: [kbs] ca", keeper->file, keeper->config.line);
}

/* An empty file must not pass: without CA certificates the courier takes the system's. */
static int ca_read(struct keeper *keeper, struct error *e)
{
	const struct config *config = &keeper->config;
	int ret = 0;

	if (!config->ca)
		return 0;
	ret = io_read_file(config->ca, CA_MAX, &keeper->ca, e);
	if (ret == 0 && !keeper->ca.len)
		ret = error_set(e, ERROR_INPUT, "%s: is empty", config->ca);
	return ret < 0 ? ca_fail(keeper, e) : 0;
}

int keeper_configure(struct keeper *keeper, const char *path, struct error *e)
{
	struct bytes text = BYTES_INIT;
	int ret = -1;

	keeper->file = path;
	if (io_read_file(path, CONFIG_FILE_MAX, &text, e) < 0)
		e->kind = ERROR_CONFIG;
	else if (config_parse(&keeper->config, text.data, text.len, path, e) == 0 &&
		 ca_read(keeper, e) == 0)
		ret = owners_resolve(keeper, e);
	bytes_free(&text);
	return ret;
}

static int realm_check(const char *source, struct error *e)
{
	struct rsi *rsi = rsi_open(source, e);

	rsi_close(rsi);
	return rsi ? 0 : -1;
}

static int courier_begin(struct keeper *keeper, const char *program, struct error *e)
{
	const struct config *config = &keeper->config;
	const struct courier_target target = {
		.url = config->url, .timeout = config->timeout, .insecure = config->insecure,
		.ca = keeper->ca.len ? keeper->ca.data : NULL, .ca_len = keeper->ca.len,
	};
	int ret = courier_start(&keeper->session.courier, program, &target, e);

	bytes_free(&keeper->ca);
	if (ret < 0 && config->ca && e->kind == ERROR_INPUT) {	/* the courier knows no names */
		error_add(e, "%s", config->ca);
		return ca_fail(keeper, e);
	}
	return ret;
}

int keeper_start(struct keeper *keeper, const char *program, const char *keyring, struct error *e)
{
	keeper->session.source = keeper->config.source;
	if (realm_check(keeper->config.source, e) < 0 ||
	    keyring_open(&keeper->keyring, keyring, e) < 0)
		return -1;
	return courier_begin(keeper, program, e);
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

/* --- a pass ----------------------------------------------------------------------------------- */

static void explain_lines(const struct session *session)
{
	struct bytes text = BYTES_INIT;
	struct error unread = ERROR_INIT;
	char *save = NULL;

	if (session->ear.len &&
	    denial_explain(&session->ear, &session->token, &text, &unread) == 0 && text.len)
		for (char *line = strtok_r((char *)text.data, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			log_line(LOG_LEVEL_WARNING, "%s", line);
	bytes_free(&text);
}

/* Before it is delivered: there is to be no secret that the log does not tell of. */
static int secret_record(struct keeper *keeper, const struct config_secret *config,
			 struct error *e)
{
	if (!keeper->config.log_extend)
		return 0;
	return record_delivery(keeper->config.source, keeper->config.log_extend, config->resource,
			       keeper->session.jwe_digest, e);
}

static int secret_deliver(struct keeper *keeper, struct keeper_secret *secret, struct error *e)
{
	const struct config_secret *config = secret->config;
	struct bytes plain = BYTES_LOCKED_INIT;
	int ret = session_get(&keeper->session, config->resource, &plain, e);

	if (ret == 0)
		ret = secret_record(keeper, config, e);
	if (ret == 0)
		ret = keyring_put(&keeper->keyring, config->file, config->mode, secret->uid,
				     secret->gid, plain.data, plain.len, e);
	bytes_free(&plain);
	if (ret >= 0)
		log_line(LOG_LEVEL_INFO, "%s: %s %s", config->name,
			 ret ? "unchanged:" : "delivered to", config->file);
	return ret;
}

static void secret_run(struct keeper *keeper, struct keeper_secret *secret)
{
	secret->error = (struct error)ERROR_INIT;
	secret->delivered = secret_deliver(keeper, secret, &secret->error) >= 0;
	if (secret->delivered)
		return;
	log_line(secret->config->required ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "%s: %s",
		 secret->config->name, secret->error.text);
}

static bool keeper_denied(const struct keeper *keeper)
{
	for (size_t i = 0; i < keeper->config.count; i++) {
		if (!keeper->secret[i].delivered && keeper->secret[i].error.kind == ERROR_POLICY)
			return true;
	}
	return false;
}

/* Whether no other secret would fare better now: it is this realm or this KBS that failed. */
static bool failure_is_common(const struct keeper *keeper, const struct error *e)
{
	return keeper_lost(keeper) || e->kind == ERROR_TLS || e->kind == ERROR_NO_REALM ||
	       e->kind == ERROR_NO_DRIVER ||
	       ((e->kind == ERROR_ATTESTATION || e->kind == ERROR_SYSTEM) &&
		!keeper->session.ear.len);
}

static bool secret_wanted(const struct keeper_secret *secret, enum keeper_pass pass)
{
	return !secret->delivered && (pass == KEEPER_ALL || secret->error.transient);
}

void keeper_run(struct keeper *keeper, enum keeper_pass pass)
{
	const struct error *common = NULL;
	bool explained = false;

	if (pass == KEEPER_ALL && keeper_denied(keeper))
		bytes_clear(&keeper->session.ear);
	for (size_t i = 0; i < keeper->config.count; i++) {
		struct keeper_secret *secret = &keeper->secret[i];

		if (!secret_wanted(secret, pass))
			continue;
		if (common) {	/* said already */
			secret->error = *common;
			continue;
		}
		secret_run(keeper, secret);
		if (secret->delivered)
			continue;
		if (secret->error.kind == ERROR_POLICY && !explained) {
			explain_lines(&keeper->session);
			explained = true;
		}
		if (failure_is_common(keeper, &secret->error))
			common = &secret->error;
	}
}

/* --- what it came to -------------------------------------------------------------------------- */

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

bool keeper_retry(const struct keeper *keeper)
{
	for (size_t i = 0; i < keeper->config.count; i++) {
		if (!keeper->secret[i].delivered && keeper->secret[i].error.transient)
			return true;
	}
	return false;
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
