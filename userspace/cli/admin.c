// SPDX-License-Identifier: Apache-2.0
/*
 * Requests of an operator, to trusteed or to Trustee. A resource is sent in plain text inside TLS,
 * so the courier sees it, here on the operator's machine.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/io.h"
#include "base/json.h"
#include "base/realm.h"
#include "cli.h"
#include "jose/jwe.h"
#include "kbs/kbs.h"
#include "kbs/policy_text.h"

#define ADMIN_TOKEN_MAX ((size_t)64 << 10)
#define POLICY_MAX	((size_t)1 << 20)
#define VALUES_MAX	64

struct options {
	struct cli_kbs kbs;
	const char *token_file;
	const char *path, *resource_file;
	bool affirming, allow_all, deny_all;
	const char *policy_file;
	bool as_integer, as_bool, as_single_value;
};

static const struct args_option token_option[] = {
	{ .name = "admin-token-file",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, token_file),
	  .value = "FILE",
	  .help = "the operator's bearer token (required)" },
	{ 0 },
};

/* Check the options that every command requires, before anything is read. */
static int admin_check(const struct options *options, struct error *e)
{
	if (!options->token_file)
		return error_set(e, ERROR_USAGE, "--admin-token-file is required");
	if (cli_kbs_check(&options->kbs, e) < 0)
		return -1;
	if (strpbrk(options->kbs.url, " \t\n"))
		return error_set(e, ERROR_USAGE,
				 "--url is given several times; a command changes one KBS");
	return 0;
}

/* POST @body to @path below /kbs/v0/; @what names the request in errors. */
static int admin_post(const struct options *options, const char *path, const struct bytes *body,
		      const char *what, struct error *e)
{
	struct bytes token = BYTES_LOCKED_INIT, answer = BYTES_INIT;
	struct courier courier = COURIER_INIT;
	struct message m = { .type = MESSAGE_ADMIN, .count = 4 };
	int status, ret = -1;

	if (cli_read_token(options->token_file, ADMIN_TOKEN_MAX, &token, e) < 0 ||
	    cli_courier_start(&courier, &options->kbs, e) < 0)
		goto out;
	m.field[0] = (struct message_field){ (const uint8_t *)"POST", 4 };
	m.field[1] = (struct message_field){ (const uint8_t *)path, strlen(path) };
	m.field[2] = (struct message_field){ token.data, token.len };
	m.field[3] = (struct message_field){ body->data, body->len };
	if (courier_call(&courier, &m, &status, &answer, e) == 0)
		ret = kbs_admin_answer(status, answer.data, answer.len, what, e);
out:
	courier_stop(&courier);
	bytes_free(&token);
	bytes_free(&answer);
	return ret;
}

/* The same with a JSON body, which is released. @value NULL: out of memory. */
static int admin_post_json(const struct options *options, const char *path, json_t *value,
			   const char *what, struct error *e)
{
	struct bytes body = BYTES_INIT;
	int ret = -1;

	if (!value)
		error_set_memory(e);
	else if (json_compact(value, &body, e) == 0)
		ret = admin_post(options, path, &body, what, e);
	json_decref(value);
	bytes_free(&body);
	return ret;
}

/* --- set-resource ---------------------------------------------------------------------------- */

static const struct args_option resource_options[] = {
	{ .name = "path",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, path),
	  .value = "A/B/C",
	  .help = "the resource: repository/type/tag (required)" },
	{ .name = "resource-file",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, resource_file),
	  .value = "FILE",
	  .help = "the secret, stored byte for byte; - is standard input (required)" },
	{ 0 },
};

static const struct args_option *const resource_tables[] = {
	resource_options,
	token_option,
	cli_kbs_options,
	NULL,
};

static const struct args_spec resource_spec = {
	.name = "realmkey admin set-resource",
	.operands = "",
	.about = "Stores a secret at the KBS, or replaces it.",
	.options = resource_tables,
};

