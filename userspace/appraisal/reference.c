// SPDX-License-Identifier: Apache-2.0
#include "reference.h"

#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/realm.h"
#include "corim.h"

#define REFERENCE_VERSION  "0.1.0"
#define REFERENCE_NAME_MAX 256

/* Set @reference->values, and check the form of the records. */
static int reference_index(struct reference *reference, struct error *e)
{
	const char *name;
	json_t *record;

	if (!json_is_object(reference->records))
		return error_set(e, ERROR_CONFIG, "reference values: not an object");
	reference->values = json_object();
	if (!reference->values)
		return error_set_memory(e);
	json_object_foreach(reference->records, name, record) {
		json_t *value = json_object_get(record, "value");

		if (!value)
			return error_set(e, ERROR_CONFIG, "reference values: '%.64s': no value",
					 name);
		if (json_object_set(reference->values, name, value) < 0)
			return error_set_memory(e);
	}
	return 0;
}

int reference_load(struct reference *reference, const void *text, size_t len, struct error *e)
{
	if (len > 0)
		reference->records = json_parse(text, len, JSON_OPERATOR, "reference values",
						ERROR_CONFIG, e);
	else
		reference->records = json_object();
	if (!reference->records)
		return len > 0 ? -1 : error_set_memory(e);
	return reference_index(reference, e);
}

void reference_free(struct reference *reference)
{
	json_decref(reference->records);
	json_decref(reference->values);
	*reference = (struct reference)REFERENCE_INIT;
}

int reference_text(const struct reference *reference, struct bytes *out, struct error *e)
{
	struct reference again = REFERENCE_INIT;
	int ret;

	if (json_pretty(reference->records, out, e) < 0)
		return -1;
	if (out->len > REFERENCE_TEXT_MAX)
		return error_set(e, ERROR_INPUT, "reference values: more than %zu bytes in all",
				 REFERENCE_TEXT_MAX);
	/* A record is nested deeper than the message. */
	ret = reference_load(&again, out->data, out->len, e);
	reference_free(&again);
	return ret < 0 ? error_reclassify(e, ERROR_CONFIG, ERROR_INPUT) : 0;
}

static json_t *reference_sample(const void *text, size_t len, struct error *e)
{
	json_t *payload = json_parse(text, len, JSON_OPERATOR, "message: payload", ERROR_INPUT, e);

	if (payload && !json_is_object(payload)) {
		error_set(e, ERROR_INPUT, "message: payload: not an object of names and values");
		json_decref(payload);
		payload = NULL;
	}
	return payload;
}

/* What a payload can be. */
static const struct reference_type {
	const char *name;
	/* Returns {name: value}, a new reference. */
	json_t *(*read)(const void *payload, size_t len, struct error *e);
} types[] = {
	{ "sample", reference_sample },
	{ "corim", corim_values },
};

/* The values in the message's payload; new reference. */
static json_t *reference_payload(const json_t *message, const struct reference_type *type,
				 struct error *e)
{
	struct bytes payload = BYTES_INIT;
	json_t *values = NULL;
	const char *base64;

	base64 = json_member_text(message, "payload", "message", ERROR_INPUT, e);
	if (!base64)
		return NULL;
	if (decode_base64(ENCODE_BASE64, base64, strlen(base64), "message: payload", &payload, e) ==
	    0)
		values = type->read(payload.data, payload.len, e);
	bytes_free(&payload);
	return values;
}

static const struct reference_type *reference_envelope(const json_t *message, struct error *e)
{
	const char *version = REFERENCE_VERSION, *type;

	if (json_object_get(message, "version"))
		version = json_member_text(message, "version", "message", ERROR_INPUT, e);
	if (!version)
		return NULL;
	if (strcmp(version, REFERENCE_VERSION) != 0) {
		error_set(e, ERROR_INPUT, "message: version: '%.32s' is not %s", version,
			  REFERENCE_VERSION);
		return NULL;
	}
	type = json_member_text(message, "type", "message", ERROR_INPUT, e);
	if (!type)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(type, types[i].name) == 0)
			return &types[i];
	error_set(e, ERROR_INPUT,
		  "message: type: '%.32s' is not one that this embedded Trustee reads; those are "
		  "'sample' and 'corim'",
		  type);
	return NULL;
}

