/* SPDX-License-Identifier: Apache-2.0 */
#include "hes_token.h"

#include <cbor.h>
#include <openssl/ecdsa.h>
#include <string.h>

#include "hash.h"

#define CONTENT_EAT_CWT		263	/* CoAP content format of a CMW record */
#define COSE_SIGN1_TAG		18
#define LIFECYCLE_SECURED	0x3003

enum top_key { PLATFORM_TOKEN = 44234, REALM_TOKEN = 44241 };
enum claim_key {
	CHALLENGE = 10, INSTANCE_ID = 256, PROFILE = 265,
	LIFECYCLE = 2395, IMPLEMENTATION_ID = 2396, COMPONENTS = 2399, VERIFICATION_SERVICE = 2400,
	CONFIG = 2401, PLATFORM_HASH = 2402,
	RPV = 44235, REALM_HASH = 44236, RAK = 44237, RIM = 44238, REMS = 44239, RAK_HASH = 44240,
};
enum component_key { TYPE = 1, MEASUREMENT = 2, VERSION = 4, SIGNER = 5, HASH = 6 };

/* A serialized item; @data is libcbor's allocation. */
struct blob {
	unsigned char *data;
	size_t size;
};

static cbor_item_t *integer(int64_t value)
{
	uint64_t n = value < 0 ? ~(uint64_t)value : (uint64_t)value;
	cbor_item_t *item = n <= UINT8_MAX ? cbor_build_uint8((uint8_t)n) :
			    n <= UINT16_MAX ? cbor_build_uint16((uint16_t)n) : cbor_build_uint64(n);

	if (item && value < 0)
		cbor_mark_negint(item);
	return item;
}

static cbor_item_t *bytes(const void *data, size_t size)
{
	return cbor_build_bytestring(data, size);
}

/* Both take @value over, whatever comes of it. */
static bool put(cbor_item_t *map, int64_t key, cbor_item_t *value)
{
	cbor_item_t *name = integer(key);
	bool ok = map && name && value &&
		  cbor_map_add(map, (struct cbor_pair){ .key = name, .value = value });

	if (name)
		cbor_decref(&name);
	if (value)
		cbor_decref(&value);
	return ok;
}

static bool push(cbor_item_t *array, cbor_item_t *value)
{
	bool ok = array && value && cbor_array_push(array, value);

	if (value)
		cbor_decref(&value);
	return ok;
}

/* Serializes @item if @ok, and releases it. */
static bool finish(cbor_item_t *item, bool ok, struct blob *out)
{
	size_t room;

	out->data = NULL;
	out->size = ok ? cbor_serialize_alloc(item, &out->data, &room) : 0;
	if (item)
		cbor_decref(&item);
	return out->size != 0;
}

/* ES384: r and s, 48 bytes each */
static bool sign(EVP_PKEY *key, const struct blob *text, uint8_t signature[96])
{
	unsigned char der[128];
	const unsigned char *p = der;
	size_t size = sizeof(der);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	ECDSA_SIG *sig = NULL;
	bool ok = false;

	if (!context || EVP_DigestSignInit(context, NULL, EVP_sha384(), NULL, key) != 1 ||
	    EVP_DigestSign(context, der, &size, text->data, text->size) != 1)
		goto out;
	sig = d2i_ECDSA_SIG(NULL, &p, (long)size);
	ok = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), signature, 48) == 48 &&
	     BN_bn2binpad(ECDSA_SIG_get0_s(sig), signature + 48, 48) == 48;
out:
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(context);
	return ok;
}

