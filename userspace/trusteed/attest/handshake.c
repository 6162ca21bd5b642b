// SPDX-License-Identifier: Apache-2.0
#include "handshake.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "cca/cca_token.h"
#include "kbs/kbs.h"
#include "token_text.h"

/* The longest text accepted for one member of a public JWK; RSA with 4096 bits has 683. */
#define JWK_TEXT_MAX 1024

int handshake_auth_parse(const void *body, size_t len, struct error *e)
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
	else if (strcmp(version, KBS_PROTOCOL_VERSION) != 0)
		error_set(e, ERROR_PROTOCOL,
			  "KBS Client Protocol Version Mismatch: expect =%s "
			  "while the request is %.32s",
			  KBS_PROTOCOL_VERSION, version);
	else if (strcmp(tee, "cca") != 0)
		error_set(e, ERROR_PROTOCOL, "tee '%.32s': this embedded Trustee verifies only cca",
			  tee);
	else
		ret = 0;
out:
	json_decref(request);
	return ret;
}

json_t *handshake_auth_answer(const char *nonce)
{
	return json_pack("{s:s, s:s}", "nonce", nonce, "extra-params", "");
}

/* Read the token, unless handshake_attest_body() has. */
static int handshake_token(const json_t *evidence, struct bytes *token, struct error *e)
{
	const json_t *array = json_object_get(evidence, "token");
	size_t len = token->len ? token->len : json_array_size(array);

	if (!json_is_array(array))
		return error_set(e, ERROR_PROTOCOL,
				 "primary_evidence: token: missing, or not an "
				 "array of byte values");
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
			return error_set(e, ERROR_PROTOCOL,
					 "primary_evidence: token: element %zu "
					 "is not a byte",
					 i);
		token->data[i] = (uint8_t)number;
	}
	return 0;
}

static int handshake_evidence(const json_t *evidence, struct handshake_attest *attest,
			      struct error *e)
{
	const json_t *primary;

	attest->additional = json_member_text(evidence, "additional_evidence", "tee-evidence",
					      ERROR_PROTOCOL, e);
	if (!attest->additional)
		return -1;
	if (strcmp(attest->additional, "") != 0 && strcmp(attest->additional, "{}") != 0)
		return error_set(e, ERROR_PROTOCOL,
				 "additional_evidence: this embedded Trustee "
				 "verifies no device evidence");
	primary = json_member_object(evidence, "primary_evidence", "tee-evidence", ERROR_PROTOCOL,
				     e);
	return primary ? handshake_token(primary, &attest->token, e) : -1;
}

/*
 * A KBS hashes the key after it has parsed it, without the members that it does not know. Drop them
 * here as well: the challenge of a client that sends more (kid, use) must be the same for both.
 */
static json_t *handshake_pubkey(const json_t *jwk, struct error *e)
{
	static const char *const ec[] = { "kty", "crv", "alg", "x", "y", NULL };
	static const char *const rsa[] = { "kty", "alg", "n", "e", NULL };
	const char *kty = json_member_text(jwk, "kty", "tee-pubkey", ERROR_PROTOCOL, e);
	const char *const *member;
	json_t *key;

	if (!kty)
		return NULL;
	if (strcmp(kty, "EC") != 0 && strcmp(kty, "RSA") != 0) {
		error_set(e, ERROR_PROTOCOL, "tee-pubkey: kty: '%.16s' is neither EC nor RSA", kty);
		return NULL;
	}
	key = json_object();
	for (member = kty[0] == 'E' ? ec : rsa; *member; member++) {
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

static int handshake_runtime(const json_t *runtime, struct handshake_attest *attest,
			     struct error *e)
{
	const json_t *jwk;

	attest->nonce = json_member_text(runtime, "nonce", "runtime-data", ERROR_PROTOCOL, e);
	if (!attest->nonce)
		return -1;
	jwk = json_member_object(runtime, "tee-pubkey", "runtime-data", ERROR_PROTOCOL, e);
	if (!jwk)
		return -1;
	attest->tee_pubkey = handshake_pubkey(jwk, e);
	return attest->tee_pubkey ? 0 : -1;
}

/* Parse @body, without the token if it can be read from the text. */
static json_t *handshake_attest_body(const void *body, size_t len, struct bytes *token,
				     struct error *e)
{
	struct bytes rest = BYTES_INIT;
	struct error why = ERROR_INIT;
	json_t *value = NULL;
	int taken = token_text_take(body, len, token, &rest, &why);

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

int handshake_attest_parse(const void *body, size_t len, struct handshake_attest *attest,
			   struct error *e)
{
	const json_t *init, *part;

	attest->body = handshake_attest_body(body, len, &attest->token, e);
	if (!attest->body)
		return -1;
	init = json_object_get(attest->body, "init-data");
	if (init && !json_is_null(init))
		return error_set(e, ERROR_PROTOCOL,
				 "init-data: not supported by this embedded "
				 "Trustee");
	part = json_member_object(attest->body, "runtime-data", "attest", ERROR_PROTOCOL, e);
	if (!part || handshake_runtime(part, attest, e) < 0)
		return -1;
	part = json_member_object(attest->body, "tee-evidence", "attest", ERROR_PROTOCOL, e);
	return part ? handshake_evidence(part, attest, e) : -1;
}

void handshake_attest_free(struct handshake_attest *attest)
{
	json_decref(attest->body);
	json_decref(attest->tee_pubkey);
	bytes_free(&attest->token);
	*attest = (struct handshake_attest)HANDSHAKE_ATTEST_INIT;
}

json_t *handshake_runtime_data(const struct handshake_attest *attest, struct error *e)
{
	json_t *runtime = json_pack("{s:s, s:s, s:O}", "additional-evidence", attest->additional,
				    "nonce", attest->nonce, "tee-pubkey", attest->tee_pubkey);

	if (!runtime)
		error_set_memory(e);
	return runtime;
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
