/* SPDX-License-Identifier: GPL-2.0-only */
/* Included ahead of each file of a build with RSI=fake, where any machine is a realm. */
#ifndef CCA_RSI_FAKE_H
#define CCA_RSI_FAKE_H

#include <asm/rsi.h>

#define is_realm_world() true

#endif /* CCA_RSI_FAKE_H */