/* COSE_Sign1 (RFC 9052, 4.2 and 4.4) around @payload */
static bool sign1_make(EVP_PKEY *key, const struct blob *payload, struct blob *out)
{
	static const uint8_t es384[] = { 0xa1, 0x01, 0x38, 0x22 };	/* {1: -35} */
	cbor_item_t *array = cbor_new_definite_array(4), *tag = cbor_new_tag(COSE_SIGN1_TAG);
	uint8_t signature[96];
	struct blob text;
	bool ok;

	ok = push(array, cbor_build_string("Signature1")) &&
	     push(array, bytes(es384, sizeof(es384))) && push(array, bytes("", 0)) && push(array, bytes(payload->data, payload->size));
	ok = finish(array, ok, &text) && sign(key, &text, signature);
	free(text.data);
	array = cbor_new_definite_array(4);
	ok = ok && push(array, bytes(es384, sizeof(es384))) && push(array, cbor_new_definite_map(0)) &&
	     push(array, bytes(payload->data, payload->size)) &&
	     push(array, bytes(signature, sizeof(signature)));
	if (tag && array)
		cbor_tag_set_item(tag, array);
	if (array)
		cbor_decref(&array);
	return finish(tag, ok, out);
}

/* An EC2 key in the order of TF-RMM: {1: 2, -1: 2, -2: x, -3: y} */
static bool cose_key_make(EVP_PKEY *key, struct blob *out)
{
	cbor_item_t *map = cbor_new_definite_map(4);
	uint8_t point[HES_POINT];
	bool ok;

	ok = hes_keys_point(key, point) && put(map, 1, integer(2)) && put(map, -1, integer(2)) &&
	     put(map, -2, bytes(point + 1, HES_COORDINATE)) &&
	     put(map, -3, bytes(point + 1 + HES_COORDINATE, HES_COORDINATE));
	return finish(map, ok, out);
}

/* The firmware that this platform would have booted; measurement and signer are digests of names. */
static cbor_item_t *component_make(const char *type, const char *version)
{
	static const char signer_name[] = "realmkey test bench";
	cbor_item_t *map = cbor_new_definite_map(5);
	uint8_t measurement[32], signer[32];
	bool ok;

	ok = EVP_Digest(type, strlen(type), measurement, NULL, EVP_sha256(), NULL) == 1 &&
	     EVP_Digest(signer_name, strlen(signer_name), signer, NULL, EVP_sha256(), NULL) == 1 &&
	     put(map, TYPE, cbor_build_string(type)) && put(map, MEASUREMENT, bytes(measurement, 32)) &&
	     put(map, VERSION, cbor_build_string(version)) && put(map, SIGNER, bytes(signer, 32)) &&
	     put(map, HASH, cbor_build_string("sha-256"));
	if (!ok && map)
		cbor_decref(&map);
	return ok ? map : NULL;
}

static cbor_item_t *components_make(void)
{
	cbor_item_t *array = cbor_new_definite_array(3);

	if (push(array, component_make("HES", "1.0.0")) &&
	    push(array, component_make("BL31", "1.0.0")) &&
	    push(array, component_make("RMM", "1.0.0")))
		return array;
	if (array)
		cbor_decref(&array);
	return NULL;
}

/* @rak: the encoded RAK, whose digest binds the realm token to this one */
static bool platform_make(const struct hes_keys *keys, const struct blob *rak, struct blob *out)
{
	static const uint8_t config[] = { 0x01, 0x00, 0x00, 0x00 };	/* vendor-defined */
	cbor_item_t *map = cbor_new_definite_map(9);
	uint8_t binding[32];
	bool ok;

	ok = EVP_Digest(rak->data, rak->size, binding, NULL, EVP_sha256(), NULL) == 1 &&
	     put(map, PROFILE, cbor_build_string("tag:arm.com,2023:cca_platform#1.0.0")) &&
	     put(map, CHALLENGE, bytes(binding, sizeof(binding))) &&
	     put(map, IMPLEMENTATION_ID, bytes(keys->implementation_id, 32)) &&
	     put(map, INSTANCE_ID, bytes(keys->instance_id, sizeof(keys->instance_id))) &&
	     put(map, CONFIG, bytes(config, sizeof(config))) &&
	     put(map, LIFECYCLE, integer(LIFECYCLE_SECURED)) &&
	     put(map, PLATFORM_HASH, cbor_build_string("sha-256")) &&
	     put(map, VERIFICATION_SERVICE, cbor_build_string("https://verifier.invalid/")) &&
	     put(map, COMPONENTS, components_make());
	return finish(map, ok, out);
}

