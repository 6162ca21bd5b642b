// SPDX-License-Identifier: Apache-2.0
/*
 * Runs a policy without a KBS: an attestation policy over a CCA token, as trusteed and Trustee run it over
 * verified evidence, or a resource policy over an EAR. A realmkey-policy of this command's own evaluates it.
 */
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "appraisal/appraisal.h"
#include "appraisal/init_data.h"
#include "appraisal/reference.h"
#include "appraisal/verdict.h"
#include "base/array.h"
#include "base/encode.h"
#include "base/io.h"
#include "base/json.h"
#include "cca/cca_verify.h"
#include "cli.h"
#include "jose/jwt.h"
#include "kbs/kbs.h"
#include "rego/process.h"
#include "rego/question.h"

#define NAME	"admin test-policy"
#define BUILTIN "builtin"

/* As trusteed limits it. */
#define ENGINE_MEMORY ((size_t)256 << 20)
#define ENGINE_MS     2000

struct options {
	const char *policy, *evidence, *references, *init_data, *anchors, *ear, *path;
	bool json;
};

static const struct args_option own[] = {
	{ .name = "policy",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, policy),
	  .value = "FILE",
	  .help = "the policy, in Rego; builtin (the default): the rules for CCA in trusteed" },
	{ .name = "evidence",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, evidence),
	  .value = "TOKEN",
	  .help = "a CCA token: CBOR, base64, or JSON {\"token\":[...]}; - is standard input" },
	{ .name = "reference-values",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, references),
	  .value = "FILE",
	  .help = "JSON {NAME: VALUE}, or reference-values.json of trusteed" },
	{ .name = "init-data",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, init_data),
	  .value = "FILE",
	  .help = "the TOML that the realm is bound to" },
	{ .name = "anchors",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, anchors),
	  .value = "PATH",
	  .help = "verify the token too: a JWK, a store, or a directory of them" },
	{ .name = "ear",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, ear),
	  .value = "EAR",
	  .help = "test a resource policy, for the holder of this EAR; - is standard input" },
	{ .name = "path",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, path),
	  .value = "A/B/C",
	  .help = "the resource: repository/type/tag" },
	CLI_JSON_OPTION(struct options, "print one JSON object"),
	{ 0 },
};

static const struct args_option *const tables[] = { own, NULL };

static const struct args_spec spec = {
	.name = "realmkey admin test-policy",
	.operands = "",
	.about =
		"Evaluates a policy without a KBS. With --evidence, an attestation policy: prints\n"
		"its AR4SI vector and the status that follows. With --ear and --path, a resource\n"
		"policy: prints \"allowed\" or \"denied\".",
	.options = tables,
	.notes =
		"The exit status is 0 if the status is affirming or the resource is allowed; 8 if\n"
		"not, and also if the policy takes too long or says what no appraisal can, since\n"
		"a KBS denies then; 12 if the policy has a mistake; 3 if there is no\n"
		"realmkey-policy.\n"
		"The EAR is not verified, and the evidence only with --anchors.",
};

/* What the evaluation needs. */
struct trial {
	struct rego_process process;
	struct bytes raw;	/* the CCA token */
	struct cca_token token; /* borrows from raw */
	struct cca_anchors anchors;
	const struct cca_anchor *used; /* NULL: the token is not verified */
	json_t *references, *init_data_claims;
};

#define TRIAL_INIT { .process = REGO_PROCESS_INIT }

static void trial_close(struct trial *trial)
{
	rego_end(&trial->process, NULL);
	json_decref(trial->init_data_claims);
	json_decref(trial->references);
	cca_token_free(&trial->token);
	cca_anchors_free(&trial->anchors);
	bytes_free(&trial->raw);
}

/* --- the engine ------------------------------------------------------------------------------ */

static int engine_start(struct rego_process *process, struct error *e)
{
	if (!rego_available())
		return error_set(e, ERROR_CONFIG,
				 "%s: there is no such program, so no policy in Rego and no "
				 "init-data can be tested here, only --policy " BUILTIN,
				 rego_program());
	return rego_start(process, ENGINE_MEMORY, e);
}