static int set_resource(const struct options *options, struct error *e)
{
	struct bytes secret = BYTES_LOCKED_INIT;
	char path[256], url_path[300];
	int ret = -1;

	if (!options->path || !options->resource_file)
		return error_set(e, ERROR_USAGE, "--path and --resource-file are required");
	if (kbs_resource_path(options->path, path, sizeof(path), e) < 0 ||
	    admin_check(options, e) < 0)
		return -1;
	if (!strcmp(options->resource_file, "-") && !strcmp(options->token_file, "-"))
		return error_set(e, ERROR_USAGE,
				 "--resource-file and --admin-token-file cannot "
				 "both be standard input");
	snprintf(url_path, sizeof(url_path), "resource/%s", path);
	if (io_read_file(options->resource_file, JWE_PLAINTEXT_MAX, &secret, e) == 0)
		ret = admin_post(options, url_path, &secret, path, e);
	bytes_free(&secret);
	return ret;
}

static int command_set_resource(int argc, char **argv)
{
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	int code;

	if (!cli_parse(&resource_spec, argc, argv, &options, NULL, &code))
		return code;
	if (set_resource(&options, &e) < 0)
		return cli_fail("admin set-resource", &e);
	return cli_output_line("admin set-resource", "stored %s", options.path);
}

/* --- set-reference-value --------------------------------------------------------------------- */

static const struct args_option value_options[] = {
	{ .name = "as-integer",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, as_integer),
	  .help = "VALUE is an integer" },
	{ .name = "as-bool",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, as_bool),
	  .help = "VALUE is true or false" },
	{ .name = "as-single-value",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, as_single_value),
	  .help = "store the value itself, not a list with it" },
	{ 0 },
};

static const struct args_option *const value_tables[] = {
	value_options,
	token_option,
	cli_kbs_options,
	NULL,
};

static const struct args_spec value_spec = {
	.name = "realmkey admin set-reference-value",
	.operands = "NAME VALUE...",
	.operands_min = 2,
	.operands_max = 1 + VALUES_MAX,
	.about = "Endorses values, with which an appraisal compares evidence, in place of those\n"
		 "that the name has. The RIM of a realm has the name\n" REALM_RIM_REFERENCE "\n"
		 "and the form that `realmkey rim` prints; hexadecimal is converted.",
	.options = value_tables,
};

/* The value of one operand VALUE of the reference value @name. */
static json_t *reference_read(const struct options *options, const char *name, const char *text,
			      struct error *e)
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
static json_t *reference_read_all(const struct options *options, const char *name,
				  const char *const *text, struct error *e)
{
	json_t *list;

	if (options->as_single_value)
		return reference_read(options, name, text[0], e);
	list = json_array();
	if (!list)
		error_set_memory(e);
	for (size_t i = 0; list && i < VALUES_MAX && text[i]; i++) {
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

/* The message of Trustee's reference value provider: a JSON text, as base64 in JSON. @value is
 * released. */
static json_t *reference_message(const char *name, json_t *value, struct error *e)
{
	struct bytes text = BYTES_INIT, encoded = BYTES_INIT;
	json_t *payload = json_pack("{s:o}", name, value), *message = NULL;

	if (!payload) {
		error_set_memory(e);
	} else if (json_compact(payload, &text, e) == 0) {
		encode_base64(ENCODE_BASE64, text.data, text.len, &encoded);
		if (bytes_check(&encoded, e) == 0) {
			message = json_pack("{s:s, s:s, s:s}", "version", "0.1.0", "type", "sample",
					    "payload", bytes_text(&encoded));
			if (!message)
				error_set_memory(e);
		}
	}
	json_decref(payload);
	bytes_free(&text);
	bytes_free(&encoded);
	return message;
}

/* @operand: the name and up to VALUES_MAX values, then NULL. All are sent in one message, which the KBS
 * accepts as a whole or not at all. */
static int set_reference_value(const struct options *options, const char *const *operand,
			       struct error *e)
{
	json_t *checked, *value, *message;
	const char *name = operand[0];

	if (options->as_integer && options->as_bool)
		return error_set(e, ERROR_USAGE, "--as-integer and --as-bool exclude each other");
	if (options->as_single_value && operand[2])
		return error_set(e, ERROR_USAGE, "--as-single-value requires a single VALUE");
	if ((options->as_integer || options->as_bool) && !strcmp(name, REALM_RIM_REFERENCE))
		return error_set(e, ERROR_USAGE, "a RIM is neither an integer nor a boolean");
	if (!*name)
		return error_set(e, ERROR_USAGE, "NAME is empty");
	if (admin_check(options, e) < 0)
		return -1;
	checked = cli_json_text(name, "NAME is", ERROR_USAGE, e);
	if (!checked)
		return -1;
	json_decref(checked);
	value = reference_read_all(options, name, &operand[1], e);
	if (!value)
		return -1;
	message = reference_message(name, value, e);
	return message ? admin_post_json(options, "reference-value", message, name, e) : -1;
}

static int command_set_reference_value(int argc, char **argv)
{
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	const char *operand[1 + VALUES_MAX + 1] = { NULL };
	int code;

	if (!cli_parse(&value_spec, argc, argv, &options, operand, &code))
		return code;
	if (set_reference_value(&options, operand, &e) < 0)
		return cli_fail("admin set-reference-value", &e);
	if (strcmp(operand[0], REALM_RIM_REFERENCE) != 0)
		cli_warn("admin set-reference-value",
			 "trusteed has no rule that reads this name; a realm's RIM is endorsed "
			 "as " REALM_RIM_REFERENCE);
	return cli_output_line("admin set-reference-value", "endorsed %s", operand[0]);
}

/* --- set-resource-policy --------------------------------------------------------------------- */

static const struct args_option policy_options[] = {
	{ .name = "affirming",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, affirming),
	  .help = "release to realms all of whose appraisals are affirming" },
	{ .name = "allow-all",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, allow_all),
	  .help = "release to every attested realm, whatever the result" },
	{ .name = "deny-all",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, deny_all),
	  .help = "release nothing" },
	{ .name = "policy-file",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, policy_file),
	  .value = "FILE",
	  .help = "a policy in Rego, for a Trustee that evaluates it" },
	{ 0 },
};

