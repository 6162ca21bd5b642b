// SPDX-License-Identifier: Apache-2.0
#include "jwt.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "base/array.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/json.h"
#include "ecdsa.h"

#define DER_MAX	      256 /* an ECDSA signature of two 48-byte numbers has 104 at most */
#define SIGNATURE_MAX 96

static const struct algorithm {
	const char *alg, *type, *group, *digest;
	size_t size; /* bytes of the signature */
} algorithms[] = {
	{ "ES256", "EC", "prime256v1", "SHA256", 64 },
	{ "ES384", "EC", "secp384r1", "SHA384", 96 },
	{ "EdDSA", "ED25519", NULL, NULL, 64 },
};

static const struct algorithm *algorithm_of_key(EVP_PKEY *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		const struct algorithm *a = &algorithms[i];
		char group[64];

		if (!EVP_PKEY_is_a(key, a->type))
			continue;
		if (!a->group || (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) &&
				  strcmp(group, a->group) == 0))
			return a;
	}
	return NULL;
}

/* The algorithm of @key; the header's alg must be the same. */
static const struct algorithm *algorithm_choose(const json_t *header, EVP_PKEY *key,
						enum error_kind kind, struct error *e)
{
	const char *alg = json_member_text(header, "alg", "JWT header", kind, e);
	const struct algorithm *algorithm;

	if (!alg)
		return NULL;
	crypto_begin();
	algorithm = algorithm_of_key(key);
	if (!algorithm)
		crypto_error(e, kind, "JWT: no algorithm for a key of this type");
	else if (strcmp(alg, algorithm->alg) != 0)
		error_set(e, kind, "JWT header: alg: '%s' with a key for %s", alg, algorithm->alg);
	else
		return algorithm;
	return NULL;
}

static json_t *segment_object(const char *text, size_t len, enum json_use use, const char *what,
			      struct error *e)
{
	struct bytes raw = BYTES_INIT;
	json_t *value = NULL;

	if (decode_base64(ENCODE_BASE64URL, text, len, what, &raw, e) == 0)
		value = json_parse(raw.data, raw.len, use, what, ERROR_INPUT, e);
	bytes_free(&raw);
	if (value && !json_is_object(value)) {
		error_set(e, ERROR_INPUT, "%s: not an object", what);
		json_decref(value);
		value = NULL;
	}
	return value;
}

/* Find the two dots. There must be exactly two. */
static bool segments_find(const char *text, size_t len, const char *dots[2])
{
	dots[0] = memchr(text, '.', len);
	if (!dots[0])
		return false;
	dots[1] = memchr(dots[0] + 1, '.', len - (size_t)(dots[0] + 1 - text));
	return dots[1] && !memchr(dots[1] + 1, '.', len - (size_t)(dots[1] + 1 - text));
}

int jwt_decode(const void *text, size_t len, struct jwt *jwt, struct error *e)
{
	const char *start = text, *dots[2];
	size_t signed_len;

	jwt_free(jwt);
	/* A text file ends with a newline. */
	while (len > 0 && strchr("\r\n", start[len - 1]) && start[len - 1])
		len--;
	if (len > JWT_MAX)
		return error_set(e, ERROR_INPUT, "JWT: more than %zu bytes", JWT_MAX);
	if (len == 0 || !segments_find(start, len, dots))
		return error_set(e, ERROR_INPUT, "JWT: invalid number of segments");
	jwt->header = segment_object(start, (size_t)(dots[0] - start), JSON_SMALL, "JWT header", e);
	if (jwt->header)
		jwt->payload = segment_object(dots[0] + 1, (size_t)(dots[1] - dots[0]) - 1,
					      JSON_TOKEN, "JWT payload", e);
	signed_len = (size_t)(dots[1] - start);
	bytes_set(&jwt->signing_input, start, signed_len);
	if (!jwt->payload ||
	    decode_base64(ENCODE_BASE64URL, dots[1] + 1, len - signed_len - 1, "JWT signature",
			  &jwt->signature, e) < 0 ||
	    bytes_check(&jwt->signing_input, e) < 0) {
		jwt_free(jwt);
		return -1;
	}
	return 0;
}

/* The caller has checked the size of the signature. */
static int signature_verify(const struct jwt *jwt, const struct algorithm *algorithm, EVP_PKEY *key,
			    struct error *e)
{
	const uint8_t *signature = jwt->signature.data;
	size_t len = jwt->signature.len;
	unsigned char *der = NULL;
	EVP_MD_CTX *ctx;
	int ret = 0, verified;

	crypto_begin();
	ctx = EVP_MD_CTX_new();
	if (algorithm->digest) {
		len = ecdsa_to_der(signature, len / 2, &der);
		signature = der;
	}
	if (!ctx || len == 0 ||
	    EVP_DigestVerifyInit_ex(ctx, NULL, algorithm->digest, NULL, NULL, key, NULL) != 1) {
		ret = crypto_error(e, ERROR_SYSTEM, "JWT: cannot verify %s", algorithm->alg);
	} else {
		verified = EVP_DigestVerify(ctx, signature, len, jwt->signing_input.data,
					    jwt->signing_input.len);
		if (verified != 1)
			ret = crypto_verify_error(verified, e, ERROR_ATTESTATION,
						  "JWT: signature verification failure");
	}
	EVP_MD_CTX_free(ctx);
	OPENSSL_free(der);
	return ret;
}

