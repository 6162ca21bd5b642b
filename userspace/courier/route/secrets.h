/* SPDX-License-Identifier: Apache-2.0 */
/* secrets: how the secrets of a target get from the supervisor into a worker. Their memory is wiped in a
 * process that is forked, so they go through a pipe, whose pages are not swapped. */
#ifndef REALMKEY_COURIER_SECRETS_H
#define REALMKEY_COURIER_SECRETS_H

#include "base/error.h"
#include "target.h"

/* The supervisor, before it forks: returns a descriptor to read from, -1 if there is no secret, or -2 with
 * @e. The caller closes it. */
int secrets_pass(const struct target *t, struct error *e);
/* The worker: replace what the fork wiped in @t by what comes from @fd, in locked memory; nothing if @fd is
 * -1. Closes @fd. */
int secrets_take(struct target *t, int fd, struct error *e);

#endif
