// SPDX-License-Identifier: Apache-2.0
#include "jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <string.h>

#include "base/array.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/json.h"
#include "ecdsa.h"

#define JWK_COORDINATE_MAX 66 /* bytes, of P-521 */
#define EXPONENT_MAX	   8  /* bytes; a larger exponent only makes RSA slower */

static const struct curve {
	const char *crv, *group;
	size_t size; /* bytes of one coordinate */
} curves[] = {
	{ "P-256", "prime256v1", 32 },
	{ "P-384", "secp384r1", 48 },
	{ "P-521", "secp521r1", 66 },
};

static const struct curve *curve_of_key(const EVP_PKEY *pkey)
{
	char group[64];

	if (!EVP_PKEY_is_a(pkey, "EC") ||
	    !EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++)
		if (strcmp(curves[i].group, group) == 0)
			return &curves[i];
	return NULL;
}

/* Set @member to @len bytes in base64url. Returns 0, or -1 if out of memory. */
static int raw_set(json_t *jwk, const char *member, const uint8_t *raw, size_t len)
{
	struct bytes text = BYTES_INIT;
	int ret = -1;

	encode_base64(ENCODE_BASE64URL, raw, len, &text);
	if (!text.failed)
		ret = json_object_set_new(jwk, member, json_string(bytes_text(&text)));
	bytes_free(&text);
	return ret;
}

/* Set @member to the number @param of @pkey, with zeros on the left up to @least bytes. Returns 0, or -1 if out
 * of memory. */
static int number_set(json_t *jwk, const char *member, const EVP_PKEY *pkey, const char *param,
		      size_t least)
{
	uint8_t raw[JWK_RSA_BITS_MAX / 8];
	BIGNUM *number = NULL;
	int ret = -1;
	size_t size;

	if (EVP_PKEY_get_bn_param(pkey, param, &number) != 1)
		return -1;
	size = (size_t)BN_num_bytes(number);
	if (size < least)
		size = least;
	if (size <= sizeof(raw) && BN_bn2binpad(number, raw, (int)size) >= 0)
		ret = raw_set(jwk, member, raw, size);
	BN_free(number);
	return ret;
}

/* OpenSSL computes both coordinates for each of them, and only once for the encoded point; that is compressed
 * if the key was read so. */
static int point_set(json_t *jwk, const EVP_PKEY *pkey, size_t size)
{
	uint8_t point[1 + 2 * JWK_COORDINATE_MAX];
	size_t len;

	if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
					    &len) == 1 &&
	    len == 1 + 2 * size && point[0] == POINT_CONVERSION_UNCOMPRESSED)
		return raw_set(jwk, "x", point + 1, size) |
		       raw_set(jwk, "y", point + 1 + size, size);
	return number_set(jwk, "x", pkey, OSSL_PKEY_PARAM_EC_PUB_X, size) |
	       number_set(jwk, "y", pkey, OSSL_PKEY_PARAM_EC_PUB_Y, size);
}

json_t *jwk_from_public_key(const EVP_PKEY *pkey, const char *alg, struct error *e)
{
	int bits = EVP_PKEY_get_bits(pkey);
	const struct curve *curve;
	json_t *jwk;
	int ret;

	crypto_begin();
	curve = curve_of_key(pkey);
	if (!curve &&
	    (!EVP_PKEY_is_a(pkey, "RSA") || bits < JWK_RSA_BITS_MIN || bits > JWK_RSA_BITS_MAX)) {
		crypto_error(e, ERROR_INPUT, "key: this type has no JWK form here");
		return NULL;
	}
	jwk = curve ? json_pack("{s:s, s:s}", "kty", "EC", "crv", curve->crv) :
		      json_pack("{s:s}", "kty", "RSA");
	ret = alg ? json_object_set_new(jwk, "alg", json_string(alg)) : 0;
	if (curve) {
		ret |= point_set(jwk, pkey, curve->size);
	} else {
		ret |= number_set(jwk, "n", pkey, OSSL_PKEY_PARAM_RSA_N, 0);
		ret |= number_set(jwk, "e", pkey, OSSL_PKEY_PARAM_RSA_E, 0);
	}
	if (ret == 0)
		return jwk;
	json_decref(jwk);
	error_set_memory(e);
	return NULL;
}

/* Append coordinate @member to @point, filled up with zeros on the left to @size bytes. */
static int coordinate_decode(const json_t *jwk, const char *member, size_t size, const char *what,
			     struct bytes *point, struct error *e)
{
	const char *text = json_member_text(jwk, member, what, ERROR_INPUT, e);
	struct bytes raw = BYTES_INIT;
	int ret = -1;

