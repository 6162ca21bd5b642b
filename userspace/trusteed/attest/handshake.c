// SPDX-License-Identifier: Apache-2.0
#include "handshake.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/array.h"
#include "base/crypto.h"
#include "base/json.h"
#include "cca/cca_token.h"
#include "jose/tee_key.h"
#include "token_text.h"
#include "version.h"

/* The longest text accepted for one member of a public JWK; ML-KEM-768 has 1579. */
#define JWK_TEXT_MAX 2048

/* The names of TEEs in Trustee's version of the protocol, kbs-types 0.18, and in older ones. */
static const char *const tees[] = {
	"az-snp-vtpm", "az-tdx-vtpm", "azsnpvtpm",  "aztdxvtpm", "nvidia", "sgx",
	"snp",	       "tdx",	      "cca",	    "csv",	 "se",	   "sev",
	"tpm",	       "hygondcu",    "nvidia-dpu", "nvidiadpu", "sample", "sampledevice",
};

int handshake_tee_refuse(const char *name, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(tees); i++)
		if (strcmp(name, tees[i]) == 0)
			return error_set(e, ERROR_PROTOCOL,
					 "tee '%s': this embedded Trustee verifies only cca", name);
	return error_set(e, ERROR_PROTOCOL, "deserialize Request: tee: '%.32s' is not a TEE", name);
}

static int handshake_tee(const char *name, enum kbs_tee *tee, struct error *e)
{
	if (strcmp(name, "cca") == 0)
		*tee = KBS_CCA;
	else if (strcmp(name, "sample") == 0)
		*tee = KBS_SAMPLE;
	else
		return handshake_tee_refuse(name, e);
	return 0;
}

int handshake_auth_parse(const void *body, size_t len, enum kbs_version least,
			 struct handshake_hello *hello, struct error *e)
{
	json_t *request = json_parse(body, len, JSON_SMALL, "deserialize Request", ERROR_PROTOCOL,
				     e);
	const char *version, *tee;
	int ret = -1;

	if (!request)
		return -1;
	version = json_member_text(request, "version", "deserialize Request", ERROR_PROTOCOL, e);
	if (!version)
		goto out;
	tee = json_member_text(request, "tee", "deserialize Request", ERROR_PROTOCOL, e);
	if (!tee)
		goto out;
	if (!json_object_get(request, "extra-params"))
		error_set(e, ERROR_PROTOCOL, "deserialize Request: extra-params: missing");
	else if (version_read(version, least, &hello->version, e) == 0)
		ret = handshake_tee(tee, &hello->tee, e);
out:
	json_decref(request);
	return ret;
}

json_t *handshake_auth_answer(const char *nonce)
{
	return json_pack("{s:s, s:s}", "nonce", nonce, "extra-params", "");
}

/* Read the token, unless handshake_attest_body() has. */
static int handshake_token(const json_t *evidence, const char *what, struct bytes *token,
			   struct error *e)
{
	const json_t *array = json_object_get(evidence, "token");
	size_t len = token->len ? token->len : json_array_size(array);

	if (!json_is_array(array))
		return error_set(e, ERROR_PROTOCOL,
				 "%s: token: missing, or not an array of byte values", what);
	if (len > CCA_TOKEN_MAX)
		return error_set(e, ERROR_ATTESTATION, "%s: token of %zu bytes, at most %zu",
				 cca_cause_name(CCA_E_SIZE), len, CCA_TOKEN_MAX);
	if (token->len)
		return 0;
	if (bytes_resize(token, len, e) < 0)
		return -1;
	for (size_t i = 0; i < len; i++) {
		const json_t *value = json_array_get(array, i);
		json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;

		if (number < 0 || number > 255)
			return error_set(e, ERROR_PROTOCOL, "%s: token: element %zu is not a byte",
					 what, i);
		token->data[i] = (uint8_t)number;
	}
	return 0;
}

/* Read the text of the device evidence. Its empty forms mean that there is none. */
static int handshake_devices(struct handshake_attest *attest, struct error *e)
{
	const char *text = attest->additional;
	const char *name;
	json_t *evidence;

	if (strcmp(text, "") == 0 || strcmp(text, "{}") == 0)
		return 0;
	attest->devices = json_parse(text, strlen(text), JSON_EVIDENCE, "additional_evidence",
				     ERROR_PROTOCOL, e);
	if (!attest->devices)
		return -1;
	if (!json_is_object(attest->devices))
		return error_set(e, ERROR_PROTOCOL, "additional_evidence: not an object");
	json_object_foreach(attest->devices, name, evidence) {
		if (strcmp(name, "sampledevice") != 0)
			return error_set(e, ERROR_PROTOCOL,
					 "additional_evidence: this embedded Trustee verifies no "
					 "evidence of '%.32s'",
					 name);
	}
	return 0;
}

