// SPDX-License-Identifier: Apache-2.0
/*
 * kmod/firmware.c, bootlog.c and mlog_start.c on this machine, where a table of ACPI (which the
 * bench does not have) or a node of the device tree names a firmware's log, or anything else.
 * Registers use a sum instead of a hash.
 */
#include "shim.h"

#include <stdio.h>

#define CONFIG_ACPI	     1
#define IS_ENABLED(option)   (option)
#define ACPI_SIG_CCEL	     "CCEL"
#define ACPI_FAILURE(status) (status)
#define MEMREMAP_WB	     1
#define GFP_KERNEL	     0
#define min_t(type, a, b)    ((type)(a) < (type)(b) ? (type)(a) : (type)(b))

struct acpi_table_header {
	u32 length;
};

/* Not laid out as in ACPI: only the kernel's structure is. */
struct acpi_table_ccel {
	struct acpi_table_header header;
	u64 log_area_minimum_length;
	u64 log_area_start_address;
};

struct device_node {
	int used;
};

struct resource {
	phys_addr_t start, end;
};

/* What the machine has, and what was done with it */
static struct {
	bool acpi_off, no_table, no_node, no_reg, unprotected, unmapped;
	struct acpi_table_ccel ccel;
	struct device_node node;
	struct resource reg;
	u8 *area; /* the log's memory */
	u64 start, size;
	int tables, mapped;
	u8 registers[5][64];
} machine;

struct shim shim;

#define acpi_disabled machine.acpi_off

static int acpi_get_table(const char *signature, u32 instance, struct acpi_table_header **table)
{
	assert(!machine.acpi_off && memcmp(signature, "CCEL", 5) == 0 && instance == 0);
	if (machine.no_table)
		return 5;
	machine.tables++;
	*table = &machine.ccel.header;
	return 0;
}

static void acpi_put_table(struct acpi_table_header *table)
{
	assert(table == &machine.ccel.header);
	machine.tables--;
}

static struct device_node *of_find_compatible_node(struct device_node *from, const char *type,
						   const char *compatible)
{
	assert(!from && !type && strcmp(compatible, "cc-event-log") == 0);
	if (machine.no_node)
		return NULL;
	machine.node.used++;
	return &machine.node;
}

static int of_address_to_resource(struct device_node *node, int index, struct resource *reg)
{
	assert(node->used == 1 && index == 0);
	*reg = machine.reg;
	return machine.no_reg ? -EINVAL : 0;
}

static u64 resource_size(const struct resource *reg)
{
	return reg->end - reg->start + 1;
}

static void of_node_put(struct device_node *node)
{
	if (node)
		node->used--;
}

bool cca_rsi_protected(phys_addr_t start, size_t size);

static void *memremap(phys_addr_t start, size_t size, unsigned long flags)
{
	/* Never more than the machine has, and nothing that the host can change. */
	assert(flags == MEMREMAP_WB && cca_rsi_protected(start, size));
	if (machine.unmapped)
		return NULL;
	machine.mapped++;
	return machine.area;
}

/* The log's memory changes, or is gone, once it is no longer mapped. */
static void memunmap(void *area)
{
	assert(area == machine.area);
	machine.mapped--;
	memset(machine.area, 0x5a, machine.size);
}

static void *kvmemdup(const void *from, size_t size, gfp_t gfp)
{
	void *copy = kvmalloc(size, gfp);

	return copy ? memcpy(copy, from, size) : NULL;
}

#include "../../../kmod/mlog.c"
#include "../../../kmod/mlog_start.c"
#include "../../../kmod/bootlog.c"
#include "../../../kmod/firmware.c"
#include "../tap.h"

bool cca_rsi_protected(phys_addr_t start, size_t size)
{
	return !machine.unprotected && size && start >= machine.start &&
	       start + size <= machine.start + machine.size;
}

/* The sum depends on the order, like a hash. */
int crypto_shash_tfm_digest(struct crypto_shash *shash, const u8 *data, unsigned int len, u8 *out)
{
	u8 sum[64];

	assert(shash && len == 64);
	for (size_t i = 0; i < 32; i++)
		sum[i] = (u8)(data[i] * 3 + data[32 + i] + 1);
	memcpy(out, sum, 32);
	return 0;
}

