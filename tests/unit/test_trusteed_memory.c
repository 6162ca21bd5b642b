// SPDX-License-Identifier: Apache-2.0
/* trusteed when memory fails: a request gets its usual answer or a 500, and never a refusal that it
 * would not get otherwise. */
#include "trusteed_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/encode.h"
#include "base/io.h"
#include "kbs/policy_text.h"
#include "memory_limit.h"
#include "trusteed/route.h"

#define ALLOCATIONS_MAX 100000
#define SECRET		"/kbs/v0/resource/default/test/secret"
#define RESOURCE_TEXT	"a made-up secret"

/* What a client sends, and the usual status. */
struct call {
	const char *method, *path;
	struct bytes body, authorization;
	bool session; /* with the cookie of the world's session */
	unsigned int status;
};

/* Make @call after @count allocations without memory for one. Returns whether an allocation
 * failed. */
static bool call_limited(struct world *w, const struct call *call, size_t count)
{
	const struct http_service service = route_service(&w->trustee);
	struct request request = {
		.method = call->method,
		.path = call->path,
		.session = call->session ? w->session : NULL,
		.authorization = call->authorization.len ? bytes_text(&call->authorization) : NULL,
		.body = call->body.data,
		.len = call->body.len,
		.monotonic = w->monotonic,
		.now = w->now,
	};
	struct reply reply = REPLY_INIT;
	bool failed;

	memory_limit_start(count);
	service.dispatch(service.context, &request, &reply);
	failed = memory_limit_stop();
	if (reply.status != call->status && (!failed || reply.status != 500))
		fail_msg("%s %s: allocation %zu: %u %s", call->method, call->path, count,
			 reply.status, reply.note);
	reply_free(&reply);
	return failed;
}

/* Let each allocation of @call fail once. */
static void call_sweep(struct world *w, const struct call *call)
{
	size_t count = 0;

	while (call_limited(w, call, count))
		assert_true(++count < ALLOCATIONS_MAX);
	assert_true(count > 0); /* or the allocations were not seen */
}

static void bearer_set(struct call *call, const char *token)
{
	bytes_clear(&call->authorization);
	bytes_printf(&call->authorization, "Bearer %s", token);
}

static void admin_bearer_set(const struct world *w, struct call *call)
{
	struct bytes token = BYTES_INIT;
	struct error e = ERROR_INIT;
	char file[192];

	snprintf(file, sizeof(file), "%s/admin-token", w->state);
	assert_int_equal(io_read_file(file, 4096, &token, &e), 0);
	bearer_set(call, bytes_text(&token));
	bytes_free(&token);
}

static void call_free(struct call *call)
{
	bytes_free(&call->body);
	bytes_free(&call->authorization);
}

static void the_handshake_is_not_refused(void **state)
{
	struct call auth = { .method = "POST", .path = "/kbs/v0/auth", .status = 200 };
	struct call attest = {
		.method = "POST", .path = "/kbs/v0/attest", .session = true, .status = 200
	};
	struct world *w = *state;

	kbs_auth_body(&auth.body);
	call_sweep(w, &auth);
	world_auth(w);
	world_attest_body(w, &attest.body);
	call_sweep(w, &attest);
	call_free(&auth);
	call_free(&attest);
}

/* The anchors are read again when their directory changed: here, before each request. */
static void anchors_that_cannot_be_read_are_not_missing(void **state)
{
	struct call attest = {
		.method = "POST", .path = "/kbs/v0/attest", .session = true, .status = 200
	};
	struct world *w = *state;
	bool failed = true;

	world_auth(w);
	world_attest_body(w, &attest.body);
	for (size_t count = 0; failed; count++) {
		w->trustee.trust.loaded = false;
		failed = call_limited(w, &attest, count);
		assert_true(count < ALLOCATIONS_MAX);
	}
	call_free(&attest);
}

static void a_refusal_is_the_same_or_a_500(void **state)
{
	struct call attest = {
		.method = "POST", .path = "/kbs/v0/attest", .session = true, .status = 401
	};
	struct call denied = { .method = "GET", .path = SECRET, .status = 401 };
	struct call not_admin = { .method = "GET",
				  .path = "/kbs/v0/resource-policy",
				  .status = 401 };
	struct world *w = *state;

	w->builder.fault = CCA_BUILDER_BAD_BINDING;
	world_auth(w);
	world_attest_body(w, &attest.body);
	call_sweep(w, &attest);
	w->builder.fault = CCA_BUILDER_VALID;
	call_sweep(w, &denied);
	bearer_set(&not_admin, "e30.e30.AAAA");
	call_sweep(w, &not_admin);
	call_free(&attest);
	call_free(&not_admin);
}

