// SPDX-License-Identifier: Apache-2.0
/*
 * A pass. The secrets of one top-level directory are a unit: an application reads them together, for example a
 * certificate and its key, so they never come from two versions. A unit changes in one step, in which
 * each of its secrets was confirmed by the KBS, or it stays as it is.
 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "kbs/denial.h"
#include "keeper.h"
#include "record.h"

/* Was requested in the last pass; keeper_plan() decides when to request it again. */
#define UNPLANNED (-1)

struct pass {
	int64_t now;
	const struct keeper_secret
		*common; /* failed for a reason that applies to all secrets, or NULL */
	bool explained;	 /* a denial was explained in the log */
};

void keeper_log_denial(const struct keeper *keeper)
{
	const struct session *session = &keeper->session;
	const struct config *config = &keeper->settings->config;
	const struct denial_kbs kbs = {
		.url = config->url[session->courier.server],
		.ca = config->ca[config->cas > 1 ? session->courier.server : 0],
		.insecure = config->insecure,
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

/* --- one secret ------------------------------------------------------------------------------ */

/* Get the secret and compare it with the keyring. Returns a result; after a failure secret->error says why. */
static enum keeper_result secret_fetch(struct keeper *keeper, struct keeper_secret *secret)
{
	const unsigned int index = keeper->settings->config.measure_register;
	const struct config_secret *config = secret->config;
	struct bytes plain = BYTES_LOCKED_INIT;
	struct error *e = &secret->error;
	int ret;

	*e = (struct error)ERROR_INIT;
	ret = session_get(&keeper->session, config->resource, &plain, e);
	if (ret == 0)
		ret = keyring_stage(&keeper->keyring, secret->file, plain.data, plain.len, e);
	bytes_free(&plain);
	/* Record first: no secret may be delivered without a record in the event log. One that is in the keyring
	 * already is not delivered, and the log is finite. */
	if (ret == 0 && index)
		ret = record_delivery(keeper->session.rsi, index, config->resource,
				      keeper->session.jwe_digest, e);
	if (ret < 0)
		return KEEPER_FAILED;
	return ret ? KEEPER_SAME : KEEPER_STAGED;
}

/* True if every other secret would fail too: if there is no EAR, this realm was not attested. */
static bool failure_is_common(const struct keeper *keeper, const struct error *e)
{
	return keeper_lost(keeper) || !keeper->session.ear.len || retry_is_common(e->kind);
}

static void secret_log_failure(const struct keeper *keeper, const struct keeper_secret *secret,
			       int64_t now)
{
	const char *name = secret->config->name;

	keeper_log_about(keeper, secret);
	if (!secret_is_there(secret))
		log_line(secret->config->required ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "%s: %s",
			 name, secret->error.text);
	else if (secret->success)
		log_line(LOG_LEVEL_WARNING, "%s: not refreshed, the value of %lld s ago stays: %s",
			 name, (long long)(now - secret->success) / 1000, secret->error.text);
	else
		log_line(LOG_LEVEL_WARNING, "%s: not refreshed, the value in the keyring stays: %s",
			 name, secret->error.text);
	keeper_log_about(keeper, NULL);
}

static void secret_fail(struct keeper *keeper, struct keeper_secret *secret, int64_t now)
{
	secret->result = KEEPER_FAILED;
	secret->failures++;
	secret->failed++;
	secret->failed_at = now;
	keeper->failures[secret->error.kind]++;
}

static void secret_succeed(const struct keeper *keeper, struct keeper_secret *secret, int64_t now)
{
	const bool changed = secret->result == KEEPER_STAGED;
	const bool first = !secret_is_there(secret);

	if (changed) {
		secret->version++;
		secret->changed = now;
	}
	keeper_log_about(keeper, secret);
	if (changed || first)
		log_line(LOG_LEVEL_INFO, "%s: %s %s", secret->config->name,
			 !changed ? "unchanged:" :
			 first	  ? "delivered to" :
				    "changed:",
			 secret->config->file);
	keeper_log_about(keeper, NULL);
	secret->state = STATUS_DELIVERED;
	secret->success = now;
	secret->failures = 0;
}

static void secret_request(struct keeper *keeper, struct keeper_secret *secret, struct pass *pass)
{
	secret->due = UNPLANNED;
	if (pass->common) { /* same cause as an earlier secret, already logged */
		secret->error = pass->common->error;
		secret->failures = pass->common->failures;
		secret->failed_at = pass->now;
		secret->result = KEEPER_FAILED;
		return;
	}
	if (keeper->between)
		keeper->between(keeper->context);
	secret->attempts++;
	secret->result = secret_fetch(keeper, secret);
	if (secret->result != KEEPER_FAILED)
		return;
	secret_fail(keeper, secret, pass->now);
	secret_log_failure(keeper, secret, pass->now);
	if (secret->error.kind == ERROR_POLICY && !pass->explained) {
		keeper_log_denial(keeper);
		pass->explained = true;
	}
	if (failure_is_common(keeper, &secret->error))
		pass->common = secret;
}

/* --- one unit -------------------------------------------------------------------------------- */

static size_t secrets_count(const struct keeper *keeper)
{
	return keeper->settings->config.count;
}

/* The next secret after number @i that belongs to the unit of number @first; the number of all secrets if there is
 * none. */
static size_t unit_next(const struct keeper *keeper, size_t first, size_t i)
{
	do
		i++;
	while (i < secrets_count(keeper) && !keyring_same_unit(keeper->secret[first].config->file,
							       keeper->secret[i].config->file));
	return i;
}

static bool unit_has(const struct keeper *keeper, size_t first, enum keeper_result result)
{
	for (size_t i = first; i < secrets_count(keeper); i = unit_next(keeper, first, i))
		if (keeper->secret[i].result == result)
			return true;
	return false;
}

/* The secret for which the unit must stay as it is, or NULL: one that failed although it is in the keyring, or after it was
 * staged. */
static const struct keeper_secret *unit_blocker(const struct keeper *keeper, size_t first)
{
	for (size_t i = first; i < secrets_count(keeper); i = unit_next(keeper, first, i)) {
		const struct keeper_secret *secret = &keeper->secret[i];

		if (secret->result == KEEPER_FAILED &&
		    (keyring_has(&keeper->keyring, secret->file) ||
		     keyring_staged(&keeper->keyring, secret->file)))
			return secret;
	}
	return NULL;
}

/* Fail each secret that is staged, with the error @cause; @blocker is the secret that failed, or NULL. */
static void unit_fail(struct keeper *keeper, size_t first, const struct error *cause,
		      const struct keeper_secret *blocker, int64_t now)
{
	keyring_abandon(&keeper->keyring);
	for (size_t i = first; i < secrets_count(keeper); i = unit_next(keeper, first, i)) {
		struct keeper_secret *secret = &keeper->secret[i];

		if (secret->result != KEEPER_STAGED)
			continue;
		secret->error = *cause;
		if (blocker)
			error_add(&secret->error, "waits for %s, because they change together",
				  blocker->config->name);
		secret_fail(keeper, secret, now);
		secret_log_failure(keeper, secret, now);
	}
}

static void unit_finish(struct keeper *keeper, size_t first, const struct pass *pass)
{
	const struct keeper_secret *blocker = unit_blocker(keeper, first);
	struct error e = ERROR_INIT;

	if (unit_has(keeper, first, KEEPER_STAGED)) {
		if (blocker)
			unit_fail(keeper, first, &blocker->error, blocker, pass->now);
		else if (keyring_commit(&keeper->keyring, &e) < 0)
			unit_fail(keeper, first, &e, NULL, pass->now);
	} else {
		keyring_abandon(&keeper->keyring);
	}
	for (size_t i = first; i < secrets_count(keeper); i = unit_next(keeper, first, i)) {
		struct keeper_secret *secret = &keeper->secret[i];

		if (secret->result == KEEPER_SAME || secret->result == KEEPER_STAGED)
			secret_succeed(keeper, secret, pass->now);
	}
}

/* First what is due. Only if that changes something, the rest of the unit is needed. */
static void unit_run(struct keeper *keeper, size_t first, struct pass *pass)
{
	for (size_t i = first; i < secrets_count(keeper); i = unit_next(keeper, first, i)) {
		keeper->secret[i].result = KEEPER_NOT_ASKED;
		if (keeper->secret[i].due <= pass->now)
			secret_request(keeper, &keeper->secret[i], pass);
	}
	if (unit_has(keeper, first, KEEPER_STAGED)) {
		for (size_t i = first; i < secrets_count(keeper); i = unit_next(keeper, first, i)) {
			struct keeper_secret *secret = &keeper->secret[i];

			if (secret->result == KEEPER_NOT_ASKED && secret_is_there(secret) &&
			    secret->config->refresh)
				secret_request(keeper, secret, pass);
		}
	}
	unit_finish(keeper, first, pass);
}

/* --- a pass ---------------------------------------------------------------------------------- */

static bool keeper_denied(const struct keeper *keeper, int64_t now)
{
	for (size_t i = 0; i < secrets_count(keeper); i++) {
		if (keeper->secret[i].due <= now && keeper->secret[i].error.kind == ERROR_POLICY)
			return true;
	}
	return false;
}

/* True if no earlier secret belongs to the unit of number @i. */
static bool unit_begins(const struct keeper *keeper, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (keyring_same_unit(keeper->secret[k].config->file,
				      keeper->secret[i].config->file))
			return false;
	return true;
}

void keeper_run(struct keeper *keeper, int64_t now)
{
	struct pass pass = { .now = now };

	if (keeper_denied(keeper, now))
		bytes_clear(&keeper->session.ear);
	for (size_t i = 0; i < secrets_count(keeper); i++)
		if (unit_begins(keeper, i))
			unit_run(keeper, i, &pass);
	keeper->passes++;
}

/* At a random point between 50 and 80 % of the interval, so that realms that started together do not return
 * together. */
static int64_t refresh_due(int64_t refresh, int64_t now, uint32_t random)
{
	if (!refresh)
		return RETRY_NEVER;
	return now + refresh / 2 + (int64_t)((double)refresh * 0.3 * random / UINT32_MAX);
}

/* One random number for a whole pass: secrets that succeeded or failed in the same way are requested together, over one
 * connection and with one EAR. */
void keeper_plan(struct keeper *keeper, int64_t now, uint32_t random)
{
	for (size_t i = 0; i < secrets_count(keeper); i++) {
		struct keeper_secret *secret = &keeper->secret[i];

		if (secret->due != UNPLANNED)
			continue;
		secret->due = secret->result == KEEPER_FAILED ?
				      retry_due(&secret->error, secret->failures, now, random) :
				      refresh_due(secret->config->refresh, now, random);
	}
}

void keeper_hurry(struct keeper *keeper, int number, bool all)
{
	for (size_t i = 0; i < secrets_count(keeper); i++) {
		struct keeper_secret *secret = &keeper->secret[i];

		if (number >= 0 && (size_t)number != i)
			continue;
		if (!all && secret->state == STATUS_DELIVERED && secret->error.kind == ERROR_NONE)
			continue;
		secret->failures = 0;
		secret->due = 0;
	}
}
