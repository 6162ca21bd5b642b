// SPDX-License-Identifier: Apache-2.0
/*
 * What policies in Rego decide: on attestations and on resources, also when they fail. In the place of
 * realmkey-policy is a program that does what the policy says (fake_policy.c).
 */
#include "trusteed_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "jose/jwt.h"
#include "kbs/policy_text.h"
#include "trusteed/query.h"

#define ALLOWED "answer {\"values\":{\"data.policy.allow\":true}}"

static int setup(void **state)
{
	setenv("REALMKEY_POLICY", getenv("FAKE_POLICY"), 1);
	return world_setup(state);
}

static void set_attestation(struct world *w, const char *id, const char *text)
{
	world_policy(w, POLICIES_ATTESTATION, id, text);
}

static void set_resource(struct world *w, const char *id, const char *text)
{
	world_policy(w, POLICIES_RESOURCE, id, text);
}

/* A policy that gives @claims. The caller frees it. */
static char *claims_policy(const char *claims, const char *extensions)
{
	char *text;

	assert_true(asprintf(&text, "answer {\"values\":{\"data.policy.trust_claims\":%s%s%s}}",
			     claims, extensions ? ",\"data.policy.extensions\":" : "",
			     extensions ? extensions : "") > 0);
	return text;
}

/* The appraisal of @submod in the EAR @text, borrowed from @jwt. */
static json_t *appraisal_of(const struct bytes *text, const char *submod, struct jwt *jwt)
{
	struct error e = ERROR_INIT;

	assert_int_equal(jwt_decode(text->data, text->len, jwt, &e), 0);
	return json_object_get(json_object_get(jwt->payload, "submods"), submod);
}

/* Attest, and compare the vector and the status. */
static void expect_vector(struct world *w, const char *vector, const char *status)
{
	json_t *want = json_loads(vector, 0, NULL), *appraisal;
	struct bytes text = BYTES_INIT;
	struct jwt jwt = JWT_INIT;

	world_attest_ok(w, &text);
	appraisal = appraisal_of(&text, "cpu0", &jwt);
	assert_non_null(want);
	assert_true(json_equal(json_object_get(appraisal, "ear.trustworthiness-vector"), want));
	assert_string_equal(json_string_value(json_object_get(appraisal, "ear.status")), status);
	assert_string_equal(
		json_string_value(json_object_get(appraisal, "ear.appraisal-policy-id")),
		"default");
	json_decref(want);
	jwt_free(&jwt);
	bytes_free(&text);
}

/* The policy for the class, then the one for all, then the built-in rules. */
static void the_policy_that_was_set_decides(void **state)
{
	char *cpu = claims_policy("{\"executables\":3,\"hardware\":2}", NULL);
	char *all = claims_policy("{\"executables\":33}", NULL);
	struct world *w = *state;

	set_attestation(w, "default_gpu", "die");
	expect_vector(w,
		      "{\"instance-identity\":2,\"configuration\":0,\"executables\":33,"
		      "\"file-system\":0,\"hardware\":2,\"runtime-opaque\":2,\"storage-opaque\":0,"
		      "\"sourced-data\":0}",
		      "warning");
	set_attestation(w, "default", all);
	expect_vector(w, "{\"executables\":33}", "warning");
	set_attestation(w, "default_cpu", cpu);
	expect_vector(w, "{\"executables\":3,\"hardware\":2}", "affirming");
	set_attestation(w, "default_cpu", NULL);
	expect_vector(w, "{\"executables\":33}", "warning");
	/* No rule for claims: all are 0. */
	set_attestation(w, "default", "answer {\"values\":{}}");
	expect_vector(w,
		      "{\"instance-identity\":0,\"configuration\":0,\"executables\":0,"
		      "\"file-system\":0,\"hardware\":0,\"runtime-opaque\":0,\"storage-opaque\":0,"
		      "\"sourced-data\":0}",
		      "none");
	free(cpu);
	free(all);
}