static const struct args_option *const policy_tables[] = {
	policy_options,
	token_option,
	cli_kbs_options,
	NULL,
};

static const struct args_spec policy_spec = {
	.name = "realmkey admin set-resource-policy",
	.operands = "",
	.about = "Sets the rule by which the KBS releases resources: one of the options.",
	.options = policy_tables,
};

static int set_resource_policy(const struct options *options, struct error *e)
{
	const int given = options->affirming + options->allow_all + options->deny_all +
			  (options->policy_file != NULL);
	const char *builtin = options->affirming ? POLICY_TEXT_AFFIRMING :
			      options->allow_all ? POLICY_TEXT_ALLOW_ALL :
			      options->deny_all	 ? POLICY_TEXT_DENY_ALL :
						   NULL;
	struct bytes text = BYTES_INIT, encoded = BYTES_INIT;
	int ret = -1;

	if (given != 1)
		return error_set(e, ERROR_USAGE,
				 "%s of --affirming, --allow-all, --deny-all, "
				 "--policy-file is required",
				 given ? "just one" : "one");
	if (admin_check(options, e) < 0)
		return -1;
	if (builtin)
		bytes_append_text(&text, builtin);
	else if (io_read_file(options->policy_file, POLICY_MAX, &text, e) < 0)
		goto out;
	if (bytes_check(&text, e) < 0)
		goto out;
	encode_base64(ENCODE_BASE64URL, text.data, text.len, &encoded);
	if (bytes_check(&encoded, e) == 0)
		ret = admin_post_json(options, "resource-policy",
				      json_pack("{s:s}", "policy", bytes_text(&encoded)), "policy",
				      e);
out:
	bytes_free(&text);
	bytes_free(&encoded);
	return ret;
}

static int command_set_resource_policy(int argc, char **argv)
{
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	int code;

	if (!cli_parse(&policy_spec, argc, argv, &options, NULL, &code))
		return code;
	if (set_resource_policy(&options, &e) < 0)
		return cli_fail("admin set-resource-policy", &e);
	return cli_output_line("admin set-resource-policy", "policy set");
}

static const struct cli_entry commands[] = {
	{ "set-resource", command_set_resource, "store a secret" },
	{ "set-reference-value", command_set_reference_value, "endorse a value" },
	{ "set-resource-policy", command_set_resource_policy, "set which realms get secrets" },
	{ 0 },
};

int command_admin(int argc, char **argv)
{
	return cli_dispatch(commands, "realmkey admin", argc, argv);
}
