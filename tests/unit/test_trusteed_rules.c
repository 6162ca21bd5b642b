// SPDX-License-Identifier: Apache-2.0
/*
 * Policies as operators set them: which ones need the engine, what a mistake in one changes, and which one
 * is in force after each request. The engine is this test: it defines the functions of pool.h.
 */
#include "trusteed_world.h"

#include <openssl/ec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/encode.h"
#include "base/io.h"
#include "base/json.h"
#include "jose/jwt.h"
#include "kbs/policy_text.h"
#include "rego/question.h"
#include "trusteed/policy/pool.h"

#define RESOURCE_POLICY "/kbs/v0/resource-policy"
#define ATTESTATION	"/kbs/v0/attestation-policy"
#define REGO		"package policy\n\nallow := true\n"

/* Only its address counts. */
struct pool {
	struct loop *none;
};

static struct pool engine;
static struct pool_job *asked; /* what waits for the engine */
static struct world_sent sent; /* the last request that set a policy */
static unsigned int cancelled;
static bool refuses;

bool pool_available(void)
{
	return true;
}

struct pool *pool_open(struct loop *loop, const struct pool_limits *limits, struct error *e)
{
	(void)loop;
	(void)limits;
	(void)e;
	return &engine;
}

void pool_close(struct pool *pool)
{
	(void)pool;
}

int pool_ask(struct pool *pool, struct pool_job *job, const char *policy, struct bytes *question,
	     struct error *e)
{
	struct error parse = ERROR_INIT;
	json_t *object;

	assert_ptr_equal(pool, &engine);
	assert_non_null(policy);
	if (refuses)
		return error_set(e, ERROR_POLICY, "too many policies wait");
	object = json_parse(question->data + 4, question->len - 4, JSON_OPERATOR, "question",
			    ERROR_INPUT, &parse);
	assert_string_equal(json_string_value(json_object_get(object, "kind")), "check");
	json_decref(object);
	bytes_free(question);
	assert_null(asked);
	asked = job;
	return 0;
}

int pool_keep(struct pool *pool, json_t *values, struct error *e)
{
	(void)pool;
	(void)values;
	(void)e;
	fail_msg("a check needs no reference values");
	return -1;
}

void pool_cancel(struct pool *pool, struct pool_job *job)
{
	assert_ptr_equal(pool, &engine);
	assert_ptr_equal(job, asked);
	asked = NULL;
	cancelled++;
}

/* Have the engine find the rule @rule, or the mistake @mistake. */
static void engine_answers(const char *rule, const char *mistake)
{
	struct pool_job *job = asked;
	struct error e = ERROR_INIT;
	json_t *found = mistake ? NULL :
				  json_pack("{s:s, s:[s]}", "package", "policy", "rules", rule);

	assert_non_null(job);
	asked = NULL;
	if (mistake)
		error_set(&e, ERROR_INPUT, "%s", mistake);
	job->done(job, found, &e);
	json_decref(found);
}

/* POST the policy @text, with @id unless it is NULL. If the engine is asked, returns 0 and the answer comes from
 * engine_answers(); else returns the status. */
static unsigned int post(struct world *w, const char *path, const char *id, const char *text)
{
	struct bytes base64 = BYTES_INIT, body = BYTES_INIT;

	reply_free(&sent.reply);
	encode_base64(ENCODE_BASE64URL, text, strlen(text), &base64);
	if (id)
		bytes_printf(&body, "{\"type\":\"rego\",\"policy_id\":\"%s\",\"policy\":\"%s\"}",
			     id, bytes_text(&base64));
	else
		bytes_printf(&body, "{\"policy\":\"%s\"}", bytes_text(&base64));
	world_send(w, "POST", path, body.data, body.len, &sent);
	bytes_free(&base64);
	bytes_free(&body);
	return sent.later ? 0 : sent.reply.status;
}

/* The same for a policy that the engine accepts. */
static unsigned int set(struct world *w, const char *path, const char *id, const char *text)
{
	assert_int_equal(post(w, path, id, text), 0);
	engine_answers(strcmp(path, RESOURCE_POLICY) ? REGO_TRUST_CLAIMS : REGO_ALLOW, NULL);
	assert_null(sent.later);
	return sent.reply.status;
}

