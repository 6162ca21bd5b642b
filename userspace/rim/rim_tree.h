/* SPDX-License-Identifier: Apache-2.0 */
/* rim_tree: the parts of a realm's device tree that a VMM fills in. This file uses libfdt and does
 * no I/O. */
#ifndef REALMKEY_RIM_TREE_H
#define REALMKEY_RIM_TREE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"

#define RIM_TREE_MAX ((size_t)2 << 20) /* bytes, the limit of arm64 Linux */

struct rim_tree {
	uint64_t ram_base, ram_size; /* of the only memory node */
	unsigned int cpus;
	bool has_initrd;		   /* /chosen names an initramfs that is not empty */
	uint64_t initrd_start, initrd_end; /* its addresses, or both 0 */
};

/*
 * Read @tree. Returns 0, or -1 with an ERROR_INPUT that names node and property: if the bytes are
 * not a valid tree, if it is not the tree of one realm, or if it contains a seed, because then no
 * two boots have the same measurement.
 */
int rim_tree_read(struct rim_tree *facts, const struct bytes *tree, struct error *e);

/* What to put into a tree. What is there already is not touched. */
struct rim_tree_edit {
	uint64_t ram_size;		   /* bytes */
	unsigned int cpus;		   /* CPUs after this number are removed */
	const char *cmdline;		   /* NULL: do not change bootargs */
	bool cmdline_append;		   /* append it to bootargs, instead of replacing them */
	uint64_t initrd_start, initrd_end; /* both 0: do not change them */
};

/*
 * Apply @edit to @tree, for which rim_tree_read() set @facts. If nothing changes, the bytes stay
 * the same; otherwise the tree is packed again. Returns 0, or -1 with an ERROR_INPUT.
 */
int rim_tree_apply(struct bytes *tree, const struct rim_tree *facts,
		   const struct rim_tree_edit *edit, struct error *e);

/* Append the arguments of the kernel, without NUL, to @out; nothing if there are none. */
void rim_tree_bootargs(const struct bytes *tree, struct bytes *out);

#endif
