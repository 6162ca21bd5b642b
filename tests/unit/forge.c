// SPDX-License-Identifier: Apache-2.0
#include "forge.h"

#include <cbor.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"

/* In the order of the COSE numbers of curve and algorithm. */
static const struct curve {
	const char *name, *digest;
	int crv, algorithm, size;
} curves[] = {
	{ "P-256", "SHA256", 1, -7, 32 },
	{ "P-384", "SHA384", 2, -35, 48 },
	{ "P-521", "SHA512", 3, -36, 66 },
};

/* A test that cannot build its token has no result. */
#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static void put(struct bytes *out, const unsigned char *head, size_t len)
{
	MUST(len > 0);
	bytes_append(out, head, len);
}

#define PUT(out, encode, value) \
	do { \
		unsigned char head[16]; \
		put(out, head, encode(value, head, sizeof(head))); \
	} while (0)

void put_uint(struct bytes *out, uint64_t value)
{
	PUT(out, cbor_encode_uint, value);
}

void put_int(struct bytes *out, int64_t value)
{
	if (value >= 0)
		PUT(out, cbor_encode_uint, (uint64_t)value);
	else
		PUT(out, cbor_encode_negint, (uint64_t)(-1 - value));
}

void put_bytes(struct bytes *out, const void *data, size_t len)
{
	PUT(out, cbor_encode_bytestring_start, len);
	bytes_append(out, data, len);
}

void put_fill(struct bytes *out, uint8_t byte, size_t len)
{
	PUT(out, cbor_encode_bytestring_start, len);
	for (size_t i = 0; i < len; i++)
		bytes_append(out, &byte, 1);
}

void put_text(struct bytes *out, const char *text)
{
	PUT(out, cbor_encode_string_start, strlen(text));
	bytes_append_text(out, text);
}

void put_array(struct bytes *out, uint64_t elements)
{
	PUT(out, cbor_encode_array_start, elements);
}

void put_map(struct bytes *out, uint64_t pairs)
{
	PUT(out, cbor_encode_map_start, pairs);
}

void put_tag(struct bytes *out, uint64_t tag)
{
	PUT(out, cbor_encode_tag, tag);
}

void put_hex(struct bytes *out, const char *hex)
{
	struct error e = ERROR_INIT;

	MUST(decode_hex(hex, strlen(hex), "test", out, &e) == 0);
}

struct bytes *forge_claim(struct forge_part *part, int64_t key)
{
	struct forge_claims *claims = &part->claims;
	size_t i = 0;

	while (i < claims->count && claims->claim[i].key != key)
		i++;
	if (i == claims->count) {
		MUST(claims->count < FORGE_CLAIMS_MAX);
		claims->count++;
	}
	claims->claim[i].key = key;
	bytes_clear(&claims->claim[i].value);
	return &claims->claim[i].value;
}

void forge_remove(struct forge_part *part, int64_t key)
{
	struct forge_claims *claims = &part->claims;

	for (size_t i = 0; i < claims->count; i++) {
		if (claims->claim[i].key != key)
			continue;
		claims->count--;
		bytes_swap(&claims->claim[i].value, &claims->claim[claims->count].value);
		claims->claim[i].key = claims->claim[claims->count].key;
		bytes_free(&claims->claim[claims->count].value);
	}
}

static const struct curve *key_curve(const EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);

	return &curves[bits == 256 ? 0 : bits == 384 ? 1 : 2];
}

static void put_coordinate(struct bytes *out, const EVP_PKEY *key, const char *param, int size)
{
	BIGNUM *number = NULL;
	uint8_t raw[66];

	MUST(EVP_PKEY_get_bn_param(key, param, &number) == 1);
	MUST(BN_bn2binpad(number, raw, size) == size);
	put_bytes(out, raw, (size_t)size);
	BN_free(number);
}

