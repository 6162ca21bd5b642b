// SPDX-License-Identifier: Apache-2.0
#include "request.h"

#include <string.h>

#include "base/encode.h"

#define BASE "/kbs/v0/"
#define NONE (-1)

/* Which fields of which message make the request; NONE where it has no such part. */
static const struct rule {
	enum message_type type;
	const char *method;	/* NULL: field 0 names it */
	const char *path;	/* what comes before the path's field */
	int path_field, bearer_field, body_field;
} rules[] = {
	{ MESSAGE_AUTH, "POST", BASE "auth", NONE, NONE, 0 },
	{ MESSAGE_ATTEST, "POST", BASE "attest", NONE, NONE, 0 },
	{ MESSAGE_RESOURCE, "GET", BASE "resource/", 0, 1, NONE },
	{ MESSAGE_ADMIN, NULL, BASE, 1, 2, 3 },
};

static const char *const methods[] = { "GET", "POST", "PUT", "DELETE" };

#define PATH_CHARACTERS ENCODE_ALPHANUMERIC "-_.~/%?=&"
#define BEARER_CHARACTERS ENCODE_ALPHANUMERIC "-._~+/="	/* RFC 6750 section 2.1 */

static bool field_only_has(const struct message_field *field, const char *characters)
{
	for (size_t i = 0; i < field->len; i++)
		if (!field->data[i] || !strchr(characters, field->data[i]))
			return false;
	return true;
}

static const char *method_find(const struct message_field *field)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (field->len == strlen(methods[i]) &&
		    !memcmp(field->data, methods[i], field->len))
			return methods[i];
	return NULL;
}

static int path_set(struct request *r, const char *base, const struct message_field *field,
		    struct error *e)
{
	if (bytes_append_text(&r->path, base) < 0)
		return error_set_memory(e);
	if (!field)
		return 0;
	if (!field_only_has(field, PATH_CHARACTERS))
		return error_set(e, ERROR_PROTOCOL, "courier: path with a forbidden character");
	if (bytes_append(&r->path, field->data, field->len) < 0)
		return error_set_memory(e);
	if (strstr(bytes_text(&r->path), "/.") || strstr(bytes_text(&r->path) + 1, "//"))
		return error_set(e, ERROR_PROTOCOL, "courier: path with a dot segment");
	return 0;
}

static int bearer_set(struct request *r, const struct message_field *field, struct error *e)
{
	if (!field || !field->len)
		return 0;
	if (!field_only_has(field, BEARER_CHARACTERS))
		return error_set(e, ERROR_PROTOCOL, "bearer token with a forbidden character");
	if (bytes_append_text(&r->authorization, "Authorization: Bearer ") < 0 ||
	    bytes_append(&r->authorization, field->data, field->len) < 0)
		return error_set_memory(e);
	return 0;
}

static const struct rule *rule_find(enum message_type type)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].type == type)
			return &rules[i];
	return NULL;
}

static const struct message_field *field_get(const struct message *m, int index)
{
	return index == NONE ? NULL : &m->field[index];
}

int request_from_message(const struct message *m, struct request *r, struct error *e)
{
	const struct rule *rule = rule_find(m->type);
	const struct message_field *body;

	if (!rule)
		return error_set(e, ERROR_PROTOCOL, "courier: unexpected message of type %d",
				 (int)m->type);
	r->method = rule->method ? rule->method : method_find(&m->field[0]);
	if (!r->method)
		return error_set(e, ERROR_PROTOCOL, "courier: unknown method");
	if (path_set(r, rule->path, field_get(m, rule->path_field), e) < 0 ||
	    bearer_set(r, field_get(m, rule->bearer_field), e) < 0)
		return -1;
	body = field_get(m, rule->body_field);
	r->body = body && body->len ? body->data : NULL;
	r->len = r->body ? body->len : 0;
	return 0;
}

void request_free(struct request *r)
{
	bytes_free(&r->path);
	bytes_free(&r->authorization);
	*r = (struct request)REQUEST_INIT;
}
