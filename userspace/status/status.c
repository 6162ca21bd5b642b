// SPDX-License-Identifier: Apache-2.0
#include "status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"

#define WHAT	   "status"
#define TEXT_MAX   4096
#define SECRET_MAX 48 /* the name of one member of the array, for errors */

static const char *const states[STATUS_STATES] = {
	[STATUS_MISSING] = "missing",
	[STATUS_DELIVERED] = "delivered",
	[STATUS_STALE] = "stale",
	[STATUS_REMOVED] = "removed",
};

static const char *const kinds[STATUS_KINDS] = {
	[ERROR_NONE] = "none",	       [ERROR_SYSTEM] = "system",
	[ERROR_USAGE] = "usage",       [ERROR_CONFIG] = "config",
	[ERROR_NO_REALM] = "no-realm", [ERROR_NETWORK] = "network",
	[ERROR_TLS] = "tls",	       [ERROR_ATTESTATION] = "attestation",
	[ERROR_POLICY] = "policy",     [ERROR_NOT_FOUND] = "not-found",
	[ERROR_DELIVERY] = "delivery", [ERROR_PROTOCOL] = "protocol",
	[ERROR_INPUT] = "input",       [ERROR_NO_DRIVER] = "no-driver",
};

/* A member of an object, and where its value is in a struct. */
struct member {
	const char *name;
	enum {
		TIME,
		COUNT,
		NUMBER,
		BOOLEAN,
		FLAG,
		TEXT,
		TEXT_OR_NONE
	} type; /* FLAG: may be absent */
	size_t offset;
};

#define MEMBERS_END { NULL, TIME, 0 }

static const struct member status_members[] = {
	{ "now", TIME, offsetof(struct status, now) },
	{ "started", TIME, offsetof(struct status, started) },
	{ "ready", BOOLEAN, offsetof(struct status, ready) },
	{ "url", TEXT_OR_NONE, offsetof(struct status, url) },
	{ "configuration", TEXT_OR_NONE, offsetof(struct status, configuration) },
	{ "ear-until", TIME, offsetof(struct status, ear_until) },
	{ "passes", COUNT, offsetof(struct status, passes) },
	MEMBERS_END,
};

static const struct member secret_members[] = {
	{ "name", TEXT, offsetof(struct status_secret, name) },
	{ "file", TEXT_OR_NONE, offsetof(struct status_secret, file) },
	{ "resource", TEXT, offsetof(struct status_secret, resource) },
	{ "key", TEXT_OR_NONE, offsetof(struct status_secret, key) },
	{ "required", BOOLEAN, offsetof(struct status_secret, required) },
	{ "incomplete", FLAG, offsetof(struct status_secret, incomplete) },
	{ "success", TIME, offsetof(struct status_secret, success) },
	{ "changed", TIME, offsetof(struct status_secret, changed) },
	{ "next", TIME, offsetof(struct status_secret, next) },
	{ "version", COUNT, offsetof(struct status_secret, version) },
	{ "attempts", COUNT, offsetof(struct status_secret, attempts) },
	{ "failures", COUNT, offsetof(struct status_secret, failures) },
	{ "failed", NUMBER, offsetof(struct status_secret, failed) },
	{ "failed-at", TIME, offsetof(struct status_secret, failed_at) },
	{ "error", TEXT_OR_NONE, offsetof(struct status_secret, error) },
	MEMBERS_END,
};

const char *status_state_name(enum status_state state)
{
	return (size_t)state < ARRAY_SIZE(states) ? states[state] : "unknown";
}

const char *status_kind_name(enum error_kind kind)
{
	return (size_t)kind < ARRAY_SIZE(kinds) ? kinds[kind] : "unknown";
}

/* --- encode ---------------------------------------------------------------------------------- */

/* A string of @text in which what is not printable, or not UTF-8, is replaced. NULL if out of memory. */
static json_t *text_pack(const char *text)
{
	char *clean = strdup(text);
	json_t *value = NULL;

	if (clean) {
		error_text_clean(clean);
		value = json_string(clean);
	}
	free(clean);
	return value;
}

static json_t *count_pack(uint64_t count)
{
	return json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count);
}

static json_t *member_pack(const struct member *member, const void *field)
{
	switch (member->type) {
	case TIME:
		return json_integer(*(const int64_t *)field);
	case COUNT:
		return count_pack(*(const uint64_t *)field);
	case NUMBER:
		return json_integer(*(const unsigned int *)field);
	case BOOLEAN:
	case FLAG:
		return json_boolean(*(const bool *)field);
	case TEXT:
	case TEXT_OR_NONE:
		return text_pack(*(char *const *)field ? *(char *const *)field : "");
	}
	return NULL;
}

