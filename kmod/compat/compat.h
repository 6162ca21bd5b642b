/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences of the kernels from 6.13 on. Included before each file, in a build out of
 * the kernel's tree only; the files themselves are written for the newest kernel.
 */
#ifndef CCA_COMPAT_H
#define CCA_COMPAT_H

#include <linux/tsm.h>

/* Renamed in 6.16; the old names were later reused for something else. */
#ifndef TSM_REPORT_INBLOB_MAX
#define tsm_report_ops tsm_ops
#define tsm_report_register tsm_register
#define tsm_report_unregister tsm_unregister
#endif

#endif /* CCA_COMPAT_H */
