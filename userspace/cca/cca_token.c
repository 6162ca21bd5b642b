// SPDX-License-Identifier: Apache-2.0
#include "cca_token.h"

#include "base/array.h"
#include "cbor_tree.h"
#include "cca_claims.h"
#include "cca_profile.h"

#define TAG_COLLECTION	       399 /* RMM 1.0: map values are byte strings */
#define TAG_CMW		       907 /* RMM 2.0: map values are CMW records */
#define KEY_PLATFORM	       44234
#define KEY_REALM	       44241
#define CONTENT_FORMAT_EAT_CWT 263

enum part { PLATFORM, REALM, PARTS };

static const char *const part_names[PARTS] = { "platform", "realm" };

/* What one step leaves for the next. */
struct decoder {
	struct cca_token *token;
	struct cca_verdict *verdict;
	struct error *e;
	struct cbor_tree top;
	struct cbor_slice inner[PARTS]; /* COSE_Sign1 */
	struct cose_sign1 *sign1[PARTS];
	struct cbor_tree claims[PARTS];
};

static int top_parse(struct decoder *d)
{
	const struct bytes *raw = &d->token->raw;

	if (cbor_tree_parse(raw->data, raw->len, &d->top, d->e) < 0)
		return cca_verdict_set_error(d->verdict, CCA_E_CBOR, d->e);
	return 0;
}

static int top_tag(struct decoder *d)
{
	const struct cbor_node *root = d->top.node;

	if (root->kind != CBOR_NODE_TAG)
		return cca_verdict_set(d->verdict, CCA_E_TOP_TAG, "not tagged");
	if (root->value != TAG_COLLECTION && root->value != TAG_CMW)
		return cca_verdict_set(d->verdict, CCA_E_TOP_TAG, "tag %llu is neither %d nor %d",
				       (unsigned long long)root->value, TAG_COLLECTION, TAG_CMW);
	d->token->tag = root->value;
	return 0;
}

/* The collection of RMM 1.0 has exactly two entries; that of 2.0 may have more, named by
 * integers. */
static int top_keys(struct decoder *d, const struct cbor_node *map)
{
	const struct cbor_node *key = cbor_node_child(map);
	int64_t number;

	for (uint64_t i = 0; i < map->value; i++) {
		if (!cbor_node_integer(key, &number))
			return cca_verdict_set(d->verdict, CCA_E_TOP_TYPE,
					       "a key of the collection is not an integer");
		if (d->token->tag == TAG_COLLECTION && number != KEY_PLATFORM &&
		    number != KEY_REALM)
			return cca_verdict_set(d->verdict, CCA_E_TOP_TYPE,
					       "key %lld has no place under tag %d",
					       (long long)number, TAG_COLLECTION);
		key = cbor_node_next(cbor_node_next(key));
	}
	return 0;
}

/* CMW record (draft-ietf-rats-msg-wrap): [ content-format, bstr, ? indicator ] */
static const struct cbor_node *cmw_value(struct decoder *d, enum part part,
					 const struct cbor_node *record)
{
	const struct cbor_node *format, *value;

	if (record->kind != CBOR_NODE_ARRAY || record->value < 2 || record->value > 3) {
		cca_verdict_set(d->verdict, CCA_E_CMW_RECORD,
				"%s token: not a record of content-format and value",
				part_names[part]);
		return NULL;
	}
	format = cbor_node_child(record);
	value = cbor_node_next(format);
	if (format->kind != CBOR_NODE_UINT || format->value != CONTENT_FORMAT_EAT_CWT ||
	    value->kind != CBOR_NODE_BYTES ||
	    (record->value == 3 && cbor_node_next(value)->kind != CBOR_NODE_UINT)) {
		cca_verdict_set(d->verdict, CCA_E_CMW_RECORD,
				"%s token: record is not [%d, bytes, ? number]", part_names[part],
				CONTENT_FORMAT_EAT_CWT);
		return NULL;
	}
	return value;
}

static int top_value(struct decoder *d, enum part part, const struct cbor_node *value)
{
	if (d->token->tag == TAG_CMW) {
		value = cmw_value(d, part, value);
		if (!value)
			return -1;
	} else if (value->kind != CBOR_NODE_BYTES) {
		return cca_verdict_set(d->verdict, CCA_E_TOP_VALUE_TYPE,
				       "%s token: not a byte string", part_names[part]);
	}
	d->inner[part] = (struct cbor_slice){ value->data, (size_t)value->value };
	return 0;
}

