/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cbor_tree: one CBOR item (RFC 8949) from an adversary, as a flat array of nodes.
 *
 * libcbor reads every head; what it does not do is kept here, because a token needs it: strings
 * stay where they are in the input instead of being copied, memory is bounded by the input and
 * never by a length that it declares, and indefinite lengths, duplicate map keys, deep nesting and
 * trailing bytes are refused. Encodings that are not the shortest are accepted.
 */
#ifndef REALMKEY_CBOR_TREE_H
#define REALMKEY_CBOR_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define CBOR_TREE_NODES_MAX 4096
#define CBOR_TREE_DEPTH_MAX 16

enum cbor_node_kind {
	CBOR_NODE_UINT,		/* value: the number */
	CBOR_NODE_NINT,		/* value: n of the number -1 - n */
	CBOR_NODE_BYTES,	/* value: length, data: content */
	CBOR_NODE_TEXT,		/* value: length, data: content; UTF-8 is not checked */
	CBOR_NODE_ARRAY,	/* value: elements */
	CBOR_NODE_MAP,		/* value: pairs */
	CBOR_NODE_TAG,		/* value: tag number; one child */
	CBOR_NODE_SIMPLE,	/* value: 20 false, 21 true, 22 null, 23 undefined */
	CBOR_NODE_FLOAT,	/* value: bits of the double */
};

#define CBOR_SIMPLE_NULL 22

struct cbor_node {
	enum cbor_node_kind kind;
	unsigned int span;	/* nodes in this subtree, itself included */
	uint64_t value;
	const uint8_t *data;	/* into the input */
};

struct cbor_tree {
	struct cbor_node *node;	/* owned, in the order of the input; node[0] is the item */
	unsigned int count;
};

#define CBOR_TREE_INIT { 0 }

/* Parse all of the @len bytes at @data, which must outlive the tree. 0, or -1 with an ERROR_INPUT
 * that says what is wrong at which byte; @tree is then empty. */
int cbor_tree_parse(const void *data, size_t len, struct cbor_tree *tree, struct error *e);
void cbor_tree_free(struct cbor_tree *tree);

/* First child of a tag, of an array or map that is not empty; next sibling while there is one. */
const struct cbor_node *cbor_node_child(const struct cbor_node *node);
const struct cbor_node *cbor_node_next(const struct cbor_node *node);

/* Equal items, whatever the length of their encodings. */
bool cbor_node_equal(const struct cbor_node *a, const struct cbor_node *b);
/* Whether the node is an integer that fits, and then the number in *@value. */
bool cbor_node_integer(const struct cbor_node *node, int64_t *value);

/* The value under the integer @key of the map @map; NULL when there is none. */
const struct cbor_node *cbor_map_find(const struct cbor_node *map, int64_t key);

#endif