/* Ask @question; the answer is a new reference. @what is where a mistake is. */
static json_t *engine_ask(struct rego_process *process, const struct bytes *question,
			  const char *what, struct error *e)
{
	struct bytes text = BYTES_INIT;
	json_t *answer = NULL;

	if (process->pid == 0 && engine_start(process, e) < 0)
		return NULL;
	if (rego_call(process, question, ENGINE_MS, &text, e) == 0)
		answer = rego_answer(text.data, text.len, e);
	if (!answer)
		error_add(e, "%s", what);
	bytes_free(&text);
	return answer;
}

/* The values of @rules for the policy in the file @path; a new reference. */
static json_t *engine_evaluate(struct rego_process *process, const char *path,
			       const char *const *rules, json_t *input, json_t *data,
			       json_t *references, struct error *e)
{
	struct bytes policy = BYTES_INIT, question = BYTES_INIT;
	json_t *answer = NULL, *values = NULL;

	if (io_read_file(path, REGO_POLICY_MAX, &policy, e) == 0 &&
	    rego_ask_evaluate(&policy, rules, input, data, references, &question, e) == 0)
		answer = engine_ask(process, &question, path, e);
	if (answer)
		values = json_incref(
			json_member_object(answer, "values", rego_program(), ERROR_PROTOCOL, e));
	json_decref(answer);
	bytes_free(&question);
	bytes_free(&policy);
	return values;
}

static void warn_rule(const json_t *values, const char *rule, const char *result)
{
	char text[160];

	if (json_object_get(values, rule))
		return;
	snprintf(text, sizeof(text), "the policy has no rule %s, so %s", rule, result);
	cli_warn(NAME, text);
}

/* --- attestation policies -------------------------------------------------------------------- */

/* Append the bytes in the list "token" of @object. */
static int token_from_json(const json_t *object, struct bytes *out, struct error *e)
{
	const json_t *list = json_object_get(object, "token"), *value;
	size_t i;

	if (!json_is_array(list))
		return error_set(e, ERROR_INPUT, "JSON without a list \"token\"");
	json_array_foreach(list, i, value) {
		json_int_t number = json_integer_value(value);
		uint8_t byte = (uint8_t)number;

		if (!json_is_integer(value) || number != byte)
			return error_set(e, ERROR_INPUT, "token[%zu]: not a byte", i);
		bytes_append(out, &byte, 1);
	}
	return bytes_check(out, e);
}

/* Append @text without white space. */
static void text_squeeze(const struct bytes *text, struct bytes *out)
{
	for (size_t i = 0; i < text->len; i++)
		if (!isspace(text->data[i]))
			bytes_append(out, &text->data[i], 1);
}

/* A token as CBOR has bytes that are in no text: its tag. */
static int token_convert(const struct bytes *file, struct bytes *out, struct error *e)
{
	static const char base64[] = ENCODE_ALPHANUMERIC "+/=";
	struct bytes text = BYTES_INIT;
	json_t *object = NULL;
	int ret;

	text_squeeze(file, &text);
	ret = bytes_check(&text, e);
	if (ret == 0 && text.len > 0 && text.data[0] == '{') {
		object = json_parse(file->data, file->len, JSON_EVIDENCE, "token", ERROR_INPUT, e);
		ret = object ? token_from_json(object, out, e) : -1;
	} else if (ret == 0 && text.len > 0 && strspn(bytes_text(&text), base64) == text.len) {
		ret = decode_base64(ENCODE_BASE64, bytes_text(&text), text.len, "base64", out, e);
	} else if (ret == 0) {
		bytes_append(out, file->data, file->len);
		ret = bytes_check(out, e);
	}
	json_decref(object);
	bytes_free(&text);
	return ret;
}

