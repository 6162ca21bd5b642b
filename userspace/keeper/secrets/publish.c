// SPDX-License-Identifier: Apache-2.0
#include "publish.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/log.h"
#include "deliver.h"
#include "digests.h"

/* --- out ------------------------------------------------------------------------------------- */

/* What is published has pointers to texts of the configuration, of the keeper, and of these. */
struct description {
	struct status status;
	struct bytes configuration;	  /* the digest, in hexadecimal */
	char (*key)[CONFIG_KEY_TEXT_MAX]; /* of each secret: type and name */
	char **file;			  /* the paths of all secrets, one after the other */
};

/* The files of the secret other than templates and hidden ones. Returns how many it has put at @list. */
static size_t files_list(const struct keeper *keeper, size_t number, char **list)
{
	const struct config *config = &keeper->settings->config;
	size_t count = 0;

	for (size_t i = 0; i < config->files; i++)
		if (config->file[i].secret == number)
			list[count++] = config->file[i].path;
	return count;
}

static void secret_describe(const struct keeper_secret *secret, struct status_secret *out)
{
	const struct config_secret *config = secret->config;

	*out = (struct status_secret){
		.name = config->name,
		.file = config->file,
		.resource = config->resource,
		.required = config->required,
		.state = secret->state,
		.incomplete = secret_is_there(secret) && secret->incomplete,
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

static int secrets_describe(const struct keeper *keeper, struct description *d, struct error *e)
{
	const size_t count = keeper->settings->config.count;
	size_t used = 0;

	d->status.secret = calloc(count + 1, sizeof(*d->status.secret));
	d->key = calloc(count + 1, sizeof(*d->key));
	d->file = calloc(keeper->settings->config.files + 1, sizeof(*d->file));
	if (!d->status.secret || !d->key || !d->file)
		return error_set_memory(e);
	for (size_t i = 0; i < count; i++) {
		struct status_secret *out = &d->status.secret[i];

		secret_describe(&keeper->secret[i], out);
		out->files = &d->file[used];
		out->file_count = files_list(keeper, i, out->files);
		used += out->file_count;
		config_key_text(keeper->secret[i].config, d->key[i]);
		if (*d->key[i])
			out->key = d->key[i];
	}
	return 0;
}

static void description_free(struct description *d)
{
	bytes_free(&d->configuration);
	free(d->status.secret);
	free(d->key);
	free(d->file);
}

static int keeper_describe(const struct keeper *keeper, int64_t now, struct bytes *text,
			   struct error *e)
{
	const struct settings *settings = keeper->settings;
	struct description d = {
		.status = {
			.now = now,
			.started = keeper->started,
			.ready = keeper_ready(keeper),
			.url = settings->config.url[keeper->session.courier.server],
			.ear_until = keeper->session.ear.len ? keeper->session.ear_until : 0,
			.passes = keeper->passes,
			.count = settings->config.count,
		},
	};
	int ret;

	encode_hex(settings->text_digest, sizeof(settings->text_digest), &d.configuration);
	memcpy(d.status.failures, keeper->failures, sizeof(d.status.failures));
	ret = bytes_check(&d.configuration, e);
	d.status.configuration = (char *)d.configuration.data;
	if (ret == 0)
		ret = secrets_describe(keeper, &d, e);
	if (ret == 0)
		ret = status_encode(&d.status, text, e);
	description_free(&d);
	return ret;
}

void keeper_publish(struct keeper *keeper, int64_t now)
{
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;

	digests_publish(keeper);
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
	if (secret->config->key != CONFIG_KEY_NONE && earlier->kind == ERROR_DELIVERY)
		secret->failures = earlier->failed;
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

/* What an earlier keeper published about the file of @secret, or, if that has none of its own, about a secret with its
 * name; or NULL. */
static const struct status_secret *earlier_find(const struct status *earlier,
						const struct keeper_secret *secret)
{
	if (!secret->config->file)
		return status_find(earlier, secret->config->name);
	for (size_t i = 0; i < earlier->count; i++)
		if (earlier->secret[i].file &&
		    !strcmp(earlier->secret[i].file, secret->config->file))
			return &earlier->secret[i];
	return NULL;
}

/* Write each template again that was made from another text, or from other values. */
static void templates_take_over(struct keeper *keeper)
{
	for (size_t i = 0; i < keeper->files; i++) {
		struct keeper_file *file = &keeper->file[i];
		uint8_t digest[KEEPER_DIGEST_SIZE];
		struct error e = ERROR_INIT;

		if (!file->template)
			continue;
		file->outdated = !keyring_has(&keeper->keyring, file->index) || !file->known ||
				 digest_template(keeper, file, digest, &e) != 0 ||
				 memcmp(digest, file->digest, sizeof(digest)) != 0;
		for (size_t k = 0; k < file->secrets && deliver_writes(keeper, file); k++)
			keeper->secret[file->secret[k]].due = 0;
	}
}

/* A secret that is there, and not everywhere, is due at once. That a key cannot be set has been tried before, and has
 * its time. */
static void places_take_over(struct keeper *keeper)
{
	for (size_t i = 0; i < keeper->settings->config.count; i++) {
		struct keeper_secret *secret = &keeper->secret[i];
		const bool waits = secret->config->key != CONFIG_KEY_NONE && keeper->keys.fd < 0 &&
				   secret->failures;

		if (!secret_is_there(secret))
			continue;
		secret->incomplete = deliver_is_incomplete(keeper, i);
		if ((secret->incomplete || secret->key_late) && !waits)
			secret->due = 0;
	}
	templates_take_over(keeper);
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

		if (!deliver_is_there(keeper, i) ||
		    (record && (record->state == STATUS_MISSING ||
				strcmp(record->resource, secret->config->resource))))
			continue;
		secret_take_over(secret, record);
		secret_age(keeper, secret, now);
		found++;
	}
	places_take_over(keeper);
	if (found)
		log_line(LOG_LEVEL_INFO, "%zu of %zu secrets are in the keyring already", found,
			 keeper->settings->config.count);
	status_free(&earlier);
	bytes_free(&text);
}