static void a_resource_is_released_or_not_denied(void **state)
{
	struct call get = { .method = "GET", .path = SECRET, .session = true, .status = 200 };
	struct call put = { .method = "POST", .path = SECRET, .status = 200 };
	struct call missing = { .method = "GET",
				.path = "/kbs/v0/resource/default/test/other",
				.session = true,
				.status = 404 };
	struct world *w = *state;
	struct bytes ear = BYTES_INIT;

	admin_bearer_set(w, &put);
	bytes_append_text(&put.body, RESOURCE_TEXT);
	call_sweep(w, &put);
	world_endorse(w);
	world_attest_ok(w, &ear);
	call_sweep(w, &get);
	call_sweep(w, &missing);
	/* The same with the EAR as bearer token. */
	get.session = false;
	bearer_set(&get, bytes_text(&ear));
	call_sweep(w, &get);
	world_get_secret(w, SECRET, RESOURCE_TEXT);
	bytes_free(&ear);
	call_free(&get);
	call_free(&put);
}

static void an_administrator_is_not_refused(void **state)
{
	static const char message[] =
		"{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":\"eyJhIjpbImIiXX0=\"}";
	struct call calls[] = {
		{ .method = "GET", .path = "/kbs/v0/resource-policy", .status = 200 },
		{ .method = "POST", .path = "/kbs/v0/reference-value", .status = 200 },
		{ .method = "GET", .path = "/kbs/v0/reference-value/a", .status = 200 },
		{ .method = "GET", .path = "/kbs/v0/nothing", .status = 404 },
		{ .method = "POST", .path = "/kbs/v0/resource-policy", .status = 200 },
		{ .method = "POST", .path = "/kbs/v0/resource-policy", .status = 200 },
		{ .method = "GET", .path = "/kbs/v0/resource-policy/a", .status = 200 },
		{ .method = "DELETE", .path = "/kbs/v0/resource-policy/b", .status = 404 },
		{ .method = "GET", .path = "/kbs/v0/attestation-policy", .status = 200 },
		{ .method = "POST", .path = "/kbs/v0/attestation-policy", .status = 401 },
		{ .method = "DELETE", .path = SECRET, .status = 404 },
		{ .method = "GET", .path = "/jwks", .status = 200 },
	};
	struct world *w = *state;
	struct bytes policy = BYTES_INIT;

	bytes_append_text(&calls[1].body, message);
	encode_base64(ENCODE_BASE64URL, POLICY_TEXT_DENY_ALL, strlen(POLICY_TEXT_DENY_ALL),
		      &policy);
	bytes_printf(&calls[4].body, "{\"policy\":\"%s\"}", bytes_text(&policy));
	bytes_printf(&calls[5].body, "{\"policy\":\"%s\",\"policy_id\":\"a\"}",
		     bytes_text(&policy));
	/* Without an engine, which would answer later. */
	w->trustee.pool = NULL;
	bytes_append_text(&calls[9].body, "{\"policy\":\"\",\"policy_id\":\"a\"}");
	bytes_free(&policy);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		admin_bearer_set(w, &calls[i]);
		call_sweep(w, &calls[i]);
		call_free(&calls[i]);
	}
}

/* Each time after the keys of the times before are over, because there is a limit of their number. */
static void a_key_is_changed_or_not(void **state)
{
	struct call call = { .method = "POST", .path = "/kbs/v0/ear-key", .status = 200 };
	struct world *w = *state;
	bool failed = true;

	admin_bearer_set(w, &call);
	for (size_t count = 0; failed; count++) {
		w->now += 3600;
		failed = call_limited(w, &call, count);
		assert_true(count < ALLOCATIONS_MAX);
	}
	call_free(&call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_handshake_is_not_refused, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(anchors_that_cannot_be_read_are_not_missing,
						world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(a_refusal_is_the_same_or_a_500, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(a_resource_is_released_or_not_denied, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(an_administrator_is_not_refused, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(a_key_is_changed_or_not, world_setup,
						world_teardown),
	};

	memory_limit_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
