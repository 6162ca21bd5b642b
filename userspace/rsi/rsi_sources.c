// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "rsi_device.h"
#include "rsi_netlink.h"

const struct rsi_source *const rsi_source_list[] = { &rsi_source_device, &rsi_source_netlink,
						     NULL };