/* Have the requests that follow made by an administrator of everything. */
static void be_admin(struct world *w)
{
	struct error e = ERROR_INIT;
	char file[192];

	snprintf(file, sizeof(file), "%s/admin-token", w->state);
	bytes_clear(&w->bearer);
	assert_int_equal(io_read_file(file, 4096, &w->bearer, &e), 0);
}

/* Have them made by the administrator of the repository "team". */
static void be_tenant(struct world *w)
{
	json_t *header = json_pack("{s:s}", "alg", "ES256"), *claims;
	struct admins *admins = &w->trustee.admins;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct error e = ERROR_INIT;

	admins->admin = reallocarray(admins->admin, admins->count + 1, sizeof(*admins->admin));
	assert_non_null(admins->admin);
	admins->admin[admins->count++] =
		(struct admin){ .name = "alice", .repository = "team", .key = key };
	claims = json_pack("{s:I}", "exp", (json_int_t)w->now + 100);
	bytes_clear(&w->bearer);
	assert_int_equal(jwt_sign(header, claims, key, &w->bearer, &e), 0);
	json_decref(header);
	json_decref(claims);
}

static int setup(void **state)
{
	struct world *w;

	world_setup(state);
	w = *state;
	w->trustee.pool = &engine;
	refuses = false;
	cancelled = 0;
	be_admin(w);
	return 0;
}

static int teardown(void **state)
{
	reply_free(&sent.reply);
	assert_null(asked);
	return world_teardown(state);
}

/* Check the text of the policy @id that a GET returns, or, if that is NULL, that there is none. */
static void shows(struct world *w, const char *path, const char *id, const char *text)
{
	struct bytes plain = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct reply reply;
	const char *base64;
	char full[160];
	json_t *body;

	snprintf(full, sizeof(full), "%s/%s", path, id);
	world_request(w, "GET", full, NULL, 0, &reply);
	assert_int_equal(reply.status, text ? 200 : 404);
	if (!text) {
		assert_string_equal(reply_variant(&reply), "PolicyNotFound");
		reply_free(&reply);
		return;
	}
	body = json_loadb((const char *)reply.body.data, reply.body.len, 0, NULL);
	base64 = json_string_value(json_object_get(body, "policy"));
	assert_int_equal(
		decode_base64(ENCODE_BASE64URL, base64, strlen(base64), "policy", &plain, &e), 0);
	assert_string_equal(bytes_text(&plain), text);
	json_decref(body);
	bytes_free(&plain);
	reply_free(&reply);
}

static void lists(struct world *w, const char *path, const char *list)
{
	struct reply reply;

	world_request(w, "GET", path, NULL, 0, &reply);
	assert_int_equal(reply.status, 200);
	assert_string_equal(bytes_text(&reply.body), list);
	reply_free(&reply);
}

static void a_policy_is_set_when_the_engine_has_checked_it(void **state)
{
	struct world *w = *state;

	lists(w, ATTESTATION, "[]");
	assert_int_equal(post(w, ATTESTATION, "default_cpu", REGO), 0);
	lists(w, ATTESTATION, "[]");
	engine_answers(REGO_TRUST_CLAIMS, NULL);
	assert_null(sent.later);
	assert_int_equal(sent.reply.status, 200);
	assert_int_equal(sent.reply.body.len, 0);
	assert_null(strstr(sent.reply.note, "WARNING"));
	lists(w, ATTESTATION, "[\"default_cpu\"]");
	shows(w, ATTESTATION, "default_cpu", REGO);
	world_reopen(w);
	lists(w, ATTESTATION, "[\"default_cpu\"]");
	assert_int_equal(world_status(w, "DELETE", ATTESTATION "/default_cpu", ""), 200);
	world_expect(w, "DELETE", ATTESTATION "/default_cpu", "", 404, "PolicyNotFound");
	shows(w, ATTESTATION, "default_cpu", NULL);
	shows(w, ATTESTATION, "..", NULL);
}

