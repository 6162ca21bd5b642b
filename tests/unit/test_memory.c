// SPDX-License-Identifier: Apache-2.0
/* A failed allocation is never a verdict on the input: each operation here succeeds, and when one
 * of its allocations fails, in our code, in OpenSSL or in jansson, its error is "out of memory". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/array.h"
#include "ear/ear.h"
#include "event/event_print.h"
#include "jose/jwe.h"
#include "jose/jwk.h"
#include "jose/jwt.h"
#include "vector.h"

/* --- allocations that fail -------------------------------------------------------------------- */

static struct {
	bool armed, all; /* all: each allocation after the first failed one fails too */
	size_t before;	 /* how many succeed before that */
	size_t failed;
} memory;

static bool memory_fails(void)
{
	if (!memory.armed)
		return false;
	if (memory.before > 0) {
		memory.before--;
		return false;
	}
	memory.armed = memory.all;
	memory.failed++;
	return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);

/* The linker makes the library call these. */
void *__wrap_malloc(size_t size)
{
	return memory_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return memory_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return memory_fails() ? NULL : __real_reallocarray(old, count, size);
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return __wrap_malloc(size);
}

/* OpenSSL's own function reports a failure only if @old is NULL. */
static void *openssl_realloc(void *old, size_t size, const char *file, int line)
{
	if (!old)
		return CRYPTO_malloc(size, file, line);
	return memory_fails() ? NULL : realloc(old, size);
}

static void openssl_free(void *data, const char *file, int line)
{
	(void)file, (void)line;
	free(data);
}

/* --- operations ------------------------------------------------------------------------------- */

static struct {
	struct tee_key ec, rsa;
	json_t *ec_jwk, *rsa_jwk, *header, *payload;
	struct bytes ec_jwe, rsa_jwe, jwt, eddsa, pem, log, log_json;
	EVP_PKEY *key, *ed25519;
} fixture;

static int jwe_open_ec(struct error *e)
{
	struct bytes plain = BYTES_INIT;
	int ret = jwe_open(&fixture.ec, fixture.ec_jwe.data, fixture.ec_jwe.len, &plain, e);

	bytes_free(&plain);
	return ret;
}

static int jwe_open_rsa(struct error *e)
{
	struct bytes plain = BYTES_INIT;
	int ret = jwe_open(&fixture.rsa, fixture.rsa_jwe.data, fixture.rsa_jwe.len, &plain, e);

	bytes_free(&plain);
	return ret;
}

static int seal(const json_t *jwk, struct error *e)
{
	struct bytes out = BYTES_INIT;
	int ret = jwe_seal(jwk, "secret", 6, NULL, &out, e);

	bytes_free(&out);
	return ret;
}

static int jwe_seal_ec(struct error *e)
{
	return seal(fixture.ec_jwk, e);
}

static int jwe_seal_rsa(struct error *e)
{
	return seal(fixture.rsa_jwk, e);
}

static int verify(const struct bytes *text, EVP_PKEY *key, struct error *e)
{
	struct jwt jwt = JWT_INIT;
	int ret = jwt_decode(text->data, text->len, &jwt, e);

	if (ret == 0)
		ret = jwt_verify(&jwt, key, e);
	jwt_free(&jwt);
	return ret;
}

static int jwt_verify_ecdsa(struct error *e)
{
	return verify(&fixture.jwt, fixture.key, e);
}

static int jwt_verify_eddsa(struct error *e)
{
	return verify(&fixture.eddsa, fixture.ed25519, e);
}

static int jwt_sign_ecdsa(struct error *e)
{
	struct bytes out = BYTES_INIT;
	int ret = jwt_sign(fixture.header, fixture.payload, fixture.key, &out, e);

	bytes_free(&out);
	return ret;
}

static int key_read(const json_t *jwk, struct error *e)
{
	EVP_PKEY *key = jwk_public_key(jwk, "key", e);
	json_t *again = key ? jwk_from_public_key(key, NULL, e) : NULL;
	int ret = again ? 0 : -1;

	json_decref(again);
	EVP_PKEY_free(key);
	return ret;
}

