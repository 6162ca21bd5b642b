// SPDX-License-Identifier: Apache-2.0
#include "varlink.h"

#include <string.h>

#include "base/array.h"
#include "base/encode.h"
#include "base/json.h"

#define SERVICE "org.varlink.service"
/* Between these two, a reply to Get has the value as base64. Written and read in this form only, so that the value is
 * never in a JSON library's memory. */
#define VALUE_BEGIN "{\"parameters\":{\"value\":\""
#define VALUE_END   "\"}}"

static const char service_description[] =
	"# The interface that each varlink service has.\n"
	"interface " SERVICE "\n"
	"\n"
	"# What this service is, and its interfaces.\n"
	"method GetInfo() -> (vendor: string, product: string, version: string, url: string, "
	"interfaces: []string)\n"
	"\n"
	"# The description of an interface.\n"
	"method GetInterfaceDescription(interface: string) -> (description: string)\n"
	"\n"
	"error InterfaceNotFound(interface: string)\n"
	"error MethodNotFound(method: string)\n"
	"error MethodNotImplemented(method: string)\n"
	"error InvalidParameter(parameter: string)\n"
	"error PermissionDenied()\n"
	"error ExpectedMore()\n";

static const char secrets_description[] =
	"# Secrets of a confidential VM, for the programs that its configuration names\n"
	"# ([secret] allow in realmkeyd.conf(5)).\n"
	"interface " VARLINK_INTERFACE "\n"
	"\n"
	"# The value of a secret, as base64 (RFC 4648 section 4). If it is not there yet, wait for it,\n"
	"# at most wait_ms milliseconds, and at most [local] wait of the configuration.\n"
	"method Get(name: string, wait_ms: ?int) -> (value: string)\n"
	"\n"
	"# The names of all secrets that the caller may get.\n"
	"method List() -> (names: []string)\n"
	"\n"
	"# The caller may not get a secret of this name, whether there is one or not.\n"
	"error PermissionDenied()\n"
	"# The secret did not come in time.\n"
	"error NotDelivered(reason: string)\n";

/* --- requests -------------------------------------------------------------------------------- */

static int get_read(const json_t *parameters, struct varlink_request *r, const char **wrong)
{
	const json_t *wait = json_object_get(parameters, "wait_ms");
	const char *name = json_string_value(json_object_get(parameters, "name"));
	const size_t len = name ? strlen(name) : 0;

	*wrong = !name						       ? "name" :
		 wait && !json_is_null(wait) && !json_is_integer(wait) ? "wait_ms" :
		 json_is_integer(wait) && json_integer_value(wait) < 0 ? "wait_ms" :
									 NULL;
	if (*wrong)
		return -1;
	r->wait_ms = json_is_integer(wait) ? json_integer_value(wait) : -1;
	/* A longer name, or one that leads out of the keyring, is that of no secret. */
	if (len < sizeof(r->name) && strspn(name, ENCODE_ALPHANUMERIC "_.-") == len)
		memcpy(r->name, name, len + 1);
	return 0;
}

static int description_read(const json_t *parameters, struct varlink_request *r, const char **wrong)
{
	const char *name = json_string_value(json_object_get(parameters, "interface"));

	*wrong = name ? NULL : "interface";
	if (!name)
		return -1;
	if (!strcmp(name, SERVICE))
		r->description = service_description;
	else if (!strcmp(name, VARLINK_INTERFACE))
		r->description = secrets_description;
	return 0;
}

static const struct {
	const char *name;
	enum varlink_method method;
	int (*read)(const json_t *parameters, struct varlink_request *r, const char **wrong);
	const char *parameter[3]; /* all that it has */
} methods[] = {
	{ VARLINK_INTERFACE ".Get", VARLINK_GET, get_read, { "name", "wait_ms" } },
	{ VARLINK_INTERFACE ".List", VARLINK_LIST, NULL, { NULL } },
	{ SERVICE ".GetInfo", VARLINK_GET_INFO, NULL, { NULL } },
	{ SERVICE ".GetInterfaceDescription",
	  VARLINK_GET_DESCRIPTION,
	  description_read,
	  { "interface" } },
};

/* Append an error with one parameter, or without parameters if @name is NULL. */
static int error_encode(const char *error, const char *name, const char *value, struct bytes *out,
			struct error *e)
{
	json_t *reply = name ? json_pack("{s:s,s:{s:s}}", "error", error, "parameters", name,
					 value) :
			       json_pack("{s:s,s:{}}", "error", error, "parameters");
	int ret = reply ? json_compact(reply, out, e) : error_set_memory(e);

	json_decref(reply);
	return ret;
}

/* A parameter that the method does not have, or NULL. */
static const char *parameter_unknown(json_t *parameters, const char *const known[3])
{
	const char *name;
	json_t *value;

	json_object_foreach(parameters, name, value) {
		size_t i = 0;

		while (i < 3 && known[i] && strcmp(known[i], name) != 0)
			i++;
		if (i == 3 || !known[i])
			return name;
	}
	return NULL;
}

