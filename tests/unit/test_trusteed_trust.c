// SPDX-License-Identifier: Apache-2.0
/* Which trust anchors trusteed uses, and when it reads them. */
#include "trusteed_world.h"

#include <openssl/ec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/encode.h"
#include "base/io.h"
#include "base/log.h"
#include "cca/cca_verify.h"
#include "jose/jwt.h"

static void attest_refused(struct world *w, const char *cause)
{
	struct reply reply;
	char want[64];

	assert_int_equal(world_attest(w, NULL, &reply), 401);
	snprintf(want, sizeof(want), "Attestation error: %s: ", cause);
	assert_memory_equal(reply_detail(&reply), want, strlen(want));
	reply_free(&reply);
}

static void anchor_with(struct world *w, const char *name, const char *more)
{
	char *jwk = world_jwk(w->builder.cpak, more);

	world_anchor(w, name, jwk);
	free(jwk);
}

static void anchor_remove(struct world *w, const char *name)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", w->anchors, name);
	assert_int_equal(unlink(path), 0);
}

/* Changes of the directory apply to a running server: removed, added, revoked, broken, repaired. */
static void test_anchors_followed(void **state)
{
	struct world *w = *state;

	world_attest_ok(w, NULL);
	anchor_remove(w, "platform.jwk");
	attest_refused(w, "E_NO_TRUST_ANCHOR");
	anchor_with(w, "other.json", "");
	world_attest_ok(w, NULL);
	anchor_with(w, "revoked.jwk", ",\"revoked\":true");
	attest_refused(w, "E_TRUST_ANCHOR_REVOKED");
	anchor_remove(w, "revoked.jwk");
	world_attest_ok(w, NULL);
	world_anchor(w, "broken.jwk", "{");
	attest_refused(w, "E_NO_TRUST_ANCHOR");
	attest_refused(w, "E_NO_TRUST_ANCHOR");
	anchor_with(w, "broken.jwk", "");
	world_attest_ok(w, NULL);
}

static void test_anchor_of_another(void **state)
{
	struct world *w = *state;
	EVP_PKEY *other = EVP_EC_gen("P-384");
	char *jwk = world_jwk(other, "");

	world_anchor(w, "platform.jwk", jwk);
	attest_refused(w, "E_SIG_PLATFORM");
	free(jwk);
	EVP_PKEY_free(other);
}

/* A development anchor is used only with --dev, and then each verdict has a warning. */
static void test_development(void **state)
{
	struct world *w = *state;
	struct reply reply;

	anchor_with(w, "platform.jwk", ",\"realmkey-dev\":true");
	attest_refused(w, "E_NO_TRUST_ANCHOR");
	w->development = true;
	world_reopen(w);
	assert_int_equal(world_attest(w, NULL, &reply), 200);
	assert_true(reply.warning);
	assert_non_null(strstr(reply.note, "WARNING: development anchor "));
	assert_non_null(strstr(reply.note, "platform.jwk"));
	reply_free(&reply);
	/* With another anchor there is no warning. */
	anchor_with(w, "platform.jwk", "");
	assert_int_equal(world_attest(w, NULL, &reply), 200);
	assert_false(reply.warning);
	assert_null(strstr(reply.note, "WARNING"));
	reply_free(&reply);
}

/* The sample key of the firmware trees is not trusted by its file alone, even with --dev. */
static void test_published(void **state)
{
	struct world *w = *state;
	struct bytes jwk = BYTES_INIT;
	struct error e = ERROR_INIT;
	char path[512];

	snprintf(path, sizeof(path), "%s/tfrmm-fakehost/cpak-sample.pub.jwk",
		 getenv("REALMKEY_VECTORS"));
	assert_int_equal(io_read_file(path, 4096, &jwk, &e), 0);
	world_anchor(w, "sample.jwk", bytes_text(&jwk));
	w->development = true;
	world_reopen(w);
	assert_int_equal(w->trustee.trust.anchors.count, 1);
	assert_non_null(strstr(w->trustee.trust.anchors.anchor[0].name, "platform.jwk"));
	anchor_remove(w, "platform.jwk");
	attest_refused(w, "E_NO_TRUST_ANCHOR");
	assert_int_equal(w->trustee.trust.anchors.count, 0);
	bytes_free(&jwk);
}

/* Judges a token that TF-RMM made with the sample key. Returns the cause. */
static enum cca_cause sample_judge(struct world *w)
{
	struct cca_token decoded = CCA_TOKEN_INIT;
	const struct cca_anchor *used = NULL;
	struct bytes token = BYTES_INIT;
	struct cca_verdict verdict;
	struct error e = ERROR_INIT;
	char path[512];

	snprintf(path, sizeof(path), "%s/tfrmm-fakehost/v0.8.0-sha256-token.cbor",
		 getenv("REALMKEY_VECTORS"));
	assert_int_equal(io_read_file(path, CCA_TOKEN_MAX, &token, &e), 0);
	assert_int_equal(cca_token_decode(token.data, token.len, &decoded, &verdict, &e), 0);
	assert_int_equal(trust_refresh(&w->trustee.trust, &e), 0);
	cca_token_verify(&decoded, &w->trustee.trust.anchors, NULL, &verdict, &used, &e);
	assert_true(verdict.cause != CCA_OK || used->published);
	cca_token_free(&decoded);
	bytes_free(&token);
	return verdict.cause;
}