static int jwk_ec(struct error *e)
{
	return key_read(fixture.ec_jwk, e);
}

static int jwk_rsa(struct error *e)
{
	return key_read(fixture.rsa_jwk, e);
}

static int pem_read(struct error *e)
{
	struct tee_key key = TEE_KEY_INIT;
	int ret = tee_key_from_pem(&key, fixture.pem.data, fixture.pem.len, e);

	tee_key_free(&key);
	return ret;
}

static int json_read(struct error *e)
{
	static const char text[] = "{\"b\":[1,\"\\u20ac\",null],\"a\":{\"c\":true}}";
	json_t *value = json_parse(text, sizeof(text) - 1, JSON_OPERATOR, "text", ERROR_INPUT, e);
	struct bytes out = BYTES_INIT;
	int ret = value ? json_canonical(value, &out, e) : -1;

	if (ret == 0)
		ret = json_pretty(value, &out, e);
	json_decref(value);
	bytes_free(&out);
	return ret;
}

static int ear_read(struct error *e)
{
	static const int vector[EAR_CLAIMS] = { 2 };
	static const char text[] =
		"{\"eat_profile\":\"tag:github.com,2023:veraison/ear\",\"iat\":1,\"ear.verifier-id\":"
		"{\"developer\":\"d\",\"build\":\"b\"},\"ear.raw-evidence\":\"QUJD\","
		"\"submods\":{\"cpu0\":{\"ear.status\":\"affirming\"}}}";
	json_t *payload = json_parse(text, sizeof(text) - 1, JSON_OPERATOR, "text", ERROR_INPUT, e);
	struct ear ear = EAR_INIT;
	struct bytes out = BYTES_INIT;
	int ret = payload ? ear_from_payload(payload, &ear, e) : -1;
	json_t *appraisal = ret == 0 ? ear_appraisal_json(vector, NULL, e) : NULL;

	if (appraisal) {
		ear_print_vectors(&ear, &out);
		ret = bytes_check(&out, e);
	} else {
		ret = -1;
	}
	json_decref(appraisal);
	json_decref(payload);
	ear_free(&ear);
	bytes_free(&out);
	return ret;
}

static int log_read(struct error *e)
{
	static const uint8_t value[REALM_REGISTERS][HASH_SIZE_MAX];
	struct event_log log;
	struct event_replay replay;
	struct bytes out = BYTES_INIT;
	json_t *json = NULL;
	int ret = event_log_decode(&log, fixture.log.data, fixture.log.len, e);

	if (ret == 0)
		ret = event_replay_run(&log, value, &replay, e);
	if (ret == 0) {
		json = event_print_json(&log, &replay);
		ret = json ? json_compact(json, &out, e) : error_set_memory(e);
	}
	if (ret == 0) {
		if (!fixture.log_json.data)
			bytes_set(&fixture.log_json, out.data, out.len);
		assert_string_equal(bytes_text(&out), bytes_text(&fixture.log_json));
		event_print_log(&log, &out);
		event_print_replay(&log, &replay, &out);
		ret = bytes_check(&out, e);
	}
	json_decref(json);
	event_log_free(&log);
	bytes_free(&out);
	return ret;
}

/* Run @operation again and again, and let one allocation more succeed each time. */
static int sweep(const char *name, int (*operation)(struct error *e), bool all)
{
	struct error e = ERROR_INIT;
	size_t allocations = 0;
	int verdicts = 0;

	if (operation(&e) < 0)
		fail_msg("%s: %s", name, e.text);
	do {
		int ret;

		e = (struct error)ERROR_INIT;
		memory.armed = true;
		memory.all = all;
		memory.before = allocations++;
		memory.failed = 0;
		ret = operation(&e);
		memory.armed = false;
		if (ret == 0 || e.memory)
			continue;
		print_error("%s, allocation %zu%s: %s\n", name, allocations,
			    all ? " and all others" : "", e.text);
		verdicts++;
	} while (memory.failed > 0);
	assert_true(allocations > 1);
	return verdicts;
}

