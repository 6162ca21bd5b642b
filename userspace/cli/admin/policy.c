// SPDX-License-Identifier: Apache-2.0
/* The policies of a KBS: attestation policies appraise evidence, resource policies release secrets. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "admin.h"
#include "base/encode.h"
#include "base/io.h"
#include "base/json.h"
#include "kbs/policy_text.h"

#define POLICY_MAX	   ((size_t)1 << 20)
#define POLICY_ID	   "default_cpu"
#define POLICY_TYPE	   "rego"
#define RESOURCE_POLICY	   "resource-policy"
#define ATTESTATION_POLICY "attestation-policy"
#define ID_CHARACTERS	   ENCODE_ALPHANUMERIC "-_."

/* @text as the KBS expects it: base64url in JSON. */
static json_t *policy_encode(const void *text, size_t len, struct error *e)
{
	struct bytes encoded = BYTES_INIT;
	json_t *value = NULL;

	encode_base64(ENCODE_BASE64URL, text, len, &encoded);
	if (bytes_check(&encoded, e) == 0) {
		value = json_string(bytes_text(&encoded));
		if (!value)
			error_set_memory(e);
	}
	bytes_free(&encoded);
	return value;
}

static json_t *policy_read(const char *path, struct error *e)
{
	struct bytes text = BYTES_INIT;
	json_t *value = NULL;

	if (io_read_file(path, POLICY_MAX, &text, e) == 0) {
		if (text.len)
			value = policy_encode(text.data, text.len, e);
		else
			error_set(e, ERROR_INPUT, "%s: is empty", path);
	}
	bytes_free(&text);
	return value;
}

/* Check the name of a policy or repository. */
static int name_check(const char *option, const char *name, struct error *e)
{
	if (*name && *name != '.' && !name[strspn(name, ID_CHARACTERS)] && strlen(name) <= 64)
		return 0;
	return error_set(e, ERROR_USAGE,
			 "%s: '%s' is not 1 to 64 letters, digits, '_', '.', '-' that begin with "
			 "another character than '.'",
			 option, name);
}

static int stdin_check(const struct admin_options *options, struct error *e)
{
	if (options->policy_file && !strcmp(options->policy_file, "-") &&
	    !strcmp(options->token_file, "-"))
		return error_set(e, ERROR_USAGE,
				 "--policy-file and --admin-token-file cannot both be standard "
				 "input");
	return 0;
}

/* --- set-attestation-policy ------------------------------------------------------------------ */

static const struct args_option attestation_options[] = {
	{ .name = "policy-file",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct admin_options, policy_file),
	  .value = "FILE",
	  .help = "the policy, in Rego (required)" },
	{ .name = "id",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct admin_options, policy_id),
	  .value = "ID",
	  .help = "the policy's name (default " POLICY_ID ", which appraises realms)" },
	{ .name = "type",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct admin_options, policy_type),
	  .value = "LANGUAGE",
	  .help = "the language of the policy (default " POLICY_TYPE ")" },
	{ 0 },
};

const struct args_spec admin_set_attestation_policy_spec = {
	.name = "realmkey admin set-attestation-policy",
	.operands = "",
	.about = "Sets the policy by which the KBS appraises evidence. The installed file\n"
		 "/usr/share/realmkey/policies/default_cpu.rego has rules for Arm CCA, which\n"
		 "Trustee's own policy lacks.",
	.options = ADMIN_OPTIONS(attestation_options),
};

int admin_set_attestation_policy(const struct admin_options *options, const char *const *operand,
				 struct error *e)
{
	const char *id = options->policy_id ? options->policy_id : POLICY_ID;
	const char *type = options->policy_type ? options->policy_type : POLICY_TYPE;
	json_t *policy;

	(void)operand;
	if (!options->policy_file)
		return error_set(e, ERROR_USAGE, "--policy-file is required");
	if (name_check("--id", id, e) < 0 || name_check("--type", type, e) < 0 ||
	    admin_check(options, e) < 0 || stdin_check(options, e) < 0)
		return -1;
	policy = policy_read(options->policy_file, e);
	if (!policy)
		return -1;
	if (admin_post_json(options, ATTESTATION_POLICY,
			    json_pack("{s:s, s:s, s:o}", "type", type, "policy_id", id, "policy",
				      policy),
			    id, e) < 0)
		return -1;
	return admin_say(e, "attestation policy %s set", id);
}

/* --- set-resource-policy --------------------------------------------------------------------- */