static int token_read(struct trial *trial, const char *path, struct error *e)
{
	struct bytes file = BYTES_INIT;
	struct cca_verdict verdict;
	int ret = io_read_file(path, JSON_INPUT_MAX, &file, e);

	if (ret == 0) {
		ret = token_convert(&file, &trial->raw, e);
		if (ret == 0)
			ret = cca_token_decode(trial->raw.data, trial->raw.len, &trial->token,
					       &verdict, e);
		if (ret < 0) {
			error_reclassify(e, ERROR_ATTESTATION, ERROR_INPUT);
			error_add(e, "%s", path);
		}
	}
	bytes_free(&file);
	return ret;
}

static int token_verify(struct trial *trial, const char *anchors, struct error *e)
{
	struct cca_verdict verdict;

	if (io_each_file(anchors, cca_anchors_suffixes, JSON_INPUT_MAX, cca_anchors_use,
			 &trial->anchors, e) < 0)
		return -1;
	if (cca_token_verify(&trial->token, &trial->anchors, NULL, &verdict, &trial->used, e) < 0)
		return error_add(e, "evidence");
	return 0;
}

/* Whether @values are records as trusteed stores them. */
static bool references_are_records(json_t *values)
{
	const char *name;
	json_t *value;

	json_object_foreach(values, name, value)
		if (!json_object_get(value, "value") || !json_object_get(value, "expiration"))
			return false;
	return json_object_size(values) > 0;
}

/* The file's {name: value}, a new reference; an empty object without a file. */
static json_t *references_read(const char *path, struct error *e)
{
	struct reference stored = REFERENCE_INIT;
	struct bytes text = BYTES_INIT;
	json_t *values = NULL;

	if (!path) {
		values = json_object();
		if (!values)
			error_set_memory(e);
		return values;
	}
	if (io_read_file(path, REFERENCE_TEXT_MAX, &text, e) == 0)
		values = json_parse(text.data, text.len, JSON_OPERATOR, path, ERROR_INPUT, e);
	if (values && !json_is_object(values)) {
		error_set(e, ERROR_INPUT, "%s: not an object of names and values", path);
		json_decref(values);
		values = NULL;
	} else if (values && references_are_records(values)) {
		json_decref(values);
		values = NULL;
		if (reference_load(&stored, text.data, text.len, e) == 0)
			values = json_incref(reference_values(&stored));
		else
			error_reclassify(e, ERROR_CONFIG, ERROR_INPUT);
	}
	reference_free(&stored);
	bytes_free(&text);
	return values;
}

static int init_data_read(struct trial *trial, const char *path, struct error *e)
{
	const struct cbor_slice rpv = trial->token.realm.rpv;
	struct bytes text = BYTES_INIT, question = BYTES_INIT;
	json_t *answer = NULL;
	int ret = -1;

	if (io_read_file(path, INIT_DATA_MAX, &text, e) == 0 &&
	    init_data_check(bytes_text(&text), text.len, rpv.data, rpv.len, e) == 0 &&
	    rego_ask_init_data(bytes_text(&text), &question, e) == 0)
		answer = engine_ask(&trial->process, &question, path, e);
	if (answer)
		trial->init_data_claims = json_incref(init_data_claims(answer, e));
	if (trial->init_data_claims)
		ret = 0;
	json_decref(answer);
	bytes_free(&question);
	bytes_free(&text);
	return ret;
}

static int appraise(struct trial *trial, const char *policy, json_t *evidence,
		    struct verdict *verdict, struct error *e)
{
	static const char *const rules[] = { REGO_TRUST_CLAIMS, REGO_EXTENSIONS, NULL };
	json_t *values;
	int ret;

	if (!strcmp(policy, BUILTIN)) {
		verdict_from_rules(evidence, trial->references, verdict);
		return 0;
	}
	values = engine_evaluate(&trial->process, policy, rules, evidence, NULL, trial->references,
				 e);
	if (!values)
		return -1;
	warn_rule(values, REGO_TRUST_CLAIMS, "all claims are 0");
	ret = verdict_from_values(values, verdict, e);
	json_decref(values);
	return ret < 0 ? error_add(e, "%s", policy) : 0;
}

