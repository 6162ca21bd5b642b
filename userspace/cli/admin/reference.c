// SPDX-License-Identifier: Apache-2.0
/* The reference values of a KBS. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "base/encode.h"
#include "base/io.h"
#include "base/json.h"
#include "base/realm.h"

#define CORIM_MAX      ((size_t)1 << 20)
#define NAME_MAX_BYTES 256
#define URL_PATH       "reference-value/"

/* --- set-reference-value --------------------------------------------------------------------- */

static const struct args_option value_options[] = {
	{ .name = "as-integer",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct admin_options, as_integer),
	  .help = "VALUE is an integer" },
	{ .name = "as-bool",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct admin_options, as_bool),
	  .help = "VALUE is true or false" },
	{ .name = "as-single-value",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct admin_options, as_single_value),
	  .help = "store the value itself, not a list with it" },
	{ .name = "corim",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct admin_options, corim),
	  .value = "FILE",
	  .help = "endorse all reference values of this CoRIM (CBOR) instead; its names are "
		  "those that the KBS makes of it" },
	{ 0 },
};

const struct args_spec admin_set_reference_value_spec = {
	.name = "realmkey admin set-reference-value",
	.operands = "[NAME VALUE...]",
	.operands_max = ADMIN_OPERANDS_MAX,
	.about = "Endorses values, with which an appraisal compares evidence, in place of those\n"
		 "that the name has. The RIM of a realm has the name\n" REALM_RIM_REFERENCE "\n"
		 "and the form that `realmkey rim` prints; hexadecimal is converted.",
	.options = ADMIN_OPTIONS(value_options),
};

/* The value of one operand VALUE of the reference value @name. */
static json_t *reference_read(const struct admin_options *options, const char *name,
			      const char *text, struct error *e)
{
	struct bytes rim = BYTES_INIT;
	char converted[160];
	long long number;
	json_t *value;
	char *end;

	if (options->as_integer) {
		errno = 0;
		number = strtoll(text, &end, 10);
		if (!*text || *end || errno) {
			error_set(e, ERROR_USAGE, "'%s' is not an integer", text);
			return NULL;
		}
		value = json_integer(number);
	} else if (options->as_bool) {
		if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
			error_set(e, ERROR_USAGE, "'%s' is neither true nor false", text);
			return NULL;
		}
		value = json_boolean(!strcmp(text, "true"));
	} else if (!strcmp(name, REALM_RIM_REFERENCE)) {
		if (realm_rim_encode(text, &rim, e) < 0) {
			bytes_free(&rim);
			error_reclassify(e, ERROR_INPUT, ERROR_USAGE);
			error_add(e, "'%.128s'", text);
			return NULL;
		}
		if (strcmp(bytes_text(&rim), text) != 0) {
			snprintf(converted, sizeof(converted),
				 "the RIM is in hexadecimal; it is endorsed as base64: %s",
				 bytes_text(&rim));
			cli_warn("admin set-reference-value", converted);
		}
		value = json_string(bytes_text(&rim));
		bytes_free(&rim);
	} else {
		value = cli_json_text(text, "VALUE is", ERROR_USAGE, e);
		if (!value)
			return NULL;
	}
	if (!value)
		error_set_memory(e);
	return value;
}

/* The values as a list, or the only one itself. */
static json_t *reference_read_all(const struct admin_options *options, const char *name,
				  const char *const *text, struct error *e)
{
	json_t *list;

	if (options->as_single_value)
		return reference_read(options, name, text[0], e);
	list = json_array();
	if (!list)
		error_set_memory(e);
	for (size_t i = 0; list && i < ADMIN_VALUES_MAX && text[i]; i++) {
		json_t *value = reference_read(options, name, text[i], e);

		if (value && json_array_append_new(list, value) == 0)
			continue;
		if (value)
			error_set_memory(e);
		json_decref(list);
		list = NULL;
	}
	return list;
}

/* The message of Trustee's reference value provider for its extractor @type: @len bytes of @payload, as base64 in
 * JSON. */
static json_t *reference_message(const char *type, const void *payload, size_t len, struct error *e)
{
	struct bytes encoded = BYTES_INIT;
	json_t *message = NULL;

	encode_base64(ENCODE_BASE64, payload, len, &encoded);
	if (bytes_check(&encoded, e) == 0) {
		message = json_pack("{s:s, s:s, s:s}", "version", "0.1.0", "type", type, "payload",
				    bytes_text(&encoded));
		if (!message)
			error_set_memory(e);
	}
	bytes_free(&encoded);
	return message;
}

/* The message that endorses @value, which is released, as @name. */
static json_t *sample_message(const char *name, json_t *value, struct error *e)
{
	json_t *payload = json_pack("{s:o}", name, value), *message = NULL;
	struct bytes text = BYTES_INIT;

	if (!payload)
		error_set_memory(e);
	else if (json_compact(payload, &text, e) == 0)
		message = reference_message("sample", text.data, text.len, e);
	json_decref(payload);
	bytes_free(&text);
	return message;
}

/* Options and operands that contradict each other. */
static int reference_check(const struct admin_options *options, const char *const *operand,
			   struct error *e)
{
	const bool typed = options->as_integer || options->as_bool;
	json_t *checked;

