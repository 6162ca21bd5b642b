// SPDX-License-Identifier: Apache-2.0
/* The input is a device tree, or the header of an Image. A changed tree has the new values. */
#include <stdlib.h>

#include "rim/rim_tree.h"
#include "rim/rim_vmm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void tree_change(struct bytes *tree, const struct rim_tree *before)
{
	const struct rim_tree_edit edit = {
		.ram_size = 0x20000000,
		.cpus = (before->cpus + 1) / 2,
		.cmdline = "one two",
		.cmdline_append = before->cpus % 2,
		.initrd_start = 0x48000000,
		.initrd_end = 0x48000001,
	};
	struct rim_tree after;
	struct error e = ERROR_INIT;

	if (rim_tree_apply(tree, before, &edit, &e) < 0)
		return;
	if (rim_tree_read(&after, tree, &e) < 0 || after.ram_size != edit.ram_size ||
	    after.cpus != edit.cpus || !after.has_initrd)
		abort();
	if (rim_tree_apply(tree, &after, &edit, &e) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes tree = BYTES_INIT, args = BYTES_INIT;
	struct rim_tree facts;
	struct rim_image image;
	struct error e = ERROR_INIT;

	if (rim_image_parse(&image, data, size, &e) == 0 && image.memory < size)
		abort();
	if (size > RIM_TREE_MAX)
		return 0;
	bytes_set(&tree, data, size);
	if (bytes_check(&tree, &e) < 0)
		return 0;
	if (rim_tree_read(&facts, &tree, &e) == 0) {
		rim_tree_bootargs(&tree, &args);
		if (bytes_check(&args, &e) < 0)
			abort();
		tree_change(&tree, &facts);
	}
	bytes_free(&args);
	bytes_free(&tree);
	return 0;
}