static int handshake_evidence(enum kbs_tee tee, struct handshake_attest *attest, struct error *e)
{
	const char *what = "tee-evidence";

	attest->evidence = json_member_object(attest->body, what, "attest", ERROR_PROTOCOL, e);
	if (!attest->evidence)
		return -1;
	if (attest->version >= KBS_0_4_0) {
		attest->additional = json_member_text(attest->evidence, "additional_evidence", what,
						      ERROR_PROTOCOL, e);
		if (!attest->additional || handshake_devices(attest, e) < 0)
			return -1;
		attest->evidence = json_member_object(attest->evidence, "primary_evidence", what,
						      ERROR_PROTOCOL, e);
		if (!attest->evidence)
			return -1;
		what = "primary_evidence";
	}
	return tee == KBS_CCA ? handshake_token(attest->evidence, what, &attest->token, e) : 0;
}

/*
 * A KBS hashes the key after it has parsed it, without the members that it does not know. Drop them
 * here as well: the challenge of a client that sends more (kid, use) must be the same for both.
 */
static const struct key_form {
	const char *kty;
	const char *members[6];
} key_forms[] = {
	{ "EC", { "kty", "crv", "alg", "x", "y" } },
	{ "RSA", { "kty", "alg", "n", "e" } },
	{ "AKP", { "kty", "alg", "pub" } },
};

static const struct key_form *key_form_find(const char *kty, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(key_forms); i++)
		if (strcmp(kty, key_forms[i].kty) == 0)
			return &key_forms[i];
	error_set(e, ERROR_PROTOCOL, "tee-pubkey: kty: '%.16s' is not EC, RSA or AKP", kty);
	return NULL;
}

static json_t *handshake_pubkey(const json_t *jwk, struct error *e)
{
	const char *kty = json_member_text(jwk, "kty", "tee-pubkey", ERROR_PROTOCOL, e);
	const struct key_form *form = kty ? key_form_find(kty, e) : NULL;
	const char *const *member;
	json_t *key;

	if (!form)
		return NULL;
	key = json_object();
	for (member = form->members; *member; member++) {
		const char *text = json_member_text(jwk, *member, "tee-pubkey", ERROR_PROTOCOL, e);

		if (!text)
			goto fail;
		if (strlen(text) > JWK_TEXT_MAX) {
			error_set(e, ERROR_PROTOCOL, "tee-pubkey: %s: too long", *member);
			goto fail;
		}
		if (json_object_set_new(key, *member, json_string(text)) < 0) {
			error_set_memory(e);
			goto fail;
		}
	}
	return key;
fail:
	json_decref(key);
	return NULL;
}

/* Read the key from @data, which is the body itself before 0.4.0. The clients of 0.1.1 are the last
 * ones that sent keys for RSA1_5, and the only ones that get the form of a resource that goes with it
 * (jwe_seal()). */
static int handshake_key(const json_t *data, const char *what, struct handshake_attest *attest,
			 struct error *e)
{
	const json_t *jwk = json_member_object(data, "tee-pubkey", what, ERROR_PROTOCOL, e);
	const char *alg;

	attest->tee_pubkey = jwk ? handshake_pubkey(jwk, e) : NULL;
	if (!attest->tee_pubkey)
		return -1;
	alg = json_string_value(json_object_get(attest->tee_pubkey, "alg"));
	if (attest->version > KBS_0_1_1 && strcmp(alg, TEE_KEY_RSA_OLD) == 0)
		return error_set(e, ERROR_PROTOCOL,
				 "tee-pubkey: alg: " TEE_KEY_RSA_OLD
				 " is accepted only from clients of KBS API %s",
				 version_name(KBS_0_1_1));
	return 0;
}

/* Since 0.4.0 a client repeats the nonce; in all versions the challenge covers it. */
static int handshake_runtime(const struct kbs_handshake *handshake, struct handshake_attest *attest,
			     struct error *e)
{
	const json_t *data = attest->body;
	const char *nonce;

