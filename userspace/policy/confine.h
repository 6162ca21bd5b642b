/* SPDX-License-Identifier: Apache-2.0 */
/* confine: what realmkey-policy gives up before it reads a question. */
#ifndef REALMKEY_POLICY_CONFINE_H
#define REALMKEY_POLICY_CONFINE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

#define CONFINE_STACK ((size_t)8 << 20) /* bytes of the stack, at most */

/* Give up the user, all capabilities, files, other processes and nearly all system calls, and end with
 * @parent. @memory: bytes that the engine may allocate; the limit of the process is somewhat higher.
 * ERROR_SYSTEM; then the process must not go on. */
int policy_confine(size_t memory, pid_t parent, struct error *e);

#endif
