/* SPDX-License-Identifier: Apache-2.0 */
/* idle: what a process that waits for a long time does not keep in memory. */
#ifndef REALMKEY_IDLE_H
#define REALMKEY_IDLE_H

/*
 * Give back the pages of the program and its libraries that are the same as in their files: code and
 * constants, most of the memory of our programs. What is used again is read again, usually from the
 * page cache. Pages that were written, and so all that can hold a secret, stay, and stay locked.
 */
void idle_release(void);

#endif