void forge_rak(struct forge *forge)
{
	const EVP_PKEY *key = forge->realm.key;
	const struct curve *curve = key_curve(key);
	struct bytes cose_key = BYTES_INIT;
	struct bytes *claim = forge_claim(&forge->realm, 44237);

	put_map(&cose_key, 4);
	put_int(&cose_key, 1);
	put_int(&cose_key, 2);
	put_int(&cose_key, -1);
	put_int(&cose_key, curve->crv);
	put_int(&cose_key, -2);
	put_coordinate(&cose_key, key, OSSL_PKEY_PARAM_EC_PUB_X, curve->size);
	put_int(&cose_key, -3);
	put_coordinate(&cose_key, key, OSSL_PKEY_PARAM_EC_PUB_Y, curve->size);
	put_bytes(claim, cose_key.data, cose_key.len);
	bytes_free(&cose_key);
}

static void put_ueid(struct bytes *out, uint8_t byte)
{
	uint8_t ueid[33];

	memset(ueid, byte, sizeof(ueid));
	ueid[0] = 0x01;
	put_bytes(out, ueid, sizeof(ueid));
}

static void platform_setup(struct forge_part *platform)
{
	struct bytes *components;

	put_text(forge_claim(platform, 265), "tag:arm.com,2024:cca_platform#2.0.0");
	put_fill(forge_claim(platform, 2396), 0x22, 32);
	put_ueid(forge_claim(platform, 256), 0x33);
	put_fill(forge_claim(platform, 2401), 0xcf, 4);
	put_uint(forge_claim(platform, 2395), 0x3001);
	put_text(forge_claim(platform, 2402), "sha-256");
	put_uint(forge_claim(platform, 2394), 1);
	components = forge_claim(platform, 2399);
	put_array(components, 1);
	put_map(components, 3);
	put_uint(components, 1);
	put_text(components, "RMM");
	put_uint(components, 2);
	put_fill(components, 0x44, 48);
	put_uint(components, 5);
	put_fill(components, 0x55, 64);
}

static void realm_setup(struct forge_part *realm)
{
	struct bytes *rems;
	uint8_t challenge[64];

	for (size_t i = 0; i < sizeof(challenge); i++)
		challenge[i] = (uint8_t)i;
	put_text(forge_claim(realm, 265), "tag:arm.com,2024:realm#2.0.0");
	put_bytes(forge_claim(realm, 10), challenge, sizeof(challenge));
	put_ueid(forge_claim(realm, 256), 0x77);
	put_fill(forge_claim(realm, 44235), 0, 64);
	put_text(forge_claim(realm, 44236), "sha-384");
	put_text(forge_claim(realm, 44240), "sha-256");
	put_fill(forge_claim(realm, 44238), 0xa1, 48);
	put_uint(forge_claim(realm, 44243), 1);
	rems = forge_claim(realm, 44239);
	put_array(rems, 4);
	for (uint8_t i = 0; i < 4; i++)
		put_fill(rems, i, 48);
}

static EVP_PKEY *key_make(const char *curve)
{
	EVP_PKEY *key = EVP_EC_gen(curve);

	MUST(key);
	return key;
}

void forge_setup(struct forge *forge, const char *curve)
{
	*forge = (struct forge){ .tag = 907, .rak_hash = "SHA256", .binding_key = 10 };
	forge->platform.key = key_make(curve);
	forge->realm.key = key_make(curve);
	forge->platform.algorithm = key_curve(forge->platform.key)->algorithm;
	forge->realm.algorithm = forge->platform.algorithm;
	platform_setup(&forge->platform);
	realm_setup(&forge->realm);
	forge_rak(forge);
	forge->anchors.anchor = calloc(1, sizeof(*forge->anchors.anchor));
	MUST(forge->anchors.anchor && EVP_PKEY_up_ref(forge->platform.key));
	forge->anchors.anchor[0].key = forge->platform.key;
	forge->anchors.count = 1;
}

static void part_free(struct forge_part *part)
{
	for (size_t i = 0; i < part->claims.count; i++)
		bytes_free(&part->claims.claim[i].value);
	EVP_PKEY_free(part->key);
	bytes_free(&part->header);
	bytes_free(&part->unprotected);
	bytes_free(&part->payload);
	bytes_free(&part->sign1);
}