/* Append the vector as `realmkey verify` prints it. */
static void verdict_print(const struct verdict *verdict, struct bytes *out)
{
	struct ear ear = { .count = 1 };

	ear.appraisal[0] = (struct ear_appraisal){ .name = "cpu0",
						   .status = verdict_tier(verdict),
						   .has_vector = true };
	memcpy(ear.appraisal[0].vector, verdict->vector, sizeof(verdict->vector));
	ear_print_vectors(&ear, out);
}

static int verdict_output_json(const struct trial *trial, const char *policy,
			       const struct verdict *verdict, struct error *e)
{
	json_t *appraisal = ear_appraisal_json(verdict->vector, verdict->set, e), *value;
	int ret;

	if (!appraisal)
		return -1;
	if (verdict->extensions && json_object_update(appraisal, verdict->extensions) < 0) {
		json_decref(appraisal);
		return error_set_memory(e);
	}
	value = json_pack("{s:s, s:b, s:s, s:o}", "policy", policy, "evidence-verified",
			  trial->used != NULL, "anchor", trial->used ? trial->used->name : "",
			  "appraisal", appraisal);
	ret = value ? cli_output_json(value, e) : error_set_memory(e);
	json_decref(value);
	return ret;
}

static int verdict_output(const struct trial *trial, const char *policy,
			  const struct verdict *verdict, struct error *e)
{
	struct bytes out = BYTES_INIT;

	verdict_print(verdict, &out);
	if (verdict->extensions && json_object_size(verdict->extensions) > 0) {
		bytes_append_text(&out, "extensions: ");
		if (json_pretty(verdict->extensions, &out, e) < 0) {
			bytes_free(&out);
			return -1;
		}
	}
	if (trial->used)
		bytes_printf(&out, "evidence: verified with the anchor %s\n", trial->used->name);
	else
		bytes_append_text(&out, "evidence: not verified (--anchors)\n");
	bytes_printf(&out, "policy: %s\nstatus: %s\n", policy,
		     ear_tier_name(verdict_tier(verdict)));
	return cli_output_text(&out, e);
}

/* 1: affirming; 0: not; -1: it failed. */
static int test_attestation(struct trial *trial, const struct options *options, struct error *e)
{
	const char *policy = options->policy ? options->policy : BUILTIN;
	struct verdict verdict = VERDICT_INIT;
	json_t *runtime = json_null(), *evidence = NULL;
	int ret = -1;

	if (token_read(trial, options->evidence, e) < 0 ||
	    (options->anchors && token_verify(trial, options->anchors, e) < 0))
		return -1;
	trial->references = references_read(options->references, e);
	if (!trial->references ||
	    (options->init_data && init_data_read(trial, options->init_data, e) < 0))
		return -1;
	evidence = appraisal_evidence(&trial->token, runtime, trial->init_data_claims, e);
	if (evidence && appraise(trial, policy, evidence, &verdict, e) == 0)
		ret = options->json ? verdict_output_json(trial, policy, &verdict, e) :
				      verdict_output(trial, policy, &verdict, e);
	if (ret == 0)
		ret = verdict_tier(&verdict) == EAR_AFFIRMING;
	verdict_free(&verdict);
	json_decref(evidence);
	return ret;
}

/* --- resource policies ----------------------------------------------------------------------- */

/* The claims of an EAR: of a JWT, or as JSON; a new reference. */
static json_t *claims_read(const char *path, struct error *e)
{
	struct bytes text = BYTES_INIT;
	struct jwt jwt = JWT_INIT;
	json_t *claims = NULL;

	if (cli_read_text(path, JWT_MAX, &text, e) < 0)
		return NULL;
	if (text.len > 0 && text.data[0] == '{') {
		claims = json_parse(text.data, text.len, JSON_TOKEN, path, ERROR_INPUT, e);
	} else if (jwt_decode(text.data, text.len, &jwt, e) == 0) {
		claims = json_incref(jwt.payload);
	} else {
		error_reclassify(e, ERROR_ANY, ERROR_INPUT);
		error_add(e, "%s", path);
	}
	jwt_free(&jwt);
	bytes_free(&text);
	return claims;
}

