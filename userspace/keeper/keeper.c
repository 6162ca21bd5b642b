// SPDX-License-Identifier: Apache-2.0
#include "keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "log.h"
#include "owner.h"
#include "record.h"

#define CA_MAX ((size_t)1 << 20)

/* --- start ------------------------------------------------------------------------------------ */

static int owners_resolve(struct keeper *keeper, const char *file, struct error *e)
{
	keeper->secret = calloc(keeper->config.count, sizeof(*keeper->secret));
	if (!keeper->secret && keeper->config.count)
		return error_set_memory(e);
	for (size_t i = 0; i < keeper->config.count; i++) {
		struct keeper_secret *secret = &keeper->secret[i];
		const struct config_secret *config = &keeper->config.secret[i];

		secret->config = config;
		if (owner_user(config->owner, &secret->uid, e) < 0)
			return error_add(e, "%s:%d: [secret %s] owner", file, config->line,
					 config->name);
		if (owner_group(config->group, &secret->gid, e) < 0)
			return error_add(e, "%s:%d: [secret %s] group", file, config->line,
					 config->name);
	}
	return 0;
}

/* An empty file must not pass: without CA certificates the courier takes the system's. */
static int ca_read(struct keeper *keeper, const char *file, struct error *e)
{
	const struct config *config = &keeper->config;

	if (!config->ca)
		return 0;
	if (io_read_file(config->ca, CA_MAX, &keeper->ca, e) == 0 && keeper->ca.len)
		return 0;
	if (!keeper->ca.len && e->kind == ERROR_NONE)
		error_set(e, ERROR_CONFIG, "%s: is empty", config->ca);
	e->kind = ERROR_CONFIG;
	return error_add(e, "%s:%d: [kbs] ca", file, config->line);
}

int keeper_configure(struct keeper *keeper, const char *path, struct error *e)
{
	struct bytes text = BYTES_INIT;
	int ret = -1;

	if (io_read_file(path, CONFIG_FILE_MAX, &text, e) < 0)
		e->kind = ERROR_CONFIG;
	else if (config_parse(&keeper->config, text.data, text.len, path, e) == 0 &&
		 ca_read(keeper, path, e) == 0)
		ret = owners_resolve(keeper, path, e);
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
	return ret;
}

int keeper_start(struct keeper *keeper, const char *program, const char *keyring, struct error *e)
{
	keeper->session.source = keeper->config.source;
	if (realm_check(keeper->config.source, e) < 0 ||
	    sink_tmpfs_open(&keeper->sink, keyring, e) < 0)
		return -1;
	return courier_begin(keeper, program, e);
}

void keeper_stop(struct keeper *keeper)
{
	session_close(&keeper->session);
	sink_tmpfs_close(&keeper->sink);
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
	    session_explain(&session->ear, &session->token, &text, &unread) == 0 && text.len)
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
		ret = sink_tmpfs_put(&keeper->sink, config->file, config->mode, secret->uid,
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
	if (secret->error.kind == ERROR_POLICY)
		explain_lines(&keeper->session);
}

static bool keeper_denied(const struct keeper *keeper)
{
	for (size_t i = 0; i < keeper->config.count; i++) {
		if (!keeper->secret[i].delivered && keeper->secret[i].error.kind == ERROR_POLICY)
			return true;
	}
	return false;
}

void keeper_run(struct keeper *keeper, enum keeper_pass pass)
{
	if (pass == KEEPER_ALL && keeper_denied(keeper))
		bytes_clear(&keeper->session.ear);
	for (size_t i = 0; i < keeper->config.count; i++) {
		struct keeper_secret *secret = &keeper->secret[i];

		if (secret->delivered || (pass == KEEPER_TRANSIENT && !secret->error.transient))
			continue;
		if (keeper_lost(keeper))	/* said already, by the one before */
			error_set(&secret->error, ERROR_PROTOCOL, "the courier is gone");
		else
			secret_run(keeper, secret);
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
