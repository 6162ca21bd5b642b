/* SPDX-License-Identifier: Apache-2.0 */
#include "hes_token.h"

#include <cbor.h>
#include <openssl/ecdsa.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

#define CONTENT_EAT_CWT	  263 /* the CoAP content format in a CMW record */
#define COSE_SIGN1_TAG	  18
#define LIFECYCLE_SECURED 0x3003
#define MEC_PRIVATE	  1
#define PLATFORM_CLAIMS	  10 /* the most that a profile has */
#define REALM_CLAIMS	  11

enum top_key { PLATFORM_TOKEN = 44234, REALM_TOKEN = 44241 };
enum claim_key {
	CHALLENGE = 10,
	INSTANCE_ID = 256,
	PROFILE = 265,
	LIFECYCLE = 2395,
	IMPLEMENTATION_ID = 2396,
	COMPONENTS = 2399,
	VERIFICATION_SERVICE = 2400,
	CONFIG = 2401,
	PLATFORM_HASH = 2402,
	CLIENT = 2394,
	WORKLOAD_BINDING = 2408,
	RPV = 44235,
	REALM_HASH = 44236,
	RAK = 44237,
	RIM = 44238,
	REMS = 44239,
	RAK_HASH = 44240,
	MEC = 44243,
	FILLING = -75000,
};
enum component_key { TYPE = 1, MEASUREMENT = 2, VERSION = 4, SIGNER = 5, HASH = 6 };

/* A serialized item. libcbor has allocated @data. */
struct blob {
	unsigned char *data;
	size_t size;
};

static cbor_item_t *integer(int64_t value)
{
	uint64_t n = value < 0 ? ~(uint64_t)value : (uint64_t)value;
	cbor_item_t *item = n <= UINT8_MAX  ? cbor_build_uint8((uint8_t)n) :
			    n <= UINT16_MAX ? cbor_build_uint16((uint16_t)n) :
					      cbor_build_uint64(n);

	if (item && value < 0)
		cbor_mark_negint(item);
	return item;
}

static cbor_item_t *bytes(const void *data, size_t size)
{
	return cbor_build_bytestring(data, size);
}

/* put() and push() release @value even if they fail. */
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

