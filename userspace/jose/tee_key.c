// SPDX-License-Identifier: Apache-2.0
#include "tee_key.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <string.h>

#include "base/crypto.h"
#include "base/encode.h"
#include "base/json.h"
#include "ecdsa.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 4096
#define RSA_EXPONENT_MAX 8	/* bytes; a larger one only costs the one who uses the key */

static const struct curve {
	const char *crv, *group;
	size_t size;	/* bytes of one coordinate */
} curves[] = {
	{ "P-256", "prime256v1", 32 },
	{ "P-384", "secp384r1", 48 },
	{ "P-521", "secp521r1", 66 },
};

#define CURVES (sizeof(curves) / sizeof(curves[0]))

static const struct curve *curve_by_crv(const char *crv)
{
	for (size_t i = 0; i < CURVES; i++)
		if (strcmp(curves[i].crv, crv) == 0)
			return &curves[i];
	return NULL;
}

static const struct curve *curve_of_key(const EVP_PKEY *pkey)
{
	char group[64];

	if (!EVP_PKEY_is_a(pkey, "EC") ||
	    !EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL))
		return NULL;
	for (size_t i = 0; i < CURVES; i++)
		if (strcmp(curves[i].group, group) == 0)
			return &curves[i];
	return NULL;
}

static bool rsa_size_fits(const EVP_PKEY *pkey)
{
	int bits = EVP_PKEY_get_bits(pkey);

	return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
}

/* The algorithm a KBS wraps with for this key, or NULL. */
static const char *key_algorithm(const EVP_PKEY *pkey)
{
	const struct curve *curve = curve_of_key(pkey);

	if (curve == &curves[0])
		return "ECDH-ES+A256KW";
	if (EVP_PKEY_is_a(pkey, "RSA") && rsa_size_fits(pkey))
		return "RSA-OAEP-256";
	return NULL;
}

int tee_key_generate(struct tee_key *key, struct error *e)
{
	EVP_PKEY *pkey = EVP_EC_gen(curves[0].group);

	if (!pkey)
		return error_set(e, ERROR_SYSTEM, "cannot generate a P-256 key");
	tee_key_free(key);
	*key = (struct tee_key){ .pkey = pkey, .alg = key_algorithm(pkey) };
	return 0;
}

/* Without it OpenSSL would ask the terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
	(void)buffer, (void)size, (void)writing, (void)context;
	return -1;
}

static EVP_PKEY *pem_read(const void *pem, size_t len)
{
	BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
	EVP_PKEY *pkey = NULL;

	if (bio)
		pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	return pkey;
}

int tee_key_from_pem(struct tee_key *key, const void *pem, size_t len, struct error *e)
{
	EVP_PKEY *pkey = pem_read(pem, len);
	const char *alg;

	if (!pkey)
		return error_set(e, ERROR_INPUT,
				 "TEE key: not an unencrypted private key in PEM form");
	alg = key_algorithm(pkey);
	if (!alg) {
		EVP_PKEY_free(pkey);
		return error_set(e, ERROR_INPUT, "TEE key: neither P-256 nor RSA of %d to %d bits",
				 RSA_BITS_MIN, RSA_BITS_MAX);
	}
	tee_key_free(key);
	*key = (struct tee_key){ .pkey = pkey, .alg = alg };
	return 0;
}

int tee_key_to_pem(const struct tee_key *key, struct bytes *out, struct error *e)
{
	BIO *bio = BIO_new(BIO_s_secmem());	/* wiped when freed */
	const char *text;
	long len;
	int ret = -1;

	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) != 1) {
		error_set(e, ERROR_SYSTEM, "TEE key: cannot be written as PEM");
		goto out;
	}
	len = BIO_get_mem_data(bio, &text);
	ret = bytes_append(out, text, (size_t)len) < 0 ? error_set_memory(e) : 0;
out:
	BIO_free(bio);
	return ret;
}

void tee_key_free(struct tee_key *key)
{
	EVP_PKEY_free(key->pkey);
	*key = (struct tee_key)TEE_KEY_INIT;
}

/* The big number @param of @pkey as base64url, padded to @size bytes, or as it is for 0. */
static json_t *number_encode(const EVP_PKEY *pkey, const char *param, size_t size)
{
	uint8_t raw[RSA_BITS_MAX / 8];
	struct bytes text = BYTES_INIT;
	BIGNUM *number = NULL;
	json_t *value = NULL;

	if (EVP_PKEY_get_bn_param(pkey, param, &number) != 1)
		return NULL;
	if (size == 0)
		size = (size_t)BN_num_bytes(number);
	if (size <= sizeof(raw) && BN_bn2binpad(number, raw, (int)size) >= 0 &&
	    encode_base64(ENCODE_BASE64URL, raw, size, &text) == 0)
		value = json_string(bytes_text(&text));
	bytes_free(&text);
	BN_free(number);
	return value;
}