static int top_entries(struct decoder *d)
{
	const struct cbor_node *map = cbor_node_child(d->top.node), *platform, *realm;

	if (map->kind != CBOR_NODE_MAP)
		return cca_verdict_set(d->verdict, CCA_E_TOP_TYPE, "the collection is not a map");
	if (top_keys(d, map) < 0)
		return -1;
	platform = cbor_map_find(map, KEY_PLATFORM);
	if (!platform)
		return cca_verdict_set(d->verdict, CCA_E_MISSING_PLATFORM_TOKEN, "no entry %d",
				       KEY_PLATFORM);
	realm = cbor_map_find(map, KEY_REALM);
	if (!realm)
		return cca_verdict_set(d->verdict, CCA_E_MISSING_REALM_TOKEN, "no entry %d",
				       KEY_REALM);
	if (top_value(d, PLATFORM, platform) < 0)
		return -1;
	return top_value(d, REALM, realm);
}

static int sign1_decode(struct decoder *d)
{
	static const enum cca_cause causes[] = {
		[COSE_FAULT_CONTENT] = CCA_E_COSE,
		[COSE_FAULT_TAG] = CCA_E_COSE_TAG,
		[COSE_FAULT_ARRAY] = CCA_E_COSE_ARRAY,
		[COSE_FAULT_DETACHED] = CCA_E_COSE_DETACHED,
	};
	enum cose_fault fault;

	for (int i = 0; i < PARTS; i++) {
		if (cose_sign1_decode(d->inner[i], d->sign1[i], &fault, d->e) < 0) {
			error_add(d->e, "%s token", part_names[i]);
			return cca_verdict_set_error(d->verdict, causes[fault], d->e);
		}
	}
	return 0;
}

static int claims_parse(struct decoder *d)
{
	for (int i = 0; i < PARTS; i++) {
		const struct cbor_slice *payload = &d->sign1[i]->payload;

		if (cbor_tree_parse(payload->data, payload->len, &d->claims[i], d->e) < 0) {
			error_add(d->e, "%s claims", part_names[i]);
			return cca_verdict_set_error(d->verdict, CCA_E_CLAIMS_CBOR, d->e);
		}
		if (d->claims[i].node->kind != CBOR_NODE_MAP)
			return cca_verdict_set(d->verdict, CCA_E_CLAIMS_TYPE,
					       "%s claims: not a map", part_names[i]);
	}
	return 0;
}

static int profiles_decode(struct decoder *d)
{
	if (cca_platform_profile(&d->token->platform, d->claims[PLATFORM].node, d->verdict) < 0 ||
	    cca_realm_profile(&d->token->realm, d->claims[REALM].node, d->verdict) < 0)
		return -1;
	cca_profile_judge_pair(d->token, d->verdict);
	return 0;
}

static int claims_decode(struct decoder *d)
{
	if (cca_platform_claims(&d->token->platform, d->claims[PLATFORM].node, d->verdict) < 0)
		return -1;
	return cca_realm_claims(&d->token->realm, d->claims[REALM].node, d->verdict);
}

int cca_token_decode(const void *data, size_t len, struct cca_token *token,
		     struct cca_verdict *verdict, struct error *e)
{
	static int (*const steps[])(struct decoder *d) = {
		top_parse,    top_tag,	       top_entries,   sign1_decode,
		claims_parse, profiles_decode, claims_decode,
	};
	struct decoder d = {
		.token = token,
		.verdict = verdict,
		.e = e,
		.sign1 = { &token->platform.sign1, &token->realm.sign1 },
	};
	int ret = 0;

	*verdict = (struct cca_verdict)CCA_VERDICT_INIT;
	if (len > CCA_TOKEN_MAX) {
		ret = cca_verdict_set(verdict, CCA_E_SIZE, "%zu bytes, more than %zu", len,
				      CCA_TOKEN_MAX);
		return cca_verdict_conclude(verdict, ret, e);
	}
	bytes_set(&token->raw, data, len);
	if (bytes_check(&token->raw, e) < 0)
		return -1;
	for (size_t i = 0; ret == 0 && i < ARRAY_SIZE(steps); i++)
		ret = steps[i](&d);
	cbor_tree_free(&d.top);
	for (int i = 0; i < PARTS; i++)
		cbor_tree_free(&d.claims[i]);
	return cca_verdict_conclude(verdict, ret, e);
}

void cca_token_free(struct cca_token *token)
{
	bytes_free(&token->raw);
	*token = (struct cca_token)CCA_TOKEN_INIT;
}
