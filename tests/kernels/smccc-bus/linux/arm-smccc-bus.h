/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The SMCCC bus as Arm's patches of 2026 declare it for drivers. No kernel at hand has it, so
 * kmod/check compiles the module with this header and without compat.h. It only declares.
 */
#ifndef CCA_TEST_ARM_SMCCC_BUS_H
#define CCA_TEST_ARM_SMCCC_BUS_H

#include <linux/device.h>
#include <linux/module.h>

struct arm_smccc_device_id {
	u32 func_id;
};

struct arm_smccc_device {
	u32 func_id;
	struct device dev;
};

struct arm_smccc_driver {
	struct device_driver driver;
	const char *name;
	int (*probe)(struct arm_smccc_device *sdev);
	void (*remove)(struct arm_smccc_device *sdev);
	const struct arm_smccc_device_id *id_table;
};

int arm_smccc_driver_register(struct arm_smccc_driver *driver, struct module *owner,
			      const char *mod_name);
void arm_smccc_driver_unregister(struct arm_smccc_driver *driver);

#define arm_smccc_register(driver) arm_smccc_driver_register(driver, THIS_MODULE, KBUILD_MODNAME)

#define module_arm_smccc_driver(driver) \
	module_driver(driver, arm_smccc_register, arm_smccc_driver_unregister)

#endif /* CCA_TEST_ARM_SMCCC_BUS_H */
