// SPDX-License-Identifier: Apache-2.0
#include "cca_builder.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <stdlib.h>
#include <string.h>

#define COORDINATE 48

enum major { UINT = 0, NINT = 1, BSTR = 2, TSTR = 3, ARRAY = 4, MAP = 5, TAG = 6 };

static void must(int good)
{
	if (!good)
		abort();
}

static void put_head(struct bytes *out, enum major major, uint32_t n)
{
	const uint8_t wide[] = { (uint8_t)(major << 5 | 25), (uint8_t)(n >> 8), (uint8_t)n };
	const uint8_t byte[] = { (uint8_t)(major << 5 | 24), (uint8_t)n };
	const uint8_t tiny = (uint8_t)(major << 5 | (n & 31));

	must(n <= UINT16_MAX);
	if (n < 24)
		bytes_append(out, &tiny, 1);
	else if (n < 256)
		bytes_append(out, byte, sizeof(byte));
	else
		bytes_append(out, wide, sizeof(wide));
}

static void put_data(struct bytes *out, const void *data, size_t len)
{
	put_head(out, BSTR, (uint32_t)len);
	bytes_append(out, data, len);
}

static void put_fill(struct bytes *out, int byte, size_t len)
{
	uint8_t data[64];

	memset(data, byte, sizeof(data));
	put_data(out, data, len);
}

static void put_text(struct bytes *out, const char *text)
{
	put_head(out, TSTR, (uint32_t)strlen(text));
	bytes_append_text(out, text);
}

static void put_claim_text(struct bytes *out, uint32_t key, const char *text)
{
	put_head(out, UINT, key);
	put_text(out, text);
}

static void put_claim_fill(struct bytes *out, uint32_t key, int byte, size_t len)
{
	put_head(out, UINT, key);
	put_fill(out, byte, len);
}

static void put_coordinate(struct bytes *out, const EVP_PKEY *key, const char *name)
{
	uint8_t data[COORDINATE];
	BIGNUM *number = NULL;

	must(EVP_PKEY_get_bn_param(key, name, &number) == 1);
	must(BN_bn2binpad(number, data, sizeof(data)) == sizeof(data));
	put_data(out, data, sizeof(data));
	BN_free(number);
}

/* Appends the COSE_Key {1: 2, -1: 2, -2: x, -3: y}. */
static void put_cose_key(struct bytes *out, const EVP_PKEY *key)
{
	put_head(out, MAP, 4);
	put_head(out, UINT, 1);
	put_head(out, UINT, 2);
	put_head(out, NINT, 0);
	put_head(out, UINT, 2);
	put_head(out, NINT, 1);
	put_coordinate(out, key, OSSL_PKEY_PARAM_EC_PUB_X);
	put_head(out, NINT, 2);
	put_coordinate(out, key, OSSL_PKEY_PARAM_EC_PUB_Y);
}

/* Signs with ECDSA and SHA-384. The signature is r || s. */
static void sign_raw(EVP_PKEY *key, const struct bytes *text, uint8_t signature[2 * COORDINATE])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t der[160];
	const uint8_t *at = der;
	size_t len = sizeof(der);
	ECDSA_SIG *parts;

	must(EVP_DigestSignInit(context, NULL, EVP_sha384(), NULL, key) == 1);
	must(EVP_DigestSign(context, der, &len, text->data, text->len) == 1);
	parts = d2i_ECDSA_SIG(NULL, &at, (long)len);
	must(parts != NULL);
	must(BN_bn2binpad(ECDSA_SIG_get0_r(parts), signature, COORDINATE) == COORDINATE);
	must(BN_bn2binpad(ECDSA_SIG_get0_s(parts), signature + COORDINATE, COORDINATE) ==
	     COORDINATE);
	ECDSA_SIG_free(parts);
	EVP_MD_CTX_free(context);
}

/*
 * Appends a tagged COSE_Sign1 of @claims with ES384. @break_it: the last byte changes after
 * signing.
 */
static void put_sign1(struct bytes *out, EVP_PKEY *key, struct bytes *claims, int break_it)
{
	static const uint8_t header[] = { 0xa1, 0x01, 0x38, 0x22 };
	struct bytes text = BYTES_INIT;
	uint8_t signature[2 * COORDINATE];

	put_head(&text, ARRAY, 4);
	put_text(&text, "Signature1");
	put_data(&text, header, sizeof(header));
	put_data(&text, "", 0);
	put_data(&text, claims->data, claims->len);
	sign_raw(key, &text, signature);
	bytes_free(&text);
	if (break_it)
		claims->data[claims->len - 1] ^= 1;
	put_head(out, TAG, 18);
	put_head(out, ARRAY, 4);
	put_data(out, header, sizeof(header));
	put_head(out, MAP, 0);
	put_data(out, claims->data, claims->len);
	put_data(out, signature, sizeof(signature));
}