	if (options->corim)
		return operand[0] || typed || options->as_single_value ?
			       error_set(e, ERROR_USAGE,
					 "--corim names and types the values itself; give it "
					 "alone") :
			       admin_check(options, e);
	if (!operand[0] || !operand[1])
		return error_set(e, ERROR_USAGE, "NAME and VALUE, or --corim, are required");
	if (options->as_integer && options->as_bool)
		return error_set(e, ERROR_USAGE, "--as-integer and --as-bool exclude each other");
	if (options->as_single_value && operand[2])
		return error_set(e, ERROR_USAGE, "--as-single-value requires a single VALUE");
	if (typed && !strcmp(operand[0], REALM_RIM_REFERENCE))
		return error_set(e, ERROR_USAGE, "a RIM is neither an integer nor a boolean");
	if (!*operand[0])
		return error_set(e, ERROR_USAGE, "NAME is empty");
	if (admin_check(options, e) < 0)
		return -1;
	checked = cli_json_text(operand[0], "NAME is", ERROR_USAGE, e);
	json_decref(checked);
	return checked ? 0 : -1;
}

static int set_corim(const struct admin_options *options, struct error *e)
{
	struct bytes corim = BYTES_INIT;
	json_t *message = NULL;
	int ret = -1;

	if (!strcmp(options->corim, "-") && !strcmp(options->token_file, "-"))
		return error_set(e, ERROR_USAGE,
				 "--corim and --admin-token-file cannot both be standard input");
	if (io_read_file(options->corim, CORIM_MAX, &corim, e) == 0) {
		if (corim.len)
			message = reference_message("corim", corim.data, corim.len, e);
		else
			error_set(e, ERROR_INPUT, "%s: is empty", options->corim);
	}
	if (message)
		ret = admin_post_json(options, "reference-value", message, "CoRIM", e);
	bytes_free(&corim);
	return ret < 0 ? -1 : admin_say(e, "endorsed the values of %s", options->corim);
}

/* All values are sent in one message, which the KBS accepts as a whole or not at all. */
int admin_set_reference_value(const struct admin_options *options, const char *const *operand,
			      struct error *e)
{
	const char *name = operand[0];
	json_t *value, *message;

	if (reference_check(options, operand, e) < 0)
		return -1;
	if (options->corim)
		return set_corim(options, e);
	value = reference_read_all(options, name, &operand[1], e);
	if (!value)
		return -1;
	message = sample_message(name, value, e);
	if (!message || admin_post_json(options, "reference-value", message, name, e) < 0)
		return -1;
	if (strcmp(name, REALM_RIM_REFERENCE) != 0)
		cli_warn("admin set-reference-value",
			 "no rule that reads this name is built into trusteed, so only an "
			 "attestation policy can read it; a realm's RIM is endorsed "
			 "as " REALM_RIM_REFERENCE);
	return admin_say(e, "endorsed %s", name);
}

/* --- get-reference-value --------------------------------------------------------------------- */

const struct args_spec admin_get_reference_value_spec = {
	.name = "realmkey admin get-reference-value",
	.operands = "NAME",
	.operands_min = 1,
	.operands_max = 1,
	.about = "Prints the value that is endorsed under a name, as JSON.",
	.options = ADMIN_OPTIONS(),
};

/* Append the path of @name to @path. In a name '/' stays, as the KBS expects; a segment of dots, or without
 * characters, would name another path. */
static int reference_path(const char *name, struct bytes *path, struct error *e)
{
	static const char plain[] = ENCODE_ALPHANUMERIC "-_.~/";
	const char *at = name;

	if (strlen(name) > NAME_MAX_BYTES)
		return error_set(e, ERROR_USAGE, "NAME: over %d bytes", NAME_MAX_BYTES);
	bytes_append_text(path, URL_PATH);
	do {
		if (*at == '.' || *at == '/' || !*at)
			return error_set(e, ERROR_USAGE,
					 "NAME '%s': a path cannot have a part of it that is empty "
					 "or begins with a dot",
					 name);
		for (; *at && *at != '/'; at++)
			bytes_printf(path, strchr(plain, *at) ? "%c" : "%%%02X",
				     (unsigned char)*at);
		if (*at == '/')
			bytes_append_text(path, "/");
	} while (*at++ == '/');
	return bytes_check(path, e);
}

int admin_get_reference_value(const struct admin_options *options, const char *const *operand,
			      struct error *e)
{
	struct bytes path = BYTES_INIT, answer = BYTES_INIT;
	json_t *value = NULL;
	int ret = -1;

	if (admin_check(options, e) == 0 && reference_path(operand[0], &path, e) == 0 &&
	    admin_ask(options,
		      &(struct admin_request){ "GET", bytes_text(&path), NULL, operand[0] },
		      &answer, e) == 0)
		value = json_parse(answer.data, answer.len, ADMIN_ANSWER, operand[0],
				   ERROR_PROTOCOL, e);
	if (value)
		ret = cli_output_json(value, e);
	json_decref(value);
	bytes_free(&path);
	bytes_free(&answer);
	return ret;
}
