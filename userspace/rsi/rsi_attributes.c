// SPDX-License-Identifier: Apache-2.0
#include "rsi_attributes.h"

#define POLICY_DIGEST { .minlen = 1, .maxlen = CCA_RSI_DIGEST_LEN_MAX }

const struct nla_policy rsi_measurement_policy[RSI_ATTRIBUTES + 1] = {
	[CCA_RSI_A_MEASUREMENT_INDEX] = { .type = NLA_U32 },
	[CCA_RSI_A_MEASUREMENT_VALUE] = POLICY_DIGEST,
	[CCA_RSI_A_MEASUREMENT_DIGEST] = POLICY_DIGEST,
	[CCA_RSI_A_MEASUREMENT_EVENT_TYPE] = { .type = NLA_U32 },
	[CCA_RSI_A_MEASUREMENT_SEQ] = RSI_POLICY_UINT,
	[CCA_RSI_A_MEASUREMENT_KIND] = { .type = NLA_U32 },
};

uint64_t rsi_attribute_uint(const struct nlattr *attr)
{
	return nla_len(attr) == 8 ? nla_get_u64(attr) : nla_get_u32(attr);
}