static void extensions_are_in_the_ear(void **state)
{
	char *text = claims_policy("{\"hardware\":2}",
				   "[{\"name\":\"ear.trustee.identifiers\",\"key\":-18,"
				   "\"value\":{\"validated\":{}}}]");
	struct world *w = *state;
	struct bytes ear = BYTES_INIT;
	struct jwt jwt = JWT_INIT;
	json_t *value, *want = json_pack("{s:{}}", "validated");

	set_attestation(w, "default_cpu", text);
	world_attest_ok(w, &ear);
	value = json_object_get(appraisal_of(&ear, "cpu0", &jwt), "ear.trustee.identifiers");
	assert_true(json_equal(value, want));
	json_decref(want);
	jwt_free(&jwt);
	bytes_free(&ear);
	free(text);
}

/* What a policy is asked is what the EAR has as evidence. Its process gets the reference values if @keep. */
static void expect_question(struct world *w, bool keep)
{
	struct bytes ear = BYTES_INIT;
	struct jwt jwt = JWT_INIT;
	json_t *appraisal, *want;

	world_attest_ok(w, &ear);
	appraisal = appraisal_of(&ear, "cpu0", &jwt);
	want = json_pack("{s:s, s:[s, s], s:O, s:b}", "kind", "evaluate", "rules",
			 "data.policy.trust_claims", "data.policy.extensions", "input",
			 json_object_get(appraisal, "ear.veraison.annotated-evidence"),
			 "references", 1);
	assert_non_null(want);
	if (keep)
		json_object_set(want, "keep", reference_values(&w->trustee.reference));
	assert_true(json_equal(json_object_get(appraisal, "question"), want));
	json_decref(want);
	jwt_free(&jwt);
	bytes_free(&ear);
}

/* A process gets all reference values with its first question, and with the first one after they changed. */
static void the_question_is_that_of_trustee(void **state)
{
	struct world *w = *state;
	struct reply reply;

	set_attestation(w, "default_cpu", "echo");
	for (int i = 0; i < 2; i++) {
		world_endorse(w);
		assert_int_equal(json_object_size(reference_values(&w->trustee.reference)), 1);
		expect_question(w, true);
		expect_question(w, false);
	}
	set_attestation(w, "default_cpu", "die");
	assert_int_equal(world_attest(w, NULL, &reply), 500);
	reply_free(&reply);
	set_attestation(w, "default_cpu", "echo");
	expect_question(w, true);
}

static const struct {
	const char *policy, *cause;
} failures[] = {
	{ "hang", "the policy took longer than 2.0 s and was ended" },
	{ "garbage", "realmkey-policy" },
	{ "mistaken", "line 3, column 7: a mistake" },
	{ "answer {\"values\":{\"data.policy.trust_claims\":\"<undefined>\"}}", "trust_claims" },
	{ "answer {\"values\":{\"data.policy.trust_claims\":{}}}", "trust_claims" },
	{ "answer {\"values\":{\"data.policy.trust_claims\":{\"hardware\":\"2\"}}}", "hardware" },
	{ "answer {\"values\":{\"data.policy.trust_claims\":{\"hardware\":2},"
	  "\"data.policy.extensions\":7}}",
	  "extensions" },
	{ "answer {}", "" },
};

/* A process that was killed is this machine's failure, and no verdict. */
static void a_process_that_was_killed_denies(void **state)
{
	struct world *w = *state;
	struct bytes body = BYTES_INIT;
	struct reply reply;

	world_auth(w);
	world_attest_body(w, &body);
	set_attestation(w, "default_cpu", "die");
	world_request(w, "POST", "/kbs/v0/attest", body.data, body.len, &reply);
	assert_int_equal(reply.status, 500);
	assert_non_null(strstr(reply.note, "SIGKILL"));
	reply_free(&reply);
	bytes_free(&body);
}

/* A policy that fails denies. The client gets to know which one, and the log why. The nonce is not used
 * up by that. */