/* Add the members of the struct at @source to @object. */
static int members_pack(json_t *object, const struct member *member, const void *source)
{
	for (; member->name; member++) {
		const void *field = (const char *)source + member->offset;

		if ((member->type == TEXT_OR_NONE && !*(char *const *)field) ||
		    (member->type == FLAG && !*(const bool *)field))
			continue;
		if (json_object_set_new(object, member->name, member_pack(member, field)) < 0)
			return -1;
	}
	return 0;
}

/* Append @object, which is released, without the brace at its end. */
static int object_append(json_t *object, bool complete, struct bytes *out, struct error *e)
{
	int ret = complete ? json_compact(object, out, e) : error_set_memory(e);

	json_decref(object);
	if (ret == 0)
		bytes_truncate(out, out->len - 1);
	return ret;
}

static int head_encode(const struct status *status, struct bytes *out, struct error *e)
{
	json_t *object = json_object(), *failures = json_object();
	bool complete = object && failures;

	complete = complete &&
		   json_object_set_new(object, "version", json_integer(STATUS_VERSION)) == 0 &&
		   members_pack(object, status_members, status) == 0;
	for (size_t i = ERROR_NONE + 1; complete && i < STATUS_KINDS; i++)
		if (status->failures[i])
			complete = json_object_set_new(failures, kinds[i],
						       count_pack(status->failures[i])) == 0;
	if (complete)
		complete = json_object_set(object, "failures", failures) == 0;
	json_decref(failures);
	return object_append(object, complete, out, e);
}

/* The list is not needed if it is only the file itself. */
static int files_pack(json_t *object, const struct status_secret *secret)
{
	const bool itself = secret->file && secret->file_count == 1;
	json_t *list;
	int ret = 0;

	if (!secret->file_count || itself)
		return 0;
	list = json_array();
	for (size_t i = 0; ret == 0 && i < secret->file_count; i++)
		ret = json_array_append_new(list, text_pack(secret->files[i]));
	if (ret == 0)
		return json_object_set_new(object, "files", list);
	json_decref(list);
	return -1;
}

static int secret_encode(const struct status_secret *secret, struct bytes *out, struct error *e)
{
	const char *state = status_state_name(secret->state),
		   *kind = status_kind_name(secret->kind);
	json_t *object = json_object();
	bool complete = object && members_pack(object, secret_members, secret) == 0 &&
			json_object_set_new(object, "state", json_string(state)) == 0;

	if (complete)
		complete = files_pack(object, secret) == 0;
	if (complete && secret->kind != ERROR_NONE)
		complete = json_object_set_new(object, "kind", json_string(kind)) == 0;
	return object_append(object, complete, out, e);
}

/* One object after the other, so that the memory of all at once is not needed. */
int status_encode(const struct status *status, struct bytes *out, struct error *e)
{
	size_t before = out->len;
	int ret = head_encode(status, out, e);

	bytes_append_text(out, ",\"secrets\":[");
	for (size_t i = 0; ret == 0 && i < status->count; i++) {
		bytes_append_text(out, i > 0 ? ",\n" : "\n");
		ret = secret_encode(&status->secret[i], out, e);
		bytes_append_text(out, "}");
	}
	bytes_append_text(out, "]}\n");
	if (ret == 0)
		ret = bytes_check(out, e);
	if (ret == 0 && out->len - before > STATUS_MAX)
		ret = error_set(e, ERROR_SYSTEM, WHAT ": more than %zu bytes", STATUS_MAX);
	if (ret < 0)
		bytes_truncate(out, before);
	return ret;
}

/* --- decode ---------------------------------------------------------------------------------- */

static int member_invalid(const char *what, const char *name, const char *reason, struct error *e)
{
	return error_set(e, ERROR_INPUT, "%s: %s: %s", what, name, reason);
}

/* A new string, which must be printable: it is shown on terminals. */
static int text_read(const char *what, const char *name, const json_t *value, char **text,
		     struct error *e)
{
	const char *from = json_string_value(value);

	if (!from)
		return member_invalid(what, name, "not a string", e);
	if (json_string_length(value) > TEXT_MAX || strlen(from) != json_string_length(value))
		return member_invalid(what, name, "too long, or contains NUL", e);
	*text = strdup(from);
	if (!*text)
		return error_set_memory(e);
	error_text_clean(*text);
	return strcmp(*text, from) ? member_invalid(what, name, "not printable text", e) : 0;
}

