// SPDX-License-Identifier: Apache-2.0
#include "corim.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/realm.h"
#include "cca/cbor_tree.h"

/* CBOR tags, and keys of maps (draft-ietf-rats-corim sections 4 and 5). */
#define TAG_SIGN1      18
#define TAG_URI	       32
#define TAG_UUID       37
#define TAG_CORIM_OLD  500
#define TAG_SIGNED_OLD 502
#define TAG_COMID      506
#define TAG_BYTES      560

#define CORIM_TAGS    1
#define CORIM_PROFILE 3

#define COMID_TRIPLES	  4
#define TRIPLES_REFERENCE 0

#define ENVIRONMENT_CLASS 0
#define CLASS_VENDOR	  1
#define CLASS_MODEL	  2

#define MEASUREMENT_KEY	   0
#define MEASUREMENT_VALUES 1

#define VALUES_DIGESTS 2
#define VALUES_RAW     4
#define VALUES_SERIAL  8
#define VALUES_NAME    11

#define UUID_SIZE 16

/* draft-ydb-rats-cca-endorsements section 3.2. */
#define CCA_REALM_PROFILE "tag:arm.com,2025:cca_realm#1.0.0"
#define CCA_REALM_RIM	  "cca.rim"

struct corim {
	bool realm;	/* the profile is that of Arm CCA realms */
	json_t *values; /* {name: value} */
	json_t *rims;	/* of a CCA realm, base64 */
};

static int corim_refuse(struct error *e, const char *why)
{
	return error_set(e, ERROR_INPUT, "%s", why);
}

static bool slice_is(struct cbor_slice slice, const char *text)
{
	return bytes_equal(slice.data, slice.len, text, strlen(text));
}

/* The item inside of @node if that is the tag @tag, or else @node. */
static const struct cbor_node *corim_untag(const struct cbor_node *node, uint64_t tag)
{
	return node->kind == CBOR_NODE_TAG && node->value == tag ? cbor_node_child(node) : node;
}

/* Find the member @key of @map, which must be of @kind if it is there: 1, or 0 if it is not. */
static int corim_find(const struct cbor_node *map, int64_t key, enum cbor_node_kind kind,
		      const char *what, const struct cbor_node **value, struct error *e)
{
	*value = NULL;
	if (map->kind != CBOR_NODE_MAP)
		return error_set(e, ERROR_INPUT, "the item that should have the %s is not a map",
				 what);
	*value = cbor_map_find(map, key);
	if (!*value)
		return 0;
	if ((*value)->kind != kind)
		return error_set(e, ERROR_INPUT, "the %s is of the wrong type", what);
	return 1;
}

/* Append a part of a name. */
static void name_add(struct bytes *name, const void *text, size_t len)
{
	if (name->len > 0)
		bytes_append_text(name, "/");
	bytes_append(name, text, len);
}

/* Append the text that the member @key of @map is, if it is there. */
static int name_member(const struct cbor_node *map, int64_t key, const char *what,
		       struct bytes *name, struct error *e)
{
	const struct cbor_node *text;
	int ret = corim_find(map, key, CBOR_NODE_TEXT, what, &text, e);

	if (ret > 0)
		name_add(name, text->data, cbor_node_slice(text).len);
	return ret < 0 ? -1 : 0;
}

static int name_uuid(const struct cbor_node *node, struct bytes *name, struct error *e)
{
	static const size_t group[] = { 4, 2, 2, 2, 6 };
	const uint8_t *at = node->data;
	struct bytes text = BYTES_INIT;
	int ret;

	if (node->kind != CBOR_NODE_BYTES || node->value != UUID_SIZE)
		return corim_refuse(e, "the key is a UUID, but has not 16 bytes");
	for (size_t i = 0; i < ARRAY_SIZE(group); at += group[i++]) {
		if (i > 0)
			bytes_append_text(&text, "-");
		encode_hex(at, group[i], &text);
	}
	ret = bytes_check(&text, e);
	name_add(name, text.data, text.len);
	bytes_free(&text);
	return ret;
}

