// SPDX-License-Identifier: Apache-2.0
/* trusteed when memory fails while a policy in Rego is asked: a request gets its usual answer or a 500, and never a
 * decision that the policy did not make. */
#include "trusteed_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "memory_limit.h"
#include "trusteed/route.h"

#define ALLOCATIONS_MAX 100000

/* Make the request after @count allocations without memory for one. Returns whether an allocation failed. */
static bool limited(struct world *w, const char *method, const char *path, const struct bytes *body,
		    unsigned int status, size_t count)
{
	struct world_sent sent;
	bool failed;

	memory_limit_start(count);
	world_send(w, method, path, body->data, body->len, &sent);
	world_await(w, &sent);
	failed = memory_limit_stop();
	if (sent.reply.status != status && (!failed || sent.reply.status != 500))
		fail_msg("%s: allocation %zu: %u %s", path, count, sent.reply.status,
			 sent.reply.note);
	reply_free(&sent.reply);
	return failed;
}

static void sweep_attest(struct world *w, unsigned int status)
{
	struct bytes body = BYTES_INIT;
	size_t count = 0;

	do {
		world_auth(w);
		bytes_clear(&body);
		world_attest_body(w, &body);
		assert_true(count < ALLOCATIONS_MAX);
	} while (limited(w, "POST", "/kbs/v0/attest", &body, status, count++));
	assert_true(count > 1);
	bytes_free(&body);
}

static void sweep_get(struct world *w, const char *path, unsigned int status)
{
	const struct bytes none = BYTES_INIT;
	size_t count = 0;

	while (limited(w, "GET", path, &none, status, count))
		assert_true(++count < ALLOCATIONS_MAX);
	assert_true(count > 1);
}

static void an_attestation_policy_decides_or_nothing_does(void **state)
{
	struct world *w = *state;

	world_policy(w, POLICIES_ATTESTATION, "default_cpu",
		     "answer {\"values\":{\"data.policy.trust_claims\":{\"executables\":3},"
		     "\"data.policy.extensions\":[{\"name\":\"x\",\"key\":1,\"value\":2}]}}");
	sweep_attest(w, 200);
	world_policy(w, POLICIES_ATTESTATION, "default_cpu", "answer {\"error\":\"a mistake\"}");
	sweep_attest(w, 401);
}

static void a_resource_policy_decides_or_nothing_does(void **state)
{
	struct world *w = *state;

	world_attest_ok(w, NULL);
	world_policy(w, POLICIES_RESOURCE, "default",
		     "answer {\"values\":{\"data.policy.allow\":true}}");
	sweep_get(w, RESOURCE "?version=1&a=b", 200);
	w->trustee.recheck = true;
	world_policy(w, POLICIES_ATTESTATION, "default",
		     "answer {\"values\":{\"data.policy.trust_claims\":{\"executables\":3}}}");
	sweep_get(w, RESOURCE, 200);
	world_policy(w, POLICIES_RESOURCE, "default",
		     "answer {\"values\":{\"data.policy.allow\":false}}");
	sweep_get(w, RESOURCE, 401);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_setup_policies, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_attestation_policy_decides_or_nothing_does),
		CASE(a_resource_policy_decides_or_nothing_does),
	};

	memory_limit_setup();
	return cmocka_run_group_tests_name("trusteed_policy_memory", tests, NULL, NULL);
}