/* Returns @item if @ok, otherwise releases it and returns NULL. */
static cbor_item_t *keep(cbor_item_t *item, bool ok)
{
	if (!ok && item)
		cbor_decref(&item);
	return ok ? item : NULL;
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

/* Signs with ES384. The signature is r and s, 48 bytes each. */
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

/* Makes a COSE_Sign1 (RFC 9052, 4.2 and 4.4) of @payload. */
static bool sign1_make(EVP_PKEY *key, const struct blob *payload, struct blob *out)
{
	static const uint8_t es384[] = { 0xa1, 0x01, 0x38, 0x22 }; /* {1: -35} */
	cbor_item_t *array = cbor_new_definite_array(4), *tag = cbor_new_tag(COSE_SIGN1_TAG);
	uint8_t signature[96];
	struct blob text;
	bool ok;

	ok = push(array, cbor_build_string("Signature1")) &&
	     push(array, bytes(es384, sizeof(es384))) && push(array, bytes("", 0)) &&
	     push(array, bytes(payload->data, payload->size));
	ok = finish(array, ok, &text) && sign(key, &text, signature);
	free(text.data);
	array = cbor_new_definite_array(4);
	ok = ok && push(array, bytes(es384, sizeof(es384))) &&
	     push(array, cbor_new_definite_map(0)) &&
	     push(array, bytes(payload->data, payload->size)) &&
	     push(array, bytes(signature, sizeof(signature)));
	if (tag && array)
		cbor_tag_set_item(tag, array);
	if (array)
		cbor_decref(&array);
	return finish(tag, ok, out);
}

/*
 * The RAK as the realm token claims it: the bytes that the platform token is bound to. They are a
 * bare point, or a COSE_Key in the order of TF-RMM: {1: 2 (EC2), -1: 2 (P-384), -2: x, -3: y}.
 */
static bool rak_make(EVP_PKEY *key, bool raw, struct blob *out)
{
	uint8_t point[HES_POINT];
	cbor_item_t *map;
	bool ok;

	if (!hes_keys_point(key, point))
		return false;
	if (raw) {
		out->data = malloc(sizeof(point));
		if (!out->data)
			return false;
		memcpy(out->data, point, sizeof(point));
		out->size = sizeof(point);
		return true;
	}
	map = cbor_new_definite_map(4);
	ok = put(map, 1, integer(2)) && put(map, -1, integer(2)) &&
	     put(map, -2, bytes(point + 1, HES_COORDINATE)) &&
	     put(map, -3, bytes(point + 1 + HES_COORDINATE, HES_COORDINATE));
	return finish(map, ok, out);
}

/* A component of imaginary firmware: measurement and signer are digests of names. */
static cbor_item_t *component_make(const char *type, const char *version)
{
	static const char signer_name[] = "realmkey test bench";
	cbor_item_t *map = cbor_new_definite_map(5);
	uint8_t measurement[32], signer[32];
	bool ok;

	ok = EVP_Digest(type, strlen(type), measurement, NULL, EVP_sha256(), NULL) == 1 &&
	     EVP_Digest(signer_name, strlen(signer_name), signer, NULL, EVP_sha256(), NULL) == 1 &&
	     put(map, TYPE, cbor_build_string(type)) &&
	     put(map, MEASUREMENT, bytes(measurement, 32)) &&
	     put(map, VERSION, cbor_build_string(version)) && put(map, SIGNER, bytes(signer, 32)) &&
	     put(map, HASH, cbor_build_string("sha-256"));
	return keep(map, ok);
}

static cbor_item_t *components_make(void)
{
	cbor_item_t *array = cbor_new_definite_array(3);

	return keep(array, push(array, component_make("HES", "1.0.0")) &&
				   push(array, component_make("BL31", "1.0.0")) &&
				   push(array, component_make("RMM", "1.0.0")));
}

/* @rak: as the realm token claims it; its digest binds that token to this one */
static bool platform_make(const struct hes_keys *keys, const struct hes_profile *profile,
			  const struct blob *rak, struct blob *out)
{
	static const uint8_t config[] = { 0x01, 0x00, 0x00, 0x00 }; /* vendor-defined */
	cbor_item_t *map = cbor_new_definite_map(PLATFORM_CLAIMS);
	uint8_t binding[32];
	bool ok;

	ok = EVP_Digest(rak->data, rak->size, binding, NULL, EVP_sha256(), NULL) == 1 &&
	     put(map, PROFILE, cbor_build_string(profile->platform)) &&
	     put(map, profile->workload_binding ? WORKLOAD_BINDING : CHALLENGE,
		 bytes(binding, sizeof(binding))) &&
	     (!profile->client_id || put(map, CLIENT, integer(1))) &&
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
	bool ok = true;

	for (int i = 1; ok && i <= 4; i++)
		ok = push(array, bytes(r->measurement[i], size));
	return keep(array, ok);
}

/*
 * The instance ID of a realm is derived from RPV and RIM, so it is the same each time it is
 * started.
 */
static bool instance_put(cbor_item_t *map, const struct channel_request *r)
{
	const size_t from = offsetof(struct channel_request, rpv);
	const size_t to = offsetof(struct channel_request, measurement[1]);
	uint8_t id[33] = { 1 };

	return EVP_Digest((const uint8_t *)r + from, to - from, id + 1, NULL, EVP_sha256(), NULL) ==
		       1 &&
	       put(map, INSTANCE_ID, bytes(id, sizeof(id))) && put(map, MEC, integer(MEC_PRIVATE));
}

static bool filling_put(cbor_item_t *map, size_t size)
{
	unsigned char *zeros = calloc(1, size);
	bool ok = zeros && put(map, FILLING, bytes(zeros, size));

	free(zeros);
	return ok;
}

/* @filling: bytes of an unknown claim that enlarges the token; 0: without it */
static bool realm_make(const struct channel_request *r, const struct hes_profile *profile,
		       const struct blob *rak, size_t filling, struct blob *out)
{
	enum hash_algorithm algo = (enum hash_algorithm)r->hash_algo;
	cbor_item_t *map = cbor_new_definite_map(REALM_CLAIMS);
	bool ok;

	ok = put(map, CHALLENGE, bytes(r->challenge, sizeof(r->challenge))) &&
	     (!profile->realm || put(map, PROFILE, cbor_build_string(profile->realm))) &&
	     (!profile->instance_id || instance_put(map, r)) &&
	     (!filling || filling_put(map, filling)) &&
	     put(map, RPV, bytes(r->rpv, sizeof(r->rpv))) &&
	     put(map, RAK, bytes(rak->data, rak->size)) &&
	     put(map, REALM_HASH, cbor_build_string(hash_name(algo))) &&
	     put(map, RAK_HASH, cbor_build_string("sha-256")) &&
	     put(map, RIM, bytes(r->measurement[0], hash_size(algo))) &&
	     put(map, REMS, rems_make(r, hash_size(algo)));
	return finish(map, ok, out);
}

/* One inner token, wrapped as the layout with @tag requires. */
static cbor_item_t *record(uint32_t tag, const struct blob *token)
{
	cbor_item_t *pair;

	if (tag != HES_TAG_907)
		return bytes(token->data, token->size);
	pair = cbor_new_definite_array(2);
	return keep(pair, push(pair, integer(CONTENT_EAT_CWT)) &&
				  push(pair, bytes(token->data, token->size)));
}

static bool envelope_make(uint32_t tag_number, const struct blob *platform,
			  const struct blob *realm, struct blob *out)
{
	cbor_item_t *map = cbor_new_definite_map(2), *tag = cbor_new_tag(tag_number);
	bool ok;

	ok = put(map, PLATFORM_TOKEN, record(tag_number, platform)) &&
	     put(map, REALM_TOKEN, record(tag_number, realm));
	if (tag && map)
		cbor_tag_set_item(tag, map);
	if (map)
		cbor_decref(&map);
	return finish(tag, ok && tag, out);
}

/* Returns NULL, or an error message. */
static const char *parts_make(const struct hes_keys *keys, const struct hes_style *style,
			      const struct channel_request *request, size_t filling,
			      struct blob *out)
{
	struct blob rak = { 0 }, claims[2] = { 0 }, signed_token[2] = { 0 };
	const char *fault = "cannot make the platform token";

	if (!rak_make(keys->rak, style->realm->raw_rak, &rak) ||
	    !platform_make(keys, style->platform, &rak, &claims[0]) ||
	    !sign1_make(keys->cpak, &claims[0], &signed_token[0]))
		goto out;
	fault = "cannot make the realm token";
	if (!realm_make(request, style->realm, &rak, filling, &claims[1]) ||
	    !sign1_make(keys->rak, &claims[1], &signed_token[1]))
		goto out;
	fault = "cannot make the token";
	if (envelope_make(style->tag, &signed_token[0], &signed_token[1], out))
		fault = NULL;
out:
	free(rak.data);
	for (int i = 0; i < 2; i++) {
		free(claims[i].data);
		free(signed_token[i].data);
	}
	return fault;
}

/*
 * Adjusts the size of the filling claim after a token of @made bytes. The claim's own header has a
 * size as well, which is known only from a token. Returns whether to try again.
 */
static bool filling_adjust(size_t *filling, size_t made, size_t wanted)
{
	if (made == wanted || (made > wanted && made - wanted >= *filling))
		return false;
	*filling += wanted - made;
	return true;
}

const char *hes_token_make(const struct hes_keys *keys, const struct hes_style *style,
			   const struct channel_request *request, uint8_t *token, size_t *size)
{
	const char *fault = "the request has an unknown hash algorithm";
	struct blob made = { 0 };
	size_t filling = 0;
	int tries = 3;

	if (request->hash_algo > HASH_SHA384)
		return fault;
	do {
		free(made.data);
		fault = parts_make(keys, style, request, filling, &made);
		if (fault)
			return fault;
	} while (tries-- && filling_adjust(&filling, made.size, style->size));
	if (made.size > CHANNEL_PAYLOAD_MAX) {
		fault = "the token is too long";
	} else {
		memcpy(token, made.data, made.size);
		*size = made.size;
	}
	free(made.data);
	return fault;
}
