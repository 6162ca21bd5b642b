// SPDX-License-Identifier: Apache-2.0
/* The input is any part of a request that trusteed parses. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "trusteed/attest/handshake.h"
#include "trusteed/attest/token_text.h"
#include "trusteed/http/listen.h"
#include "trusteed/http/request.h"
#include "trusteed/store/policy.h"
#include "appraisal/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each version and TEE reads the body in its own way. */
static void fuzz_attest_as(enum kbs_version version, enum kbs_tee tee, const uint8_t *data,
			   size_t size)
{
	const struct kbs_handshake handshake = {
		.nonce = "PAzBcce4I55T6tRkDfWe/jhzmwXXVhGFLAqtmLVGW50=",
		.version = version,
		.tee = tee,
	};
	struct handshake_attest attest = HANDSHAKE_ATTEST_INIT;
	uint8_t challenge[REALM_CHALLENGE_SIZE];
	struct error e = ERROR_INIT;
	json_t *runtime;

	if (handshake_attest_parse(&handshake, data, size, &attest, &e) == 0) {
		runtime = handshake_runtime_data(&attest, &e);
		if (!runtime || handshake_challenge(runtime, challenge, &e) < 0)
			abort(); /* every accepted message can be hashed */
		json_decref(runtime);
	}
	handshake_attest_free(&attest);
}

static void fuzz_attest(const uint8_t *data, size_t size)
{
	for (int version = KBS_0_1_1; version <= KBS_0_4_0; version++) {
		fuzz_attest_as((enum kbs_version)version, KBS_CCA, data, size);
		fuzz_attest_as((enum kbs_version)version, KBS_SAMPLE, data, size);
	}
}

/* What is left of a text is JSON only if the text is, and then JSON has the same token there. */
static void fuzz_token_text(const uint8_t *data, size_t size)
{
	static const char *const path[] = { "tee-evidence", "primary_evidence", "token", NULL };
	struct bytes token = BYTES_INIT, rest = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *whole, *less = NULL, *evidence, *array;

	if (token_text_take(data, size, path, &token, &rest, &e) == 1)
		less = json_parse(rest.data, rest.len, JSON_OPERATOR, "rest", ERROR_INPUT, &e);
	if (less) {
		whole = json_parse(data, size, JSON_OPERATOR, "text", ERROR_INPUT, &e);
		evidence = json_object_get(json_object_get(whole, "tee-evidence"),
					   "primary_evidence");
		array = json_object_get(evidence, "token");
		if (token.len == 0 || json_array_size(array) != token.len)
			abort();
		for (size_t i = 0; i < token.len; i++)
			if (json_integer_value(json_array_get(array, i)) != token.data[i])
				abort();
		json_array_clear(array);
		if (!json_equal(whole, less))
			abort();
		json_decref(whole);
	}
	json_decref(less);
	bytes_free(&token);
	bytes_free(&rest);
}

/* A stored reference value can be written as text and read again. */
static void fuzz_reference(const uint8_t *data, size_t size)
{
	struct reference empty = REFERENCE_INIT, next = REFERENCE_INIT, again = REFERENCE_INIT;
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;

	if (reference_load(&empty, NULL, 0, &e) < 0)
		abort();
	if (reference_apply(&empty, data, size, 1800000000, &next, &e) == 0 &&
	    reference_text(&next, &text, &e) == 0 &&
	    (reference_load(&again, text.data, text.len, &e) < 0 ||
	     !json_equal(next.records, again.records)))
		abort();
	reference_free(&empty);
	reference_free(&next);
	reference_free(&again);
	bytes_free(&text);
}

static void fuzz_text(const uint8_t *data, size_t size)
{
	struct listen_address address;
	struct error e = ERROR_INIT;
	char *text = strndup((const char *)data, size);
	struct request request = { .authorization = text };
	char printable[64];

	if (!text)
		abort();
	request_bearer(&request);
	request_printable(text, printable, sizeof(printable));
	listen_parse(text, &address, &e);
	free(text);
}

static void fuzz_policy(const uint8_t *data, size_t size)
{
	struct policy_request request = POLICY_REQUEST_INIT;
	struct error e = ERROR_INIT;
	enum policy policy;

	if (policy_request_parse(data, size, &request, &e) == 0) {
		if (request.id[0] && policies_check_id(request.id, &e) < 0)
			abort();
		policy_known(request.text.data, request.text.len, &policy);
	}
	policy_request_free(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct handshake_hello hello;
	struct error e = ERROR_INIT;
	enum policy policy;

	handshake_auth_parse(data, size, KBS_0_1_1, &hello, &e);
	fuzz_attest(data, size);
	fuzz_token_text(data, size);
	fuzz_reference(data, size);
	fuzz_policy(data, size);
	policy_from_name((const char *)data, size, &policy, &e);
	fuzz_text(data, size);
	return 0;
}