	memcpy(attest->nonce, handshake->nonce, sizeof(attest->nonce));
	if (attest->version < KBS_0_4_0)
		return handshake_key(data, "attest", attest, e);
	data = json_member_object(attest->body, "runtime-data", "attest", ERROR_PROTOCOL, e);
	nonce = data ? json_member_text(data, "nonce", "runtime-data", ERROR_PROTOCOL, e) : NULL;
	if (!nonce || handshake_key(data, "runtime-data", attest, e) < 0)
		return -1;
	if (strcmp(nonce, attest->nonce) != 0)
		return error_set(e, ERROR_ATTESTATION, "nonce: not the one of this session");
	return 0;
}

static int handshake_init_data(struct handshake_attest *attest, struct error *e)
{
	const json_t *init = json_object_get(attest->body, "init-data");
	const char *format;

	if (attest->version < KBS_0_4_0 || !init || json_is_null(init))
		return 0;
	format = json_member_text(init, "format", "init-data", ERROR_PROTOCOL, e);
	if (!format)
		return -1;
	if (strcmp(format, "toml") != 0)
		return error_set(e, ERROR_PROTOCOL, "init-data: format: '%.16s' is not toml",
				 format);
	attest->init_data = json_member_text(init, "body", "init-data", ERROR_PROTOCOL, e);
	return attest->init_data ? 0 : -1;
}

/* Parse @body, without the token if it can be read from the text. */
static json_t *handshake_attest_body(enum kbs_version version, const void *body, size_t len,
				     struct bytes *token, struct error *e)
{
	static const char *const path[] = { "tee-evidence", "primary_evidence", "token", NULL };
	static const char *const old[] = { "tee-evidence", "token", NULL };
	struct bytes rest = BYTES_INIT;
	struct error why = ERROR_INIT;
	json_t *value = NULL;
	int taken = token_text_take(body, len, version < KBS_0_4_0 ? old : path, token, &rest,
				    &why);

	if (taken > 0)
		value = json_parse(rest.data, rest.len, JSON_EVIDENCE, "attest", ERROR_PROTOCOL,
				   &why);
	if (why.kind == ERROR_SYSTEM) {
		*e = why;
	} else if (!value) {
		/* The error must name a place in the body. */
		bytes_clear(token);
		value = json_parse(body, len, JSON_EVIDENCE, "attest", ERROR_PROTOCOL, e);
	}
	bytes_free(&rest);
	return value;
}

int handshake_attest_parse(const struct kbs_handshake *handshake, const void *body, size_t len,
			   struct handshake_attest *attest, struct error *e)
{
	attest->version = handshake->version;
	attest->body = handshake_attest_body(attest->version, body, len, &attest->token, e);
	if (!attest->body || handshake_init_data(attest, e) < 0 ||
	    handshake_runtime(handshake, attest, e) < 0)
		return -1;
	return handshake_evidence(handshake->tee, attest, e);
}

void handshake_attest_free(struct handshake_attest *attest)
{
	json_decref(attest->body);
	json_decref(attest->devices);
	json_decref(attest->tee_pubkey);
	bytes_free(&attest->token);
	*attest = (struct handshake_attest)HANDSHAKE_ATTEST_INIT;
}

json_t *handshake_device_data(const struct handshake_attest *attest, struct error *e)
{
	json_t *data = json_pack("{s:s, s:O}", "nonce", attest->nonce, "tee-pubkey",
				 attest->tee_pubkey);

	if (!data)
		error_set_memory(e);
	return data;
}

json_t *handshake_runtime_data(const struct handshake_attest *attest, struct error *e)
{
	json_t *data;

	if (!attest->additional)
		return handshake_device_data(attest, e);
	data = json_pack("{s:s, s:s, s:O}", "additional-evidence", attest->additional, "nonce",
			 attest->nonce, "tee-pubkey", attest->tee_pubkey);
	if (!data)
		error_set_memory(e);
	return data;
}

int handshake_challenge(const json_t *runtime, uint8_t challenge[REALM_CHALLENGE_SIZE],
			struct error *e)
{
	struct bytes text = BYTES_INIT;
	int ret = -1;

	memset(challenge, 0, REALM_CHALLENGE_SIZE);
	if (json_canonical(runtime, &text, e) == 0) {
		crypto_begin();
		ret = EVP_Digest(text.data, text.len, challenge, NULL, EVP_sha384(), NULL) == 1 ?
			      0 :
			      crypto_error(e, ERROR_SYSTEM, "OpenSSL cannot compute SHA-384");
	}
	bytes_free(&text);
	return ret;
}
