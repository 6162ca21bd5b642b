// SPDX-License-Identifier: Apache-2.0
/*
 * trusteed's limits on EARs that were issued (--max-token-age, --recheck), and evidence with init-data or
 * of Trustee's sample TEEs. A policy is evaluated by fake_policy.c.
 */
#include "trusteed_world.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/encode.h"
#include "base/json.h"
#include "jose/jwt.h"
#include "trusteed/attest/handshake.h"
#include "trusteed/attest/sample.h"

#define EVIDENCE "ear.veraison.annotated-evidence"

static void set_attestation(struct world *w, const char *id, const char *text)
{
	world_policy(w, POLICIES_ATTESTATION, id, text);
}

/* GET of the resource is refused as that of a client that has to attest again, and @cause says why. */
static void expect_attest_again(struct world *w, const char *cause)
{
	struct reply reply;

	world_request(w, "GET", RESOURCE, NULL, 0, &reply);
	assert_int_equal(reply.status, 401);
	assert_string_equal(reply_variant(&reply), "TokenVerifierError");
	if (!strstr(reply_detail(&reply), cause))
		fail_msg("'%s' has no '%s'", reply_detail(&reply), cause);
	reply_free(&reply);
}

/* --- EARs that were issued ------------------------------------------------------------------------ */

static void an_old_ear_is_refused(void **state)
{
	struct world *w = *state;
	struct bytes ear = BYTES_INIT;

	world_attest_ok(w, &ear);
	w->trustee.max_token_age = 60;
	w->now += 60;
	world_get_secret(w, RESOURCE, "a secret");
	w->now++;
	expect_attest_again(w, "older than the 60 s");
	w->session[0] = '\0';
	bytes_swap(&w->bearer, &ear);
	expect_attest_again(w, "older than the 60 s");
	w->now--;
	world_get_secret(w, RESOURCE, "a secret");
	w->trustee.max_token_age = 0;
	w->now += 1000;
	world_get_secret(w, RESOURCE, "a secret");
	bytes_free(&ear);
}

static void withdraw_endorsement(struct world *w)
{
	struct error e = ERROR_INIT;

	reference_free(&w->trustee.reference);
	assert_int_equal(reference_load(&w->trustee.reference, NULL, 0, &e), 0);
}

static void a_withdrawn_endorsement_counts_at_once(void **state)
{
	struct world *w = *state;

	world_attest_ok(w, NULL);
	withdraw_endorsement(w);
	world_get_secret(w, RESOURCE, "a secret");
	w->trustee.recheck = true;
	expect_attest_again(w, "cpu0 is warning now, after it was affirming");
	world_endorse(w);
	world_get_secret(w, RESOURCE, "a secret");
	/* One that was not good before is not worse now: the resource policy decides. */
	withdraw_endorsement(w);
	world_attest_ok(w, NULL);
	world_expect(w, "GET", RESOURCE, "", 401, "PolicyDeny");
	world_endorse(w);
	world_expect(w, "GET", RESOURCE, "", 401, "PolicyDeny");
}

static void remove_anchor(struct world *w, const char *name)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", w->anchors, name);
	assert_int_equal(unlink(path), 0);
	trust_expire(&w->trustee.trust);
}

/* The ids of the builder's platform, with a comma before them. */
static char *platform_ids(void)
{
	char *text;

	assert_true(asprintf(&text, ",\"implementation-id\":\"%s\",\"instance-id\":\"01%s\"",
			     "2121212121212121212121212121212121212121212121212121212121212121",
			     "8181818181818181818181818181818181818181818181818181818181818181") >
		    0);
	return text;
}

static void add_anchor(struct world *w, const char *name, const char *more)
{
	char *ids = platform_ids(), *with, *jwk;

	assert_true(asprintf(&with, "%s%s", ids, more) > 0);
	jwk = world_jwk(w->builder.cpak, with);
	world_anchor(w, name, jwk);
	trust_expire(&w->trustee.trust);
	free(jwk);
	free(with);
	free(ids);
}

/* Attest, and get the resource. */
static void attest_anew(struct world *w)
{
	world_attest_ok(w, NULL);
	world_get_secret(w, RESOURCE, "a secret");
}