static json_t *ec_jwk(const EVP_PKEY *pkey, const struct curve *curve, const char *alg)
{
	json_t *x = number_encode(pkey, OSSL_PKEY_PARAM_EC_PUB_X, curve->size);
	json_t *y = number_encode(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, curve->size);

	return json_pack("{s:s, s:s, s:s*, s:o, s:o}", "kty", "EC", "crv", curve->crv, "alg", alg,
			 "x", x, "y", y);
}

static json_t *rsa_jwk(const EVP_PKEY *pkey, const char *alg)
{
	json_t *n = number_encode(pkey, OSSL_PKEY_PARAM_RSA_N, 0);
	json_t *exponent = number_encode(pkey, OSSL_PKEY_PARAM_RSA_E, 0);

	return json_pack("{s:s, s:s*, s:o, s:o}", "kty", "RSA", "alg", alg, "n", n, "e", exponent);
}

static json_t *jwk_encode(const EVP_PKEY *pkey, const char *alg, struct error *e)
{
	const struct curve *curve = curve_of_key(pkey);
	json_t *jwk;

	if (!curve && !(EVP_PKEY_is_a(pkey, "RSA") && rsa_size_fits(pkey))) {
		error_set(e, ERROR_INPUT, "key: its type has no JWK form here");
		return NULL;
	}
	jwk = curve ? ec_jwk(pkey, curve, alg) : rsa_jwk(pkey, alg);
	if (!jwk)
		error_set_memory(e);
	return jwk;
}

json_t *tee_key_jwk(const struct tee_key *key, struct error *e)
{
	return jwk_encode(key->pkey, key->alg, e);
}

json_t *jwk_from_public_key(const EVP_PKEY *pkey, struct error *e)
{
	return jwk_encode(pkey, NULL, e);
}

/* Append coordinate @member to @point, filled up with zeros on the left. */
static int coordinate_decode(const json_t *jwk, const char *member, size_t size, const char *what,
			     struct bytes *point, struct error *e)
{
	const char *text = json_member_text(jwk, member, what, ERROR_INPUT, e);
	struct bytes raw = BYTES_INIT;
	int ret = -1;

	if (!text)
		return -1;
	if (decode_base64(ENCODE_BASE64URL, text, strlen(text), member, &raw, e) < 0)
		error_add(e, "%s", what);
	else if (raw.len == 0 || raw.len > size)
		error_set(e, ERROR_INPUT, "%s: %s: %zu bytes instead of %zu", what, member, raw.len,
			  size);
	else if (bytes_resize(point, point->len + size - raw.len, e) < 0 ||
		 bytes_append(point, raw.data, raw.len) < 0)
		error_set_memory(e);
	else
		ret = 0;
	bytes_free(&raw);
	return ret;
}

static EVP_PKEY *ec_public_key(const json_t *jwk, const char *what, struct error *e)
{
	const char *crv = json_member_text(jwk, "crv", what, ERROR_INPUT, e);
	const struct curve *curve = crv ? curve_by_crv(crv) : NULL;
	struct bytes point = BYTES_INIT;
	EVP_PKEY *pkey = NULL;

	if (!crv)
		return NULL;
	if (!curve) {
		error_set(e, ERROR_INPUT, "%s: crv: unknown curve '%s'", what, crv);
		return NULL;
	}
	if (bytes_append(&point, "\x04", 1) < 0) {	/* uncompressed, SEC 1 section 2.3.3 */
		error_set_memory(e);
		return NULL;
	}
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

static EVP_PKEY *rsa_key_from_params(OSSL_PARAM_BLD *builder)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *pkey = NULL;

	if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1)
		EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return pkey;
}

static EVP_PKEY *rsa_key_from_numbers(const BIGNUM *n, const BIGNUM *exponent)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;

	if (builder && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent))
		pkey = rsa_key_from_params(builder);
	OSSL_PARAM_BLD_free(builder);
	return pkey;
}

static EVP_PKEY *rsa_public_key(const json_t *jwk, const char *what, struct error *e)
{
	BIGNUM *n = number_decode(jwk, "n", RSA_BITS_MAX / 8, what, e);
	BIGNUM *exponent = n ? number_decode(jwk, "e", RSA_EXPONENT_MAX, what, e) : NULL;
	EVP_PKEY *pkey = NULL;

	if (!exponent)
		goto out;
	if (BN_num_bits(n) < RSA_BITS_MIN)
		error_set(e, ERROR_INPUT, "%s: n: %d bits, not %d to %d", what, BN_num_bits(n),
			  RSA_BITS_MIN, RSA_BITS_MAX);
	else if (!BN_is_odd(n) || !BN_is_odd(exponent) || BN_is_one(exponent))
		error_set(e, ERROR_INPUT, "%s: n, e: not an RSA key", what);
	else if (!(pkey = rsa_key_from_numbers(n, exponent)))
		error_set(e, ERROR_INPUT, "%s: n, e: not an RSA key", what);
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