int jwt_verify(const struct jwt *jwt, EVP_PKEY *key, struct error *e)
{
	const struct algorithm *algorithm = algorithm_choose(jwt->header, key, ERROR_ATTESTATION,
							     e);

	if (!algorithm)
		return -1;
	if (json_object_get(jwt->header, "crit"))
		return error_set(e, ERROR_ATTESTATION, "JWT header: crit: not supported");
	if (jwt->signature.len != algorithm->size)
		return error_set(e, ERROR_ATTESTATION, "JWT: signature of %zu bytes, %s has %zu",
				 jwt->signature.len, algorithm->alg, algorithm->size);
	return signature_verify(jwt, algorithm, key, e);
}

/* Read the date @claim. Returns 1, 0 if the claim is absent, or -1. */
static int time_read(const struct jwt *jwt, const char *claim, double *time, struct error *e)
{
	const json_t *value = json_object_get(jwt->payload, claim);

	if (!json_date(value, time) && value)
		return error_set(e, ERROR_ATTESTATION, "JWT: \"%s\" not satisfied: not a number",
				 claim);
	return value ? 1 : 0;
}

int jwt_check_times(const struct jwt *jwt, long long now, long long leeway, bool *expires,
		    struct error *e)
{
	static const struct {
		const char *claim, *why;
	} starts[] = {
		{ "nbf", "token is not valid yet" },
		{ "iat", "token is issued in the future" },
	};
	const double latest = (double)now + (double)leeway;
	const double earliest = (double)now - (double)leeway;
	double time = 0;
	int present = time_read(jwt, "exp", &time, e);

	if (present < 0)
		return -1;
	if (expires)
		*expires = present;
	else if (!present)
		return error_set(e, ERROR_ATTESTATION, "JWT: \"exp\" not satisfied: missing");
	if (present && time <= earliest)
		return error_set(e, ERROR_ATTESTATION,
				 "JWT: \"exp\" not satisfied: token is expired");
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		present = time_read(jwt, starts[i].claim, &time, e);
		if (present < 0)
			return -1;
		if (present > 0 && time > latest)
			return error_set(e, ERROR_ATTESTATION, "JWT: \"%s\" not satisfied: %s",
					 starts[i].claim, starts[i].why);
	}
	return 0;
}

static int segment_append(const json_t *value, struct bytes *out, struct error *e)
{
	struct bytes text = BYTES_INIT;
	int ret = json_compact(value, &text, e);

	if (ret == 0)
		encode_base64(ENCODE_BASE64URL, text.data, text.len, out);
	bytes_free(&text);
	return ret;
}

/* Sign @text into @raw, algorithm->size bytes. */
static int signature_make(const struct bytes *text, const struct algorithm *algorithm,
			  EVP_PKEY *key, uint8_t raw[SIGNATURE_MAX], struct error *e)
{
	uint8_t der[DER_MAX];
	size_t len = sizeof(der);
	EVP_MD_CTX *ctx;
	bool ok;

	crypto_begin();
	ctx = EVP_MD_CTX_new();
	ok = ctx &&
	     EVP_DigestSignInit_ex(ctx, NULL, algorithm->digest, NULL, NULL, key, NULL) == 1 &&
	     EVP_DigestSign(ctx, der, &len, text->data, text->len) == 1;
	EVP_MD_CTX_free(ctx);
	if (ok && algorithm->digest) {
		ok = ecdsa_from_der(der, len, raw, algorithm->size / 2);
	} else if (ok) {
		ok = len == algorithm->size;
		memcpy(raw, der, algorithm->size);
	}
	return ok ? 0 : crypto_error(e, ERROR_SYSTEM, "JWT: cannot sign with this key");
}

int jwt_sign(const json_t *header, const json_t *payload, EVP_PKEY *key, struct bytes *out,
	     struct error *e)
{
	const struct algorithm *algorithm = algorithm_choose(header, key, ERROR_INPUT, e);
	struct bytes text = BYTES_INIT;
	uint8_t raw[SIGNATURE_MAX];
	int ret = -1;

	if (!algorithm)
		return -1;
	if (segment_append(header, &text, e) < 0)
		goto out;
	bytes_append_text(&text, ".");
	if (segment_append(payload, &text, e) < 0 || bytes_check(&text, e) < 0 ||
	    signature_make(&text, algorithm, key, raw, e) < 0)
		goto out;
	bytes_append(out, text.data, text.len);
	bytes_append_text(out, ".");
	encode_base64(ENCODE_BASE64URL, raw, algorithm->size, out);
	ret = bytes_check(out, e);
out:
	bytes_free(&text);
	return ret;
}

void jwt_free(struct jwt *jwt)
{
	json_decref(jwt->header);
	json_decref(jwt->payload);
	bytes_free(&jwt->signing_input);
	bytes_free(&jwt->signature);
	*jwt = (struct jwt)JWT_INIT;
}
