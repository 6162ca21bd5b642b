// SPDX-License-Identifier: Apache-2.0
#include "cose.h"

#include <cbor.h>
#include <string.h>

#include "base/crypto.h"
#include "jose/ecdsa.h"

#define COSE_SIGN1_TAG 18
#define HEADER_ALG     1
#define HEADER_CRIT    2
#define KEY_KTY	       1
#define KEY_ALG	       3
#define KEY_CRV	       (-1)
#define KEY_X	       (-2)
#define KEY_Y	       (-3)
#define KTY_EC2	       2
#define POINT_MAX      (1 + 2 * 66)

/* The first byte of a point (SEC 1 section 2.3.3). */
enum { SEC1_EVEN = 2, SEC1_ODD = 3, SEC1_UNCOMPRESSED = 4 };

enum { CURVE_P256, CURVE_P384, CURVE_P521, CURVES };

/* RFC 9053 allows each of the hashes with each of the curves; every CCA profile pairs them like
 * this. */
static const struct curve {
	int algorithm, crv; /* their COSE numbers */
	const char *algorithm_name, *name;
	const char *group, *hash; /* as OpenSSL calls them */
	size_t size;		  /* of a coordinate, bytes */
} curves[CURVES] = {
	[CURVE_P256] = { -7, 1, "ES256", "P-256", "prime256v1", "SHA256", 32 },
	[CURVE_P384] = { -35, 2, "ES384", "P-384", "secp384r1", "SHA384", 48 },
	[CURVE_P521] = { -36, 3, "ES512", "P-521", "secp521r1", "SHA512", 66 },
};

enum sign1_field { FIELD_PROTECTED, FIELD_UNPROTECTED, FIELD_PAYLOAD, FIELD_SIGNATURE, FIELDS };

static const struct {
	const char *fault;
	enum cbor_node_kind kind;
} sign1_fields[FIELDS] = {
	[FIELD_PROTECTED] = { "protected header is not a byte string", CBOR_NODE_BYTES },
	[FIELD_UNPROTECTED] = { "unprotected header is not a map", CBOR_NODE_MAP },
	[FIELD_PAYLOAD] = { "payload is not a byte string", CBOR_NODE_BYTES },
	[FIELD_SIGNATURE] = { "signature is not a byte string", CBOR_NODE_BYTES },
};

const char *cose_algorithm_name(int algorithm)
{
	for (size_t i = 0; i < CURVES; i++) {
		if (curves[i].algorithm == algorithm)
			return curves[i].algorithm_name;
	}
	return NULL;
}

static int header_algorithm(const struct cbor_node *header)
{
	const struct cbor_node *value = cbor_map_find(header, HEADER_ALG);
	int64_t number;

	if (!value)
		return 0;
	if (!cbor_node_integer(value, &number) || number < -65536 || number > 65536)
		return COSE_ALGORITHM_OTHER;
	return (int)number;
}

/* RFC 9052 section 3 allows a label in only one of the two headers. */
static bool headers_overlap(const struct cbor_node *a, const struct cbor_node *b)
{
	const struct cbor_node *x = cbor_node_child(a);

	for (uint64_t i = 0; i < a->value; i++) {
		const struct cbor_node *y = cbor_node_child(b);

		for (uint64_t j = 0; j < b->value; j++) {
			if (cbor_node_equal(x, y))
				return true;
			y = cbor_node_next(cbor_node_next(y));
		}
		x = cbor_node_next(cbor_node_next(x));
	}
	return false;
}

/* Only the protected header counts, because only that is signed. */
static int header_judge(const struct cbor_node *header, const struct cbor_node *unprotected,
			struct cose_sign1 *sign1, struct error *e)
{
	if (header->kind != CBOR_NODE_MAP)
		return error_set(e, ERROR_INPUT, "protected header is not a map");
	if (cbor_map_find(header, HEADER_CRIT))
		return error_set(e, ERROR_INPUT, "critical headers are not understood");
	if (headers_overlap(header, unprotected))
		return error_set(e, ERROR_INPUT, "a label is in both headers");
	sign1->algorithm = header_algorithm(header);
	return 0;
}

static int cose_header_decode(const struct cbor_node *unprotected, struct cose_sign1 *sign1,
			      enum cose_fault *fault, struct error *e)
{
	struct cbor_tree tree;
	int ret;

	*fault = COSE_FAULT_CONTENT;
	sign1->algorithm = 0;
	if (sign1->protected_header.len == 0)
		return 0;
	if (cbor_tree_parse(sign1->protected_header.data, sign1->protected_header.len, &tree, e) <
	    0)
		return error_add(e, "protected header");
	ret = header_judge(tree.node, unprotected, sign1, e);
	cbor_tree_free(&tree);
	return ret;
}

