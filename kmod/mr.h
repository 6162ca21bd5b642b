/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CCA_MR_H
#define CCA_MR_H

#include <linux/kconfig.h>
#include <linux/sysfs.h>

#if IS_ENABLED(CONFIG_TSM_MEASUREMENTS)
const struct attribute_group *cca_mr_new(void);
void cca_mr_free(const struct attribute_group *group);
#else
static inline const struct attribute_group *cca_mr_new(void)
{
	return NULL;
}

static inline void cca_mr_free(const struct attribute_group *group)
{
}
#endif

#endif /* CCA_MR_H */
