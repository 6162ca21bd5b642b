// SPDX-License-Identifier: Apache-2.0
#include "publish.h"

#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/log.h"

/* --- out ------------------------------------------------------------------------------------- */

/* The texts of @out belong to the configuration and to @secret. */
static void secret_describe(const struct keeper_secret *secret, struct status_secret *out)
{
	const struct config_secret *config = secret->config;

	*out = (struct status_secret){
		.name = config->name,
		.file = config->file,
		.resource = config->resource,
		.required = config->required,
		.state = secret->state,
		.success = secret->success,
		.changed = secret->changed,
		.next = secret->due == RETRY_NEVER ? 0 : secret->due,
		.version = secret->version,
		.attempts = secret->attempts,
		.failures = secret->failed,
		.failed = secret->failures,
		.kind = secret->error.kind,
		.failed_at = secret->failed_at,
		.error = secret->error.kind == ERROR_NONE ? NULL : (char *)secret->error.text,
	};
}

static int keeper_describe(const struct keeper *keeper, int64_t now, struct bytes *text,
			   struct error *e)
{
	const struct config *config = &keeper->settings->config;
	struct status status = {
		.now = now,
		.started = keeper->started,
		.ready = keeper_ready(keeper),
		.url = config->url[keeper->session.courier.server],
		.ear_until = keeper->session.ear.len ? keeper->session.ear_until : 0,
		.passes = keeper->passes,
		.count = config->count,
	};
	int ret;

	memcpy(status.failures, keeper->failures, sizeof(status.failures));
	status.secret = calloc(config->count, sizeof(*status.secret));
	if (!status.secret && config->count)
		return error_set_memory(e);
	for (size_t i = 0; i < config->count; i++)
		secret_describe(&keeper->secret[i], &status.secret[i]);
	ret = status_encode(&status, text, e);
	free(status.secret);
	return ret;
}

void keeper_publish(struct keeper *keeper, int64_t now)
{
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;

	if (keeper_describe(keeper, now, &text, &e) < 0 ||
	    keyring_publish(&keeper->keyring, STATUS_FILE, 0644, text.data, text.len, &e) < 0)
		log_line(LOG_LEVEL_WARNING, "cannot publish the status: %s", e.text);
	bytes_free(&text);
}

/* --- in -------------------------------------------------------------------------------------- */

static void secret_take_over(struct keeper_secret *secret, const struct status_secret *earlier)
{
	secret->state = STATUS_DELIVERED;
	if (!earlier)
		return;
	secret->success = earlier->success;
	secret->changed = earlier->changed;
	secret->version = earlier->version;
	secret->attempts = earlier->attempts;
	secret->failed = earlier->failures;
	secret->failed_at = earlier->failed_at;
	/* A request that the last keeper planned is kept, because the interval may have begun long ago. If the interval is
	 * shorter now, the next request is not later than its end. */
	if (!secret->success)
		return;
	secret->due = earlier->next ? earlier->next : RETRY_NEVER;
	if (!secret->config->refresh)
		secret->due = RETRY_NEVER;
	else if (secret->due > secret->success + secret->config->refresh)
		secret->due = secret->success + secret->config->refresh;
}

/* What an earlier keeper published about the file of @secret, or NULL. */
static const struct status_secret *earlier_find(const struct status *earlier,
						const struct keeper_secret *secret)
{
	for (size_t i = 0; i < earlier->count; i++)
		if (!strcmp(earlier->secret[i].file, secret->config->file))
			return &earlier->secret[i];
	return NULL;
}

/* One that was stale before is not reported again as a failure of the service. It counts as missing. */
static void secret_age(const struct keeper *keeper, struct keeper_secret *secret, int64_t now)
{
	if (secret->config->on_stale == CONFIG_STALE_FAIL && secret_stale_at(keeper, secret) <= now)
		secret->state = STATUS_STALE;
}

void keeper_take_over(struct keeper *keeper, int64_t now)
{
	struct bytes text = BYTES_INIT;
	struct status earlier = STATUS_INIT;
	struct error e = ERROR_INIT;
	size_t found = 0;

	if (keyring_published(&keeper->keyring, STATUS_FILE, STATUS_MAX, &text, &e) < 0 ||
	    (text.len && status_decode(text.data, text.len, &earlier, &e) < 0))
		log_line(LOG_LEVEL_WARNING, "the status of an earlier process is not used: %s",
			 e.text);
	for (size_t i = 0; i < keeper->settings->config.count; i++) {
		struct keeper_secret *secret = &keeper->secret[i];
		const struct status_secret *record = earlier_find(&earlier, secret);

		if (!keyring_has(&keeper->keyring, secret->file) ||
		    (record && (record->state == STATUS_MISSING ||
				strcmp(record->resource, secret->config->resource))))
			continue;
		secret_take_over(secret, record);
		secret_age(keeper, secret, now);
		found++;
	}
	if (found)
		log_line(LOG_LEVEL_INFO, "%zu of %zu secrets are in the keyring already", found,
			 keeper->settings->config.count);
	status_free(&earlier);
	bytes_free(&text);
}
