/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CCA_NETLINK_H
#define CCA_NETLINK_H

int cca_netlink_init(void);
void cca_netlink_exit(void);

#endif /* CCA_NETLINK_H */