static const struct args_option policy_options[] = {
	{ .name = "affirming",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct admin_options, affirming),
	  .help = "release to realms all of whose appraisals are affirming" },
	{ .name = "allow-all",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct admin_options, allow_all),
	  .help = "release to every attested realm, whatever the result" },
	{ .name = "deny-all",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct admin_options, deny_all),
	  .help = "release nothing" },
	{ .name = "policy-file",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct admin_options, policy_file),
	  .value = "FILE",
	  .help = "a policy in Rego" },
	{ .name = "repository",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct admin_options, repository),
	  .value = "REPOSITORY",
	  .help = "only for the resources REPOSITORY/...; trusteed knows this, Trustee does not" },
	{ 0 },
};

const struct args_spec admin_set_resource_policy_spec = {
	.name = "realmkey admin set-resource-policy",
	.operands = "",
	.about = "Sets the rule by which the KBS releases resources: one of the first four\n"
		 "options.",
	.options = ADMIN_OPTIONS(policy_options),
};

static int resource_policy_check(const struct admin_options *options, struct error *e)
{
	const int given = options->affirming + options->allow_all + options->deny_all +
			  (options->policy_file != NULL);

	if (given != 1)
		return error_set(e, ERROR_USAGE,
				 "%s of --affirming, --allow-all, --deny-all, "
				 "--policy-file is required",
				 given ? "just one" : "one");
	if (options->repository && name_check("--repository", options->repository, e) < 0)
		return -1;
	return admin_check(options, e) < 0 ? -1 : stdin_check(options, e);
}

/* The text of the option that names a built-in policy. */
static const char *policy_builtin(const struct admin_options *options)
{
	return options->affirming ? POLICY_TEXT_AFFIRMING :
	       options->allow_all ? POLICY_TEXT_ALLOW_ALL :
				    POLICY_TEXT_DENY_ALL;
}

/* A Trustee would ignore the repository, and set the policy of all resources. It does not list attestation policies
 * either, which tells it from a trusteed, whatever that answers to this operator. */
static int repository_check(const struct admin_options *options, struct error *e)
{
	struct error other = ERROR_INIT;

	if (admin_ask(options,
		      &(struct admin_request){ "GET", ATTESTATION_POLICY, NULL, "policies" }, NULL,
		      &other) == 0 ||
	    other.kind == ERROR_POLICY || other.kind == ERROR_PROTOCOL)
		return 0;
	*e = other;
	if (e->kind != ERROR_NOT_FOUND)
		return -1;
	return error_set(
		e, ERROR_NOT_FOUND,
		"this KBS has no policies for single repositories, so nothing was changed; "
		"write a policy that reads data[\"resource-path\"][0]");
}

int admin_set_resource_policy(const struct admin_options *options, const char *const *operand,
			      struct error *e)
{
	const char *repository = options->repository, *text;
	json_t *policy;

	(void)operand;
	if (resource_policy_check(options, e) < 0)
		return -1;
	text = options->policy_file ? NULL : policy_builtin(options);
	policy = text ? policy_encode(text, strlen(text), e) : policy_read(options->policy_file, e);
	if (!policy)
		return -1;
	if (repository && repository_check(options, e) < 0) {
		json_decref(policy);
		return -1;
	}
	if (admin_post_json(options, RESOURCE_POLICY,
			    repository ? json_pack("{s:o, s:s}", "policy", policy, "policy_id",
						   repository) :
					 json_pack("{s:o}", "policy", policy),
			    "policy", e) < 0)
		return -1;
	return repository ? admin_say(e, "policy of %s set", repository) :
			    admin_say(e, "policy set");
}

/* --- list-policies --------------------------------------------------------------------------- */

const struct args_spec admin_list_policies_spec = {
	.name = "realmkey admin list-policies",
	.operands = "",
	.about = "Prints the names of the policies that are set, as JSON.",
	.options = ADMIN_OPTIONS(),
};

/* The names in the answer to a GET of @path. A Trustee of 2025 answers with its only resource policy itself, as
 * base64url. */
static json_t *list_read(const struct bytes *answer, const char *path, struct error *e)
{
	const char *text = bytes_text(answer);
	json_t *list, *name;
	size_t i;

	if (answer->len && strspn(text, ENCODE_ALPHANUMERIC "-_") == answer->len) {
		list = json_pack("[s]", path);
		if (!list)
			error_set_memory(e);
		return list;
	}
	list = json_parse(answer->data, answer->len, ADMIN_ANSWER, path, ERROR_PROTOCOL, e);
	if (!list)
		return NULL;
	json_array_foreach(list, i, name)
		if (!json_is_string(name))
			break;
	if (json_is_array(list) && i == json_array_size(list))
		return list;
	error_set(e, ERROR_PROTOCOL, "%s: not a list of names", path);
	json_decref(list);
	return NULL;
}