/* The explicit option trusts it, without a file and without --dev. What a file revokes stays revoked. */
static void test_sample_cpak(void **state)
{
	struct world *w = *state;
	struct bytes revoked = BYTES_INIT;

	assert_int_equal(sample_judge(w), CCA_E_SIG_PLATFORM);
	w->sample_cpak = true;
	world_reopen(w);
	assert_int_equal(sample_judge(w), CCA_OK);
	bytes_printf(&revoked, "%.*s,\"revoked\":true}", (int)strlen(cca_anchors_sample) - 1,
		     cca_anchors_sample);
	world_anchor(w, "revoked.jwk", bytes_text(&revoked));
	assert_int_equal(sample_judge(w), CCA_E_TRUST_ANCHOR_REVOKED);
	bytes_free(&revoked);
}

/* A verdict that relies on it has a warning in the log and in the EAR. The test cannot sign with the
 * sample key, so another stands in for it. */
static void test_sample_cpak_warning(void **state)
{
	static const char *const pointer[] = {
		"submods",
		"cpu0",
		"ear.veraison.policy-claims",
		"warning",
	};
	struct world *w = *state;
	struct bytes ear = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct jwt jwt = JWT_INIT;
	struct reply reply;
	json_t *value;

	w->sample_cpak = true;
	world_reopen(w);
	for (size_t i = 0; i < w->trustee.trust.anchors.count; i++)
		w->trustee.trust.anchors.anchor[i].published = "the sample";
	assert_int_equal(world_attest(w, &ear, &reply), 200);
	assert_true(reply.warning);
	assert_non_null(strstr(reply.note, "WARNING: the sample: the private key"));
	reply_free(&reply);
	assert_int_equal(jwt_decode(ear.data, ear.len, &jwt, &e), 0);
	value = jwt.payload;
	for (size_t i = 0; i < ARRAY_SIZE(pointer); i++)
		value = json_object_get(value, pointer[i]);
	assert_non_null(strstr(json_string_value(value), "is public"));
	jwt_free(&jwt);
	bytes_free(&ear);
}

/* Reading again is refused as a whole, changes nothing then, and is done by the next attestation. */
static void test_anchors_reloaded(void **state)
{
	struct world *w = *state;
	struct trust *trust = &w->trustee.trust;
	struct error e = ERROR_INIT;

	assert_int_equal(trust_check(trust, &e), 0);
	trust->anchors.anchor[0].published = "to be forgotten";
	assert_int_equal(trust_refresh(trust, &e), 0);
	assert_non_null(trust->anchors.anchor[0].published);
	trust_expire(trust);
	assert_int_equal(trust_refresh(trust, &e), 0);
	assert_null(trust->anchors.anchor[0].published);
	world_anchor(w, "broken.jwk", "{");
	assert_int_equal(trust_check(trust, &e), -1);
	assert_non_null(strstr(e.text, "broken.jwk"));
	assert_int_equal(trust->anchors.count, 1);
}

/* A platform stays revoked by its name even if the revoked anchor's key is never trusted. */
static void test_revoked_development(void **state)
{
	struct world *w = *state;
	uint8_t implementation[32], instance[33];
	struct bytes more = BYTES_INIT;

	memset(implementation, CCA_BUILDER_IMPLEMENTATION, sizeof(implementation));
	memset(instance, CCA_BUILDER_INSTANCE, sizeof(instance));
	instance[0] = 0x01;
	bytes_append_text(&more, ",\"revoked\":true,\"realmkey-dev\":true,"
				 "\"implementation-id\":\"");
	encode_hex(implementation, sizeof(implementation), &more);
	bytes_append_text(&more, "\",\"instance-id\":\"");
	encode_hex(instance, sizeof(instance), &more);
	bytes_append_text(&more, "\"");
	world_attest_ok(w, NULL);
	anchor_with(w, "revoked.json", bytes_text(&more));
	attest_refused(w, "E_TRUST_ANCHOR_REVOKED");
	bytes_free(&more);
}

static char logged[8192];

static void log_keep(enum log_level level, const char *line)
{
	size_t len = strlen(logged);

	(void)level;
	snprintf(logged + len, sizeof(logged) - len, "%s\n", line);
}

static void test_anchor_log(void **state)
{
	struct world *w = *state;

	logged[0] = '\0';
	log_set(log_keep);
	anchor_with(w, "dev.jwk", ",\"realmkey-dev\":true");
	world_attest_ok(w, NULL);
	world_attest_ok(w, NULL);
	log_set(NULL);
	/* It is logged once, when it is loaded, and not for each request. */
	assert_non_null(strstr(logged, "dev.jwk: ignored: a development key"));
	assert_null(strstr(strstr(logged, "ignored") + 1, "ignored"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(anchors_followed), TEST(anchor_of_another),   TEST(development),
		TEST(published),	TEST(sample_cpak),	   TEST(sample_cpak_warning),
		TEST(anchors_reloaded), TEST(revoked_development), TEST(anchor_log),
	};

	return cmocka_run_group_tests_name("trusteed_trust", tests, NULL, NULL);
}
