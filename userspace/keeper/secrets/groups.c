// SPDX-License-Identifier: Apache-2.0
#include "groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/served.h"

/* --- files ----------------------------------------------------------------------------------- */

static size_t secrets_count(const struct keeper *keeper)
{
	return keeper->settings->config.count;
}

bool file_uses(const struct keeper_file *file, size_t number)
{
	for (size_t i = 0; i < file->secrets; i++)
		if (file->secret[i] == number)
			return true;
	return false;
}

/* Find the secrets of @file, which is the value of @secret if it is no template. */
static int file_secrets(const struct keeper *keeper, struct keeper_file *file, size_t secret,
			struct error *e)
{
	const size_t count = file->template ? secrets_count(keeper) : 1;

	file->secret = calloc(count ? count : 1, sizeof(*file->secret));
	if (!file->secret)
		return error_set_memory(e);
	if (!file->template)
		file->secret[file->secrets++] = secret;
	else
		for (size_t i = 0; i < count; i++)
			if (template_uses(file->template, (int)i))
				file->secret[file->secrets++] = i;
	return 0;
}

/* Add the file @path of @secret, or the template @template. */
static int file_add(struct keeper *keeper, const char *path, size_t secret,
		    const struct template *template, const struct keyring_file *as, struct error *e)
{
	struct keeper_file *file = &keeper->file[keeper->files];

	*file = (struct keeper_file){ .path = path, .template = template };
	file->index = keyring_declare(&keeper->keyring, path, as->mode, as->uid, as->gid, e);
	if (file->index < 0)
		return -1;
	keeper->files++;
	return file_secrets(keeper, file, secret, e);
}

/* The copies that realmkey-local reads. */
static int served_add(struct keeper *keeper, size_t number, struct error *e)
{
	struct sandbox_identity reader;
	struct keyring_file as = { .mode = 0400 };

	sandbox_user(SERVED_USER, SERVED_FALLBACK, &reader);
	as.uid = reader.uid;
	as.gid = reader.gid;
	if (asprintf(&keeper->served[number], SERVED_PREFIX "%s",
		     keeper->settings->config.secret[number].name) < 0) {
		keeper->served[number] = NULL;
		return error_set_memory(e);
	}
	return file_add(keeper, keeper->served[number], number, NULL, &as, e);
}

int groups_declare(struct keeper *keeper, struct error *e)
{
	const struct settings *settings = keeper->settings;
	const struct config *config = &settings->config;

	keeper->file = calloc(config->files + config->count + 1, sizeof(*keeper->file));
	keeper->served = calloc(config->count + 1, sizeof(*keeper->served));
	if (!keeper->file || !keeper->served)
		return error_set_memory(e);
	for (size_t i = 0; i < config->files; i++) {
		const struct config_file *file = &config->file[i];
		const struct settings_file *owner = &settings->file[i];
		const struct keyring_file as = { .mode = file->mode,
						 .uid = owner->uid,
						 .gid = owner->gid };
		const bool is_template = file->secret == CONFIG_NO_SECRET;

		if (file_add(keeper, file->path, file->secret,
			     is_template ? &owner->template : NULL, &as, e) < 0)
			return -1;
	}
	for (size_t i = 0; i < config->count; i++)
		if (config_secret_is_served(&config->secret[i]) && served_add(keeper, i, e) < 0)
			return -1;
	return 0;
}

const char *secret_place(const struct keeper *keeper, size_t number)
{
	const struct config_secret *config = keeper->secret[number].config;
	const char *place = config->file;

	for (size_t i = 0; !place && i < keeper->files; i++)
		if (file_uses(&keeper->file[i], number) && keeper->file[i].path[0] != '.')
			place = keeper->file[i].path;
	if (!place && config->key_name)
		place = config->key_name;
	return place ? place : "realmkey-local";
}

/* --- units and groups ------------------------------------------------------------------------ */

/* Put each file into the list of its unit, in their order. */
static void units_make(struct keeper *keeper)
{
	for (size_t i = 0; i < keeper->files; i++) {
		struct keeper_file *file = &keeper->file[i];
		size_t last = GROUPS_END;

		file->next = GROUPS_END;
		file->unit = keeper->units;
		for (size_t k = 0; k < i; k++) {
			if (!keyring_same_unit(keeper->file[k].path, file->path))
				continue;
			file->unit = keeper->file[k].unit;
			last = k;
		}
		if (last != GROUPS_END)
			keeper->file[last].next = i;
		else
			keeper->unit[keeper->units++] = (struct keeper_unit){ .file = i };
	}
}

/* Give the groups of secrets @a and @b one label, the lower one. */
static void label_join(size_t *label, size_t count, size_t a, size_t b)
{
	const size_t to = label[a] < label[b] ? label[a] : label[b];
	const size_t from = label[a] < label[b] ? label[b] : label[a];

	for (size_t i = 0; from != to && i < count; i++)
		if (label[i] == from)
			label[i] = to;
}

/* Label each secret with the number of the first one in its group. */
static void labels_find(const struct keeper *keeper, size_t *label)
{
	const size_t count = secrets_count(keeper);

	for (size_t i = 0; i < count; i++)
		label[i] = i;
	for (size_t i = 0; i < keeper->files; i++) {
		const struct keeper_file *file = &keeper->file[i];
		const struct keeper_file *first = &keeper->file[keeper->unit[file->unit].file];

		for (size_t k = 0; first->secrets && k < file->secrets; k++)
			label_join(label, count, first->secret[0], file->secret[k]);
	}
}

/* The list of the units with a secret that has the label @first. */
static size_t units_of(struct keeper *keeper, const size_t *label, size_t first)
{
	size_t list = GROUPS_END;

	for (size_t i = keeper->units; i-- > 0;) {
		const struct keeper_file *file = &keeper->file[keeper->unit[i].file];

		if (!file->secrets || label[file->secret[0]] != first)
			continue;
		keeper->unit[i].next = list;
		list = i;
	}
	return list;
}

static void lists_make(struct keeper *keeper, const size_t *label)
{
	const size_t count = secrets_count(keeper);

	for (size_t i = 0; i < count; i++) {
		size_t next = i + 1;

		while (next < count && label[next] != label[i])
			next++;
		keeper->secret[i].next = next < count ? next : GROUPS_END;
		if (label[i] == i)
			keeper->group[keeper->groups++] = (struct keeper_group){
				.secret = i,
				.unit = units_of(keeper, label, i),
			};
	}
}

int groups_make(struct keeper *keeper, struct error *e)
{
	const size_t count = secrets_count(keeper);
	size_t *label = calloc(count + 1, sizeof(*label));

	keeper->unit = calloc(keeper->files + 1, sizeof(*keeper->unit));
	keeper->group = calloc(count + 1, sizeof(*keeper->group));
	keeper->units = keeper->groups = 0;
	if (!label || !keeper->unit || !keeper->group) {
		free(label);
		return error_set_memory(e);
	}
	units_make(keeper);
	labels_find(keeper, label);
	lists_make(keeper, label);
	free(label);
	return 0;
}

void groups_free(struct keeper *keeper)
{
	for (size_t i = 0; i < keeper->files; i++)
		free(keeper->file[i].secret);
	for (size_t i = 0; keeper->served && i < secrets_count(keeper); i++)
		free(keeper->served[i]);
	free(keeper->served);
	free(keeper->file);
	free(keeper->unit);
	free(keeper->group);
	keeper->served = NULL;
	keeper->file = NULL;
	keeper->unit = NULL;
	keeper->group = NULL;
	keeper->files = keeper->units = keeper->groups = 0;
}