static int number_read(const char *what, const struct member *member, const json_t *value,
		       void *field, struct error *e)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value))
		return member_invalid(what, member->name, "not an integer", e);
	if (number < 0 || (member->type == NUMBER && number > UINT32_MAX))
		return member_invalid(what, member->name, "out of range", e);
	if (member->type == TIME)
		*(int64_t *)field = number;
	else if (member->type == COUNT)
		*(uint64_t *)field = (uint64_t)number;
	else
		*(unsigned int *)field = (unsigned int)number;
	return 0;
}

static int member_read(const char *what, const struct member *member, const json_t *value,
		       void *field, struct error *e)
{
	switch (member->type) {
	case TIME:
	case COUNT:
	case NUMBER:
		return number_read(what, member, value, field, e);
	case BOOLEAN:
	case FLAG:
		if (!json_is_boolean(value))
			return member_invalid(what, member->name, "not a boolean", e);
		*(bool *)field = json_is_true(value);
		return 0;
	case TEXT:
	case TEXT_OR_NONE:
		break;
	}
	return text_read(what, member->name, value, field, e);
}

static int members_read(const char *what, const json_t *object, const struct member *member,
			void *target, struct error *e)
{
	if (!json_is_object(object))
		return error_set(e, ERROR_INPUT, "%s: not an object", what);
	for (; member->name; member++) {
		const json_t *value = json_object_get(object, member->name);
		void *field = (char *)target + member->offset;

		if (!value && (member->type == TEXT_OR_NONE || member->type == FLAG))
			continue;
		if (!value)
			return member_invalid(what, member->name, "missing", e);
		if (member_read(what, member, value, field, e) < 0)
			return -1;
	}
	return 0;
}

/* The index of @word in @table, or -1. */
static int word_find(const char *const *table, size_t count, const char *word)
{
	for (size_t i = 0; word && i < count; i++)
		if (!strcmp(table[i], word))
			return (int)i;
	return -1;
}

static int failures_read(const json_t *object, struct status *status, struct error *e)
{
	static const char what[] = WHAT ": failures";

	if (!json_is_object(object))
		return error_set(e, ERROR_INPUT, "%s: %s", what,
				 object ? "not an object" : "missing");
	for (size_t i = ERROR_NONE + 1; i < STATUS_KINDS; i++) {
		const struct member member = { kinds[i], COUNT, 0 };
		const json_t *value = json_object_get(object, kinds[i]);

		if (value && number_read(what, &member, value, &status->failures[i], e) < 0)
			return -1;
	}
	return 0;
}

/* A path below the keyring, without hidden components. */
static bool path_fits(const char *path)
{
	size_t len = strlen(path);

	return len > 0 && path[0] != '/' && path[0] != '.' && path[len - 1] != '/' &&
	       !strstr(path, "//") && !strstr(path, "/.");
}

/* The digest of a configuration. */
static bool digest_fits(const char *text)
{
	return strlen(text) == 64 && text[strspn(text, "0123456789abcdef")] == '\0';
}

/* Read file number @i of @secret: from @array, or, without one, the secret's own. */
static int file_read(const char *what, const json_t *array, size_t i, struct status_secret *secret,
		     struct error *e)
{
	char **file = &secret->files[i];

	if (!array) {
		*file = strdup(secret->file);
		return *file ? 0 : error_set_memory(e);
	}
	if (text_read(what, "files", json_array_get(array, i), file, e) < 0)
		return -1;
	return path_fits(*file) ? 0 : member_invalid(what, "files", "not a path in the keyring", e);
}

static int files_read(const char *what, const json_t *array, struct status_secret *secret,
		      struct error *e)
{
	const size_t count = array ? json_array_size(array) : secret->file != NULL;
	int ret = 0;

	if (array && !json_is_array(array))
		return member_invalid(what, "files", "not an array", e);
	if (count > STATUS_FILES_MAX)
		return member_invalid(what, "files", "too many", e);
	secret->files = calloc(count + 1, sizeof(*secret->files));
	if (!secret->files)
		return error_set_memory(e);
	secret->file_count = count;
	for (size_t i = 0; ret == 0 && i < count; i++)
		ret = file_read(what, array, i, secret, e);
	return ret;
}

static bool files_have(const struct status_secret *secret, const char *file)
{
	for (size_t i = 0; i < secret->file_count; i++)
		if (!strcmp(secret->files[i], file))
			return true;
	return false;
}

