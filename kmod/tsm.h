/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CCA_TSM_H
#define CCA_TSM_H

#include <linux/kconfig.h>

#include "realm.h"

#if IS_REACHABLE(CONFIG_TSM_REPORTS)
int cca_tsm_init(void);
void cca_tsm_exit(void);
#else
/* Without it no other driver can own tokens either. */
static inline int cca_tsm_init(void)
{
	cca_realm_tokens_own(true);
	return 0;
}

static inline void cca_tsm_exit(void)
{
}
#endif

#endif /* CCA_TSM_H */
