// SPDX-License-Identifier: Apache-2.0
#include "cbor_tree.h"

#include <math.h>
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
};

/* --- heads --------------------------------------------------------------------------------- */

enum head_result { HEAD_COMPLETE, HEAD_TRUNCATED, HEAD_MALFORMED, HEAD_INDEFINITE };

/* The bits of the double that is equal to a half-precision number (RFC 8949 appendix D). */
static uint64_t half_bits(uint64_t half)
{
	int exponent = (int)(half >> 10 & 31), shift = exponent ? exponent - 25 : -24;
	double value = (double)((half & 1023) | (exponent ? 1024 : 0));
	uint64_t bits;

	value = exponent < 31 ? ldexp(value, shift) : half & 1023 ? NAN : INFINITY;
	memcpy(&bits, &value, sizeof(bits));
	return bits | (half >> 15) << 63;
}

static uint64_t single_bits(uint64_t bits32)
{
	uint32_t narrow = (uint32_t)bits32;
	double value;
	float single;
	uint64_t bits;

	memcpy(&single, &narrow, sizeof(single));
	value = (double)single;
	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/* A simple value or a float, by its additional information. */
static enum head_result simple_read(struct cbor_node *node, unsigned int info)
{
	node->kind = info < 24 ? CBOR_NODE_SIMPLE : CBOR_NODE_FLOAT;
	if (info < CBOR_SIMPLE_FALSE || info == 24)
		return HEAD_MALFORMED; /* no such value is assigned */
	if (info == 25)
		node->value = half_bits(node->value);
	if (info == 26)
		node->value = single_bits(node->value);
	return HEAD_COMPLETE;
}

/* Set @node to the item at @data, and *@size to the bytes of its head and of its string (RFC 8949 section 3). */
static enum head_result head_read(const uint8_t *data, size_t len, struct cbor_node *node,
				  size_t *size)
{
	static const enum cbor_node_kind kinds[] = {
		CBOR_NODE_UINT,	 CBOR_NODE_NINT, CBOR_NODE_BYTES, CBOR_NODE_TEXT,
		CBOR_NODE_ARRAY, CBOR_NODE_MAP,	 CBOR_NODE_TAG,	  CBOR_NODE_SIMPLE,
	};
	unsigned int info, more;

	if (!len)
		return HEAD_TRUNCATED;
	info = data[0] & 31;
	*node = (struct cbor_node){ .kind = kinds[data[0] >> 5], .span = 1 };
	if (info == 31 && node->kind != CBOR_NODE_UINT && node->kind != CBOR_NODE_NINT &&
	    node->kind != CBOR_NODE_TAG)
		return HEAD_INDEFINITE;
	if (info > 27)
		return HEAD_MALFORMED;
	more = info < 24 ? 0 : 1U << (info - 24);
	if (len - 1 < more)
		return HEAD_TRUNCATED;
	if (info < 24)
		node->value = info;
	for (unsigned int i = 0; i < more; i++)
		node->value = node->value << 8 | data[1 + i];
	*size = 1 + more;
	if (node->kind == CBOR_NODE_SIMPLE)
		return simple_read(node, info);
	if (node->kind == CBOR_NODE_BYTES || node->kind == CBOR_NODE_TEXT) {
		if (node->value > len - *size)
			return HEAD_TRUNCATED;
		node->data = data + *size;
		*size += (size_t)node->value;
	}
	return HEAD_COMPLETE;
}

/* --- nodes --------------------------------------------------------------------------------- */

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

/* Push the node of the item at *@at, and move *@at behind its head. */
static int item_read(struct reader *r, const uint8_t *data, size_t len, size_t *at, struct error *e)
{
	enum head_result result;
	uint64_t children;
	size_t size = 0;

	if (r->tree->count == r->room)
		return r->room < CBOR_TREE_NODES_MAX ?
			       error_set(e, ERROR_INPUT, "truncated at byte %zu", *at) :
			       error_set(e, ERROR_INPUT, "more than %d items", CBOR_TREE_NODES_MAX);
	result = head_read(data + *at, len - *at, &r->tree->node[r->tree->count], &size);
	if (result == HEAD_TRUNCATED)
		return error_set(e, ERROR_INPUT, "truncated: the item at byte %zu is not complete",
				 *at);
	if (result == HEAD_INDEFINITE)
		return error_set(e, ERROR_INPUT, "indefinite length at byte %zu", *at);
	if (result == HEAD_MALFORMED)
		return error_set(e, ERROR_INPUT, "not CBOR at byte %zu", *at);
	r->tree->count++;
	*at += size;
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