static void a_policy_that_fails_denies(void **state)
{
	struct world *w = *state;
	struct bytes body = BYTES_INIT;

	world_auth(w);
	world_attest_body(w, &body);
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		struct reply reply;

		set_attestation(w, "default_cpu", failures[i].policy);
		world_request(w, "POST", "/kbs/v0/attest", body.data, body.len, &reply);
		if (reply.status != 401 && i + 1 < ARRAY_SIZE(failures))
			fail_msg("%s: %u", failures[i].policy, reply.status);
		if (reply.status == 401) {
			assert_string_equal(reply_variant(&reply), "AttestationError");
			assert_string_equal(reply_detail(&reply),
					    "Attestation error: the attestation policy default_cpu "
					    "failed");
			assert_true(reply.warning);
			if (!strstr(reply.note, failures[i].cause))
				fail_msg("'%s' has no '%s'", reply.note, failures[i].cause);
			world_expect(w, "GET", RESOURCE, "", 401, "TokenNotFound");
		}
		reply_free(&reply);
	}
	bytes_free(&body);
}

/* It was set, so nothing else decides in its place. */
static void without_an_engine_a_policy_denies(void **state)
{
	struct world *w = *state;
	struct reply reply;

	setenv("REALMKEY_POLICY", "/nonexistent", 1);
	world_endorse(w);
	assert_int_equal(world_admin(w, "POST", RESOURCE, "a secret"), 200);
	world_attest_ok(w, NULL);
	world_get_secret(w, RESOURCE, "a secret");
	set_resource(w, "default", ALLOWED);
	world_expect(w, "GET", RESOURCE, "", 401, "PolicyDeny");
	set_resource(w, "default", NULL);
	set_resource(w, POLICIES_RESOURCE_ALL, ALLOWED);
	world_expect(w, "GET", RESOURCE, "", 401, "PolicyDeny");
	set_resource(w, POLICIES_RESOURCE_ALL, NULL);
	world_get_secret(w, RESOURCE, "a secret");
	set_attestation(w, "default", "allow");
	assert_int_equal(world_attest(w, NULL, &reply), 401);
	assert_string_equal(reply_detail(&reply),
			    "Attestation error: the attestation policy default failed");
	assert_non_null(strstr(reply.note, "/nonexistent"));
	reply_free(&reply);
	set_attestation(w, "default", NULL);
	world_attest_ok(w, NULL);
	w->trustee.pool = NULL;
	set_attestation(w, "default", "allow");
	assert_int_equal(world_attest(w, NULL, &reply), 401);
	reply_free(&reply);
}

/* --- several requests ----------------------------------------------------------------------------- */

/* Two requests with the same evidence are judged at the same time: one makes the session, and the other
 * gets its EAR. */
static void one_of_two_attests_the_session(void **state)
{
	struct world *w = *state;
	struct world_sent first, second;
	struct bytes body = BYTES_INIT;

	set_attestation(w, "default", "late");
	world_auth(w);
	world_attest_body(w, &body);
	world_send(w, "POST", "/kbs/v0/attest", body.data, body.len, &first);
	world_send(w, "POST", "/kbs/v0/attest", body.data, body.len, &second);
	assert_non_null(first.later);
	assert_non_null(second.later);
	world_await(w, &second);
	world_await(w, &first);
	assert_int_equal(w->trustee.sessions.count, 1);
	assert_int_equal(first.reply.status, 200);
	assert_int_equal(second.reply.status, 200);
	assert_true(bytes_equal(first.reply.body.data, first.reply.body.len, second.reply.body.data,
				second.reply.body.len));
	reply_free(&first.reply);
	reply_free(&second.reply);
	bytes_free(&body);
}

/* Of two bodies with different keys, the first that is judged counts; the other client gets the EAR for a
 * key that it does not have. */
