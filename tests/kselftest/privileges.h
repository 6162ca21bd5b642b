/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of Documentation/ABI/testing/netlink-cca-rsi, line by line: privilege_test.c measures it,
 * and tests/lint compares it with the file.
 */
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

/* clang-format off */
static const char *const privileges[] = {
	"device    configuration  yes   yes   acc   acc   yes   yes   acc   yes   acc   none",
	"device    register       yes   yes   acc   acc   yes   yes   acc   yes   acc   none",
	"device    log            yes   yes   acc   acc   yes   yes   acc   yes   acc   none",
	"device    extension      yes   yes   acc   acc   yes   acc   acc   yes   acc   none",
	"device    token          yes   yes   acc   acc   yes   yes   acc   yes   acc   none",
	"netlink   configuration  yes   yes   yes   yes   yes   yes   yes   yes   yes   yes",
	"netlink   register       yes   yes   yes   yes   yes   yes   yes   yes   yes   yes",
	"netlink   log            yes   perm  yes   perm  perm  perm  perm  perm  perm  perm",
	"netlink   extension      yes   perm  yes   perm  perm  perm  perm  perm  perm  perm",
	"netlink   token          yes   perm  yes   perm  perm  perm  perm  perm  perm  perm",
	"netlink   notifications  yes   yes   yes   yes   yes   yes   yes   yes   yes   yes",
	"configfs  token          yes   yes   acc   acc   yes   acc   acc   yes   acc   none",
	"sysfs     register       yes   yes   yes   yes   yes   yes   yes   yes   yes   yes",
	"sysfs     extension      yes   yes   acc   acc   yes   acc   acc   yes   acc   ro",
	"sysfs     log_max        yes   yes   acc   acc   yes   acc   acc   yes   acc   ro",
	"device    last eighth    yes   full  acc   acc   full  acc   acc   full  acc   none",
	"netlink   last eighth    yes   perm  yes   perm  perm  perm  perm  perm  perm  perm",
	"sysfs     last eighth    yes   full  acc   acc   full  acc   acc   full  acc   ro",
};
/* clang-format on */

#endif /* PRIVILEGES_H */