static int fields_decode(const struct cbor_node *array, const struct cbor_node *field[FIELDS],
			 enum cose_fault *fault, struct error *e)
{
	*fault = COSE_FAULT_ARRAY;
	if (array->kind != CBOR_NODE_ARRAY || array->value != FIELDS)
		return error_set(e, ERROR_INPUT, "COSE_Sign1 is not an array of four");
	field[0] = cbor_node_child(array);
	for (int i = 1; i < FIELDS; i++)
		field[i] = cbor_node_next(field[i - 1]);
	if (field[FIELD_PAYLOAD]->kind == CBOR_NODE_SIMPLE &&
	    field[FIELD_PAYLOAD]->value == CBOR_SIMPLE_NULL) {
		*fault = COSE_FAULT_DETACHED;
		return error_set(e, ERROR_INPUT, "the payload is detached");
	}
	for (int i = 0; i < FIELDS; i++) {
		if (field[i]->kind != sign1_fields[i].kind)
			return error_set(e, ERROR_INPUT, "%s", sign1_fields[i].fault);
	}
	return 0;
}

static int sign1_read(const struct cbor_node *root, struct cose_sign1 *sign1,
		      enum cose_fault *fault, struct error *e)
{
	const struct cbor_node *field[FIELDS];

	*fault = COSE_FAULT_TAG;
	if (root->kind != CBOR_NODE_TAG || root->value != COSE_SIGN1_TAG)
		return error_set(e, ERROR_INPUT, "not tagged as COSE_Sign1 (%d)", COSE_SIGN1_TAG);
	if (fields_decode(cbor_node_child(root), field, fault, e) < 0)
		return -1;
	sign1->protected_header = cbor_node_slice(field[FIELD_PROTECTED]);
	sign1->payload = cbor_node_slice(field[FIELD_PAYLOAD]);
	sign1->signature = cbor_node_slice(field[FIELD_SIGNATURE]);
	return cose_header_decode(field[FIELD_UNPROTECTED], sign1, fault, e);
}

int cose_sign1_decode(struct cbor_slice input, struct cose_sign1 *sign1, enum cose_fault *fault,
		      struct error *e)
{
	struct cbor_tree tree;
	int ret;

	*fault = COSE_FAULT_CONTENT;
	if (cbor_tree_parse(input.data, input.len, &tree, e) < 0)
		return -1;
	ret = sign1_read(tree.node, sign1, fault, e);
	cbor_tree_free(&tree);
	return ret;
}

/* NULL also if memory fails: see crypto_error(). */
static const struct curve *key_curve(const EVP_PKEY *key)
{
	char group[32];
	size_t len;

	if (!EVP_PKEY_is_a(key, "EC") ||
	    EVP_PKEY_get_group_name(key, group, sizeof(group), &len) != 1)
		return NULL;
	for (size_t i = 0; i < CURVES; i++) {
		if (strcmp(curves[i].group, group) == 0)
			return &curves[i];
	}
	return NULL;
}

bool cose_key_usable(const EVP_PKEY *key)
{
	return key_curve(key) != NULL;
}

/* Hash a byte string of Sig_structure: its head, then its content. */
static bool digest_string(EVP_MD_CTX *ctx, struct cbor_slice content)
{
	unsigned char head[9];
	size_t len = cbor_encode_bytestring_start(content.len, head, sizeof(head));

	return EVP_DigestVerifyUpdate(ctx, head, len) == 1 &&
	       (content.len == 0 || EVP_DigestVerifyUpdate(ctx, content.data, content.len) == 1);
}

/* Hash Sig_structure = [ "Signature1", protected, external_aad = h'', payload ], RFC 9052 section
 * 4.4. */
static bool digest_sign1(EVP_MD_CTX *ctx, const struct cose_sign1 *sign1)
{
	static const uint8_t head[] = "\x84\x6aSignature1";

	return EVP_DigestVerifyUpdate(ctx, head, sizeof(head) - 1) == 1 &&
	       digest_string(ctx, sign1->protected_header) &&
	       digest_string(ctx, (struct cbor_slice){ NULL, 0 }) &&
	       digest_string(ctx, sign1->payload);
}

int cose_sign1_verify(const struct cose_sign1 *sign1, EVP_PKEY *key, struct error *e)
{
	const char *algorithm = cose_algorithm_name(sign1->algorithm);
	const struct curve *curve;
	unsigned char *der = NULL;
	EVP_MD_CTX *ctx;
	size_t len;
	int ret = 0, verified;

	crypto_begin();
	curve = key_curve(key);
	if (!curve || !algorithm)
		return crypto_error(e, ERROR_ATTESTATION, "neither key nor algorithm can be used");
	if (curve->algorithm != sign1->algorithm)
		return error_set(e, ERROR_ATTESTATION, "the header says %s but the key is %s",
				 algorithm, curve->name);
	if (sign1->signature.len != 2 * curve->size)
		return error_set(e, ERROR_ATTESTATION, "signature length %zu, %s has %zu",
				 sign1->signature.len, algorithm, 2 * curve->size);
	ctx = EVP_MD_CTX_new();
	len = ecdsa_to_der(sign1->signature.data, curve->size, &der);
	if (!ctx || len == 0 ||
	    EVP_DigestVerifyInit_ex(ctx, NULL, curve->hash, NULL, NULL, key, NULL) != 1 ||
	    !digest_sign1(ctx, sign1)) {
		ret = crypto_error(e, ERROR_SYSTEM, "OpenSSL cannot verify %s", algorithm);
	} else {
		verified = EVP_DigestVerifyFinal(ctx, der, len);
		if (verified != 1)
			ret = crypto_verify_error(verified, e, ERROR_ATTESTATION, "bad signature");
	}
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	return ret;
}

