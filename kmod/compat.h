/* SPDX-License-Identifier: GPL-2.0-only */
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