static void a_withdrawn_anchor_counts_at_once(void **state)
{
	struct world *w = *state;

	w->trustee.recheck = true;
	attest_anew(w);
	add_anchor(w, "own.jwk", "");
	world_get_secret(w, RESOURCE, "a secret");
	remove_anchor(w, "platform.jwk");
	expect_attest_again(w, "a trust anchor was withdrawn");
	attest_anew(w);
	add_anchor(w, "revoked.jwk", ",\"revoked\":true");
	expect_attest_again(w, "a trust anchor was withdrawn");
	w->trustee.recheck = false;
	world_get_secret(w, RESOURCE, "a secret");
	w->trustee.recheck = true;
	remove_anchor(w, "revoked.jwk");
	expect_attest_again(w, "a trust anchor was withdrawn");
	attest_anew(w);
	/* Files that cannot be read are no anchors. */
	world_anchor(w, "revoked.jwk", "{");
	trust_expire(&w->trustee.trust);
	expect_attest_again(w, "the trust anchors cannot be read");
	remove_anchor(w, "revoked.jwk");
	expect_attest_again(w, "a trust anchor was withdrawn");
	attest_anew(w);
}

/* Neither the EAR nor the ids of the platform say which of several anchors without ids it was. */
static void an_anchor_that_stays_does_not_stand_for_another(void **state)
{
	EVP_PKEY *other = EVP_EC_gen("P-384");
	char *jwk = world_jwk(other, "");
	struct world *w = *state;

	world_anchor(w, "other.jwk", jwk);
	w->trustee.recheck = true;
	attest_anew(w);
	remove_anchor(w, "platform.jwk");
	expect_attest_again(w, "a trust anchor was withdrawn");
	free(jwk);
	EVP_PKEY_free(other);
}

/* The anchors may have changed while trusteed did not run. */
static void an_ear_of_before_a_restart_is_refused(void **state)
{
	struct bytes ear = BYTES_INIT;
	struct world *w = *state;

	world_attest_ok(w, &ear);
	world_reopen(w);
	w->session[0] = '\0';
	bytes_swap(&w->bearer, &ear);
	world_get_secret(w, RESOURCE, "a secret");
	w->trustee.recheck = true;
	expect_attest_again(w, "trusteed was restarted");
	bytes_free(&ear);
}

#define GOOD "answer {\"values\":{\"data.policy.trust_claims\":{\"executables\":3}}}"
#define NONE "answer {\"values\":{\"data.policy.trust_claims\":{\"executables\":0}}}"
#define BAD  "answer {\"values\":{\"data.policy.trust_claims\":{\"executables\":99}}}"

static void a_policy_is_asked_again(void **state)
{
	struct world *w = *state;

	w->trustee.recheck = true;
	set_attestation(w, "default_cpu", GOOD);
	world_attest_ok(w, NULL);
	world_get_secret(w, RESOURCE, "a secret");
	set_attestation(w, "default_cpu", BAD);
	expect_attest_again(w, "cpu0 is contraindicated now");
	/* A policy that says nothing does not affirm either. */
	set_attestation(w, "default_cpu", NONE);
	expect_attest_again(w, "cpu0 is none now, after it was affirming");
	set_attestation(w, "default_cpu", "garbage");
	expect_attest_again(w, "the attestation policy default_cpu failed");
	setenv("REALMKEY_POLICY", "/nonexistent", 1);
	set_attestation(w, "default_cpu", GOOD);
	expect_attest_again(w, "the attestation policy default_cpu failed");
	set_attestation(w, "default_cpu", NULL);
	world_get_secret(w, RESOURCE, "a secret");
}

/* --- init-data ------------------------------------------------------------------------------------ */

/* The body of POST attest with @init_data. The caller frees it. */
static char *init_data_body(struct world *w, const char *init_data)
{
	struct bytes body = BYTES_INIT;
	json_t *value;
	char *text;

	world_attest_body(w, &body);
	value = json_loadb((const char *)body.data, body.len, 0, NULL);
	json_object_set_new(value, "init-data",
			    json_pack("{s:s, s:s}", "format", "toml", "body", init_data));
	text = json_dumps(value, JSON_COMPACT);
	json_decref(value);
	bytes_free(&body);
	return text;
}

static void attest_init_data(struct world *w, const char *init_data, struct reply *reply)
{
	char *body;

	world_auth(w);
	body = init_data_body(w, init_data);
	world_request(w, "POST", "/kbs/v0/attest", body, strlen(body), reply);
	free(body);
}

/* Bind @text to the realm. */
static void bind_init_data(struct world *w, const char *text, uint8_t digest[64])
{
	assert_int_equal(EVP_Digest(text, strlen(text), digest, NULL, EVP_sha512(), NULL), 1);
	w->builder.rpv = digest;
}

static void expect_refusal(struct reply *reply, const char *cause)
{
	assert_int_equal(reply->status, 401);
	assert_string_equal(reply_variant(reply), "AttestationError");
	if (!strstr(reply_detail(reply), cause))
		fail_msg("'%s' has no '%s'", reply_detail(reply), cause);
	reply_free(reply);
}

