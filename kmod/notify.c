// SPDX-License-Identifier: GPL-2.0-only

#include <net/genetlink.h>

#include "generated/netlink.h"
#include "log.h"
#include "notify.h"

/* Never the event itself: anyone may listen. */
static int record_put(struct sk_buff *skb, const struct cca_record *record)
{
	struct cca_event event;

	cca_log_event(record, &event);
	return nla_put_uint(skb, CCA_RSI_A_MEASUREMENT_SEQ, record->seq) ||
	       nla_put_u32(skb, CCA_RSI_A_MEASUREMENT_INDEX, event.index) ||
	       nla_put(skb, CCA_RSI_A_MEASUREMENT_DIGEST, event.digest_size, event.digest) ||
	       nla_put_u32(skb, CCA_RSI_A_MEASUREMENT_EVENT_TYPE, event.type);
}

/**
 * cca_notify() - tell the listeners of group events of an extension
 * @record: an event
 *
 * One that is lost, for want of memory say, leaves a gap in seq.
 *
 * Context: sleeps; not under cca_realm_lock
 */
void cca_notify(const struct cca_record *record)
{
	struct sk_buff *skb;
	void *head;

	if (!genl_has_listeners(&cca_rsi_nl_family, &init_net, CCA_RSI_NLGRP_EVENTS))
		return;
	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return;
	head = genlmsg_put(skb, 0, 0, &cca_rsi_nl_family, 0, CCA_RSI_CMD_MEASUREMENT_EXTEND_NTF);
	if (!head || record_put(skb, record)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, head);
	genlmsg_multicast(&cca_rsi_nl_family, skb, 0, CCA_RSI_NLGRP_EVENTS, GFP_KERNEL);
}
