// SPDX-License-Identifier: Apache-2.0
#include "policies.h"

#include <stdio.h>
#include <string.h>

#define SUFFIX	      ".rego"
#define FILE_NAME_MAX (sizeof("policies/attestation/") + POLICIES_ID_MAX + sizeof(SUFFIX))

static const char *const folders[POLICIES_KINDS] = {
	[POLICIES_ATTESTATION] = "policies/attestation",
	[POLICIES_RESOURCE] = "policies/resource",
};

int policies_check_id(const char *id, struct error *e)
{
	size_t len = strspn(id,
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");

	if (len == 0 || len > POLICIES_ID_MAX || id[len] || id[0] == '.')
		return error_set(e, ERROR_INPUT,
				 "policy_id: '%.64s' is not 1 to %d letters, digits, '_', '-' and "
				 "'.', of which the first is no '.'",
				 id, POLICIES_ID_MAX);
	return 0;
}

/* Put a policy into @policies. A text that is no UTF-8 is an error of @kind. */
static int policies_keep(json_t *policies, const char *id, const struct bytes *text,
			 enum error_kind kind, struct error *e)
{
	json_error_t cause;
	json_t *value;

	if (!json_object_get(policies, id) && json_object_size(policies) >= POLICIES_MAX)
		return error_set(e, kind, "there are %d policies already", POLICIES_MAX);
	if (text->len > POLICIES_TEXT_MAX)
		return error_set(e, kind, "policy %s: more than %zu bytes", id, POLICIES_TEXT_MAX);
	value = json_pack_ex(&cause, 0, "s%", bytes_text(text), text->len);
	if (!value && json_error_code(&cause) == json_error_invalid_utf8)
		return error_set(e, kind, "policy %s: not a text in UTF-8", id);
	if (json_object_set_new(policies, id, value) < 0)
		return error_set_memory(e);
	return 0;
}

static int policies_use(void *context, const char *path, const struct bytes *text, struct error *e)
{
	const char *name = strrchr(path, '/') + 1;
	char id[POLICIES_ID_MAX + 1];

	snprintf(id, sizeof(id), "%.*s", (int)(strlen(name) - strlen(SUFFIX)), name);
	if (strlen(id) + strlen(SUFFIX) != strlen(name) || policies_check_id(id, e) < 0 ||
	    policies_keep(context, id, text, ERROR_CONFIG, e) < 0) {
		if (e->kind == ERROR_NONE)
			error_set(e, ERROR_CONFIG, "the name is too long for a policy");
		error_add(e, "%s", path);
		return error_reclassify(e, ERROR_INPUT, ERROR_CONFIG);
	}
	return 0;
}

int policies_load(struct policies *policies, const struct store *store, struct error *e)
{
	for (int i = 0; i < POLICIES_KINDS; i++) {
		policies->kind[i] = json_object();
		if (!policies->kind[i])
			return error_set_memory(e);
		if (store_each(store, folders[i], SUFFIX, POLICIES_TEXT_MAX, policies_use,
			       policies->kind[i], e) < 0)
			return error_reclassify(e, ERROR_INPUT, ERROR_CONFIG);
	}
	return 0;
}

void policies_free(struct policies *policies)
{
	for (int i = 0; i < POLICIES_KINDS; i++)
		json_decref(policies->kind[i]);
	*policies = (struct policies)POLICIES_INIT;
}

int policies_text(const struct policies *policies, enum policies_kind kind, const char *id,
		  struct bytes *text, struct error *e)
{
	const json_t *value = json_object_get(policies->kind[kind], id);

	if (!value)
		return 0;
	bytes_append(text, json_string_value(value), json_string_length(value));
	return bytes_check(text, e) < 0 ? -1 : 1;
}

/* Set on the disk, and then in memory, which cannot fail: the set of policies is prepared before. */
static int policies_write(struct policies *policies, const struct store *store,
			  enum policies_kind kind, const char *id, const char *file,
			  const struct bytes *text, struct error *e)
{
	json_t *next = json_copy(policies->kind[kind]);
	int ret = -1;

	if (!next)
		return error_set_memory(e);
	if (policies_keep(next, id, text, ERROR_INPUT, e) == 0)
		ret = store_write(store, file, text->data, text->len, e);
	if (ret == 0) {
		json_decref(policies->kind[kind]);
		policies->kind[kind] = json_incref(next);
	}
	json_decref(next);
	return ret;
}

int policies_set(struct policies *policies, const struct store *store, enum policies_kind kind,
		 const char *id, const struct bytes *text, struct error *e)
{
	char file[FILE_NAME_MAX];

	if (policies_check_id(id, e) < 0)
		return -1;
	snprintf(file, sizeof(file), "%s/%s" SUFFIX, folders[kind], id);
	if (text)
		return policies_write(policies, store, kind, id, file, text, e);
	if (store_remove(store, file, e) < 0)
		return -1;
	json_object_del(policies->kind[kind], id);
	return 0;
}

bool policies_any(const struct policies *policies)
{
	size_t count = 0;

	for (int i = 0; i < POLICIES_KINDS; i++)
		count += json_object_size(policies->kind[i]);
	return count > 0;
}

json_t *policies_list(const struct policies *policies, enum policies_kind kind, struct error *e)
{
	json_t *list = json_array(), *text;
	const char *id;
	int ret = 0;

	json_object_foreach(policies->kind[kind], id, text)
		ret |= json_array_append_new(list, json_string(id));
	if (list && ret == 0)
		return list;
	json_decref(list);
	error_set_memory(e);
	return NULL;
}