static cbor_item_t *rems_make(const struct channel_request *r, size_t size)
{
	cbor_item_t *array = cbor_new_definite_array(4);

	for (int i = 1; i <= 4; i++) {
		if (!push(array, bytes(r->measurement[i], size))) {
			if (array)
				cbor_decref(&array);
			return NULL;
		}
	}
	return array;
}

static bool realm_make(const struct channel_request *r, const struct blob *rak, struct blob *out)
{
	enum hash_algo algo = (enum hash_algo)r->hash_algo;
	cbor_item_t *map = cbor_new_definite_map(8);
	bool ok;

	ok = put(map, CHALLENGE, bytes(r->challenge, sizeof(r->challenge))) &&
	     put(map, PROFILE, cbor_build_string("tag:arm.com,2023:realm#1.0.0")) &&
	     put(map, RPV, bytes(r->rpv, sizeof(r->rpv))) &&
	     put(map, RAK, bytes(rak->data, rak->size)) &&
	     put(map, REALM_HASH, cbor_build_string(hash_name(algo))) &&
	     put(map, RAK_HASH, cbor_build_string("sha-256")) &&
	     put(map, RIM, bytes(r->measurement[0], hash_size(algo))) &&
	     put(map, REMS, rems_make(r, hash_size(algo)));
	return finish(map, ok, out);
}

/* One inner token as the layout wraps it. */
static cbor_item_t *record(enum hes_layout layout, const struct blob *token)
{
	cbor_item_t *pair;

	if (layout == HES_LAYOUT_399)
		return bytes(token->data, token->size);
	pair = cbor_new_definite_array(2);
	if (push(pair, integer(CONTENT_EAT_CWT)) && push(pair, bytes(token->data, token->size)))
		return pair;
	if (pair)
		cbor_decref(&pair);
	return NULL;
}

static bool envelope_make(enum hes_layout layout, const struct blob *platform,
			  const struct blob *realm, struct blob *out)
{
	cbor_item_t *map = cbor_new_definite_map(2), *tag = cbor_new_tag(layout);
	bool ok;

	ok = put(map, PLATFORM_TOKEN, record(layout, platform)) &&
	     put(map, REALM_TOKEN, record(layout, realm));
	if (tag && map)
		cbor_tag_set_item(tag, map);
	if (map)
		cbor_decref(&map);
	return finish(tag, ok && tag, out);
}

const char *hes_token_make(const struct hes_keys *keys, enum hes_layout layout,
			   const struct channel_request *request, uint8_t *token, size_t *size)
{
	struct blob rak = { 0 }, claims[2] = { 0 }, signed_token[2] = { 0 }, envelope = { 0 };
	const char *fault = "the request names no known hash algorithm";

	if (request->hash_algo > HASH_SHA384)
		return fault;
	fault = "cannot make the platform token";
	if (!cose_key_make(keys->rak, &rak) || !platform_make(keys, &rak, &claims[0]) ||
	    !sign1_make(keys->cpak, &claims[0], &signed_token[0]))
		goto out;
	fault = "cannot make the realm token";
	if (!realm_make(request, &rak, &claims[1]) ||
	    !sign1_make(keys->rak, &claims[1], &signed_token[1]))
		goto out;
	fault = "the token is too long";
	if (!envelope_make(layout, &signed_token[0], &signed_token[1], &envelope) ||
	    envelope.size > CHANNEL_PAYLOAD_MAX)
		goto out;
	memcpy(token, envelope.data, envelope.size);
	*size = envelope.size;
	fault = NULL;
out:
	free(rak.data);
	for (int i = 0; i < 2; i++) {
		free(claims[i].data);
		free(signed_token[i].data);
	}
	free(envelope.data);
	return fault;
}
