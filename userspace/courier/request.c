// SPDX-License-Identifier: Apache-2.0
#include "request.h"

#include <string.h>

#include "base/array.h"
#include "base/encode.h"

#define BASE "/kbs/v0/"
#define NONE (-1)

/* The fields of each message that make up its request; NONE if there is no such field. */
static const struct rule {
	enum message_type type;
	const char *method; /* NULL: field 0 names it */
	const char *path;   /* precedes the field with the path */
	int path_field, bearer_field, body_field;
} rules[] = {
	{ MESSAGE_AUTH, "POST", BASE "auth", NONE, NONE, 0 },
	{ MESSAGE_ATTEST, "POST", BASE "attest", NONE, NONE, 0 },
	{ MESSAGE_RESOURCE, "GET", BASE "resource/", 0, 1, NONE },
	{ MESSAGE_ADMIN, NULL, BASE, 1, 2, 3 },
};

static const char *const methods[] = { "GET", "POST", "PUT", "DELETE" };

#define PATH_CHARACTERS ENCODE_ALPHANUMERIC "-_.~/%?=&"

static bool field_only_has(const struct message_field *field, const char *characters)
{
	for (size_t i = 0; i < field->len; i++)
		if (!field->data[i] || !strchr(characters, field->data[i]))
			return false;
	return true;
}

static const char *method_find(const struct message_field *field)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (field->len == strlen(methods[i]) &&
		    !memcmp(field->data, methods[i], field->len))
			return methods[i];
	return NULL;
}

static int request_set_path(struct request *r, const char *base, const struct message_field *field,
			    struct error *e)
{
	bytes_append_text(&r->path, base);
	if (field) {
		if (!field_only_has(field, PATH_CHARACTERS))
			return error_set(e, ERROR_PROTOCOL,
					 "courier: path with a forbidden character");
		bytes_append(&r->path, field->data, field->len);
	}
	if (bytes_check(&r->path, e) < 0)
		return -1;
	if (field && (strstr(bytes_text(&r->path), "/.") || strstr(bytes_text(&r->path) + 1, "//")))
		return error_set(e, ERROR_PROTOCOL, "courier: path with a dot segment");
	return 0;
}

static int request_set_bearer(struct request *r, const struct message_field *field, struct error *e)
{
	if (!field || !field->len)
		return 0;
	if (!field_only_has(field, MESSAGE_BEARER_CHARACTERS))
		return error_set(e, ERROR_PROTOCOL, "bearer token with a forbidden character");
	bytes_append_text(&r->authorization, "Authorization: Bearer ");
	bytes_append(&r->authorization, field->data, field->len);
	return bytes_check(&r->authorization, e);
}

static const struct message_field *field_get(const struct message *m, int index)
{
	return index == NONE ? NULL : &m->field[index];
}

int request_from_message(const struct message *m, struct request *r, struct error *e)
{
	const struct message_field *body;
	const struct rule *rule = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].type == m->type)
			rule = &rules[i];
	if (!rule)
		return error_set(e, ERROR_PROTOCOL, "courier: unexpected message of type %d",
				 (int)m->type);
	r->method = rule->method ? rule->method : method_find(&m->field[0]);
	if (!r->method)
		return error_set(e, ERROR_PROTOCOL, "courier: unknown method");
	if (request_set_path(r, rule->path, field_get(m, rule->path_field), e) < 0 ||
	    request_set_bearer(r, field_get(m, rule->bearer_field), e) < 0)
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