/* Append the key of a measurement. Kinds of keys of which Trustee makes no part are passed over. */
static int name_key(const struct cbor_node *measurement, struct bytes *name, struct error *e)
{
	const struct cbor_node *key = cbor_map_find(measurement, MEASUREMENT_KEY);
	char text[32];

	if (!key)
		return 0;
	if (key->kind == CBOR_NODE_TEXT) {
		name_add(name, key->data, cbor_node_slice(key).len);
	} else if (key->kind == CBOR_NODE_UINT) {
		snprintf(text, sizeof(text), "claim%" PRIu64, key->value);
		name_add(name, text, strlen(text));
	} else if (key->kind == CBOR_NODE_TAG && key->value == TAG_UUID) {
		return name_uuid(cbor_node_child(key), name, e);
	}
	return 0;
}

/* Refuse names that JSON cannot hold, or that would not be shown as they are. */
static int name_check(const struct bytes *name, struct error *e)
{
	struct bytes clean = BYTES_INIT;
	int ret;

	bytes_append(&clean, name->data, name->len);
	ret = bytes_check(&clean, e);
	if (ret == 0) {
		error_text_clean((char *)clean.data);
		if (memchr(name->data, '\0', name->len) ||
		    strcmp(bytes_text(&clean), bytes_text(name)) != 0)
			ret = corim_refuse(e, "a part of its name is not UTF-8, or has characters "
					      "that cannot be printed");
	}
	bytes_free(&clean);
	return ret;
}

/* Set the value of @name/@kind, which replaces an earlier one. @value is taken; NULL is out of memory. */
static int corim_set(struct corim *corim, const struct bytes *name, const char *kind, json_t *value,
		     struct error *e)
{
	struct bytes full = BYTES_INIT;
	int ret;

	bytes_append(&full, name->data, name->len);
	name_add(&full, kind, strlen(kind));
	ret = bytes_check(&full, e);
	if (ret == 0)
		ret = name_check(&full, e);
	if (ret == 0 && json_object_set(corim->values, bytes_text(&full), value) < 0)
		ret = error_set_memory(e);
	json_decref(value);
	bytes_free(&full);
	return ret;
}

/* Add an initial measurement to those that endorse realms. */
static int corim_add_rim(struct corim *corim, struct cbor_slice digest, struct error *e)
{
	struct bytes text = BYTES_INIT;
	json_t *rim;
	int ret;

	encode_base64(ENCODE_BASE64, digest.data, digest.len, &text);
	rim = text.failed ? NULL : json_string(bytes_text(&text));
	ret = json_array_append_new(corim->rims, rim) < 0 ? error_set_memory(e) : 0;
	bytes_free(&text);
	return ret;
}

/* Add the digests [algorithm, bytes] of @array, in hexadecimal, to @list. */
static int corim_digest_list(struct corim *corim, const struct cbor_node *array, bool rim,
			     json_t *list, struct error *e)
{
	const struct cbor_node *digest = cbor_node_child(array);

	for (uint64_t i = 0; i < array->value; i++, digest = cbor_node_next(digest)) {
		const struct cbor_node *value;
		struct cbor_slice slice;

		if (digest->kind != CBOR_NODE_ARRAY || digest->value < 2)
			return corim_refuse(e, "a digest is not an array of algorithm and bytes");
		value = cbor_node_next(cbor_node_child(digest));
		if (value->kind != CBOR_NODE_BYTES)
			return corim_refuse(e, "a digest is not an array of algorithm and bytes");
		slice = cbor_node_slice(value);
		if (json_array_append_new(list, json_hex(slice.data, slice.len)) < 0)
			return error_set_memory(e);
		if (rim && corim_add_rim(corim, slice, e) < 0)
			return -1;
	}
	return 0;
}

static int corim_digests(struct corim *corim, const struct cbor_node *values,
			 const struct bytes *name, bool rim, struct error *e)
{
	const struct cbor_node *array;
	json_t *list;
	int ret = corim_find(values, VALUES_DIGESTS, CBOR_NODE_ARRAY, "list of digests", &array, e);

	if (ret <= 0)
		return ret;
	list = json_array();
	if (!list)
		return error_set_memory(e);
	if (corim_digest_list(corim, array, rim, list, e) < 0) {
		json_decref(list);
		return -1;
	}
	return corim_set(corim, name, "digests", list, e);
}