static json_t *list_get(const struct admin_options *options, const char *path, struct error *e)
{
	struct bytes answer = BYTES_INIT;
	json_t *list = NULL;

	if (admin_ask(options, &(struct admin_request){ "GET", path, NULL, path }, &answer, e) == 0)
		list = list_read(&answer, path, e);
	bytes_free(&answer);
	return list;
}

/* The names of attestation policies; null, and a warning, from a KBS that does not list them. */
static json_t *attestation_list(const struct admin_options *options, struct error *e)
{
	json_t *list = list_get(options, ATTESTATION_POLICY, e);

	if (list || e->kind != ERROR_NOT_FOUND)
		return list;
	*e = (struct error)ERROR_INIT;
	cli_warn("admin list-policies", "this KBS does not list its attestation policies");
	return json_null();
}

int admin_list_policies(const struct admin_options *options, const char *const *operand,
			struct error *e)
{
	json_t *resource, *attestation, *lists = NULL;
	int ret = -1;

	(void)operand;
	if (admin_check(options, e) < 0)
		return -1;
	resource = list_get(options, RESOURCE_POLICY, e);
	attestation = resource ? attestation_list(options, e) : NULL;
	if (attestation) {
		lists = json_pack("{s:O, s:O}", "attestation", attestation, "resource", resource);
		ret = lists ? cli_output_json(lists, e) : error_set_memory(e);
	}
	json_decref(lists);
	json_decref(resource);
	json_decref(attestation);
	return ret;
}

/* --- get-policy, delete-policy --------------------------------------------------------------- */

static const struct args_option name_options[] = {
	{ .name = "id",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct admin_options, policy_id),
	  .value = "ID",
	  .help = "the attestation policy of this name" },
	{ .name = "repository",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct admin_options, repository),
	  .value = "REPOSITORY",
	  .help = "the resource policy of this repository; " RESOURCE_POLICY
		  " is that of all others" },
	{ 0 },
};

const struct args_spec admin_get_policy_spec = {
	.name = "realmkey admin get-policy",
	.operands = "",
	.about = "Prints a policy of trusteed: one of the first two options.",
	.options = ADMIN_OPTIONS(name_options),
};

const struct args_spec admin_delete_policy_spec = {
	.name = "realmkey admin delete-policy",
	.operands = "",
	.about = "Deletes a policy of trusteed, one of the first two options. Then the next one\n"
		 "applies: for a repository that of all, and for all the built-in one.",
	.options = ADMIN_OPTIONS(name_options),
};

/* The path of the policy that the options name. */
static int policy_path(const struct admin_options *options, char *path, size_t size,
		       struct error *e)
{
	const char *id = options->policy_id, *repository = options->repository;

	if (!id == !repository)
		return error_set(e, ERROR_USAGE, "%s of --id, --repository is required",
				 id ? "just one" : "one");
	snprintf(path, size, "%s/%s", id ? ATTESTATION_POLICY : RESOURCE_POLICY,
		 id ? id : repository);
	if (name_check(id ? "--id" : "--repository", id ? id : repository, e) < 0)
		return -1;
	return admin_check(options, e);
}

int admin_get_policy(const struct admin_options *options, const char *const *operand,
		     struct error *e)
{
	struct bytes answer = BYTES_INIT, text = BYTES_INIT;
	const char *encoded = NULL;
	json_t *policy = NULL;
	char path[128];
	int ret = -1;

	(void)operand;
	if (policy_path(options, path, sizeof(path), e) < 0)
		return -1;
	if (admin_ask(options, &(struct admin_request){ "GET", path, NULL, path }, &answer, e) == 0)
		policy = json_parse(answer.data, answer.len, ADMIN_ANSWER, path, ERROR_PROTOCOL, e);
	if (policy)
		encoded = json_member_text(policy, "policy", path, ERROR_PROTOCOL, e);
	if (encoded &&
	    decode_base64(ENCODE_BASE64URL, encoded, strlen(encoded), path, &text, e) == 0)
		ret = cli_output(&text, e);
	else
		error_reclassify(e, ERROR_INPUT, ERROR_PROTOCOL);
	json_decref(policy);
	bytes_free(&answer);
	bytes_free(&text);
	return ret;
}

int admin_delete_policy(const struct admin_options *options, const char *const *operand,
			struct error *e)
{
	char path[128];

	(void)operand;
	if (policy_path(options, path, sizeof(path), e) < 0 ||
	    admin_ask(options, &(struct admin_request){ "DELETE", path, NULL, path }, NULL, e) < 0)
		return -1;
	return admin_say(e, "deleted %s", path);
}
