/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For kernels without the SMCCC bus: the same names, with which the driver needs no
 * device and probes when the module is loaded. If the kernel has the header, that one
 * comes first in the search path.
 */
#ifndef CCA_COMPAT_ARM_SMCCC_BUS_H
#define CCA_COMPAT_ARM_SMCCC_BUS_H

#include <linux/device.h>
#include <linux/module.h>
#include <linux/types.h>

struct arm_smccc_device;

struct arm_smccc_device_id {
	u32 func_id;
};

struct arm_smccc_driver {
	struct device_driver driver;
	const char *name;
	int (*probe)(struct arm_smccc_device *device);
	void (*remove)(struct arm_smccc_device *device);
	const struct arm_smccc_device_id *id_table;
};

static inline int arm_smccc_probe_now(struct arm_smccc_driver *driver)
{
	return driver->probe(NULL);
}

static inline void arm_smccc_remove_now(struct arm_smccc_driver *driver)
{
	driver->remove(NULL);
}

#define module_arm_smccc_driver(driver) \
	module_driver(driver, arm_smccc_probe_now, arm_smccc_remove_now)

#endif /* CCA_COMPAT_ARM_SMCCC_BUS_H */