static void a_mistake_is_named_and_changes_nothing(void **state)
{
	struct world *w = *state;

	assert_int_equal(set(w, ATTESTATION, "default", REGO), 200);
	assert_int_equal(post(w, ATTESTATION, "default", "packag policy\n"), 0);
	engine_answers(NULL, "line 1, column 1: expecting `package`");
	assert_int_equal(sent.reply.status, 401);
	assert_string_equal(reply_variant(&sent.reply), "ParsePolicyError");
	assert_non_null(strstr(reply_detail(&sent.reply), "line 1, column 1"));
	shows(w, ATTESTATION, "default", REGO);
	/* Nor does what is no request. */
	assert_int_equal(post(w, ATTESTATION, NULL, REGO), 401);
	assert_non_null(strstr(reply_detail(&sent.reply), "policy_id: missing"));
	assert_int_equal(post(w, ATTESTATION, "../x", REGO), 401);
	assert_string_equal(reply_variant(&sent.reply), "ParsePolicyError");
	assert_int_equal(post(w, RESOURCE_POLICY, NULL, "\xff"), 401);
	assert_non_null(strstr(reply_detail(&sent.reply), "UTF-8"));
	refuses = true;
	assert_int_equal(post(w, RESOURCE_POLICY, NULL, REGO), 401);
	assert_non_null(strstr(reply_detail(&sent.reply), "too many policies wait"));
	lists(w, RESOURCE_POLICY, "[\"resource-policy\"]");
}

static void what_is_hardly_meant_is_in_the_log(void **state)
{
	struct world *w = *state;

	assert_int_equal(post(w, RESOURCE_POLICY, NULL, REGO), 0);
	engine_answers("data.policy.allowed", NULL);
	assert_int_equal(sent.reply.status, 200);
	assert_true(sent.reply.warning);
	assert_non_null(
		strstr(sent.reply.note, "no rule data.policy.allow, so it denies everything"));
	assert_int_equal(set(w, ATTESTATION, "cca", REGO), 200);
	assert_non_null(strstr(sent.reply.note, "no attestation uses a policy with this id"));
	assert_int_equal(set(w, ATTESTATION, "default_gpu", REGO), 200);
	assert_false(sent.reply.warning);
}

static void the_policy_of_all_is_in_rego_or_built_in(void **state)
{
	struct world *w = *state;

	shows(w, RESOURCE_POLICY, "resource-policy", POLICY_TEXT_AFFIRMING);
	assert_int_equal(post(w, RESOURCE_POLICY, NULL, POLICY_TEXT_ALLOW_ALL), 200);
	shows(w, RESOURCE_POLICY, "resource-policy", POLICY_TEXT_ALLOW_ALL);
	assert_int_equal(set(w, RESOURCE_POLICY, NULL, REGO), 200);
	for (int again = 0; again < 2; again++) {
		shows(w, RESOURCE_POLICY, "resource-policy", REGO);
		lists(w, RESOURCE_POLICY, "[\"resource-policy\"]");
		/* If the text gets lost, nothing is released. */
		assert_int_equal(w->trustee.policy, POLICY_DENY_ALL);
		world_reopen(w);
		w->trustee.pool = &engine;
	}
	assert_int_equal(world_status(w, "DELETE", RESOURCE_POLICY "/resource-policy", ""), 200);
	shows(w, RESOURCE_POLICY, "resource-policy", POLICY_TEXT_DENY_ALL);
	/* A change from Rego to allow-all that was cut off after its first file. */
	assert_int_equal(set(w, RESOURCE_POLICY, NULL, REGO), 200);
	w->trustee.policy = POLICY_ALLOW_ALL;
	assert_int_equal(world_status(w, "DELETE", RESOURCE_POLICY "/resource-policy", ""), 200);
	shows(w, RESOURCE_POLICY, "resource-policy", POLICY_TEXT_DENY_ALL);
	assert_int_equal(set(w, RESOURCE_POLICY, NULL, REGO), 200);
	assert_int_equal(post(w, RESOURCE_POLICY, "resource-policy", POLICY_TEXT_AFFIRMING), 200);
	world_reopen(w);
	shows(w, RESOURCE_POLICY, "resource-policy", POLICY_TEXT_AFFIRMING);
	world_expect(w, "DELETE", RESOURCE_POLICY "/resource-policy", "", 404, "PolicyNotFound");
}

