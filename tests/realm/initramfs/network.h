/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REALM_NETWORK_H
#define REALM_NETWORK_H

/*
 * network_up - bring up lo, and eth0 with the fixed address of QEMU's user network
 *
 * A machine without eth0 is not an error. Returns 0, or -1 with errno.
 */
int network_up(void);

#endif