static void a_nonce_attests_one_key(void **state)
{
	struct world *w = *state;
	struct world_sent first, second;
	struct bytes body = BYTES_INIT, other = BYTES_INIT;
	struct error e = ERROR_INIT;

	set_attestation(w, "default", "late");
	world_auth(w);
	world_attest_body(w, &body);
	tee_key_free(&w->tee);
	assert_int_equal(tee_key_generate(&w->tee, &e), 0);
	world_attest_body(w, &other);
	world_send(w, "POST", "/kbs/v0/attest", body.data, body.len, &first);
	world_send(w, "POST", "/kbs/v0/attest", other.data, other.len, &second);
	world_await(w, &first);
	world_await(w, &second);
	assert_int_equal(w->trustee.sessions.count, 1);
	assert_true(bytes_equal(first.reply.body.data, first.reply.body.len, second.reply.body.data,
				second.reply.body.len));
	reply_free(&first.reply);
	reply_free(&second.reply);
	bytes_free(&body);
	bytes_free(&other);
}

/* While the policy is asked, the session makes place for others, or ends. Its nonce is not accepted then. */
static void a_session_that_ended_is_not_attested(void **state)
{
	struct world *w = *state;
	struct bytes body = BYTES_INIT;
	struct world_sent sent;

	set_attestation(w, "default", "late");
	world_auth(w);
	world_attest_body(w, &body);
	world_send(w, "POST", "/kbs/v0/attest", body.data, body.len, &sent);
	w->trustee.sessions.floor = w->monotonic + KBS_SESSION_SECONDS * INT64_C(1000);
	world_await(w, &sent);
	assert_int_equal(sent.reply.status, 401);
	assert_string_equal(reply_detail(&sent.reply),
			    "Attestation error: the session is unknown or over");
	assert_int_equal(w->trustee.sessions.count, 0);
	reply_free(&sent.reply);

	w->trustee.sessions.floor = 0;
	w->monotonic += KBS_SESSION_SECONDS * INT64_C(1000) - 20;
	world_send(w, "POST", "/kbs/v0/attest", body.data, body.len, &sent);
	assert_non_null(sent.later);
	world_await(w, &sent);
	assert_int_equal(sent.reply.status, 401);
	assert_int_equal(w->trustee.sessions.count, 0);
	reply_free(&sent.reply);
	bytes_free(&body);
}

static void a_client_that_leaves_is_forgotten(void **state)
{
	static const char *const policies[] = { "hang", "late" };
	struct world *w = *state;
	struct bytes body = BYTES_INIT;
	struct world_sent sent[3];

	assert_int_equal(world_admin(w, "POST", RESOURCE, "a secret"), 200);
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		set_attestation(w, "default", policies[i]);
		world_auth(w);
		bytes_clear(&body);
		world_attest_body(w, &body);
		for (size_t k = 0; k < ARRAY_SIZE(sent); k++)
			world_send(w, "POST", "/kbs/v0/attest", body.data, body.len, &sent[k]);
		world_run(w, 50);
		for (size_t k = 0; k < ARRAY_SIZE(sent); k++)
			world_leave(&sent[k]);
		world_run(w, 200);
		assert_int_equal(w->trustee.sessions.count, i * 1);
		set_attestation(w, "default", NULL);
		world_attest_ok(w, NULL);
		set_resource(w, "default", policies[i]);
		world_send(w, "GET", RESOURCE, NULL, 0, &sent[0]);
		world_run(w, 20);
		world_leave(&sent[0]);
		set_resource(w, "default", NULL);
	}
	bytes_free(&body);
}

/* Others are served while a policy hangs, by built-in rules in no time, and by another policy. */
static void others_are_served_meanwhile(void **state)
{
	struct world *w = *state;
	struct world_sent hanging[4];

	assert_int_equal(world_admin(w, "POST", RESOURCE, "a secret"), 200);
	world_endorse(w);
	world_attest_ok(w, NULL);
	set_resource(w, "tenant", "hang");
	for (size_t i = 0; i < ARRAY_SIZE(hanging); i++)
		world_send(w, "GET", "/kbs/v0/resource/tenant/key/1", NULL, 0, &hanging[i]);
	world_get_secret(w, RESOURCE, "a secret");
	set_resource(w, "default", "allow");
	world_get_secret(w, RESOURCE, "a secret");
	for (size_t i = 0; i < ARRAY_SIZE(hanging); i++) {
		assert_non_null(hanging[i].later);
		if (i < 3) {
			world_leave(&hanging[i]);
			continue;
		}
		world_await(w, &hanging[i]);
		assert_int_equal(hanging[i].reply.status, 401);
		assert_string_equal(reply_detail(&hanging[i].reply),
				    "Access denied by policy: the resource policy tenant failed");
		assert_non_null(strstr(hanging[i].reply.note, "took longer than 2.0 s"));
		reply_free(&hanging[i].reply);
	}
}

