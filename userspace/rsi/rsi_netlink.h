/* SPDX-License-Identifier: Apache-2.0 */
/* rsi_netlink: the realm through the generic netlink family "cca-rsi"
 * (Documentation/netlink/specs). For this folder only. */
#ifndef REALMKEY_RSI_NETLINK_H
#define REALMKEY_RSI_NETLINK_H

#include "rsi_source.h"

extern const struct rsi_source rsi_source_netlink;

#endif