/* The name of the method that a call has, or its interface, is not known. */
static int method_missing(const char *method, struct bytes *reply, struct error *e)
{
	const char *dot = strrchr(method, '.');
	const size_t len = dot ? (size_t)(dot - method) : 0;
	char interface[VARLINK_REQUEST_MAX];
	int ret;

	if ((len == strlen(SERVICE) && !memcmp(method, SERVICE, len)) ||
	    (len == strlen(VARLINK_INTERFACE) && !memcmp(method, VARLINK_INTERFACE, len)))
		ret = error_encode(SERVICE ".MethodNotFound", "method", method, reply, e);
	else {
		memcpy(interface, method, len);
		interface[len] = '\0';
		ret = error_encode(SERVICE ".InterfaceNotFound", "interface",
				   len ? interface : method, reply, e);
	}
	return ret < 0 ? -1 : VARLINK_REPLY;
}

static int call_read(json_t *call, struct varlink_request *r, struct bytes *reply, struct error *e)
{
	json_t *parameters = json_object_get(call, "parameters");
	const char *method = json_string_value(json_object_get(call, "method"));
	const char *wrong = NULL;
	size_t i = 0;

	while (i < ARRAY_SIZE(methods) && strcmp(methods[i].name, method) != 0)
		i++;
	if (i == ARRAY_SIZE(methods))
		return method_missing(method, reply, e);
	r->method = methods[i].method;
	/* The connection cannot become one of another protocol. */
	if (json_is_true(json_object_get(call, "upgrade")))
		return error_encode(SERVICE ".MethodNotImplemented", "method", method, reply, e) <
				       0 ?
			       -1 :
			       VARLINK_REPLY;
	wrong = parameter_unknown(parameters, methods[i].parameter);
	if (!wrong && methods[i].read)
		methods[i].read(parameters, r, &wrong);
	if (!wrong && r->method == VARLINK_GET_DESCRIPTION && !r->description)
		return error_encode(SERVICE ".InterfaceNotFound", "interface",
				    json_string_value(json_object_get(parameters, "interface")),
				    reply, e) < 0 ?
			       -1 :
			       VARLINK_REPLY;
	if (!wrong)
		return VARLINK_REQUEST;
	return error_encode(SERVICE ".InvalidParameter", "parameter", wrong, reply, e) < 0 ?
		       -1 :
		       VARLINK_REPLY;
}

/* What is wrong with a call before its method is looked at, or NULL. */
static const char *call_fault(const json_t *call)
{
	static const char *const flags[] = { "more", "oneway", "upgrade" };
	const json_t *parameters = json_object_get(call, "parameters");

	if (!json_is_object(call))
		return "not an object";
	if (!json_is_string(json_object_get(call, "method")))
		return "method: missing";
	if (parameters && !json_is_null(parameters) && !json_is_object(parameters))
		return "parameters: not an object";
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		const json_t *flag = json_object_get(call, flags[i]);

		if (flag && !json_is_null(flag) && !json_is_boolean(flag))
			return "more, oneway or upgrade: not true or false";
	}
	return NULL;
}

int varlink_request_decode(const void *text, size_t len, struct varlink_request *request,
			   struct bytes *reply, struct error *e)
{
	const char *fault;
	json_t *call;
	int ret;

	*request = (struct varlink_request){ .wait_ms = -1 };
	if (len > VARLINK_REQUEST_MAX)
		return error_set(e, ERROR_PROTOCOL, "request: more than %zu bytes",
				 VARLINK_REQUEST_MAX);
	call = json_parse(text, len, JSON_SMALL, "request", ERROR_PROTOCOL, e);
	if (!call)
		return -1;
	fault = call_fault(call);
	if (fault) {
		json_decref(call);
		return error_set(e, ERROR_PROTOCOL, "request: %s", fault);
	}
	request->oneway = json_is_true(json_object_get(call, "oneway"));
	ret = call_read(call, request, reply, e);
	if (request->oneway)
		bytes_clear(reply);
	json_decref(call);
	return ret;
}

int varlink_get_encode(const char *name, int64_t wait_ms, struct bytes *out, struct error *e)
{
	json_t *call = json_pack("{s:s,s:{s:s}}", "method", VARLINK_INTERFACE ".Get", "parameters",
				 "name", name);
	int ret = 0;

	if (!call)
		return error_set(e, ERROR_USAGE, "'%s' is not the name of a secret", name);
	if (wait_ms >= 0 && json_object_set_new(json_object_get(call, "parameters"), "wait_ms",
						json_integer(wait_ms)) < 0)
		ret = error_set_memory(e);
	if (ret == 0)
		ret = json_compact(call, out, e);
	json_decref(call);
	return ret;
}

/* --- replies --------------------------------------------------------------------------------- */

void varlink_value_encode(const void *value, size_t len, struct bytes *out)
{
	bytes_append_text(out, VALUE_BEGIN);
	encode_base64(ENCODE_BASE64, value, len, out);
	bytes_append_text(out, VALUE_END);
}

