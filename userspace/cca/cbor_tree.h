/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cbor_tree: one CBOR item (RFC 8949) from an adversary, as a flat array of nodes.
 *
 * libcbor's streaming decoder reads the head of each item. This file adds what a token requires:
 * strings are not copied but stay where they are in the input, memory is bounded by the size of the
 * input and never by a length that it declares, and indefinite lengths, duplicate map keys, deep
 * nesting and trailing bytes are refused. Encodings that are not the shortest are accepted.
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
	CBOR_NODE_UINT,	  /* value: the number */
	CBOR_NODE_NINT,	  /* value: n of the number -1 - n */
	CBOR_NODE_BYTES,  /* value: length, data: content */
	CBOR_NODE_TEXT,	  /* value: length, data: content; UTF-8 is not checked */
	CBOR_NODE_ARRAY,  /* value: elements */
	CBOR_NODE_MAP,	  /* value: pairs */
	CBOR_NODE_TAG,	  /* value: tag number; one child */
	CBOR_NODE_SIMPLE, /* value: CBOR_SIMPLE_* */
	CBOR_NODE_FLOAT,  /* value: bits of the double */
};

#define CBOR_SIMPLE_FALSE     20
#define CBOR_SIMPLE_TRUE      21
#define CBOR_SIMPLE_NULL      22
#define CBOR_SIMPLE_UNDEFINED 23

/* A part of the input, not owned. */
struct cbor_slice {
	const uint8_t *data;
	size_t len; /* bytes */
};

struct cbor_node {
	enum cbor_node_kind kind;
	unsigned int span; /* nodes in this subtree, itself included */
	uint64_t value;
	const uint8_t *data; /* into the input */
};

struct cbor_tree {
	struct cbor_node *node; /* owned, in the order of the input; node[0] is the item */
	unsigned int count;
};

#define CBOR_TREE_INIT { 0 }

/* Parse all of the @len bytes at @data, which must outlive the tree. 0, or -1: an ERROR_INPUT says
 * what is wrong at which byte. @tree is empty after a failure, else the caller frees it. */
int cbor_tree_parse(const void *data, size_t len, struct cbor_tree *tree, struct error *e);
void cbor_tree_free(struct cbor_tree *tree);

/* The first child of a tag, or of an array or map that is not empty. */
const struct cbor_node *cbor_node_child(const struct cbor_node *node);
/* The next sibling; @node must not be the last one. */
const struct cbor_node *cbor_node_next(const struct cbor_node *node);

/* Whether two items are equal, whatever the length of their encodings. */
bool cbor_node_equal(const struct cbor_node *a, const struct cbor_node *b);
/* Whether @node is an integer that fits into *@value, which is then set. */
bool cbor_node_integer(const struct cbor_node *node, int64_t *value);
/* The content of a byte string or text. */
struct cbor_slice cbor_node_slice(const struct cbor_node *node);

/* The value under the integer @key of the map @map, or NULL. */
const struct cbor_node *cbor_map_find(const struct cbor_node *map, int64_t key);

#endif
