/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin: what an operator asks of a KBS. A sub-command is a row of a table: its options, and a function that gets
 * them and prints the result. All have one struct of options.
 */
#ifndef REALMKEY_CLI_ADMIN_H
#define REALMKEY_CLI_ADMIN_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/cli.h"

#define ADMIN_VALUES_MAX   64
#define ADMIN_OPERANDS_MAX (1 + ADMIN_VALUES_MAX)
/* The limits of an answer in JSON: those of the longest that a KBS gives to anyone. */
#define ADMIN_ANSWER JSON_SECRET

struct admin_options {
	struct cli_kbs kbs; /* the first member, as cli_kbs_options requires */
	const char *token_file;
	/* a resource */
	const char *path, *resource_file;
	/* policies */
	bool affirming, allow_all, deny_all;
	const char *policy_file, *policy_id, *policy_type, *repository;
	/* reference values */
	bool as_integer, as_bool, as_single_value;
	const char *corim;
	/* keys */
	bool withdraw;
	/* a token */
	const char *key_file, *output, *role, *issuer, *audience;
	unsigned int days;
};

extern const struct args_option admin_token_option[]; /* --admin-token-file */
extern const struct args_option admin_path_option[];  /* --path */

/* The options of a sub-command that sends a request: those given, and what each of these has. */
#define ADMIN_OPTIONS(...) \
	(const struct args_option *const[]) \
	{ \
		__VA_ARGS__ __VA_OPT__(, ) admin_token_option, cli_kbs_options, NULL \
	}

/* Do what the sub-command @options asks, and print the result. @operand ends with NULL. */
typedef int admin_command(const struct admin_options *options, const char *const *operand,
			  struct error *e);

admin_command admin_set_resource, admin_delete_resource, admin_set_reference_value,
	admin_get_reference_value, admin_set_resource_policy, admin_set_attestation_policy,
	admin_list_policies, admin_get_policy, admin_delete_policy, admin_rotate_ear_key,
	admin_make_token;

extern const struct args_spec admin_set_resource_spec, admin_delete_resource_spec,
	admin_set_reference_value_spec, admin_get_reference_value_spec,
	admin_set_resource_policy_spec, admin_set_attestation_policy_spec, admin_list_policies_spec,
	admin_get_policy_spec, admin_delete_policy_spec, admin_rotate_ear_key_spec,
	admin_make_token_spec;

/* Check the options that every request requires, before anything is read. */
int admin_check(const struct admin_options *options, struct error *e);

/* A request to the KBS. */
struct admin_request {
	const char *method;	  /* "GET", "POST" or "DELETE" */
	const char *path;	  /* below /kbs/v0/ */
	const struct bytes *body; /* NULL: none */
	const char *what;	  /* names the request in errors */
};

/* Start a courier, send @request, and append the body of the answer to @answer, unless that is NULL. ERROR_INPUT,
 * ERROR_POLICY and so on for a refusal (kbs_admin_answer()). */
int admin_ask(const struct admin_options *options, const struct admin_request *request,
	      struct bytes *answer, struct error *e);
/* POST @value, which is released, as JSON. @value NULL: out of memory. */
int admin_post_json(const struct admin_options *options, const char *path, json_t *value,
		    const char *what, struct error *e);

/* Print a line. */
int admin_say(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
