/* SPDX-License-Identifier: Apache-2.0 */
/* rsi_device: the realm through the character device /dev/cca-rsi (include/uapi/linux/cca_rsi.h).
 * For this folder only. */
#ifndef REALMKEY_RSI_DEVICE_H
#define REALMKEY_RSI_DEVICE_H

#include "rsi_source.h"

extern const struct rsi_source rsi_source_device;

#endif