int blocking_notifier_call_chain(struct blocking_notifier_head *head, unsigned long action,
				 void *data)
{
	(void)head, (void)action, (void)data;
	return 0;
}

static int register_read(u32 index, u8 *value, size_t size)
{
	memcpy(value, machine.registers[index], size);
	return 0;
}

static const char signatures[][MLOG_SIGNATURE_SIZE] = { CCA_RSI_LOG_BASE, "", CCA_RSI_LOG_FOREIGN };
static const struct mlog_ops ops = { .read = register_read, .signatures = signatures };
static const struct mlog_hash sha256 = { 32, 0x000b, 0, "sha256" };

static struct mlog log_ = { .ops = &ops, .hash = &sha256, .first = 1, .registers = 5 };

/* Writes an event of @size bytes, and returns its end. */
static u8 *event_write(u8 *at, u32 index, u32 type, u8 fill, u32 size)
{
	put_unaligned_le32(index, at);
	put_unaligned_le32(type, at + 4);
	put_unaligned_le32(1, at + 8);
	put_unaligned_le16(0x000b, at + 12);
	memset(at + 14, fill, 32);
	put_unaligned_le32(size, at + 46);
	memset(at + 50, fill, size);
	return at + 50 + size;
}

static void register_extend(u32 index, u8 fill)
{
	for (size_t i = 0; i < 32; i++)
		machine.registers[index][i] = (u8)(machine.registers[index][i] * 3 + fill + 1);
}

/* A machine whose firmware logged RIM's making and extended REM0 twice, and REM1 */
static void machine_make(u64 size)
{
	static const u8 begin[65] =
		"\0\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x21\0\0\0"
		"Spec ID Event03\0\0\0\0\0\0\2\0\2\1\0\0\0\x0b\0\x20\0";
	u8 *at;

	free(machine.area);
	memset(&machine, 0, sizeof(machine));
	memset(&shim, 0, sizeof(shim));
	memset(log_.values, 0, sizeof(log_.values));
	log_.max = SZ_1M;
	shim.allocations_left = -1;
	machine.start = 0x4fd00000;
	machine.size = size;
	machine.area = calloc(1, size);
	assert(machine.area);
	memcpy(machine.area, begin, sizeof(begin));
	at = event_write(machine.area + sizeof(begin), 0, 0x13, 'r', 3);
	at = event_write(at, 1, 0x80000001, 'a', 5);
	at = event_write(at, 0xffffffff, 3, 'n', 20);
	at = event_write(at, 2, 13, 'b', 5000);
	event_write(at, 1, 13, 'c', 0);
	register_extend(1, 'a');
	register_extend(2, 'b');
	register_extend(1, 'c');
	machine.ccel = (struct acpi_table_ccel){ { sizeof(machine.ccel) }, size, machine.start };
	machine.reg = (struct resource){ machine.start, machine.start + size - 1 };
}

/* Loads; true if the log begins with @boot records of firmware, and nothing is left behind. */
static bool load(u64 boot, u32 gaps)
{
	const struct mlog_record *record;
	u64 count = 0;
	int ret;

	ret = mlog_init(&log_) ?: cca_firmware_log(&log_) ?: mlog_base(&log_);
	record = log_.head;
	while (!ret && (record = mlog_next(&log_, record)))
		count += record->kind == MLOG_BOOT && record->seq == count;
	return !ret && count == boot && mlog_seq(&log_) == boot + 4 && (u32)shim.warnings == gaps &&
	       !machine.tables && !machine.mapped && !machine.node.used;
}

static bool unload(void)
{
	mlog_exit(&log_);
	return shim.held == 0;
}

static void log_from_acpi(void)
{
	const struct mlog_record *record;

	machine_make(0x10000);
	machine.no_node = true;
	CHECK(load(4, 0));
	record = mlog_next(&log_, log_.head);
	CHECK(record->index == 0 && record->event_type == 0x13 && record->event_size == 3);
	record = mlog_next(&log_, mlog_next(&log_, record));
	CHECK(record->index == 2 && record->event_size == 5000 && record->event[4999] == 'b');
	CHECK(record->size == 50 + 5000 && record->digest[31] == 'b');
	CHECK(unload());
}