static int secret_read(const char *what, const json_t *object, struct status_secret *secret,
		       struct error *e)
{
	const json_t *kind = json_object_get(object, "kind");
	int word = word_find(states, STATUS_STATES,
			     json_string_value(json_object_get(object, "state")));

	if (members_read(what, object, secret_members, secret, e) < 0)
		return -1;
	if (!secret->name || !*secret->name)
		return member_invalid(what, "name", "is empty", e);
	if (secret->file && !path_fits(secret->file))
		return member_invalid(what, "file", "not a path in the keyring", e);
	if (files_read(what, json_object_get(object, "files"), secret, e) < 0)
		return -1;
	if (secret->file && !files_have(secret, secret->file))
		return member_invalid(what, "files", "lacks the member file", e);
	if (word < 0)
		return member_invalid(what, "state", "missing or unknown", e);
	secret->state = (enum status_state)word;
	word = kind ? word_find(kinds, STATUS_KINDS, json_string_value(kind)) : ERROR_NONE;
	if (word < 0)
		return member_invalid(what, "kind", "unknown", e);
	secret->kind = (enum error_kind)word;
	return 0;
}

static int secrets_read(const json_t *array, struct status *status, struct error *e)
{
	size_t count = json_array_size(array);

	if (!json_is_array(array))
		return member_invalid(WHAT, "secrets", array ? "not an array" : "missing", e);
	if (count > STATUS_SECRETS_MAX)
		return error_set(e, ERROR_INPUT, WHAT ": secrets: more than %d",
				 STATUS_SECRETS_MAX);
	status->secret = calloc(count + 1, sizeof(*status->secret));
	if (!status->secret)
		return error_set_memory(e);
	for (size_t i = 0; i < count; i++) {
		struct status_secret *secret = &status->secret[i];
		char what[SECRET_MAX];

		snprintf(what, sizeof(what), WHAT ": secrets[%zu]", i);
		status->count = i + 1;
		if (secret_read(what, json_array_get(array, i), secret, e) < 0)
			return -1;
		if (status_find(status, secret->name) != secret)
			return member_invalid(what, "name", "occurs twice", e);
	}
	return 0;
}

static int configuration_check(const struct status *status, struct error *e)
{
	if (!status->configuration || digest_fits(status->configuration))
		return 0;
	return member_invalid(WHAT, "configuration", "not a digest", e);
}

int status_decode(const void *text, size_t len, struct status *status, struct error *e)
{
	json_t *object = NULL;
	int ret = -1;

	*status = (struct status)STATUS_INIT;
	if (len > STATUS_MAX)
		return error_set(e, ERROR_INPUT, WHAT ": more than %zu bytes", STATUS_MAX);
	object = json_parse(text, len, JSON_OPERATOR, WHAT, ERROR_INPUT, e);
	if (!object)
		return -1;
	if (json_integer_value(json_object_get(object, "version")) != STATUS_VERSION)
		member_invalid(WHAT, "version", "is missing, or that of another realmkeyd", e);
	else if (members_read(WHAT, object, status_members, status, e) == 0 &&
		 configuration_check(status, e) == 0 &&
		 failures_read(json_object_get(object, "failures"), status, e) == 0)
		ret = secrets_read(json_object_get(object, "secrets"), status, e);
	json_decref(object);
	if (ret < 0)
		status_free(status);
	return ret;
}

/* --- both ------------------------------------------------------------------------------------ */

const struct status_secret *status_find(const struct status *status, const char *name)
{
	for (size_t i = 0; i < status->count; i++)
		if (!strcmp(status->secret[i].name, name))
			return &status->secret[i];
	return NULL;
}

bool status_is_good(const struct status_secret *secret)
{
	return secret->state == STATUS_DELIVERED && !secret->incomplete;
}

const char *status_file(const struct status_secret *secret)
{
	if (secret->file || !secret->file_count)
		return secret->file;
	return secret->files[0];
}

static void secret_free(struct status_secret *secret)
{
	for (size_t i = 0; i < secret->file_count; i++)
		free(secret->files[i]);
	free(secret->files);
	free(secret->name);
	free(secret->file);
	free(secret->resource);
	free(secret->key);
	free(secret->error);
}

void status_free(struct status *status)
{
	for (size_t i = 0; i < status->count; i++)
		secret_free(&status->secret[i]);
	free(status->secret);
	free(status->url);
	free(status->configuration);
	*status = (struct status)STATUS_INIT;
}