static json_t *reference_record(const char *name, json_t *value, int64_t now)
{
	time_t time = (time_t)now;
	struct tm tm;
	char expiration[64];

	gmtime_r(&time, &tm);
	/* As Trustee does: a day that the month does not have next year becomes its last one. */
	if (tm.tm_mon == 1 && tm.tm_mday == 29)
		tm.tm_mday = 28;
	tm.tm_year += 1;
	strftime(expiration, sizeof(expiration), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_pack("{s:s, s:s, s:s, s:O}", "version", REFERENCE_VERSION, "name", name,
			 "expiration", expiration, "value", value);
}

/* The RIM is compared as text, so a value of another form could never match. */
static int reference_check_rim(const json_t *value, struct error *e)
{
	struct bytes rim = BYTES_INIT;
	int ret;

	if (!json_is_string(value))
		ret = error_set(e, ERROR_INPUT, "not a text");
	else
		ret = realm_rim_encode(json_string_value(value), &rim, e);
	if (ret == 0 && strcmp(bytes_text(&rim), json_string_value(value)) != 0)
		ret = error_set(e, ERROR_INPUT, "RIM in hexadecimal, but it must be base64: %s",
				bytes_text(&rim));
	bytes_free(&rim);
	return ret;
}

/* One RIM, or a list. An empty list endorses no realm. */
static int reference_check_rims(const json_t *rims, struct error *e)
{
	const json_t *value;
	size_t i;

	if (json_is_string(rims) && reference_check_rim(rims, e) < 0)
		return error_add(e, REALM_RIM_REFERENCE);
	if (!json_is_string(rims) && !json_is_array(rims))
		return error_set(e, ERROR_INPUT,
				 REALM_RIM_REFERENCE ": not a text, and not a list");
	json_array_foreach(rims, i, value)
		if (reference_check_rim(value, e) < 0)
			return error_add(e, REALM_RIM_REFERENCE "[%zu]", i);
	return 0;
}

static int reference_add(json_t *records, json_t *payload, int64_t now, struct error *e)
{
	const char *name;
	json_t *value;

	json_object_foreach(payload, name, value) {
		if (!name[0] || strlen(name) > REFERENCE_NAME_MAX)
			return error_set(e, ERROR_INPUT,
					 "message: payload: a name is empty or "
					 "longer than %d",
					 REFERENCE_NAME_MAX);
		if (!strcmp(name, REALM_RIM_REFERENCE) && reference_check_rims(value, e) < 0)
			return -1;
		if (json_object_set_new(records, name, reference_record(name, value, now)) < 0)
			return error_set_memory(e);
	}
	if (json_object_size(records) > REFERENCE_NAMES_MAX)
		return error_set(e, ERROR_INPUT, "reference values: more than %d names",
				 REFERENCE_NAMES_MAX);
	return 0;
}

int reference_apply(const struct reference *reference, const void *body, size_t len, int64_t now,
		    struct reference *next, struct error *e)
{
	json_t *message = json_parse(body, len, JSON_OPERATOR, "message", ERROR_INPUT, e);
	const struct reference_type *type = message ? reference_envelope(message, e) : NULL;
	json_t *payload = NULL;
	int ret = -1;

	if (!type)
		goto out;
	payload = reference_payload(message, type, e);
	if (!payload)
		goto out;
	next->records = json_copy(reference->records);
	if (!next->records) {
		error_set_memory(e);
		goto out;
	}
	ret = reference_add(next->records, payload, now, e);
	if (ret == 0)
		ret = reference_index(next, e);
out:
	json_decref(message);
	json_decref(payload);
	return ret;
}

json_t *reference_value(const struct reference *reference, const char *name)
{
	return json_object_get(reference->values, name);
}

json_t *reference_values(const struct reference *reference)
{
	return reference->values;
}