static void log_from_tree(void)
{
	machine_make(0x10000);
	machine.acpi_off = true;
	CHECK(load(4, 0));
	CHECK(unload());
	machine_make(0x10000);
	machine.no_table = true;
	CHECK(load(4, 0));
	CHECK(unload());
	machine_make(0x10000);
	machine.ccel.header.length = sizeof(machine.ccel) - 1;
	CHECK(load(4, 0));
	CHECK(unload());
}

static void no_log_at_all(void)
{
	machine_make(0x10000);
	machine.no_table = machine.no_node = true;
	CHECK(load(0, 0));
	CHECK(unload());
	machine_make(0x10000);
	machine.no_table = machine.no_reg = true;
	CHECK(load(0, 0));
	CHECK(unload());
}

/* Two registers have values that the log does not lead to. */
static void gap_is_reported(void)
{
	machine_make(0x10000);
	register_extend(1, 'x');
	register_extend(4, 'y');
	CHECK(load(4, 2));
	CHECK(unload());
}

static void host_cannot_change_it(void)
{
	machine_make(0x10000);
	machine.unprotected = true;
	CHECK(load(0, 1));
	CHECK(unload());
	machine_make(0x10000);
	machine.ccel.log_area_start_address--;
	CHECK(load(0, 1));
	CHECK(unload());
	machine_make(0x10000);
	machine.ccel.log_area_minimum_length = 0;
	CHECK(load(0, 1));
	CHECK(unload());
	machine_make(0x10000);
	machine.unmapped = true;
	CHECK(load(0, 1));
	CHECK(unload());
}

/* The last event is wrong, so that the others must not remain. */
static void wrong_log_is_left_out(void)
{
	machine_make(0x10000);
	event_write(machine.area + 0x8000, 1, 13, 'z', 4);
	CHECK(load(0, 1));
	CHECK(unload());
}

/* Of an area without an end only so much is read, and the log's maximum is for our own records. */
static void size_is_bounded(void)
{
	u8 *at;

	machine_make(2 * SZ_1M);
	CHECK(load(4, 0));
	CHECK(unload());
	machine_make(SZ_1M);
	for (at = machine.area + 65; at < machine.area + SZ_1M - 4200;)
		at = event_write(at, 1, 13, 'h', 4096);
	CHECK(load(0, 1));
	CHECK(unload());
	machine_make(SZ_256K);
	for (at = machine.area + 65; at < machine.area + SZ_256K - 4200;)
		at = event_write(at, 1, 13, 'h', 4096);
	log_.max = 1024;
	CHECK(load(63, 2));
	CHECK(log_.boot == 63 * (50 + 4096));
	CHECK(unload());
}

static void memory_may_be_missing(void)
{
	int i, ret = -ENOMEM;

	for (i = 0; ret && i < 20; i++) {
		machine_make(0x10000);
		shim.allocations_left = i;
		ret = mlog_init(&log_) ?: cca_firmware_log(&log_) ?: mlog_base(&log_);
		CHECK(!ret || ret == -ENOMEM);
		CHECK(unload() && !machine.mapped && !machine.tables);
	}
	CHECK(ret == 0 && i > 8);
}

static const struct tap_test tests[] = {
	{ "a log that ACPI names precedes the base records", log_from_acpi },
	{ "so does one that only the device tree names", log_from_tree },
	{ "without a log there are no records of firmware, and no warnings", no_log_at_all },
	{ "a register that the log does not lead to is reported", gap_is_reported },
	{ "a log that the host can change is not read", host_cannot_change_it },
	{ "a log with a wrong record is left out as a whole", wrong_log_is_left_out },
	{ "what is read is bounded, and does not count for log_max", size_is_bounded },
	{ "loading may fail at each allocation", memory_may_be_missing },
};

TAP_MAIN(tests)