/* Raw bytes without a mask. */
static int corim_raw(struct corim *corim, const struct cbor_node *values, const struct bytes *name,
		     struct error *e)
{
	const struct cbor_node *raw = cbor_map_find(values, VALUES_RAW);
	struct cbor_slice slice;

	if (!raw || raw->kind != CBOR_NODE_TAG || raw->value != TAG_BYTES)
		return 0;
	raw = cbor_node_child(raw);
	if (raw->kind != CBOR_NODE_BYTES)
		return corim_refuse(e, "the raw value is not a byte string");
	slice = cbor_node_slice(raw);
	return corim_set(corim, name, "raw_bytes", json_hex(slice.data, slice.len), e);
}

/* Read a measurement; its parts of the name are appended to @name. */
static int corim_measured(struct corim *corim, const struct cbor_node *measurement,
			  struct bytes *name, struct error *e)
{
	const struct cbor_node *values, *key;
	int ret = corim_find(measurement, MEASUREMENT_VALUES, CBOR_NODE_MAP, "map of values",
			     &values, e);
	bool rim;

	if (ret < 0)
		return -1;
	if (ret == 0)
		return corim_refuse(e, "it has no map of values");
	key = cbor_map_find(measurement, MEASUREMENT_KEY);
	rim = corim->realm && key && key->kind == CBOR_NODE_TEXT &&
	      slice_is(cbor_node_slice(key), CCA_REALM_RIM);
	if (name_key(measurement, name, e) < 0 ||
	    name_member(values, VALUES_NAME, "name", name, e) < 0 ||
	    name_member(values, VALUES_SERIAL, "serial number", name, e) < 0 ||
	    bytes_check(name, e) < 0 || corim_digests(corim, values, name, rim, e) < 0)
		return -1;
	return corim_raw(corim, values, name, e);
}

/* @base: the part of the name that the environment gives. */
static int corim_measurement(struct corim *corim, const struct cbor_node *measurement,
			     const struct bytes *base, struct error *e)
{
	struct bytes name = BYTES_INIT;
	int ret;

	bytes_append(&name, base->data, base->len);
	ret = corim_measured(corim, measurement, &name, e);
	bytes_free(&name);
	return ret;
}

static int corim_environment(const struct cbor_node *environment, struct bytes *name,
			     struct error *e)
{
	const struct cbor_node *class;
	int ret = corim_find(environment, ENVIRONMENT_CLASS, CBOR_NODE_MAP, "class", &class, e);

	if (ret <= 0)
		return ret;
	ret = name_member(class, CLASS_VENDOR, "vendor", name, e);
	return ret < 0 ? -1 : name_member(class, CLASS_MODEL, "model", name, e);
}

/* A reference triple: [environment, [measurement, ...]]. */
static int corim_triple(struct corim *corim, const struct cbor_node *triple, struct error *e)
{
	const struct cbor_node *list, *measurement;
	struct bytes base = BYTES_INIT;
	int ret;

	if (triple->kind != CBOR_NODE_ARRAY || triple->value != 2)
		return corim_refuse(e, "it is not an array of environment and measurements");
	list = cbor_node_next(cbor_node_child(triple));
	if (list->kind != CBOR_NODE_ARRAY)
		return corim_refuse(e, "its measurements are not an array");
	ret = corim_environment(cbor_node_child(triple), &base, e);
	if (ret == 0)
		ret = bytes_check(&base, e);
	measurement = cbor_node_child(list);
	for (uint64_t i = 0; ret == 0 && i < list->value; i++) {
		ret = corim_measurement(corim, measurement, &base, e);
		if (ret < 0)
			error_add(e, "measurement %" PRIu64, i);
		measurement = cbor_node_next(measurement);
	}
	bytes_free(&base);
	return ret;
}

