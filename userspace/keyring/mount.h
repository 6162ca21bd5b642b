/* SPDX-License-Identifier: Apache-2.0 */
/* mount: the file system of the keyring, which the host cannot read in swap. */
#ifndef REALMKEY_MOUNT_H
#define REALMKEY_MOUNT_H

#include <sys/types.h>

#include "base/error.h"

/* Mount a keyring with at most @size bytes (0: 16 MiB) over *@dir and make *@dir its root, or check that
 * *@dir is the root of one that belongs to the user of this process or to @owner. That one gets the
 * size @size, unless it is 0; failing that is a warning. */
int mount_ensure(int *dir, size_t size, uid_t owner, struct error *e);

#endif