static void a_failed_allocation_is_never_a_verdict(void **state)
{
	static const struct {
		const char *name;
		int (*operation)(struct error *e);
	} operations[] = {
		{ "JSON", json_read },		 { "EC JWK", jwk_ec },
		{ "RSA JWK", jwk_rsa },		 { "PEM", pem_read },
		{ "ES256", jwt_verify_ecdsa },	 { "EdDSA", jwt_verify_eddsa },
		{ "signing", jwt_sign_ecdsa },	 { "ECDH JWE", jwe_open_ec },
		{ "RSA JWE", jwe_open_rsa },	 { "sealing ECDH", jwe_seal_ec },
		{ "sealing RSA", jwe_seal_rsa }, { "EAR", ear_read },
		{ "event log", log_read },
	};

	int verdicts = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		verdicts += sweep(operations[i].name, operations[i].operation, true);
		verdicts += sweep(operations[i].name, operations[i].operation, false);
	}
	assert_int_equal(verdicts, 0);
}

static void log_make(void)
{
	const struct hash *hash = hash_by_number(HASH_SHA384);
	static const uint8_t digest[HASH_SIZE_MAX];
	struct bytes event = BYTES_INIT;
	struct event_record record = {
		.kind = EVENT_EXTENSION, .index = 1, .digest = digest, .value = digest
	};

	event_tagged_put("a", "b", "c", &event);
	record.event = event.data;
	record.size = event.len;
	event_log_put_header(hash, &fixture.log);
	for (uint32_t i = 0; i < 8; i++) {
		record.type = EVENT_TYPE_IPL - i;
		event_log_put(hash, &record, &fixture.log);
	}
	record.kind = EVENT_BASE;
	event_log_put(hash, &record, &fixture.log);
	bytes_free(&event);
}

static int fixture_make(void **state)
{
	struct error e = ERROR_INIT;
	json_t *eddsa = json_pack("{s:s}", "alg", "EdDSA");

	(void)state;
	fixture.rsa = (struct tee_key){ EVP_RSA_gen(2048), TEE_KEY_RSA };
	fixture.key = EVP_EC_gen("P-256");
	fixture.ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	fixture.header = json_pack("{s:s}", "alg", "ES256");
	fixture.payload = json_pack("{s:i}", "exp", 5);
	if (tee_key_generate(&fixture.ec, &e) < 0 ||
	    !(fixture.ec_jwk = tee_key_jwk(&fixture.ec, &e)) ||
	    !(fixture.rsa_jwk = tee_key_jwk(&fixture.rsa, &e)) ||
	    tee_key_to_pem(&fixture.ec, &fixture.pem, &e) < 0 ||
	    jwe_seal(fixture.ec_jwk, "secret", 6, NULL, &fixture.ec_jwe, &e) < 0 ||
	    jwe_seal(fixture.rsa_jwk, "secret", 6, NULL, &fixture.rsa_jwe, &e) < 0 ||
	    jwt_sign(fixture.header, fixture.payload, fixture.key, &fixture.jwt, &e) < 0 ||
	    jwt_sign(eddsa, fixture.payload, fixture.ed25519, &fixture.eddsa, &e) < 0) {
		print_error("%s\n", e.text);
		return -1;
	}
	json_decref(eddsa);
	log_make();
	return 0;
}

static int fixture_free(void **state)
{
	(void)state;
	tee_key_free(&fixture.ec);
	tee_key_free(&fixture.rsa);
	json_decref(fixture.ec_jwk);
	json_decref(fixture.rsa_jwk);
	json_decref(fixture.header);
	json_decref(fixture.payload);
	bytes_free(&fixture.ec_jwe);
	bytes_free(&fixture.rsa_jwe);
	bytes_free(&fixture.jwt);
	bytes_free(&fixture.eddsa);
	bytes_free(&fixture.pem);
	bytes_free(&fixture.log);
	bytes_free(&fixture.log_json);
	EVP_PKEY_free(fixture.key);
	EVP_PKEY_free(fixture.ed25519);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failed_allocation_is_never_a_verdict),
	};

	if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1)
		abort();
	json_set_alloc_funcs(__wrap_malloc, free);
	return cmocka_run_group_tests_name("memory", tests, fixture_make, fixture_free);
}