static int corim_comid(struct corim *corim, const struct cbor_node *comid, struct error *e)
{
	const struct cbor_node *triples, *list, *triple;
	int ret = corim_find(comid, COMID_TRIPLES, CBOR_NODE_MAP, "map of triples", &triples, e);

	if (ret == 0)
		return corim_refuse(e, "it has no map of triples");
	if (ret > 0)
		ret = corim_find(triples, TRIPLES_REFERENCE, CBOR_NODE_ARRAY,
				 "list of reference triples", &list, e);
	if (ret <= 0)
		return ret;
	triple = cbor_node_child(list);
	for (uint64_t i = 0; i < list->value; i++, triple = cbor_node_next(triple))
		if (corim_triple(corim, triple, e) < 0)
			return error_add(e, "reference triple %" PRIu64, i);
	return 0;
}

/* A CoMID as the content of a byte string. Without tag 506 it may be something else. */
static int corim_embedded(struct corim *corim, const struct cbor_node *bytes, bool tagged,
			  struct error *e)
{
	struct cbor_slice slice = cbor_node_slice(bytes);
	struct cbor_tree tree = CBOR_TREE_INIT;
	struct error failed = ERROR_INIT;
	int ret = cbor_tree_parse(slice.data, slice.len, &tree, &failed);

	if (ret < 0 && (tagged || failed.memory)) {
		*e = failed;
		return -1;
	}
	if (ret == 0 && (tagged || tree.node->kind == CBOR_NODE_MAP))
		ret = corim_comid(corim, corim_untag(tree.node, TAG_COMID), e);
	else
		ret = 0;
	cbor_tree_free(&tree);
	return ret;
}

static int corim_tag(struct corim *corim, const struct cbor_node *node, struct error *e)
{
	const struct cbor_node *content = corim_untag(node, TAG_COMID);

	if (content->kind == CBOR_NODE_BYTES)
		return corim_embedded(corim, content, content != node, e);
	return content != node ? corim_refuse(e, "it is a CoMID that is not in a byte string") : 0;
}

static int corim_map(struct corim *corim, const struct cbor_node *map, struct error *e)
{
	const struct cbor_node *list, *profile, *tag;
	int ret;

	if (map->kind == CBOR_NODE_TAG && map->value == TAG_SIGN1)
		return corim_refuse(e, "it is signed, and this server has no keys with which to "
				       "check that; give the unsigned CoRIM that is in it");
	ret = corim_find(map, CORIM_TAGS, CBOR_NODE_ARRAY, "list of tags", &list, e);
	if (ret == 0)
		return corim_refuse(e, "it has no list of tags");
	if (ret < 0)
		return -1;
	profile = cbor_map_find(map, CORIM_PROFILE);
	if (profile)
		profile = corim_untag(profile, TAG_URI);
	corim->realm = profile && profile->kind == CBOR_NODE_TEXT &&
		       slice_is(cbor_node_slice(profile), CCA_REALM_PROFILE);
	tag = cbor_node_child(list);
	for (uint64_t i = 0; i < list->value; i++, tag = cbor_node_next(tag))
		if (corim_tag(corim, tag, e) < 0)
			return error_add(e, "tag %" PRIu64, i);
	return 0;
}

static int corim_read(struct corim *corim, const void *data, size_t len, struct error *e)
{
	struct cbor_tree tree = CBOR_TREE_INIT;
	const struct cbor_node *node;
	int ret;

	if (!corim->values || !corim->rims)
		return error_set_memory(e);
	if (cbor_tree_parse(data, len, &tree, e) < 0)
		return -1;
	node = tree.node;
	while (node->kind == CBOR_NODE_TAG && node->value >= TAG_CORIM_OLD &&
	       node->value <= TAG_SIGNED_OLD)
		node = cbor_node_child(node);
	ret = corim_map(corim, node, e);
	cbor_tree_free(&tree);
	if (ret == 0 && json_array_size(corim->rims) > 0 &&
	    json_object_set(corim->values, REALM_RIM_REFERENCE, corim->rims) < 0)
		ret = error_set_memory(e);
	return ret;
}

json_t *corim_values(const void *data, size_t len, struct error *e)
{
	struct corim corim = { .values = json_object(), .rims = json_array() };

	if (corim_read(&corim, data, len, e) < 0) {
		error_add(e, "CoRIM");
		json_decref(corim.values);
		corim.values = NULL;
	}
	json_decref(corim.rims);
	return corim.values;
}
