/* SPDX-License-Identifier: Apache-2.0 */
/* The doors by which a program gets tokens, and the limits of its calls in time */
#ifndef DOOR_H
#define DOOR_H

#include "device.h"

#include <sys/types.h>

enum door { DOOR_DEVICE, DOOR_NETLINK, DOOR_TSM, DOORS };

/* Does the door exist here? */
bool door_exists(enum door door);

/* Gets a token over a random challenge and checks it; false, with a note, if anything fails. */
bool door_token(enum door door);

/* Removes what a process that was killed in door_token() left. */
void door_clean(pid_t pid);

/* Extends register @index by netlink, with a digest of the realm's size; false, with a note */
bool netlink_extend(uint32_t index, const uint8_t *digest);

/* Dumps @cmd by netlink; false, with a note, if that fails. */
bool netlink_dump(uint8_t cmd);

/* Reads the registers in sysfs; true if they are not there. */
bool sysfs_read(void);

double seconds_now(void);

/* Runs @work in a child; returns its process number. The child ends with status 0 if it is true. */
pid_t child_start(bool (*work)(void *context), void *context);

/* Waits up to @seconds for a child; true if it has ended with status 0. @ended: has it ended? */
bool child_wait(pid_t child, double seconds, bool *ended);

/* Kills a child, waits for it, and returns how many seconds that took. */
double child_kill(pid_t child);

#endif /* DOOR_H */
