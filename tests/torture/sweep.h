/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SWEEP_H
#define SWEEP_H

#include <stddef.h>

/*
 * A TAP test: call ops[@index] with its first allocation failing, then its second, until none is left
 * to fail. Each call either says so, honestly, or does without; after that all is as before.
 */
void sweep_run(size_t index);

/* A TAP test: that faults were injected at all, and what they did. Prints the sums. */
void sweep_summary(void);

#endif /* SWEEP_H */