static EVP_PKEY *key_from_point(const struct curve *curve, const uint8_t *point, size_t len,
				struct error *e)
{
	EVP_PKEY *key;

	crypto_begin();
	key = ecdsa_key_from_point(curve->group, point, len);
	if (!key)
		crypto_error(e, ERROR_ATTESTATION, "the point is not on curve %s", curve->name);
	return key;
}

EVP_PKEY *cose_key_from_point(struct cbor_slice point, struct error *e)
{
	const struct curve *curve = &curves[CURVE_P384];

	if (point.len != 1 + 2 * curve->size || point.data[0] != SEC1_UNCOMPRESSED) {
		error_set(e, ERROR_ATTESTATION, "not an uncompressed point of P-384 (97 bytes)");
		return NULL;
	}
	return key_from_point(curve, point.data, point.len, e);
}

static const struct curve *cose_key_curve(const struct cbor_node *map, struct error *e)
{
	const struct cbor_node *kty = cbor_map_find(map, KEY_KTY);
	const struct cbor_node *crv = cbor_map_find(map, KEY_CRV);
	const struct cbor_node *alg = cbor_map_find(map, KEY_ALG);
	int64_t number;

	if (!kty || !cbor_node_integer(kty, &number) || number != KTY_EC2) {
		error_set(e, ERROR_ATTESTATION, "kty is not EC2");
		return NULL;
	}
	for (size_t i = 0; crv && cbor_node_integer(crv, &number) && i < CURVES; i++) {
		if (curves[i].crv != number)
			continue;
		if (!alg || (cbor_node_integer(alg, &number) && curves[i].algorithm == number))
			return &curves[i];
		error_set(e, ERROR_ATTESTATION, "alg is not that of curve %s", curves[i].name);
		return NULL;
	}
	error_set(e, ERROR_ATTESTATION, "crv is not P-256, P-384 or P-521");
	return NULL;
}

/* Write the point in SEC 1 form to @point and its length to *@len. y may be the sign bit alone. */
static int cose_key_point(const struct cbor_node *map, size_t size, uint8_t point[POINT_MAX],
			  size_t *len, struct error *e)
{
	const struct cbor_node *x = cbor_map_find(map, KEY_X), *y = cbor_map_find(map, KEY_Y);

	if (!x || x->kind != CBOR_NODE_BYTES || x->value != size)
		return error_set(e, ERROR_ATTESTATION, "x is not %zu bytes", size);
	memcpy(point + 1, x->data, size);
	*len = 1 + size;
	if (y && y->kind == CBOR_NODE_SIMPLE &&
	    (y->value == CBOR_SIMPLE_FALSE || y->value == CBOR_SIMPLE_TRUE)) {
		point[0] = y->value == CBOR_SIMPLE_TRUE ? SEC1_ODD : SEC1_EVEN;
		return 0;
	}
	if (!y || y->kind != CBOR_NODE_BYTES || y->value != size)
		return error_set(e, ERROR_ATTESTATION, "y is neither %zu bytes nor a sign", size);
	point[0] = SEC1_UNCOMPRESSED;
	memcpy(point + 1 + size, y->data, size);
	*len += size;
	return 0;
}

EVP_PKEY *cose_key_decode(struct cbor_slice input, struct error *e)
{
	const struct curve *curve;
	uint8_t point[POINT_MAX];
	EVP_PKEY *key = NULL;
	struct cbor_tree tree;
	size_t len = 0;

	if (cbor_tree_parse(input.data, input.len, &tree, e) < 0) {
		error_reclassify(e, ERROR_INPUT, ERROR_ATTESTATION);
		error_add(e, "COSE_Key");
		return NULL;
	}
	if (tree.node->kind != CBOR_NODE_MAP) {
		error_set(e, ERROR_ATTESTATION, "COSE_Key is not a map");
	} else {
		curve = cose_key_curve(tree.node, e);
		if (curve && cose_key_point(tree.node, curve->size, point, &len, e) == 0)
			key = key_from_point(curve, point, len, e);
	}
	cbor_tree_free(&tree);
	return key;
}