#define CLAIMS "{\"aa.toml\":{\"a\":1}}"
#define INIT_DATA(algorithm) \
	"answer {\"version\":\"0.1.0\",\"algorithm\":\"" algorithm "\",\"claims\":" CLAIMS "}"

/* Claims of init-data that is bound to the realm are in the evidence, also for a policy. */
static void init_data_is_in_the_evidence(void **state)
{
	json_t *want = json_loads(CLAIMS, 0, NULL), *evidence, *input, *appraisal;
	struct bytes ear = BYTES_INIT;
	struct world *w = *state;
	struct jwt jwt = JWT_INIT;
	struct error e = ERROR_INIT;
	struct reply reply;
	uint8_t digest[64];

	set_attestation(w, "default", "echo");
	bind_init_data(w, INIT_DATA("sha512"), digest);
	attest_init_data(w, INIT_DATA("sha512"), &reply);
	if (kbs_attest_answer((int)reply.status, reply.body.data, reply.body.len, &ear, &e) < 0)
		fail_msg("%s (%s)", e.text, reply.note);
	assert_int_equal(jwt_decode(ear.data, ear.len, &jwt, &e), 0);
	appraisal = json_object_get(json_object_get(jwt.payload, "submods"), "cpu0");
	evidence = json_object_get(appraisal, EVIDENCE);
	assert_true(json_equal(json_object_get(evidence, "init_data_claims"), want));
	input = json_object_get(json_object_get(appraisal, "question"), "input");
	assert_true(json_equal(input, evidence));
	json_decref(want);
	reply_free(&reply);
	jwt_free(&jwt);
	bytes_free(&ear);
}

static void init_data_that_is_not_good_is_refused(void **state)
{
	static const struct {
		const char *text, *cause;
	} cases[] = {
		{ INIT_DATA("sha256"), "sha512" },
		{ "mistaken", "init-data: line 3, column 7: a mistake" },
		{ "garbage", "init-data: this server cannot read it" },
		{ "answer {}", "init-data" },
	};
	struct world *w = *state;
	struct reply reply;
	uint8_t digest[64];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bind_init_data(w, cases[i].text, digest);
		attest_init_data(w, cases[i].text, &reply);
		expect_refusal(&reply, cases[i].cause);
		assert_int_equal(w->trustee.sessions.count, 0);
	}
	/* Not bound to the realm: nothing reads it. */
	bind_init_data(w, "another", digest);
	attest_init_data(w, "die", &reply);
	assert_null(strstr(reply.note, "SIGKILL"));
	expect_refusal(&reply, "init-data");
	setenv("REALMKEY_POLICY", "/nonexistent", 1);
	bind_init_data(w, INIT_DATA("sha512"), digest);
	attest_init_data(w, INIT_DATA("sha512"), &reply);
	expect_refusal(&reply, "init-data: this server cannot read it");
}

/* --- sample evidence ------------------------------------------------------------------------------ */

/* Append the report data over @runtime in base64, without the zeros at its end. */
static void report_data(const json_t *runtime, struct bytes *out)
{
	uint8_t challenge[REALM_CHALLENGE_SIZE];
	struct error e = ERROR_INIT;

	assert_int_equal(handshake_challenge(runtime, challenge, &e), 0);
	encode_base64(ENCODE_BASE64, challenge, 48, out);
}

/* Auth for the TEE @tee. Returns the status. */
static unsigned int sample_auth(struct world *w, const char *tee)
{
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct reply reply;
	unsigned int status;

	w->session[0] = '\0';
	bytes_printf(&body, "{\"version\":\"0.4.0\",\"tee\":\"%s\",\"extra-params\":\"\"}", tee);
	world_request(w, "POST", "/kbs/v0/auth", body.data, body.len, &reply);
	status = reply.status;
	if (status == 200)
		assert_int_equal(kbs_auth_answer(&w->kbs, 200, reply.body.data, reply.body.len, &e),
				 0);
	reply_free(&reply);
	bytes_free(&body);
	return status;
}

/* Make the body of POST attest with evidence of the sample TEE and, if @device, of the sample device.
 * @report, if not NULL, is the report data of both instead. */
