// SPDX-License-Identifier: Apache-2.0
#include "cbor_tree.h"

#include <cbor.h>
#include <stdlib.h>
#include <string.h>

struct open_item {
	unsigned int node;
	uint64_t left; /* children still to come */
};

struct reader {
	struct cbor_tree *tree;
	unsigned int room; /* nodes allocated */
	struct open_item open[CBOR_TREE_DEPTH_MAX];
	unsigned int depth;
	bool indefinite;
};

/* item_read() has checked that there is room for one more node. */
static struct cbor_node *node_push(void *context, enum cbor_node_kind kind, uint64_t value)
{
	struct reader *r = context;
	struct cbor_node *node = &r->tree->node[r->tree->count++];

	*node = (struct cbor_node){ .kind = kind, .span = 1, .value = value };
	return node;
}

static void on_uint8(void *context, uint8_t value)
{
	node_push(context, CBOR_NODE_UINT, value);
}

static void on_uint16(void *context, uint16_t value)
{
	node_push(context, CBOR_NODE_UINT, value);
}

static void on_uint32(void *context, uint32_t value)
{
	node_push(context, CBOR_NODE_UINT, value);
}

static void on_uint64(void *context, uint64_t value)
{
	node_push(context, CBOR_NODE_UINT, value);
}

static void on_negint8(void *context, uint8_t value)
{
	node_push(context, CBOR_NODE_NINT, value);
}

static void on_negint16(void *context, uint16_t value)
{
	node_push(context, CBOR_NODE_NINT, value);
}

static void on_negint32(void *context, uint32_t value)
{
	node_push(context, CBOR_NODE_NINT, value);
}

static void on_negint64(void *context, uint64_t value)
{
	node_push(context, CBOR_NODE_NINT, value);
}

static void on_bytes(void *context, cbor_data data, uint64_t len)
{
	node_push(context, CBOR_NODE_BYTES, len)->data = data;
}

static void on_text(void *context, cbor_data data, uint64_t len)
{
	node_push(context, CBOR_NODE_TEXT, len)->data = data;
}

static void on_array(void *context, uint64_t elements)
{
	node_push(context, CBOR_NODE_ARRAY, elements);
}

static void on_map(void *context, uint64_t pairs)
{
	node_push(context, CBOR_NODE_MAP, pairs);
}

static void on_tag(void *context, uint64_t number)
{
	node_push(context, CBOR_NODE_TAG, number);
}

static void on_double(void *context, double value)
{
	memcpy(&node_push(context, CBOR_NODE_FLOAT, 0)->value, &value, sizeof(value));
}

static void on_float(void *context, float value)
{
	on_double(context, (double)value);
}

static void on_bool(void *context, bool value)
{
	node_push(context, CBOR_NODE_SIMPLE, value ? CBOR_SIMPLE_TRUE : CBOR_SIMPLE_FALSE);
}

static void on_null(void *context)
{
	node_push(context, CBOR_NODE_SIMPLE, CBOR_SIMPLE_NULL);
}

static void on_undefined(void *context)
{
	node_push(context, CBOR_NODE_SIMPLE, CBOR_SIMPLE_UNDEFINED);
}

static void on_indefinite(void *context)
{
	struct reader *r = context;

	r->indefinite = true;
}

static const struct cbor_callbacks callbacks = {
	.uint8 = on_uint8,
	.uint16 = on_uint16,
	.uint32 = on_uint32,
	.uint64 = on_uint64,
	.negint8 = on_negint8,
	.negint16 = on_negint16,
	.negint32 = on_negint32,
	.negint64 = on_negint64,
	.byte_string = on_bytes,
	.byte_string_start = on_indefinite,
	.string = on_text,
	.string_start = on_indefinite,
	.array_start = on_array,
	.indef_array_start = on_indefinite,
	.map_start = on_map,
	.indef_map_start = on_indefinite,
	.tag = on_tag,
	.float2 = on_float,
	.float4 = on_float,
	.float8 = on_double,
	.boolean = on_bool,
	.null = on_null,
	.undefined = on_undefined,
	.indef_break = on_indefinite,
};

/* The number of items directly inside @node; UINT64_MAX if it does not fit. */
static uint64_t node_children(const struct cbor_node *node)
{
	switch (node->kind) {
	case CBOR_NODE_ARRAY:
		return node->value;
	case CBOR_NODE_MAP:
		return node->value > UINT64_MAX / 2 ? UINT64_MAX : node->value * 2;
	case CBOR_NODE_TAG:
		return 1;
	default:
		return 0;
	}
}

const struct cbor_node *cbor_node_child(const struct cbor_node *node)
{
	return node + 1;
}

const struct cbor_node *cbor_node_next(const struct cbor_node *node)
{
	return node + node->span;
}

bool cbor_node_equal(const struct cbor_node *a, const struct cbor_node *b)
{
	if (a->span != b->span)
		return false;
	for (unsigned int i = 0; i < a->span; i++) {
		if (a[i].kind != b[i].kind || a[i].value != b[i].value)
			return false;
		if (a[i].data && a[i].value > 0 &&
		    memcmp(a[i].data, b[i].data, (size_t)a[i].value) != 0)
			return false;
	}
	return true;
}

bool cbor_node_integer(const struct cbor_node *node, int64_t *value)
{
	if (node->kind > CBOR_NODE_NINT || node->value > INT64_MAX)
		return false;
	*value = node->kind == CBOR_NODE_UINT ? (int64_t)node->value : -1 - (int64_t)node->value;
	return true;
}