/* --- resources ------------------------------------------------------------------------------------ */

static const struct {
	const char *all, *own; /* policies for all repositories, and for this one */
	bool allowed;
} resources[] = {
	{ NULL, NULL, false }, /* the realm is not endorsed */
	{ ALLOWED, NULL, true },
	{ ALLOWED, "answer {\"values\":{\"data.policy.allow\":false}}", false },
	{ "answer {\"values\":{\"data.policy.allow\":false}}", ALLOWED, true },
	{ POLICY_TEXT_ALLOW_ALL, NULL, true },
	{ "die", POLICY_TEXT_ALLOW_ALL, true },
	{ ALLOWED, POLICY_TEXT_DENY_ALL, false },
	{ ALLOWED, POLICY_TEXT_AFFIRMING, false },
	{ NULL, "answer {\"values\":{\"data.policy.allow\":\"true\"}}", false },
	{ NULL, "answer {\"values\":{\"data.policy.allow\":1}}", false },
	{ NULL, "answer {\"values\":{\"data.policy.allow\":\"<undefined>\"}}", false },
	{ NULL, "answer {\"values\":{}}", false },
	{ NULL, "answer {\"values\":[true]}", false },
	{ ALLOWED, "garbage", false },
	{ ALLOWED, "mistaken", false },
};

static void the_policy_of_the_repository_decides(void **state)
{
	struct world *w = *state;

	assert_int_equal(world_admin(w, "POST", RESOURCE, "a secret"), 200);
	world_attest_ok(w, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(resources); i++) {
		set_resource(w, POLICIES_RESOURCE_ALL, resources[i].all);
		set_resource(w, "default", resources[i].own);
		set_resource(w, "other", "allow");
		print_message("# %zu\n", i);
		if (resources[i].allowed)
			world_get_secret(w, RESOURCE, "a secret");
		else
			world_expect(w, "GET", RESOURCE, "", 401, "PolicyDeny");
	}
}

static void ask_resource(struct world *w, const char *path, const char *data, const json_t *claims)
{
	json_t *want = json_loads(data, 0, NULL), *question;
	struct bytes policy = BYTES_INIT;
	struct reply reply;
	char *text;

	question = json_pack("{s:s, s:[s], s:O, s:o}", "kind", "evaluate", "rules",
			     "data.policy.allow", "input", claims, "data", want);
	assert_non_null(question);
	text = json_dumps(question, JSON_COMPACT);
	bytes_printf(&policy, "expect %s", text);
	set_resource(w, "default", bytes_text(&policy));
	world_request(w, "GET", path, NULL, 0, &reply);
	if (reply.status != 404)
		fail_msg("%s", reply.note);
	assert_string_equal(reply_variant(&reply), "ResourceNotFound");
	reply_free(&reply);
	free(text);
	json_decref(question);
	bytes_free(&policy);
}

/* The claims of the EAR are the input, and what is asked for is the data. A query changes nothing else. */
static void the_question_has_path_and_query(void **state)
{
	struct bytes ear = BYTES_INIT;
	struct world *w = *state;
	struct jwt jwt = JWT_INIT;

	world_attest_ok(w, &ear);
	appraisal_of(&ear, "cpu0", &jwt);
	ask_resource(w, RESOURCE,
		     "{\"plugin\":\"resource\",\"resource-path\":[\"default\",\"key\",\"1\"],"
		     "\"query\":{}}",
		     jwt.payload);
	ask_resource(w, RESOURCE "?version=2&x=a+b%20c&version=3&y",
		     "{\"plugin\":\"resource\",\"resource-path\":[\"default\",\"key\",\"1\"],"
		     "\"query\":{\"version\":\"3\",\"x\":\"a b c\",\"y\":\"\"}}",
		     jwt.payload);
	set_resource(w, "default", "allow");
	assert_int_equal(world_admin(w, "POST", RESOURCE, "a secret"), 200);
	world_get_secret(w, RESOURCE "?version=7", "a secret");
	world_expect(w, "GET", RESOURCE "?x=%ff", "", 404, "InvalidRequestPath");
	jwt_free(&jwt);
	bytes_free(&ear);
}