/* Append {"parameters":{@name:@value}}; takes the reference to @value, which may be NULL: out of memory. */
static int reply_encode(const char *name, json_t *value, struct bytes *out, struct error *e)
{
	json_t *reply = value ? json_pack("{s:{s:o}}", "parameters", name, value) : NULL;
	int ret = reply ? json_compact(reply, out, e) : error_set_memory(e);

	json_decref(reply);
	return ret;
}

int varlink_names_encode(const char *const *name, size_t count, struct bytes *out, struct error *e)
{
	json_t *names = json_array();

	for (size_t i = 0; names && i < count; i++)
		if (json_array_append_new(names, json_string(name[i])) < 0) {
			json_decref(names);
			names = NULL;
		}
	return reply_encode("names", names, out, e);
}

int varlink_info_encode(struct bytes *out, struct error *e)
{
	json_t *reply = json_pack("{s:{s:s,s:s,s:s,s:s,s:[s,s]}}", "parameters", "vendor",
				  "Realmkey", "product", "realmkey-local", "version",
				  REALMKEY_VERSION, "url", "man:realmkey-local(8)", "interfaces",
				  SERVICE, VARLINK_INTERFACE);
	int ret = reply ? json_compact(reply, out, e) : error_set_memory(e);

	json_decref(reply);
	return ret;
}

int varlink_description_encode(const char *description, struct bytes *out, struct error *e)
{
	return reply_encode("description", json_string(description), out, e);
}

int varlink_error_encode(const char *reason, struct bytes *out, struct error *e)
{
	return reason ? error_encode(VARLINK_INTERFACE ".NotDelivered", "reason", reason, out, e) :
			error_encode(VARLINK_INTERFACE ".PermissionDenied", NULL, NULL, out, e);
}

/* --- the value, at the client ---------------------------------------------------------------- */

/* All bits if @low <= @c <= @high, without a branch. */
static unsigned int within(unsigned int c, unsigned int low, unsigned int high)
{
	return 0 - (((low - 1 - c) & (c - high - 1)) >> 31);
}

/* The six bits that @c stands for, or 64. The time does not depend on @c: it is a part of a secret. */
static unsigned int digit_value(uint8_t c)
{
	const unsigned int value = (within(c, 'A', 'Z') & (c - 'A' + 1U)) |
				   (within(c, 'a', 'z') & (c - 'a' + 27U)) |
				   (within(c, '0', '9') & (c - '0' + 53U)) |
				   (within(c, '+', '+') & 63U) | (within(c, '/', '/') & 64U);

	return value ? value - 1 : 64;
}

/* Append the value of @len characters of base64. Returns false if they are not the one encoding of a value. */
static bool value_append(const uint8_t *text, size_t len, struct bytes *out)
{
	unsigned int wrong = 0, bits = 0;
	size_t padding = 0;
	uint8_t *to;

	if (len % 4)
		return false;
	while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
		padding++;
	to = bytes_extend(out, len / 4 * 3 - padding);
	for (size_t i = 0; to && i < len - padding; i++) {
		const unsigned int value = digit_value(text[i]);

		wrong |= value & 64;
		bits = bits << 6 | (value & 63);
		if (i % 4)
			*to++ = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	/* The bits after the last byte. */
	wrong |= bits & (padding == 2 ? 0xfU : padding == 1 ? 3U : 0);
	return !wrong;
}

static int failure_read(const void *text, size_t len, struct error *e)
{
	json_t *reply = json_parse(text, len, JSON_SMALL, "realmkey-local", ERROR_PROTOCOL, e);
	const char *error = json_string_value(json_object_get(reply, "error"));
	const char *reason =
		json_string_value(json_object_get(json_object_get(reply, "parameters"), "reason"));

	if (!reply)
		return -1;
	if (!error)
		error_set(e, ERROR_PROTOCOL, "realmkey-local: not a reply to Get");
	else if (!strcmp(error, VARLINK_INTERFACE ".PermissionDenied"))
		error_set(e, ERROR_POLICY,
			  "this program may not have such a secret; [secret] allow in "
			  "realmkeyd.conf names the programs that may");
	else if (!strcmp(error, VARLINK_INTERFACE ".NotDelivered"))
		error_set_transient(e, ERROR_DELIVERY, "not delivered: %s",
				    reason ? reason : "no reason given");
	else
		error_set(e, ERROR_PROTOCOL, "realmkey-local: %s", error);
	json_decref(reply);
	return -1;
}

int varlink_value_decode(const void *text, size_t len, struct bytes *value, struct error *e)
{
	const size_t begin = sizeof(VALUE_BEGIN) - 1, end = sizeof(VALUE_END) - 1;
	const size_t before = value->len;
	const uint8_t *at = text;

	if (len < begin + end || memcmp(at, VALUE_BEGIN, begin) != 0 ||
	    memcmp(at + len - end, VALUE_END, end) != 0)
		return failure_read(text, len, e);
	if (!value_append(at + begin, len - begin - end, value)) {
		bytes_truncate(value, before);
		return error_set(e, ERROR_PROTOCOL, "realmkey-local: the value is not base64");
	}
	return bytes_check(value, e);
}