struct cbor_slice cbor_node_slice(const struct cbor_node *node)
{
	return (struct cbor_slice){ node->data, (size_t)node->value };
}

const struct cbor_node *cbor_map_find(const struct cbor_node *map, int64_t key)
{
	const struct cbor_node *at = cbor_node_child(map);
	int64_t found;

	for (uint64_t i = 0; i < map->value; i++) {
		const struct cbor_node *value = cbor_node_next(at);

		if (cbor_node_integer(at, &found) && found == key)
			return value;
		at = cbor_node_next(value);
	}
	return NULL;
}

/* This is quadratic; CBOR_TREE_NODES_MAX limits it to milliseconds. */
static bool map_has_duplicate(const struct cbor_node *map)
{
	const struct cbor_node *key = cbor_node_child(map);

	for (uint64_t i = 0; i < map->value; i++) {
		const struct cbor_node *earlier = cbor_node_child(map);

		while (earlier != key) {
			if (cbor_node_equal(earlier, key))
				return true;
			earlier = cbor_node_next(cbor_node_next(earlier));
		}
		key = cbor_node_next(cbor_node_next(key));
	}
	return false;
}

/* The last node pushed is complete, and perhaps the items around it are, too. @at: the byte after
 * it. */
static int items_close(struct reader *r, size_t at, struct error *e)
{
	while (r->depth > 0 && --r->open[r->depth - 1].left == 0) {
		unsigned int index = r->open[--r->depth].node;
		struct cbor_node *node = &r->tree->node[index];

		node->span = r->tree->count - index;
		if (node->kind == CBOR_NODE_MAP && map_has_duplicate(node))
			return error_set(e, ERROR_INPUT,
					 "duplicate key in the map that ends at byte %zu", at);
	}
	return 0;
}

/* libcbor up to 0.10 refuses the one-byte tags 6 to 20, among them that of COSE_Sign1 (its issue
 * 307, fixed in 0.11). */
static struct cbor_decoder_result head_read(struct reader *r, const uint8_t *data, size_t len)
{
	if (len > 0 && data[0] >= 0xc6 && data[0] <= 0xd4) {
		on_tag(r, data[0] & 0x1f);
		return (struct cbor_decoder_result){ .read = 1, .status = CBOR_DECODER_FINISHED };
	}
	return cbor_stream_decode(data, len, &callbacks, r);
}

/* Push the node of the item at *@at, and move *@at behind its head. */
static int item_read(struct reader *r, const uint8_t *data, size_t len, size_t *at, struct error *e)
{
	struct cbor_decoder_result result;
	uint64_t children;

	if (r->tree->count == r->room)
		return r->room < CBOR_TREE_NODES_MAX ?
			       error_set(e, ERROR_INPUT, "truncated at byte %zu", *at) :
			       error_set(e, ERROR_INPUT, "more than %d items", CBOR_TREE_NODES_MAX);
	result = head_read(r, data + *at, len - *at);
	if (result.status == CBOR_DECODER_NEDATA)
		return error_set(e, ERROR_INPUT, "truncated: the item at byte %zu is not complete",
				 *at);
	if (result.status != CBOR_DECODER_FINISHED)
		return error_set(e, ERROR_INPUT, "not CBOR at byte %zu", *at);
	if (r->indefinite)
		return error_set(e, ERROR_INPUT, "indefinite length at byte %zu", *at);
	*at += result.read;
	children = node_children(&r->tree->node[r->tree->count - 1]);
	if (children == 0)
		return items_close(r, *at, e);
	/* Each child has at least one byte, so a number that cannot be true is found here. */
	if (children > len - *at)
		return error_set(e, ERROR_INPUT,
				 "truncated: the item before byte %zu declares "
				 "more than follows",
				 *at);
	if (r->depth == CBOR_TREE_DEPTH_MAX)
		return error_set(e, ERROR_INPUT, "nested deeper than %d at byte %zu",
				 CBOR_TREE_DEPTH_MAX, *at);
	r->open[r->depth++] = (struct open_item){ r->tree->count - 1, children };
	return 0;
}

int cbor_tree_parse(const void *data, size_t len, struct cbor_tree *tree, struct error *e)
{
	struct reader r = { .tree = tree };
	size_t at = 0;
	int ret;

	*tree = (struct cbor_tree)CBOR_TREE_INIT;
	if (len == 0)
		return error_set(e, ERROR_INPUT, "truncated: empty");
	/* There are at most as many nodes as bytes: memory in proportion to the input. */
	r.room = len < CBOR_TREE_NODES_MAX ? (unsigned int)len : CBOR_TREE_NODES_MAX;
	tree->node = malloc(r.room * sizeof(*tree->node));
	if (!tree->node)
		return error_set_memory(e);
	do
		ret = item_read(&r, data, len, &at, e);
	while (ret == 0 && r.depth > 0);
	if (ret == 0 && at != len)
		ret = error_set(e, ERROR_INPUT, "trailing bytes: %zu after byte %zu", len - at, at);
	if (ret < 0)
		cbor_tree_free(tree);
	return ret;
}

void cbor_tree_free(struct cbor_tree *tree)
{
	free(tree->node);
	*tree = (struct cbor_tree)CBOR_TREE_INIT;
}
