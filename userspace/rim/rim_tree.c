// SPDX-License-Identifier: Apache-2.0
#include "rim_tree.h"

#include <endian.h>
#include <libfdt.h>
#include <string.h>

#include "base/array.h"

#define ROOM 512 /* bytes for new nodes and properties, without the command line */

/* VMMs that add these use a new random value for each boot. */
static const char *const seeds[] = { "kaslr-seed", "rng-seed" };

static int tree_error(struct error *e, const char *what, int fault)
{
	return error_set(e, ERROR_INPUT, "%s: %s", what, fdt_strerror(fault));
}

/* Read a number of one or two cells. False if it has another size. */
static bool cells_read(const void *data, int len, uint64_t *n)
{
	uint32_t cell[2];

	if (len != 4 && len != 8)
		return false;
	memcpy(cell, data, (size_t)len);
	*n = be32toh(cell[0]);
	if (len == 8)
		*n = *n << 32 | be32toh(cell[1]);
	return true;
}

static void cells_write(void *data, int len, uint64_t n)
{
	uint32_t cell[2] = { htobe32((uint32_t)(n >> 32)), htobe32((uint32_t)n) };

	memcpy(data, len == 4 ? &cell[1] : &cell[0], (size_t)len);
}

/* --- reading ---------------------------------------------------------------------------------- */

static int memory_node(const void *fdt, int after)
{
	return fdt_node_offset_by_prop_value(fdt, after, "device_type", "memory", sizeof("memory"));
}

static int memory_read(struct rim_tree *facts, const void *fdt, struct error *e)
{
	int node = memory_node(fdt, -1), len = 0;
	int half = fdt_address_cells(fdt, 0) * 4;
	const char *reg;

	if (node < 0)
		return error_set(e, ERROR_INPUT, "no node is of device_type \"memory\"");
	if (memory_node(fdt, node) >= 0)
		return error_set(e, ERROR_INPUT, "more than one node is of device_type \"memory\"");
	reg = fdt_getprop(fdt, node, "reg", &len);
	if (!reg || len != half + fdt_size_cells(fdt, 0) * 4 ||
	    !cells_read(reg, half, &facts->ram_base) ||
	    !cells_read(reg + half, len - half, &facts->ram_size))
		return error_set(e, ERROR_INPUT, "memory: reg is not one address and one size");
	return 0;
}

/* Returns the node of the last CPU, and sets *@count to the number of CPUs. */
static int cpu_last(const void *fdt, unsigned int *count)
{
	int last = -FDT_ERR_NOTFOUND, node, cpus = fdt_path_offset(fdt, "/cpus");

	*count = 0;
	if (cpus < 0)
		return cpus;
	fdt_for_each_subnode(node, fdt, cpus) {
		const char *name = fdt_get_name(fdt, node, NULL);

		if (name && !strncmp(name, "cpu@", 4)) {
			last = node;
			++*count;
		}
	}
	return last;
}

static bool chosen_number(const void *fdt, const char *name, uint64_t *n)
{
	int len = 0;
	const void *value = fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), name, &len);

	return value && cells_read(value, len, n);
}

int rim_tree_read(struct rim_tree *facts, const struct bytes *tree, struct error *e)
{
	const void *fdt = tree->data;
	uint64_t start = 0, end = 0;
	int fault;

	*facts = (struct rim_tree){ 0 };
	fault = tree->len ? fdt_check_full(fdt, tree->len) : -FDT_ERR_TRUNCATED;
	if (fault)
		return tree_error(e, "not a device tree", fault);
	for (size_t i = 0; i < ARRAY_SIZE(seeds); i++) {
		if (fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), seeds[i], NULL))
			return error_set(e, ERROR_INPUT,
					 "/chosen: %s differs from boot to boot, "
					 "and so does a RIM with it",
					 seeds[i]);
	}
	if (memory_read(facts, fdt, e) < 0)
		return -1;
	cpu_last(fdt, &facts->cpus);
	if (!facts->cpus)
		return error_set(e, ERROR_INPUT, "/cpus: no cpu@ below it");
	chosen_number(fdt, "linux,initrd-start", &start);
	chosen_number(fdt, "linux,initrd-end", &end);
	facts->has_initrd = start < end;
	if (facts->has_initrd) {
		facts->initrd_start = start;
		facts->initrd_end = end;
	}
	return 0;
}

void rim_tree_bootargs(const struct bytes *tree, struct bytes *out)
{
	int len = 0;
	const char *args = fdt_getprop(tree->data, fdt_path_offset(tree->data, "/chosen"),
				       "bootargs", &len);

	if (args && len > 0)
		bytes_append(out, args, strnlen(args, (size_t)len));
}

/* --- editing ---------------------------------------------------------------------------------- */

/* These functions return a libfdt error. They do not touch a property that has the value
 * already. */