	if (!text)
		return -1;
	if (decode_base64(ENCODE_BASE64URL, text, strlen(text), member, &raw, e) < 0) {
		error_add(e, "%s", what);
	} else if (raw.len == 0 || raw.len > size) {
		error_set(e, ERROR_INPUT, "%s: %s: %zu bytes instead of %zu", what, member, raw.len,
			  size);
	} else if (bytes_resize(point, point->len + size - raw.len, e) == 0) {
		bytes_append(point, raw.data, raw.len);
		ret = bytes_check(point, e);
	}
	bytes_free(&raw);
	return ret;
}

static EVP_PKEY *ec_public_key(const json_t *jwk, const char *what, struct error *e)
{
	const char *crv = json_member_text(jwk, "crv", what, ERROR_INPUT, e);
	const struct curve *curve = NULL;
	struct bytes point = BYTES_INIT;
	EVP_PKEY *pkey = NULL;

	if (!crv)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++)
		if (strcmp(curves[i].crv, crv) == 0)
			curve = &curves[i];
	if (!curve) {
		error_set(e, ERROR_INPUT, "%s: crv: unknown curve '%s'", what, crv);
		return NULL;
	}
	bytes_append(&point, "\x04", 1); /* uncompressed, SEC 1 section 2.3.3 */
	if (coordinate_decode(jwk, "x", curve->size, what, &point, e) == 0 &&
	    coordinate_decode(jwk, "y", curve->size, what, &point, e) == 0) {
		crypto_begin();
		pkey = ecdsa_key_from_point(curve->group, point.data, point.len);
		if (!pkey)
			crypto_error(e, ERROR_INPUT, "%s: x, y: not a point of %s", what, crv);
	}
	bytes_free(&point);
	return pkey;
}

static BIGNUM *number_decode(const json_t *jwk, const char *member, size_t max, const char *what,
			     struct error *e)
{
	const char *text = json_member_text(jwk, member, what, ERROR_INPUT, e);
	struct bytes raw = BYTES_INIT;
	BIGNUM *number = NULL;

	if (!text)
		return NULL;
	if (decode_base64(ENCODE_BASE64URL, text, strlen(text), member, &raw, e) < 0) {
		error_add(e, "%s", what);
	} else if (raw.len == 0 || raw.len > max) {
		error_set(e, ERROR_INPUT, "%s: %s: %zu bytes, not 1 to %zu", what, member, raw.len,
			  max);
	} else {
		number = BN_bin2bn(raw.data, (int)raw.len, NULL);
		if (!number)
			error_set_memory(e);
	}
	bytes_free(&raw);
	return number;
}

static EVP_PKEY *rsa_key_from_numbers(const BIGNUM *n, const BIGNUM *exponent)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey = NULL;

	if (builder && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent))
		params = OSSL_PARAM_BLD_to_param(builder);
	if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1)
		EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params);
	/* If it is short of memory, OpenSSL returns a key without a size. */
	if (pkey && EVP_PKEY_get_bits(pkey) <= 0) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_BLD_free(builder);
	return pkey;
}

static EVP_PKEY *rsa_public_key(const json_t *jwk, const char *what, struct error *e)
{
	BIGNUM *n = number_decode(jwk, "n", JWK_RSA_BITS_MAX / 8, what, e);
	BIGNUM *exponent = n ? number_decode(jwk, "e", EXPONENT_MAX, what, e) : NULL;
	EVP_PKEY *pkey = NULL;

	if (!exponent)
		goto out;
	if (BN_num_bits(n) < JWK_RSA_BITS_MIN) {
		error_set(e, ERROR_INPUT, "%s: n: %d bits, not %d to %d", what, BN_num_bits(n),
			  JWK_RSA_BITS_MIN, JWK_RSA_BITS_MAX);
	} else if (!BN_is_odd(n) || !BN_is_odd(exponent) || BN_is_one(exponent)) {
		error_set(e, ERROR_INPUT, "%s: n, e: not an RSA key", what);
	} else {
		crypto_begin();
		pkey = rsa_key_from_numbers(n, exponent);
		if (!pkey)
			crypto_error(e, ERROR_INPUT, "%s: n, e: not an RSA key", what);
	}
out:
	BN_free(n);
	BN_free(exponent);
	return pkey;
}

EVP_PKEY *jwk_public_key(const json_t *jwk, const char *what, struct error *e)
{
	const char *kty = json_member_text(jwk, "kty", what, ERROR_INPUT, e);

	if (!kty)
		return NULL;
	if (strcmp(kty, "EC") == 0)
		return ec_public_key(jwk, what, e);
	if (strcmp(kty, "RSA") == 0)
		return rsa_public_key(jwk, what, e);
	error_set(e, ERROR_INPUT, "%s: kty: '%s' is neither EC nor RSA", what, kty);
	return NULL;
}
