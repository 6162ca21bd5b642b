// SPDX-License-Identifier: Apache-2.0
/*
 * A pass. The secrets of one top-level directory are a unit: an application reads them together, for example a
 * certificate and its key, so they never come from two versions. A unit changes in one step, in which
 * each of its secrets was confirmed by the KBS, or it stays as it is. So does a file made of several secrets. Therefore
 * the values of a whole group (groups.h) are held in locked memory until each of them has arrived.
 */
#include <string.h>

#include "base/log.h"
#include "deliver.h"
#include "kbs/denial.h"
#include "keeper.h"
#include "outlets.h"

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
		.ca = config->ca[keeper_ca(config, session->courier.server)],
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

static size_t secrets_count(const struct keeper *keeper)
{
	return keeper->settings->config.count;
}

/* Get the secret and compare it with what was delivered. Returns a result; after a failure secret->error says why. */
static enum keeper_result secret_fetch(struct keeper *keeper, size_t number)
{
	struct keeper_secret *secret = &keeper->secret[number];
	struct error *e = &secret->error;
	int ret;

	*e = (struct error)ERROR_INIT;
	secret->value = (struct bytes)BYTES_LOCKED_INIT;
	ret = session_get(&keeper->session, secret->config->resource, &secret->value, e);
	memcpy(secret->jwe_digest, keeper->session.jwe_digest, sizeof(secret->jwe_digest));
	if (ret == 0)
		ret = deliver_differs(keeper, number, e);
	if (ret < 0)
		return KEEPER_FAILED;
	secret->differs = ret;
	return ret ? KEEPER_CHANGED : KEEPER_SAME;
}

/* True if every other secret would fail too: if there is no EAR, this realm was not attested. */
static bool failure_is_common(const struct keeper *keeper, const struct error *e)
{
	return keeper_lost(keeper) || !keeper->session.ear.len || retry_is_common(e->kind);
}

static void secret_request(struct keeper *keeper, size_t number, struct pass *pass)
{
	struct keeper_secret *secret = &keeper->secret[number];

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
	secret->result = secret_fetch(keeper, number);
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

/* --- one group ------------------------------------------------------------------------------- */

/* Request what is due. Returns whether something was. */
static bool group_request_due(struct keeper *keeper, const struct keeper_group *group,
			      struct pass *pass)
{
	bool asked = false;

	for (size_t i = group->secret; i != GROUPS_END; i = keeper->secret[i].next) {
		struct keeper_secret *secret = &keeper->secret[i];

		secret->result = KEEPER_NOT_ASKED;
		secret->differs = secret->recorded = secret->placed = secret->given_up = false;
	}
	for (size_t i = group->secret; i != GROUPS_END; i = keeper->secret[i].next) {
		if (keeper->secret[i].due > pass->now)
			continue;
		secret_request(keeper, i, pass);
		asked = true;
	}
	return asked;
}

/* True if a value has changed, or a template has to be written. */
static bool group_changes(const struct keeper *keeper, const struct keeper_group *group)
{
	for (size_t i = group->secret; i != GROUPS_END; i = keeper->secret[i].next)
		if (keeper->secret[i].differs)
			return true;
	for (size_t i = group->unit; i != GROUPS_END; i = keeper->unit[i].next)
		for (size_t k = keeper->unit[i].file; k != GROUPS_END; k = keeper->file[k].next)
			if (deliver_writes(keeper, &keeper->file[k]))
				return true;
	return false;
}

/* True if a template that has to be written contains secret @number. */
static bool group_needs(const struct keeper *keeper, const struct keeper_group *group,
			size_t number)
{
	for (size_t i = group->unit; i != GROUPS_END; i = keeper->unit[i].next)
		for (size_t k = keeper->unit[i].file; k != GROUPS_END; k = keeper->file[k].next)
			if (file_uses(&keeper->file[k], number) &&
			    deliver_writes(keeper, &keeper->file[k]))
				return true;
	return false;
}

/* The rest of the group, as far as it is there: first what is refreshed, then what only a template needs. */
static void group_request_rest(struct keeper *keeper, const struct keeper_group *group,
			       struct pass *pass)
{
	for (size_t i = group->secret; i != GROUPS_END; i = keeper->secret[i].next) {
		const struct keeper_secret *secret = &keeper->secret[i];

		if (secret->result == KEEPER_NOT_ASKED && secret_is_there(secret) &&
		    secret->config->refresh)
			secret_request(keeper, i, pass);
	}
	for (size_t i = group->secret; i != GROUPS_END; i = keeper->secret[i].next) {
		const struct keeper_secret *secret = &keeper->secret[i];

		if (secret->result == KEEPER_NOT_ASKED && secret_is_there(secret) &&
		    group_needs(keeper, group, i))
			secret_request(keeper, i, pass);
	}
}

/* First what is due. Only if that changes something, the rest of the group is needed. */
static void group_run(struct keeper *keeper, const struct keeper_group *group, struct pass *pass)
{
	if (!group_request_due(keeper, group, pass))
		return;
	if (group_changes(keeper, group))
		group_request_rest(keeper, group, pass);
	deliver_group(keeper, group, pass->now);
	for (size_t i = group->secret; i != GROUPS_END; i = keeper->secret[i].next)
		bytes_free(&keeper->secret[i].value);
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

void keeper_run(struct keeper *keeper, int64_t now)
{
	struct pass pass = { .now = now };

	if (keeper_denied(keeper, now))
		bytes_clear(&keeper->session.ear);
	for (size_t i = 0; i < keeper->groups; i++)
		group_run(keeper, &keeper->group[i], &pass);
	outlets_call_hooks(keeper);
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