static const struct {
	const char *text, *value; /* NULL: refused */
} queries[] = {
	{ NULL, "{}" },
	{ "", "{}" },
	{ "&&", "{}" },
	{ "a", "{\"a\":\"\"}" },
	{ "a=", "{\"a\":\"\"}" },
	{ "=b", "{\"\":\"b\"}" },
	{ "a=b=c", "{\"a\":\"b=c\"}" },
	{ "a=1&a=2", "{\"a\":\"2\"}" },
	{ "a%3Db=%26%2b+", "{\"a=b\":\"&+ \"}" },
	{ "a=%c3%a4", "{\"a\":\"\\u00e4\"}" },
	{ "a=%", "{\"a\":\"%\"}" },
	{ "a=%4", "{\"a\":\"%4\"}" },
	{ "a=%zz%41", "{\"a\":\"%zzA\"}" },
	{ "a=%ff", NULL },
	{ "a=%ed%a0%80", NULL },
	{ "%ff=a", NULL },
	{ "a=\xff", NULL },
	{ "a=%00", NULL },
	{ "a=%2500", "{\"a\":\"%00\"}" },
};

static void queries_are_read_as_trustee_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		struct error e = ERROR_INIT;
		json_t *value = query_parse(queries[i].text, &e);
		json_t *want = queries[i].value ? json_loads(queries[i].value, 0, NULL) : NULL;

		if (!json_equal(value, want) && (value || want))
			fail_msg("%s", queries[i].text);
		assert_int_equal(e.kind, want ? ERROR_NONE : ERROR_INPUT);
		json_decref(value);
		json_decref(want);
	}
}

static void a_query_has_limits(void **state)
{
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *value;

	(void)state;
	for (int i = 0; i < QUERY_PAIRS_MAX; i++)
		bytes_printf(&text, "&n%d=%d", i, i);
	value = query_parse(bytes_text(&text), &e);
	assert_int_equal(json_object_size(value), QUERY_PAIRS_MAX);
	json_decref(value);
	bytes_append_text(&text, "&n0=0");
	assert_null(query_parse(bytes_text(&text), &e));
	assert_int_equal(e.kind, ERROR_INPUT);
	bytes_clear(&text);
	for (int i = 0; i < QUERY_TEXT_MAX; i++)
		bytes_append_text(&text, "a");
	value = query_parse(bytes_text(&text), &e);
	assert_int_equal(json_object_size(value), 1);
	json_decref(value);
	bytes_append_text(&text, "a");
	assert_null(query_parse(bytes_text(&text), &e));
	bytes_free(&text);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_policy_that_was_set_decides),
		CASE(extensions_are_in_the_ear),
		CASE(the_question_is_that_of_trustee),
		CASE(a_process_that_was_killed_denies),
		CASE(a_policy_that_fails_denies),
		CASE(without_an_engine_a_policy_denies),
		CASE(one_of_two_attests_the_session),
		CASE(a_nonce_attests_one_key),
		CASE(a_session_that_ended_is_not_attested),
		CASE(a_client_that_leaves_is_forgotten),
		CASE(others_are_served_meanwhile),
		CASE(the_policy_of_the_repository_decides),
		CASE(the_question_has_path_and_query),
		cmocka_unit_test(queries_are_read_as_trustee_does),
		cmocka_unit_test(a_query_has_limits),
	};

	return cmocka_run_group_tests_name("trusteed_policy", tests, NULL, NULL);
}
