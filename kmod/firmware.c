// SPDX-License-Identifier: GPL-2.0-only
/*
 * The event log that firmware, or the virtual machine manager, left in memory. Nothing
 * vouches for it, or for the table or node that names its address: the log's events only
 * prove something where they lead to a register's value.
 */

#include <linux/acpi.h>
#include <linux/io.h>
#include <linux/of.h>
#include <linux/of_address.h>
#include <linux/sizes.h>

#include "bootlog.h"
#include "cca_rsi.h"

/* Nothing beyond this is read. Records are no longer than the events they are made from. */
#define AREA_MAX SZ_256K

struct area {
	phys_addr_t start;
	u64 size;
};

static bool area_from_acpi(struct area *area)
{
	struct acpi_table_header *table;
	struct acpi_table_ccel *ccel;
	bool good;

	if (!IS_ENABLED(CONFIG_ACPI) || acpi_disabled ||
	    ACPI_FAILURE(acpi_get_table(ACPI_SIG_CCEL, 0, &table)))
		return false;
	ccel = (struct acpi_table_ccel *)table;
	good = table->length >= sizeof(*ccel);
	if (good)
		*area = (struct area){ ccel->log_area_start_address,
				       ccel->log_area_minimum_length };
	acpi_put_table(table);
	return good;
}

static bool area_from_tree(struct area *area)
{
	struct device_node *node = of_find_compatible_node(NULL, NULL, "cc-event-log");
	struct resource reg;
	bool good = node && !of_address_to_resource(node, 0, &reg);

	if (good)
		*area = (struct area){ reg.start, resource_size(&reg) };
	of_node_put(node);
	return good;
}

/**
 * cca_firmware_log() - append firmware's events, if it left a log of them
 * @log: a log that has begun and has no base records yet
 *
 * A log that cannot be read, or of which any record is wrong, is reported and left out.
 *
 * Return: 0 or -ENOMEM
 */
int cca_firmware_log(struct mlog *log)
{
	struct cca_bootlog second, first = {
		.algo = log->hash->tcg_algo,
		.digest_size = log->hash->digest_size,
		.registers = log->registers,
	};
	struct mlog_event event;
	struct area area;
	void *mapped;
	int ret = 0;

	if (!area_from_acpi(&area) && !area_from_tree(&area))
		return 0;
	first.left = min_t(u64, area.size, AREA_MAX);
	mapped = cca_rsi_protected(area.start, first.left)
			 ? memremap(area.start, first.left, MEMREMAP_WB)
			 : NULL;
	if (!mapped) {
		pr_warn("firmware's event log at %pa is empty, not in protected memory or cannot be mapped; it is not used\n",
			&area.start);
		return 0;
	}
	/* Only the copy is parsed, so that nothing can change it meanwhile. */
	void *copy __free(kvfree) = kvmemdup(mapped, first.left, GFP_KERNEL);
	memunmap(mapped);
	if (!copy)
		return -ENOMEM;
	first.at = copy;
	second = first;
	while (cca_bootlog_next(&first, &event))
		;
	if (first.fault)
		pr_warn("firmware's event log at %pa, record %u: missing or wrong: %s; the log is not used\n",
			&area.start, first.records, first.fault);
	while (!first.fault && !ret && cca_bootlog_next(&second, &event))
		ret = mlog_boot(log, &event);
	return ret;
}