static int property_set(void *fdt, int node, const char *name, const void *value, int len)
{
	int have = 0, fault;
	const void *old = fdt_getprop(fdt, node, name, &have);
	char *now;

	if (old && have == len && !memcmp(old, value, (size_t)len))
		return 0;
	fault = fdt_setprop(fdt, node, name, value, len);
	now = fault ? NULL : fdt_getprop_w(fdt, node, name, NULL);
	if (now) /* libfdt leaves old bytes in the padding */
		memset(now + len, 0, (size_t)(-len & 3));
	return fault;
}

static int memory_set(void *fdt, uint64_t size)
{
	int node = memory_node(fdt, -1), len = 0, half = fdt_address_cells(fdt, 0) * 4;
	const void *reg = fdt_getprop(fdt, node, "reg", &len);
	char value[16];

	if (!reg || len > (int)sizeof(value))
		return -FDT_ERR_BADVALUE;
	memcpy(value, reg, (size_t)len);
	cells_write(value + half, len - half, size);
	return property_set(fdt, node, "reg", value, len);
}

static int cpus_set(void *fdt, unsigned int wanted)
{
	unsigned int count;
	int last = cpu_last(fdt, &count), fault = 0;

	for (; !fault && last >= 0 && count > wanted; last = cpu_last(fdt, &count))
		fault = fdt_del_node(fdt, last);
	return fault;
}

/* The property keeps its number of cells; a new one has two. */
static int chosen_number_set(void *fdt, int chosen, const char *name, uint64_t n)
{
	int len = 0;
	char value[8];

	if (!fdt_getprop(fdt, chosen, name, &len) || len != 4)
		len = 8;
	cells_write(value, len, n);
	return property_set(fdt, chosen, name, value, len);
}

static int chosen_set(void *fdt, const struct bytes *bootargs, const struct rim_tree_edit *edit)
{
	int chosen = fdt_path_offset(fdt, "/chosen"), fault = 0;

	if (chosen == -FDT_ERR_NOTFOUND && (bootargs->len || edit->initrd_end))
		chosen = fdt_add_subnode(fdt, 0, "chosen");
	if (chosen < 0)
		return chosen == -FDT_ERR_NOTFOUND ? 0 : chosen;
	if (edit->cmdline)
		fault = property_set(fdt, chosen, "bootargs", bytes_text(bootargs),
				     (int)bootargs->len + 1);
	if (!fault && edit->initrd_end)
		fault = chosen_number_set(fdt, chosen, "linux,initrd-start", edit->initrd_start);
	if (!fault && edit->initrd_end)
		fault = chosen_number_set(fdt, chosen, "linux,initrd-end", edit->initrd_end);
	return fault;
}

static int fdt_edit(struct bytes *room, const struct bytes *tree, const struct bytes *bootargs,
		    const struct rim_tree_edit *edit)
{
	int fault = fdt_open_into(tree->data, room->data, (int)room->len);

	if (!fault)
		fault = memory_set(room->data, edit->ram_size);
	if (!fault)
		fault = cpus_set(room->data, edit->cpus);
	if (!fault)
		fault = chosen_set(room->data, bootargs, edit);
	return fault;
}

/* Whether structure and names are the same, at whatever offsets they are. */
static bool fdt_same(const void *a, const void *b)
{
	return fdt_size_dt_struct(a) == fdt_size_dt_struct(b) &&
	       fdt_size_dt_strings(a) == fdt_size_dt_strings(b) &&
	       !memcmp((const char *)a + fdt_off_dt_struct(a),
		       (const char *)b + fdt_off_dt_struct(b), fdt_size_dt_struct(a)) &&
	       !memcmp((const char *)a + fdt_off_dt_strings(a),
		       (const char *)b + fdt_off_dt_strings(b), fdt_size_dt_strings(a));
}

int rim_tree_apply(struct bytes *tree, const struct rim_tree *facts,
		   const struct rim_tree_edit *edit, struct error *e)
{
	struct bytes room = BYTES_INIT, bootargs = BYTES_INIT;
	int fault, ret = -1;

	if (edit->cpus > facts->cpus) {
		error_set(e, ERROR_INPUT, "%u CPUs requested, but the tree has %u", edit->cpus,
			  facts->cpus);
		goto out;
	}
	if (edit->cmdline) {
		if (edit->cmdline_append)
			rim_tree_bootargs(tree, &bootargs);
		if (bootargs.len && *edit->cmdline)
			bytes_append_text(&bootargs, " ");
		bytes_append_text(&bootargs, edit->cmdline);
	}
	if (bytes_check(&bootargs, e) < 0 ||
	    bytes_resize(&room, tree->len + bootargs.len + ROOM, e) < 0)
		goto out;
	fault = fdt_edit(&room, tree, &bootargs, edit);
	if (fault) {
		tree_error(e, "cannot be edited", fault);
		goto out;
	}
	ret = 0;
	if (fdt_same(tree->data, room.data))
		goto out;
	fdt_pack(room.data);
	bytes_truncate(&room, fdt_totalsize(room.data));
	bytes_swap(tree, &room);
out:
	bytes_free(&bootargs);
	bytes_free(&room);
	return ret;
}