static char *sample_body(struct world *w, bool device, const char *report)
{
	struct bytes own = BYTES_INIT, primary = BYTES_INIT, additional = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *key = tee_key_jwk(&w->tee, &e), *runtime, *body;
	char *text;

	runtime = json_pack("{s:s, s:O}", "nonce", w->kbs.nonce, "tee-pubkey", key);
	report_data(runtime, &own);
	if (device)
		bytes_printf(&additional,
			     "{\"sampledevice\":{\"svn\":\"2\",\"report_data\":\"%s\"}}",
			     report ? report : bytes_text(&own));
	json_object_set_new(runtime, "additional-evidence", json_string(bytes_text(&additional)));
	report_data(runtime, &primary);
	body = json_pack("{s:n, s:{s:s, s:o}, s:{s:{s:s, s:s}, s:s}}", "init-data", "runtime-data",
			 "nonce", w->kbs.nonce, "tee-pubkey", key, "tee-evidence",
			 "primary_evidence", "svn", "1", "report_data",
			 report && !device ? report : bytes_text(&primary), "additional_evidence",
			 bytes_text(&additional));
	assert_non_null(body);
	text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	json_decref(runtime);
	bytes_free(&own);
	bytes_free(&primary);
	bytes_free(&additional);
	return text;
}

static void attest_sample(struct world *w, bool device, const char *report, struct reply *reply)
{
	char *body;

	assert_int_equal(sample_auth(w, "sample"), 200);
	body = sample_body(w, device, report);
	world_request(w, "POST", "/kbs/v0/attest", body, strlen(body), reply);
	free(body);
}

/* The EAR in @reply has the hash @hash of init-data, and its claims. */
static void expect_sample_init_data(const struct reply *reply, const char *hash)
{
	json_t *want = json_loads(CLAIMS, 0, NULL), *cpu;
	struct bytes ear = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct jwt jwt = JWT_INIT;

	assert_int_equal(kbs_attest_answer((int)reply->status, reply->body.data, reply->body.len,
					   &ear, &e),
			 0);
	assert_int_equal(jwt_decode(ear.data, ear.len, &jwt, &e), 0);
	cpu = json_object_get(json_object_get(json_object_get(jwt.payload, "submods"), "cpu0"),
			      EVIDENCE);
	assert_string_equal(json_string_value(json_object_get(cpu, "init_data")), hash);
	assert_true(json_equal(json_object_get(cpu, "init_data_claims"), want));
	json_decref(want);
	jwt_free(&jwt);
	bytes_free(&ear);
}

/* The claims are those of Trustee's verifiers, and there is an appraisal for each device. */
static void sample_evidence_is_judged_if_it_may_be(void **state)
{
	struct world *w = *state;
	struct bytes ear = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct jwt jwt = JWT_INIT;
	json_t *submods, *cpu, *gpu, *want;
	struct reply reply;

	w->trustee.sample_evidence = true;
	set_attestation(w, "default_gpu", BAD);
	set_attestation(w, "default", GOOD);
	attest_sample(w, true, NULL, &reply);
	if (kbs_attest_answer((int)reply.status, reply.body.data, reply.body.len, &ear, &e) < 0)
		fail_msg("%s (%s)", e.text, reply.note);
	assert_true(reply.warning);
	assert_non_null(strstr(reply.note, "WARNING: sample: "));
	assert_non_null(strstr(reply.note, "WARNING: sampledevice: "));
	assert_non_null(strstr(reply.note, "gpu0 contraindicated"));
	assert_int_equal(jwt_decode(ear.data, ear.len, &jwt, &e), 0);
	submods = json_object_get(jwt.payload, "submods");
	assert_int_equal(json_object_size(submods), 2);
	cpu = json_object_get(json_object_get(submods, "cpu0"), EVIDENCE);
	gpu = json_object_get(json_object_get(submods, "gpu0"), EVIDENCE);
	want = json_pack("{s:s, s:s, s:{s:i, s:i}, s:b}", "svn", "1", "launch_digest", "abcde",
			 "platform_version", "major", 1, "minor", 4, "debug", 0);
	assert_true(json_equal(json_object_get(cpu, "sample"), want));
	json_decref(want);
	want = json_pack("{s:s}", "svn", "2");
	assert_true(json_equal(json_object_get(gpu, "sampledevice"), want));
	json_decref(want);
	/* The runtime data of a device does not have the evidence of devices. */
	assert_int_equal(json_object_size(json_object_get(cpu, "runtime_data_claims")), 3);
	assert_int_equal(json_object_size(json_object_get(gpu, "runtime_data_claims")), 2);
	assert_non_null(json_object_get(cpu, "report_data"));
	assert_null(json_object_get(cpu, "init_data"));
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(json_object_get(submods, "cpu0"),
								  "ear.veraison.policy-claims"),
						  "warning")),
		SAMPLE_WARNING);
	reply_free(&reply);
	jwt_free(&jwt);
	bytes_free(&ear);
}