void forge_teardown(struct forge *forge)
{
	part_free(&forge->platform);
	part_free(&forge->realm);
	cca_anchors_free(&forge->anchors);
}

/* Independent of the library's Sig_structure and signature, so that both do not share a mistake. */
static void signature_make(EVP_PKEY *key, const struct bytes *header, const struct bytes *payload,
			   struct bytes *out)
{
	const struct curve *curve = key_curve(key);
	struct bytes message = BYTES_INIT;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[256], raw[132];
	const unsigned char *at = der;
	size_t len = sizeof(der), size = (size_t)curve->size;
	ECDSA_SIG *sig;

	put_array(&message, 4);
	put_text(&message, "Signature1");
	put_bytes(&message, header->data, header->len);
	put_bytes(&message, "", 0);
	put_bytes(&message, payload->data, payload->len);
	MUST(EVP_DigestSignInit_ex(ctx, NULL, curve->digest, NULL, NULL, key, NULL) == 1);
	MUST(EVP_DigestSign(ctx, der, &len, message.data, message.len) == 1);
	sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
	MUST(BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, curve->size) == curve->size);
	MUST(BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + size, curve->size) == curve->size);
	put_bytes(out, raw, 2 * size);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	bytes_free(&message);
}

static void header_make(struct forge_part *part)
{
	if (part->header.len > 0)
		return;
	put_map(&part->header, 1);
	put_int(&part->header, 1);
	put_int(&part->header, part->algorithm);
}

static void payload_make(struct forge_part *part)
{
	const struct forge_claims *claims = &part->claims;

	if (part->payload.len > 0 || part->empty_payload)
		return;
	put_map(&part->payload, claims->count);
	for (size_t i = 0; i < claims->count; i++) {
		put_int(&part->payload, claims->claim[i].key);
		bytes_append(&part->payload, claims->claim[i].value.data,
			     claims->claim[i].value.len);
	}
}

void forge_inner(struct forge_part *part, struct bytes *out)
{
	if (part->sign1.len > 0) {
		bytes_append(out, part->sign1.data, part->sign1.len);
		return;
	}
	header_make(part);
	payload_make(part);
	put_tag(out, 18);
	put_array(out, 4);
	put_bytes(out, part->header.data, part->header.len);
	if (part->unprotected.len > 0)
		bytes_append(out, part->unprotected.data, part->unprotected.len);
	else
		put_map(out, 0);
	put_bytes(out, part->payload.data, part->payload.len);
	signature_make(part->key, &part->header, &part->payload, out);
}

/* Binds to the digest of the content of claim 44237, which follows the head of its byte string. */
void forge_bind(struct forge *forge)
{
	const struct forge_claims *claims = &forge->realm.claims;
	uint8_t hash[EVP_MAX_MD_SIZE];
	size_t len;

	if (!forge->binding_key)
		return;
	put_fill(forge_claim(&forge->platform, forge->binding_key), 0, 32);
	for (size_t i = 0; i < claims->count; i++) {
		const struct bytes *value = &claims->claim[i].value;
		size_t head = value->data[0] < 0x58 ? 1 : value->data[0] == 0x58 ? 2 : 3;

		if (claims->claim[i].key != 44237)
			continue;
		MUST(EVP_Q_digest(NULL, forge->rak_hash, NULL, value->data + head,
				  value->len - head, hash, &len) == 1);
		put_bytes(forge_claim(&forge->platform, forge->binding_key), hash, len);
	}
}

static void put_entry(struct bytes *out, uint64_t tag, uint64_t key, struct forge_part *part)
{
	struct bytes inner = BYTES_INIT;

	forge_inner(part, &inner);
	put_uint(out, key);
	if (tag == 907) {
		put_array(out, 2);
		put_uint(out, 263);
	}
	put_bytes(out, inner.data, inner.len);
	bytes_free(&inner);
}

void forge_make(struct forge *forge, struct bytes *out)
{
	forge_bind(forge);
	put_tag(out, forge->tag);
	put_map(out, 2);
	put_entry(out, forge->tag, 44241, &forge->realm);
	put_entry(out, forge->tag, 44234, &forge->platform);
}