static void a_repository_has_its_own_policy(void **state)
{
	struct world *w = *state;

	assert_int_equal(set(w, RESOURCE_POLICY, "team", REGO), 200);
	w->trustee.pool = NULL;
	/* A built-in one needs no engine. */
	assert_int_equal(post(w, RESOURCE_POLICY, "other", POLICY_TEXT_DENY_ALL), 200);
	shows(w, RESOURCE_POLICY, "team", REGO);
	shows(w, RESOURCE_POLICY, "other", POLICY_TEXT_DENY_ALL);
	shows(w, RESOURCE_POLICY, "resource-policy", POLICY_TEXT_AFFIRMING);
	assert_int_equal(post(w, RESOURCE_POLICY, "other", REGO), 401);
	assert_non_null(strstr(reply_detail(&sent.reply), "no engine for Rego"));
	shows(w, RESOURCE_POLICY, "other", POLICY_TEXT_DENY_ALL);
}

static void a_tenant_sets_the_policy_of_its_repository(void **state)
{
	struct world *w = *state;

	be_tenant(w);
	assert_int_equal(set(w, RESOURCE_POLICY, NULL, REGO), 200); /* of its own */
	assert_non_null(strstr(sent.reply.note, "admin team/alice"));
	shows(w, RESOURCE_POLICY, "team", REGO);
	assert_int_equal(set(w, RESOURCE_POLICY, "team", REGO "# 2\n"), 200);
	shows(w, RESOURCE_POLICY, "team", REGO "# 2\n");
	assert_int_equal(post(w, RESOURCE_POLICY, "other", REGO), 401);
	assert_string_equal(reply_variant(&sent.reply), "AdminAuthAccess");
	assert_non_null(strstr(reply_detail(&sent.reply), "of the repository other"));
	assert_int_equal(post(w, RESOURCE_POLICY, "resource-policy", POLICY_TEXT_ALLOW_ALL), 401);
	assert_int_equal(post(w, ATTESTATION, "team", REGO), 401);
	world_expect(w, "GET", RESOURCE_POLICY, "", 401, "AdminAuthAccess");
	world_expect(w, "GET", RESOURCE_POLICY "/other", "", 401, "AdminAuthAccess");
	world_expect(w, "GET", RESOURCE_POLICY "/resource-policy", "", 401, "AdminAuthAccess");
	world_expect(w, "DELETE", RESOURCE_POLICY "/other", "", 401, "AdminAuthAccess");
	world_expect(w, "GET", ATTESTATION, "", 401, "AdminAuthAccess");
	assert_int_equal(world_status(w, "DELETE", RESOURCE_POLICY "/team", ""), 200);
	be_admin(w);
	shows(w, RESOURCE_POLICY, "team", NULL);
	shows(w, RESOURCE_POLICY, "resource-policy", POLICY_TEXT_AFFIRMING);
}

static void a_client_that_is_gone_sets_nothing(void **state)
{
	struct world *w = *state;

	assert_int_equal(post(w, RESOURCE_POLICY, NULL, REGO), 0);
	world_leave(&sent);
	assert_int_equal(cancelled, 1);
	shows(w, RESOURCE_POLICY, "resource-policy", POLICY_TEXT_AFFIRMING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_policy_is_set_when_the_engine_has_checked_it),
		TEST(a_mistake_is_named_and_changes_nothing),
		TEST(what_is_hardly_meant_is_in_the_log),
		TEST(the_policy_of_all_is_in_rego_or_built_in),
		TEST(a_repository_has_its_own_policy),
		TEST(a_tenant_sets_the_policy_of_its_repository),
		TEST(a_client_that_is_gone_sets_nothing),
	};

	return cmocka_run_group_tests_name("trusteed_rules", tests, NULL, NULL);
}