/* What a resource policy finds in "data"; a new reference. */
static json_t *resource_data(const char *path, struct error *e)
{
	const char *type = strchr(path, '/'), *tag = type ? strchr(type + 1, '/') : NULL;
	json_t *data = NULL;

	if (tag)
		data = json_pack("{s:s, s:[s%, s%, s], s:{}}", "plugin", "resource",
				 "resource-path", path, (size_t)(type - path), type + 1,
				 (size_t)(tag - type - 1), tag + 1, "query");
	if (!data)
		error_set_memory(e);
	return data;
}

static int resource_output(const struct options *options, const char *path, bool allowed,
			   struct error *e)
{
	struct bytes out = BYTES_INIT;
	json_t *value;
	int ret;

	if (options->json) {
		value = json_pack("{s:s, s:b, s:s, s:b}", "policy", options->policy, "ear-verified",
				  0, "path", path, "allowed", allowed);
		ret = value ? cli_output_json(value, e) : error_set_memory(e);
		json_decref(value);
		return ret;
	}
	bytes_printf(&out, "EAR: not verified\npolicy: %s\n%s %s\n", options->policy,
		     allowed ? "allowed" : "denied", path);
	return cli_output_text(&out, e);
}

/* 1: allowed; 0: denied; -1: it failed. */
static int test_resource(struct trial *trial, const struct options *options, struct error *e)
{
	static const char *const rules[] = { REGO_ALLOW, NULL };
	json_t *claims = NULL, *data = NULL, *values = NULL;
	bool allowed;
	char path[256];
	int ret = -1;

	if (kbs_resource_path(options->path, path, sizeof(path), e) < 0)
		return -1;
	claims = claims_read(options->ear, e);
	data = claims ? resource_data(path, e) : NULL;
	if (data)
		values = engine_evaluate(&trial->process, options->policy, rules, claims, data,
					 NULL, e);
	if (values) {
		warn_rule(values, REGO_ALLOW, "it denies");
		allowed = json_is_true(json_object_get(values, REGO_ALLOW));
		ret = resource_output(options, path, allowed, e);
		if (ret == 0)
			ret = allowed;
	}
	json_decref(values);
	json_decref(data);
	json_decref(claims);
	return ret;
}

/* --- test-policy ----------------------------------------------------------------------------- */

/* Check which options are given. */
static int options_check(const struct options *options, struct error *e)
{
	if (!options->evidence == !options->ear)
		return error_set(e, ERROR_USAGE,
				 "either --evidence (for an attestation policy) or --ear (for a "
				 "resource policy) is required");
	if (options->ear && (!options->path || !options->policy))
		return error_set(e, ERROR_USAGE, "--ear requires --path and --policy");
	if (options->ear && (options->references || options->init_data || options->anchors))
		return error_set(
			e, ERROR_USAGE,
			"--reference-values, --init-data and --anchors are for --evidence");
	if (options->evidence && options->path)
		return error_set(e, ERROR_USAGE, "--path is for --ear");
	return 0;
}

int command_test_policy(int argc, char **argv)
{
	const struct error denied = { .kind = ERROR_POLICY };
	struct trial trial = TRIAL_INIT;
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	int code, ret;

	if (!cli_parse(&spec, argc, argv, &options, NULL, &code))
		return code;
	ret = options_check(&options, &e);
	if (ret == 0)
		ret = options.ear ? test_resource(&trial, &options, &e) :
				    test_attestation(&trial, &options, &e);
	trial_close(&trial);
	if (ret < 0)
		return cli_fail(NAME, &e);
	return ret ? 0 : error_exit_code(&denied);
}