/* The hash of init-data is of any algorithm, because nothing is compared with it. */
static void sample_evidence_has_any_init_data(void **state)
{
	static const char *const algorithms[] = { "sha256", "sm3", "md5" };
	static const char *const texts[] = { INIT_DATA("sha256"), INIT_DATA("sm3"),
					     INIT_DATA("md5") };
	struct world *w = *state;

	w->trustee.sample_evidence = true;
	set_attestation(w, "default", "echo");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct bytes hash = BYTES_INIT;
		uint8_t digest[EVP_MAX_MD_SIZE];
		struct reply reply;
		size_t len;
		char *body, *with;
		json_t *value;

		assert_int_equal(sample_auth(w, "sample"), 200);
		body = sample_body(w, false, NULL);
		value = json_loads(body, 0, NULL);
		json_object_set_new(value, "init-data",
				    json_pack("{s:s, s:s}", "format", "toml", "body", texts[i]));
		with = json_dumps(value, JSON_COMPACT);
		world_request(w, "POST", "/kbs/v0/attest", with, strlen(with), &reply);
		if (i == 2) {
			expect_refusal(&reply, "init-data: its algorithm");
		} else {
			assert_int_equal(reply.status, 200);
			assert_int_equal(EVP_Q_digest(NULL, algorithms[i], NULL, texts[i],
						      strlen(texts[i]), digest, &len),
					 1);
			encode_base64(ENCODE_BASE64, digest, len, &hash);
			expect_sample_init_data(&reply, bytes_text(&hash));
		}
		reply_free(&reply);
		bytes_free(&hash);
		json_decref(value);
		free(body);
		free(with);
	}
}

static void sample_evidence_is_refused_by_name(void **state)
{
	struct world *w = *state;
	struct reply reply;
	char *body;

	assert_int_equal(sample_auth(w, "sample"), 401);
	w->trustee.sample_evidence = true;
	assert_int_equal(sample_auth(w, "sampledevice"), 401);
	assert_int_equal(sample_auth(w, "snp"), 401);
	/* Accepted in POST auth, and not any more. */
	assert_int_equal(sample_auth(w, "sample"), 200);
	body = sample_body(w, false, NULL);
	w->trustee.sample_evidence = false;
	world_request(w, "POST", "/kbs/v0/attest", body, strlen(body), &reply);
	expect_refusal(&reply, "sample");
	free(body);
	/* Evidence of another form than that of the TEE that was named. */
	assert_int_equal(sample_auth(w, "cca"), 200);
	w->trustee.sample_evidence = true;
	body = sample_body(w, false, NULL);
	world_request(w, "POST", "/kbs/v0/attest", body, strlen(body), &reply);
	expect_refusal(&reply, "token");
	free(body);
}

static void other_report_data_is_refused(void **state)
{
	static const char *const reports[] = { "", "AAAA", "!" };
	struct world *w = *state;
	struct reply reply;

	w->trustee.sample_evidence = true;
	for (size_t i = 0; i < ARRAY_SIZE(reports); i++) {
		attest_sample(w, false, reports[i], &reply);
		expect_refusal(&reply, "report_data");
		attest_sample(w, true, reports[i], &reply);
		expect_refusal(&reply, "sampledevice");
	}
	attest_sample(w, false, NULL, &reply);
	assert_int_equal(reply.status, 200);
	reply_free(&reply);
	/* An EAR of such evidence ends with the option. */
	w->trustee.recheck = true;
	w->trustee.sample_evidence = false;
	expect_attest_again(w, "no longer accepted");
	w->trustee.sample_evidence = true;
	world_expect(w, "GET", RESOURCE, "", 401, "PolicyDeny");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_setup_policies, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_old_ear_is_refused),
		CASE(a_withdrawn_endorsement_counts_at_once),
		CASE(a_withdrawn_anchor_counts_at_once),
		CASE(an_anchor_that_stays_does_not_stand_for_another),
		CASE(an_ear_of_before_a_restart_is_refused),
		CASE(a_policy_is_asked_again),
		CASE(init_data_is_in_the_evidence),
		CASE(init_data_that_is_not_good_is_refused),
		CASE(sample_evidence_is_judged_if_it_may_be),
		CASE(sample_evidence_has_any_init_data),
		CASE(sample_evidence_is_refused_by_name),
		CASE(other_report_data_is_refused),
	};

	return cmocka_run_group_tests_name("trusteed_recheck", tests, NULL, NULL);
}
