// SPDX-License-Identifier: Apache-2.0
#include "jwt.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "base/array.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/json.h"
#include "ecdsa.h"
#include "jwk.h"

#define ECDSA_DER_MAX 256 /* a signature of two 48-byte numbers has 104 at most */
#define RSA_BITS_MAX  8192
#define SIGNATURE_MAX (RSA_BITS_MAX / 8)

static const struct algorithm {
	const char *alg, *type, *group, *digest;
	const char *padding; /* of RSA, a name of OpenSSL's; else NULL */
	size_t size;	     /* bytes of the signature; 0: as many as the key has */
} algorithms[] = {
	{ "ES256", "EC", "prime256v1", "SHA256", NULL, 64 },
	{ "ES384", "EC", "secp384r1", "SHA384", NULL, 96 },
	{ "EdDSA", "ED25519", NULL, NULL, NULL, 64 },
	{ "RS256", "RSA", NULL, "SHA256", OSSL_PKEY_RSA_PAD_MODE_PKCSV15, 0 },
	{ "RS384", "RSA", NULL, "SHA384", OSSL_PKEY_RSA_PAD_MODE_PKCSV15, 0 },
	{ "RS512", "RSA", NULL, "SHA512", OSSL_PKEY_RSA_PAD_MODE_PKCSV15, 0 },
	{ "PS256", "RSA", NULL, "SHA256", OSSL_PKEY_RSA_PAD_MODE_PSS, 0 },
	{ "PS384", "RSA", NULL, "SHA384", OSSL_PKEY_RSA_PAD_MODE_PSS, 0 },
	{ "PS512", "RSA", NULL, "SHA512", OSSL_PKEY_RSA_PAD_MODE_PSS, 0 },
};

static bool algorithm_fits(const struct algorithm *algorithm, EVP_PKEY *key)
{
	char group[64];

	if (!EVP_PKEY_is_a(key, algorithm->type))
		return false;
	if (algorithm->padding)
		return EVP_PKEY_get_bits(key) >= JWK_RSA_BITS_MIN &&
		       EVP_PKEY_get_bits(key) <= RSA_BITS_MAX;
	return !algorithm->group || (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) &&
				     strcmp(group, algorithm->group) == 0);
}

bool jwt_supports(EVP_PKEY *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
		if (algorithm_fits(&algorithms[i], key))
			return true;
	return false;
}

/* The algorithm of the header's alg, which must be one of those for a key like @key: what a signature is
 * checked with never depends on the header alone. */
static const struct algorithm *algorithm_choose(const json_t *header, EVP_PKEY *key,
						enum error_kind kind, struct error *e)
{
	const char *alg = json_member_text(header, "alg", "JWT header", kind, e);
	const struct algorithm *fits = NULL;

	if (!alg)
		return NULL;
	crypto_begin();
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		if (!algorithm_fits(&algorithms[i], key))
			continue;
		if (strcmp(alg, algorithms[i].alg) == 0)
			return &algorithms[i];
		if (!fits)
			fits = &algorithms[i];
	}
	if (!fits)
		crypto_error(e, kind, "JWT: no algorithm for a key of this type");
	else
		error_set(e, kind, "JWT header: alg: '%s' with a key for %s", alg, fits->alg);
	return NULL;
}

static size_t algorithm_size(const struct algorithm *algorithm, EVP_PKEY *key)
{
	return algorithm->size ? algorithm->size : (size_t)EVP_PKEY_get_size(key);
}

/* What OpenSSL must know beside the digest: the padding of RSA (RFC 7518 sections 3.3 and 3.5; the salt is as
 * long as the digest). */
static const OSSL_PARAM *algorithm_params(const struct algorithm *algorithm, OSSL_PARAM params[3])
{
	OSSL_PARAM *param = params;

	if (!algorithm->padding)
		return NULL;
	*param++ = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE,
						    (char *)algorithm->padding, 0);
	if (strcmp(algorithm->padding, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0)
		*param++ = OSSL_PARAM_construct_utf8_string(
			OSSL_SIGNATURE_PARAM_PSS_SALTLEN, (char *)OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST,
			0);
	*param = OSSL_PARAM_construct_end();
	return params;
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
	OSSL_PARAM params[3];
	EVP_MD_CTX *ctx;
	int ret = 0, verified;

	crypto_begin();
	ctx = EVP_MD_CTX_new();
	if (algorithm->group) {
		len = ecdsa_to_der(signature, len / 2, &der);
		signature = der;
	}
	if (!ctx || len == 0 ||
	    EVP_DigestVerifyInit_ex(ctx, NULL, algorithm->digest, NULL, NULL, key,
				    algorithm_params(algorithm, params)) != 1) {
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
	if (jwt->signature.len != algorithm_size(algorithm, key))
		return error_set(e, ERROR_ATTESTATION, "JWT: signature of %zu bytes, %s has %zu",
				 jwt->signature.len, algorithm->alg,
				 algorithm_size(algorithm, key));
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

/* Replace the @len bytes of DER in @raw by two numbers. */
static bool signature_from_der(const struct algorithm *algorithm, size_t len,
			       uint8_t raw[SIGNATURE_MAX])
{
	uint8_t der[ECDSA_DER_MAX];

	if (len > sizeof(der))
		return false;
	memcpy(der, raw, len);
	return ecdsa_from_der(der, len, raw, algorithm->size / 2);
}

/* Sign @text into @raw, algorithm_size() bytes. */
static int signature_make(const struct bytes *text, const struct algorithm *algorithm,
			  EVP_PKEY *key, uint8_t raw[SIGNATURE_MAX], struct error *e)
{
	size_t len = SIGNATURE_MAX;
	OSSL_PARAM params[3];
	EVP_MD_CTX *ctx;
	bool ok;

	crypto_begin();
	ctx = EVP_MD_CTX_new();
	ok = ctx &&
	     EVP_DigestSignInit_ex(ctx, NULL, algorithm->digest, NULL, NULL, key,
				   algorithm_params(algorithm, params)) == 1 &&
	     EVP_DigestSign(ctx, raw, &len, text->data, text->len) == 1;
	EVP_MD_CTX_free(ctx);
	if (ok && algorithm->group)
		ok = signature_from_der(algorithm, len, raw);
	else if (ok)
		ok = len == algorithm_size(algorithm, key);
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
	encode_base64(ENCODE_BASE64URL, raw, algorithm_size(algorithm, key), out);
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
