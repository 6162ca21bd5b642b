/* SPDX-License-Identifier: Apache-2.0 */
/* rsi_attributes: attributes of the netlink family cca-rsi that answers and notices have. */
#ifndef REALMKEY_RSI_ATTRIBUTES_H
#define REALMKEY_RSI_ATTRIBUTES_H

#include <linux/cca_rsi_netlink.h>
#include <netlink/attr.h>
#include <stdint.h>

#define RSI_ATTRIBUTES 16 /* at least as many as each attribute set of the family has */

/* The type "uint" of the specification, which has 4 or 8 bytes: its policy, and its value. */
#define RSI_POLICY_UINT { .minlen = 4, .maxlen = 8 }
uint64_t rsi_attribute_uint(const struct nlattr *attr);

/* The policy of the attribute set "measurement", without the event, which has any length. */
extern const struct nla_policy rsi_measurement_policy[RSI_ATTRIBUTES + 1];

#endif
