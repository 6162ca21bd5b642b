/* SPDX-License-Identifier: GPL-2.0-only */
/* Included before each file of a build with RSI=fake, in which any machine counts as a realm */
#ifndef CCA_RSI_FAKE_H
#define CCA_RSI_FAKE_H

#include <asm/rsi.h>

#define is_realm_world() true

#endif /* CCA_RSI_FAKE_H */
