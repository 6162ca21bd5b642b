// SPDX-License-Identifier: Apache-2.0
/* The list of sources for a program that uses the character device only, without libnl. */
#include <stddef.h>

#include "rsi_device.h"

const struct rsi_source *const rsi_source_list[] = { &rsi_source_device, NULL };
