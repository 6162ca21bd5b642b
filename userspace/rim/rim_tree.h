/* SPDX-License-Identifier: Apache-2.0 */
/* rim_tree: a realm's device tree, as far as a VMM fills it in. Pure; on libfdt. */
#ifndef REALMKEY_RIM_TREE_H
#define REALMKEY_RIM_TREE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"

#define RIM_TREE_MAX ((size_t)2 << 20)	/* bytes; arm64 Linux takes no larger tree */

struct rim_tree {
	uint64_t ram_base, ram_size;	/* of the one memory node */
	unsigned int cpus;
	bool has_initrd;		/* /chosen names one that is not empty */
};

/*
 * What @tree says. Returns 0, or -1 with an ERROR_INPUT that names node and property when the bytes
 * are no sound tree, when it is not the tree of one realm, or when it holds a seed, with which no
 * two boots measure the same.
 */
int rim_tree_read(struct rim_tree *facts, const struct bytes *tree, struct error *e);

/* What is to be in a tree; what is there already changes nothing. */
struct rim_tree_edit {
	uint64_t ram_size;		/* bytes */
	unsigned int cpus;		/* those beyond are removed, from the end */
	const char *cmdline;		/* NULL: leave bootargs alone */
	bool cmdline_append;		/* after what is there, else instead of it */
	uint64_t initrd_start, initrd_end;	/* both 0: leave them alone */
};

/*
 * Put @edit into @tree, for which rim_tree_read() gave @facts. A tree in which nothing changes stays
 * byte for byte what it was; else it is packed anew. 0, or -1 with an error.
 */
int rim_tree_apply(struct bytes *tree, const struct rim_tree *facts,
		   const struct rim_tree_edit *edit, struct error *e);

/* Append the kernel's arguments, without NUL, to @out; nothing when there are none. */
int rim_tree_bootargs(const struct bytes *tree, struct bytes *out);

#endif
