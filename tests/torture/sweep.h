/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SWEEP_H
#define SWEEP_H

#include <stddef.h>

/* Puts ops[@index] into the queue of sweep_next(). */
void sweep_queue(size_t index);

/*
 * A TAP test that makes the next call in the queue with its first allocation failing, then its
 * second, until none is left to fail. Each call either returns an expected error or succeeds;
 * afterwards everything works.
 */
void sweep_next(void);

/* A TAP test: faults were injected, and calls failed because of them. Prints the sums. */
void sweep_summary(void);

#endif /* SWEEP_H */
