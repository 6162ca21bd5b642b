/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SWEEP_H
#define SWEEP_H

#include <stddef.h>

/* Puts ops[@index] into the queue of sweep_next(). */
void sweep_queue(size_t index);

/*
 * A TAP test: make the next call in the queue with its first allocation failing, then its second, until
 * none is left to fail. Each call either says so, honestly, or does without; after that all is as before.
 */
void sweep_next(void);

/* A TAP test: that faults were injected at all, and what they did. Prints the sums. */
void sweep_summary(void);

#endif /* SWEEP_H */
