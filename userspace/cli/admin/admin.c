// SPDX-License-Identifier: Apache-2.0
/*
 * Requests of an operator, to trusteed or to Trustee. A resource is sent in plain text inside TLS,
 * so the courier sees it, here on the operator's machine.
 */
#include "admin.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "kbs/kbs.h"

#define ADMIN_TOKEN_MAX ((size_t)64 << 10)
#define LINE_SIZE	1024

const struct args_option admin_token_option[] = {
	{ .name = "admin-token-file",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct admin_options, token_file),
	  .value = "FILE",
	  .help = "the operator's bearer token (required)" },
	{ 0 },
};

const struct args_option admin_path_option[] = {
	{ .name = "path",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct admin_options, path),
	  .value = "A/B/C",
	  .help = "the resource: repository/type/tag (required)" },
	{ 0 },
};

int admin_check(const struct admin_options *options, struct error *e)
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

int admin_ask(const struct admin_options *options, const struct admin_request *request,
	      struct bytes *answer, struct error *e)
{
	struct bytes token = BYTES_LOCKED_INIT, ignored = BYTES_INIT;
	struct message m = { .type = MESSAGE_ADMIN, .count = 4 };
	struct courier courier = COURIER_INIT;
	int status, ret = -1;

	if (!answer)
		answer = &ignored;
	if (cli_read_token(options->token_file, ADMIN_TOKEN_MAX, &token, e) < 0 ||
	    cli_courier_start(&courier, &options->kbs, e) < 0)
		goto out;
	m.field[0] = (struct message_field){ (const uint8_t *)request->method,
					     strlen(request->method) };
	m.field[1] = (struct message_field){ (const uint8_t *)request->path,
					     strlen(request->path) };
	m.field[2] = (struct message_field){ token.data, token.len };
	if (request->body)
		m.field[3] = (struct message_field){ request->body->data, request->body->len };
	if (courier_call(&courier, &m, &status, answer, e) == 0)
		ret = kbs_admin_answer(status, answer->data, answer->len, request->what, e);
out:
	courier_stop(&courier);
	bytes_free(&token);
	bytes_free(&ignored);
	return ret;
}

int admin_post_json(const struct admin_options *options, const char *path, json_t *value,
		    const char *what, struct error *e)
{
	struct bytes body = BYTES_INIT;
	int ret = -1;

	if (!value)
		error_set_memory(e);
	else if (json_compact(value, &body, e) == 0)
		ret = admin_ask(options, &(struct admin_request){ "POST", path, &body, what }, NULL,
				e);
	json_decref(value);
	bytes_free(&body);
	return ret;
}

int admin_say(struct error *e, const char *format, ...)
{
	struct bytes text = BYTES_INIT;
	char line[LINE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	error_text_clean(line);
	bytes_printf(&text, "%s\n", line);
	return cli_output_text(&text, e);
}

/* The sub-commands. A row without a function has its own main function. */
static const struct row {
	const char *name, *help;
	const struct args_spec *spec;
	admin_command *run;
} rows[] = {
	{ "set-resource", "store a secret", &admin_set_resource_spec, admin_set_resource },
	{ "delete-resource", "delete a secret", &admin_delete_resource_spec,
	  admin_delete_resource },
	{ "set-reference-value", "endorse values", &admin_set_reference_value_spec,
	  admin_set_reference_value },
	{ "get-reference-value", "print an endorsed value", &admin_get_reference_value_spec,
	  admin_get_reference_value },
	{ "set-attestation-policy", "set how evidence is appraised",
	  &admin_set_attestation_policy_spec, admin_set_attestation_policy },
	{ "set-resource-policy", "set which realms get secrets", &admin_set_resource_policy_spec,
	  admin_set_resource_policy },
	{ "list-policies", "print the names of the policies", &admin_list_policies_spec,
	  admin_list_policies },
	{ "get-policy", "print a policy", &admin_get_policy_spec, admin_get_policy },
	{ "delete-policy", "delete a policy", &admin_delete_policy_spec, admin_delete_policy },
	{ "rotate-ear-key", "have trusteed sign with a new key", &admin_rotate_ear_key_spec,
	  admin_rotate_ear_key },
	{ "make-token", "sign an operator's token", &admin_make_token_spec, admin_make_token },
};

/* Run the row that argv[0] names. */
static int row_run(int argc, char **argv)
{
	const char *operand[ADMIN_OPERANDS_MAX + 1] = { NULL };
	struct admin_options options = { 0 };
	const struct row *row = rows;
	struct error e = ERROR_INIT;
	int code;

	while (strcmp(row->name, argv[0]) != 0)
		row++;
	if (!cli_parse(row->spec, argc, argv, &options, operand, &code))
		return code;
	return row->run(&options, operand, &e) < 0 ? cli_fail(row->spec->name, &e) : 0;
}

int command_admin(int argc, char **argv)
{
	struct cli_entry commands[ARRAY_SIZE(rows) + 2] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		commands[i] = (struct cli_entry){ rows[i].name, row_run, rows[i].help };
	commands[ARRAY_SIZE(rows)] = (struct cli_entry){ "test-policy", command_test_policy,
							 "evaluate a policy without a KBS" };
	return cli_dispatch(commands, "realmkey admin", argc, argv);
}
