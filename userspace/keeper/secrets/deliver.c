// SPDX-License-Identifier: Apache-2.0
#include "deliver.h"

#include <string.h>

#include "base/log.h"
#include "digests.h"
#include "outlets.h"
#include "record.h"
#include "sinks/served.h"

/* --- what is there --------------------------------------------------------------------------- */

static bool in_place(const struct keeper *keeper, const struct keeper_file *file)
{
	return keyring_has(&keeper->keyring, file->index);
}

static bool has_value(const struct keeper_secret *secret)
{
	return secret->result == KEEPER_SAME || secret->result == KEEPER_CHANGED;
}

/* The first secret of the template @file without a value that is there or was requested now, or NULL. */
static const struct keeper_secret *template_lacks(const struct keeper *keeper,
						  const struct keeper_file *file)
{
	for (size_t i = 0; i < file->secrets; i++) {
		const struct keeper_secret *secret = &keeper->secret[file->secret[i]];

		if (!has_value(secret) && !secret_is_there(secret))
			return secret;
	}
	return NULL;
}

/* True if one of the values in @file has changed in this pass. */
static bool file_differs(const struct keeper *keeper, const struct keeper_file *file)
{
	for (size_t i = 0; i < file->secrets; i++)
		if (keeper->secret[file->secret[i]].differs)
			return true;
	return false;
}

static bool template_is_old(const struct keeper *keeper, const struct keeper_file *file)
{
	return file->template && (file->outdated || file_differs(keeper, file));
}

bool deliver_writes(const struct keeper *keeper, const struct keeper_file *file)
{
	return template_is_old(keeper, file) && !template_lacks(keeper, file);
}

/* Call it for each file of secret @number: for (i = 0; (i = file_of(keeper, number, i)) < keeper->files; i++). */
static size_t file_of(const struct keeper *keeper, size_t number, size_t i)
{
	while (i < keeper->files && !file_uses(&keeper->file[i], number))
		i++;
	return i;
}

bool deliver_is_there(const struct keeper *keeper, size_t number)
{
	const struct keeper_secret *secret = &keeper->secret[number];
	bool own = secret->config->key != CONFIG_KEY_NONE, there = secret->key_there;

	for (size_t i = 0; (i = file_of(keeper, number, i)) < keeper->files; i++) {
		own |= !keeper->file[i].template;
		there |= !keeper->file[i].template && in_place(keeper, &keeper->file[i]);
	}
	if (own)
		return there;
	/* A secret that is in templates only. */
	for (size_t i = 0; (i = file_of(keeper, number, i)) < keeper->files; i++)
		if (secret->known && in_place(keeper, &keeper->file[i]))
			return true;
	return false;
}

bool deliver_is_incomplete(const struct keeper *keeper, size_t number)
{
	const struct keeper_secret *secret = &keeper->secret[number];

	if (secret->config->key != CONFIG_KEY_NONE && !secret->key_there)
		return true;
	for (size_t i = 0; (i = file_of(keeper, number, i)) < keeper->files; i++) {
		const struct keeper_file *file = &keeper->file[i];

		if (!in_place(keeper, file) && (!file->template || !template_lacks(keeper, file)))
			return true;
	}
	return false;
}

int deliver_differs(struct keeper *keeper, size_t number, struct error *e)
{
	struct keeper_secret *secret = &keeper->secret[number];
	const struct bytes *value = &secret->value;
	bool own = false;

	if (digest_value(keeper, value, secret->value_digest, e) < 0)
		return -1;
	for (size_t i = 0; (i = file_of(keeper, number, i)) < keeper->files; i++) {
		const struct keeper_file *file = &keeper->file[i];

		own |= !file->template;
		if (!file->template &&
		    !keyring_same(&keeper->keyring, file->index, bytes_text(value), value->len))
			return 1;
	}
	if (!secret->known)
		return !own;
	return memcmp(secret->digest, secret->value_digest, sizeof(secret->digest)) != 0;
}

/* --- failures -------------------------------------------------------------------------------- */

