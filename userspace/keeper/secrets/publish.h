/* SPDX-License-Identifier: Apache-2.0 */
/* publish: what the keeper knows of its secrets, in the file STATUS_FILE of the keyring (status.h). */
#ifndef REALMKEY_PUBLISH_H
#define REALMKEY_PUBLISH_H

#include "keeper.h"

/* Write the file, as of @now, and that of the digests (digests.h). A failure is logged, because it must not stop a delivery. */
void keeper_publish(struct keeper *keeper, int64_t now);
/* Set the state of each secret from the files in the keyring, the kernel keys, and from what an earlier keeper published.
 * What is there counts as delivered unless that keeper put another resource there. What is missing in one of several
 * places is due at once. */
void keeper_take_over(struct keeper *keeper, int64_t now);

#endif