static void put_component(struct bytes *out)
{
	put_head(out, ARRAY, 1);
	put_head(out, MAP, 2);
	put_claim_fill(out, 2, 0x61, 32);
	put_claim_fill(out, 5, 0x62, 32);
}

/* The last claim is the platform's configuration, whose last byte put_sign1() may change. */
static void put_platform(struct bytes *out, const struct cca_builder *builder,
			 const uint8_t binding[32])
{
	const uint8_t instance[33] = { 0x01 };
	struct bytes id = BYTES_INIT;

	bytes_set(&id, instance, sizeof(instance));
	memset(id.data + 1, CCA_BUILDER_INSTANCE, 32);
	put_head(out, MAP, 8);
	put_claim_text(out, 265, "tag:arm.com,2023:cca_platform#1.0.0");
	put_head(out, UINT, 10);
	put_data(out, binding, 32);
	put_claim_fill(out, 2396, CCA_BUILDER_IMPLEMENTATION, 32);
	put_head(out, UINT, 256);
	put_data(out, id.data, id.len);
	put_head(out, UINT, 2395);
	put_head(out, UINT, builder->fault == CCA_BUILDER_NOT_SECURED ? 0x2000 : 0x3000);
	put_head(out, UINT, 2399);
	put_component(out);
	put_claim_text(out, 2402, "sha-256");
	put_claim_fill(out, 2401, 0x63, 4);
	bytes_free(&id);
}

/* The last claim is the personalization value, whose last byte put_sign1() may change. */
static void put_realm(struct bytes *out, const struct cca_builder *builder,
		      const uint8_t challenge[64], const struct bytes *rak)
{
	put_head(out, MAP, 8);
	put_head(out, UINT, 10);
	put_data(out, challenge, 64);
	put_claim_text(out, 265, "tag:arm.com,2023:realm#1.0.0");
	put_claim_text(out, 44236, "sha-256");
	put_head(out, UINT, 44237);
	put_data(out, rak->data, rak->len);
	put_claim_fill(out, 44238, CCA_BUILDER_RIM, 32);
	put_head(out, UINT, 44239);
	put_head(out, ARRAY, 4);
	for (int i = 0; i < 4; i++)
		put_fill(out, CCA_BUILDER_REM + i, 32);
	put_claim_text(out, 44240, "sha-256");
	if (builder->rpv) {
		put_head(out, UINT, 44235);
		put_data(out, builder->rpv, 64);
	} else {
		put_claim_fill(out, 44235, CCA_BUILDER_RPV, 64);
	}
}

/* Appends an entry of the outer map: a byte string with the signed claims. */
static void put_entry(struct bytes *out, uint32_t key, EVP_PKEY *signer, struct bytes *claims,
		      int break_it)
{
	struct bytes sign1 = BYTES_INIT;

	put_sign1(&sign1, signer, claims, break_it);
	put_head(out, UINT, key);
	put_data(out, sign1.data, sign1.len);
	bytes_free(&sign1);
	bytes_free(claims);
}

size_t cca_builder_register(unsigned int index, uint8_t *value)
{
	memset(value, index ? CCA_BUILDER_REM + (int)index - 1 : CCA_BUILDER_RIM, 32);
	return 32;
}

void cca_builder_token(const struct cca_builder *builder, const uint8_t challenge[64],
		       struct bytes *out)
{
	struct bytes rak = BYTES_INIT, platform = BYTES_INIT, realm = BYTES_INIT;
	enum cca_builder_fault fault = builder->fault;
	uint8_t binding[32];

	put_cose_key(&rak, builder->rak);
	must(EVP_Digest(rak.data, rak.len, binding, NULL, EVP_sha256(), NULL) == 1);
	if (fault == CCA_BUILDER_BAD_BINDING)
		binding[0] ^= 1;
	put_platform(&platform, builder, binding);
	put_realm(&realm, builder, challenge, &rak);
	put_head(out, TAG, 399);
	put_head(out, MAP, 2);
	put_entry(out, 44234, builder->cpak, &platform, fault == CCA_BUILDER_BAD_PLATFORM);
	put_entry(out, 44241, builder->rak, &realm, fault == CCA_BUILDER_BAD_REALM);
	if (fault == CCA_BUILDER_TRAILING)
		bytes_append(out, "", 1);
	bytes_free(&rak);
}