void secret_log_failure(const struct keeper *keeper, const struct keeper_secret *secret,
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

void secret_fail(struct keeper *keeper, struct keeper_secret *secret, int64_t now)
{
	secret->result = KEEPER_FAILED;
	secret->failures++;
	secret->failed++;
	secret->failed_at = now;
	keeper->failures[secret->error.kind]++;
}

/* Note that @secret, whose request has succeeded, cannot be put into one of its places because of @cause. If it is not
 * @culprit, it waits for that one. Its other places are not concerned. */
static void secret_give_up(struct keeper *keeper, struct keeper_secret *secret,
			   const struct error *cause, const struct keeper_secret *culprit,
			   int64_t now)
{
	const enum keeper_result result = secret->result;

	if (!has_value(secret) || secret->given_up)
		return;
	secret->error = *cause;
	if (cause->kind == ERROR_NONE)
		error_set(&secret->error, ERROR_DELIVERY, "not requested yet");
	if (culprit && culprit != secret)
		error_add(&secret->error, "waits for %s, because they change together",
			  culprit->config->name);
	secret_fail(keeper, secret, now);
	secret_log_failure(keeper, secret, now);
	secret->result = result;
	secret->given_up = true;
}

/* --- one unit -------------------------------------------------------------------------------- */

/* The secret for which @file, which is in place, must stay as it is, or NULL. */
static const struct keeper_secret *file_blocker(const struct keeper *keeper,
						const struct keeper_file *file)
{
	const bool old = template_is_old(keeper, file);

	for (size_t i = 0; i < file->secrets; i++) {
		const struct keeper_secret *secret = &keeper->secret[file->secret[i]];

		if (secret->result == KEEPER_FAILED || (old && !has_value(secret)))
			return secret;
	}
	return NULL;
}

/* The secret for which the unit must stay as it is, or NULL. */
static const struct keeper_secret *unit_blocker(const struct keeper *keeper, size_t unit)
{
	const struct keeper_secret *blocker = NULL;

	for (size_t i = keeper->unit[unit].file; !blocker && i != GROUPS_END;
	     i = keeper->file[i].next)
		if (in_place(keeper, &keeper->file[i]))
			blocker = file_blocker(keeper, &keeper->file[i]);
	return blocker;
}

/* The unit stays as it is because of @cause, perhaps that of @culprit. What it lacks now is written later. */
static void unit_fail(struct keeper *keeper, size_t unit, const struct error *cause,
		      const struct keeper_secret *culprit, int64_t now)
{
	keyring_abandon(&keeper->keyring);
	for (size_t i = keeper->unit[unit].file; i != GROUPS_END; i = keeper->file[i].next) {
		struct keeper_file *file = &keeper->file[i];
		struct keeper_secret *secret = &keeper->secret[file->secret[0]];

		file->staged = file->rendered = false;
		if (file->template)
			file->outdated = template_is_old(keeper, file);
		else if (has_value(secret) && secret->differs &&
			 !keyring_same(&keeper->keyring, file->index, bytes_text(&secret->value),
				       secret->value.len))
			secret_give_up(keeper, secret, cause, culprit, now);
	}
}

struct rendering {
	const struct keeper *keeper;
	int last; /* the secret that was used last */
};

static const struct bytes *rendering_value(void *context, int number)
{
	struct rendering *rendering = context;
	const struct keeper_secret *secret = &rendering->keeper->secret[number];

	rendering->last = number;
	return has_value(secret) ? &secret->value : NULL;
}

/* Stage the template @file. After a failure, *@culprit is the secret that is wrong. */
static int template_stage(struct keeper *keeper, struct keeper_file *file,
			  struct keeper_secret **culprit, struct error *e)
{
	struct rendering rendering = { .keeper = keeper, .last = (int)file->secret[0] };
	struct bytes text = BYTES_LOCKED_INIT;
	int ret = template_render(file->template, rendering_value, &rendering, &text, e);

	if (ret < 0)
		error_add(e, "%s", file->path);
	else
		ret = keyring_stage(&keeper->keyring, file->index, bytes_text(&text), text.len, e);
	bytes_free(&text);
	file->rendered = ret >= 0;
	*culprit = &keeper->secret[rendering.last];
	return ret;
}

static bool template_has_values(const struct keeper *keeper, const struct keeper_file *file)
{
	for (size_t i = 0; i < file->secrets; i++)
		if (!has_value(&keeper->secret[file->secret[i]]))
			return false;
	return true;
}

/* Stage @file, if it is not to stay as it is. */
static int file_stage(struct keeper *keeper, struct keeper_file *file,
		      struct keeper_secret **culprit, struct error *e)
{
	struct keeper_secret *secret = &keeper->secret[file->secret[0]];

	if (file->template) {
		if (!deliver_writes(keeper, file))
			return 0;
		if (template_has_values(keeper, file))
			return template_stage(keeper, file, culprit, e);
		file->outdated = true; /* one of them failed, and the file is not in place yet */
		return 0;
	}
	*culprit = secret;
	if (secret->result != KEEPER_CHANGED)
		return 0;
	return keyring_stage(&keeper->keyring, file->index, bytes_text(&secret->value),
			     secret->value.len, e);
}

/* Record first: no secret may be delivered without a record in the event log. One that is in its place already is not
 * delivered, and the log is finite. */
static int secret_record(struct keeper *keeper, struct keeper_secret *secret, struct error *e)
{
	const unsigned int index = keeper->settings->config.measure_register;

	if (!index || secret->recorded || secret->result != KEEPER_CHANGED)
		return 0;
	if (record_delivery(keeper->session.rsi, index, secret->config->resource,
			    secret->jwe_digest, e) < 0)
		return -1;
	secret->recorded = true;
	return 0;
}

/* Record what is staged. */
static int file_record(struct keeper *keeper, struct keeper_file *file,
		       struct keeper_secret **culprit, struct error *e)
{
	file->staged = keyring_staged(&keeper->keyring, file->index);
	for (size_t i = 0; file->staged && i < file->secrets; i++) {
		*culprit = &keeper->secret[file->secret[i]];
		if (secret_record(keeper, *culprit, e) < 0)
			return -1;
	}
	return 0;
}

static int unit_stage(struct keeper *keeper, size_t unit, struct keeper_secret **culprit,
		      struct error *e)
{
	for (size_t i = keeper->unit[unit].file; i != GROUPS_END; i = keeper->file[i].next) {
		struct keeper_file *file = &keeper->file[i];

		file->staged = file->rendered = false;
		if (file_stage(keeper, file, culprit, e) < 0 ||
		    file_record(keeper, file, culprit, e) < 0)
			return -1;
	}
	return 0;
}

/* Note that @file was put into its place: of a template, those secrets have changed that did, or all of them if only the
 * template did. */
static void file_note(struct keeper *keeper, struct keeper_file *file)
{
	const bool some = file_differs(keeper, file);

	for (size_t i = 0; file->staged && i < file->secrets; i++) {
		struct keeper_secret *secret = &keeper->secret[file->secret[i]];

		secret->placed |= secret->differs || !some;
	}
	if (file->rendered)
		file->outdated = false;
	/* The rest of the pass can take long, and realmkey-local sees no change but those of the status. */
	if (file->staged && !strncmp(file->path, SERVED_PREFIX, strlen(SERVED_PREFIX)))
		keyring_touch(&keeper->keyring, STATUS_FILE);
}

static void unit_deliver(struct keeper *keeper, size_t unit, int64_t now)
{
	const struct keeper_secret *blocker = unit_blocker(keeper, unit);
	struct keeper_secret *culprit = NULL;
	struct error e = ERROR_INIT;

	if (blocker) {
		unit_fail(keeper, unit, &blocker->error, blocker, now);
		return;
	}
	if (unit_stage(keeper, unit, &culprit, &e) < 0) {
		unit_fail(keeper, unit, &e, culprit, now);
		secret_give_up(keeper, culprit, &e, culprit, now);
		return;
	}
	if (keyring_commit(&keeper->keyring, &e) < 0) {
		unit_fail(keeper, unit, &e, NULL, now);
		return;
	}
	for (size_t i = keeper->unit[unit].file; i != GROUPS_END; i = keeper->file[i].next)
		file_note(keeper, &keeper->file[i]);
}

/* --- one secret ------------------------------------------------------------------------------ */

static int key_deliver(struct keeper *keeper, size_t number, struct error *e)
{
	struct keeper_secret *secret = &keeper->secret[number];

	if (secret->config->key == CONFIG_KEY_NONE)
		return 0;
	if (secret->key_there && !secret->key_late && secret->known &&
	    secret->result == KEEPER_SAME) {
		if (outlets_confirm_key(keeper, number, e) == 0)
			return 0;
		if (keeper->keys.fd < 0)
			return -1;
		/* It has expired, or another process has removed it. */
		*e = (struct error)ERROR_INIT;
	}
	if (keeper->keys.fd >= 0 && secret_record(keeper, secret, e) < 0)
		return -1;
	if (outlets_set_key(keeper, number, e) < 0)
		return -1;
	secret->placed = true;
	return 0;
}

/* For a secret that is in templates only, and in none of them yet: the one for which the first of them waits. */
static const struct keeper_secret *secret_waits_for(const struct keeper *keeper, size_t number)
{
	const struct keeper_secret *other = NULL;

	if (keeper->secret[number].config->key != CONFIG_KEY_NONE)
		return NULL;
	for (size_t i = 0; (i = file_of(keeper, number, i)) < keeper->files; i++) {
		const struct keeper_file *file = &keeper->file[i];

		if (!file->template || in_place(keeper, file))
			return NULL;
		if (!other)
			other = template_lacks(keeper, file);
	}
	return other;
}

static void secret_log_success(const struct keeper *keeper, size_t number)
{
	const struct keeper_secret *secret = &keeper->secret[number];
	const bool changed = secret->result == KEEPER_CHANGED, first = !secret_is_there(secret);

	if (!changed && !first)
		return;
	keeper_log_about(keeper, secret);
	log_line(LOG_LEVEL_INFO, "%s: %s %s", secret->config->name,
		 !changed ? "unchanged:" :
		 first	  ? "delivered to" :
			    "changed:",
		 secret_place(keeper, number));
	keeper_log_about(keeper, NULL);
}

static void secret_succeed(struct keeper *keeper, size_t number, int64_t now)
{
	struct keeper_secret *secret = &keeper->secret[number];

	secret_log_success(keeper, number);
	secret->state = STATUS_DELIVERED;
	secret->success = now;
	secret->failures = 0;
}

/* Note what was put into its place, also if another place of the secret failed. */
static void secret_note(struct keeper *keeper, size_t number, int64_t now)
{
	struct keeper_secret *secret = &keeper->secret[number];
	const bool failed = secret->result == KEEPER_FAILED;

	if (secret->differs && secret->placed) {
		secret->version++;
		secret->changed = now;
	}
	if (secret->differs && failed)
		secret->key_late = true;
	if (secret->placed && failed && !secret_is_there(secret))
		secret->state = STATUS_DELIVERED;
	if (secret->placed && secret->config->hooks) {
		secret->hook = true;
		secret->hook_failures = 0;
	}
	if ((secret->differs && secret->placed) || has_value(secret)) {
		memcpy(secret->digest, secret->value_digest, sizeof(secret->digest));
		secret->known = true;
	}
}

static void secret_deliver(struct keeper *keeper, size_t number, int64_t now)
{
	struct keeper_secret *secret = &keeper->secret[number];
	const struct keeper_secret *other;
	struct error e = ERROR_INIT;

	if (!has_value(secret))
		return;
	other = secret_waits_for(keeper, number);
	if (other)
		secret_give_up(keeper, secret, &other->error, other, now);
	else if (!secret->given_up && key_deliver(keeper, number, &e) < 0)
		secret_give_up(keeper, secret, &e, secret, now);
	if (secret->given_up)
		secret->result = KEEPER_FAILED;
	else
		secret_succeed(keeper, number, now);
}

/* --- a group --------------------------------------------------------------------------------- */

/* Note with which values the template was written last. Without that, the next keeper writes it again. */
static void template_note(const struct keeper *keeper, struct keeper_file *file)
{
	struct error e = ERROR_INIT;

	if (file->rendered)
		file->known = digest_template(keeper, file, file->digest, &e) == 0;
	file->rendered = file->staged = false;
}

void deliver_group(struct keeper *keeper, const struct keeper_group *group, int64_t now)
{
	for (size_t i = group->unit; i != GROUPS_END; i = keeper->unit[i].next)
		unit_deliver(keeper, i, now);
	for (size_t i = group->secret; i != GROUPS_END; i = keeper->secret[i].next) {
		secret_deliver(keeper, i, now);
		secret_note(keeper, i, now);
	}
	for (size_t i = group->unit; i != GROUPS_END; i = keeper->unit[i].next)
		for (size_t k = keeper->unit[i].file; k != GROUPS_END; k = keeper->file[k].next)
			template_note(keeper, &keeper->file[k]);
	for (size_t i = group->secret; i != GROUPS_END; i = keeper->secret[i].next)
		keeper->secret[i].incomplete = deliver_is_incomplete(keeper, i);
}

/* --- removal --------------------------------------------------------------------------------- */

/* Remove the files of the unit that contain secret @number. */
static int unit_remove(struct keeper *keeper, size_t unit, size_t number, struct error *e)
{
	for (size_t i = keeper->unit[unit].file; i != GROUPS_END; i = keeper->file[i].next) {
		struct keeper_file *file = &keeper->file[i];

		if (!file_uses(file, number))
			continue;
		file->outdated = file->template;
		if (keyring_stage_removal(&keeper->keyring, file->index, e) < 0) {
			keyring_abandon(&keeper->keyring);
			return -1;
		}
	}
	return keyring_commit(&keeper->keyring, e);
}

int deliver_removal(struct keeper *keeper, size_t number, struct error *e)
{
	struct keeper_secret *secret = &keeper->secret[number];
	struct error last = ERROR_INIT;

	if (secret->config->key != CONFIG_KEY_NONE && outlets_remove_key(keeper, number, &last) < 0)
		log_line(LOG_LEVEL_WARNING, "%s: the kernel ends its key by time: %s",
			 secret->config->name, last.text);
	for (size_t i = 0; i < keeper->units; i++)
		if (unit_remove(keeper, i, number, &last) < 0)
			*e = last;
	secret->known = false;
	return e->kind == ERROR_NONE ? 0 : -1;
}
