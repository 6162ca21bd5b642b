/* SPDX-License-Identifier: Apache-2.0 */
/* Fills the log up to its last eighth, which is kept for privileged callers. */
#ifndef NEARLY_FULL_H
#define NEARLY_FULL_H

#include <stdbool.h>
#include <stdint.h>

/* How much of log_max is used, in bytes; 0, with a note, if the log cannot be read. */
uint64_t nearly_full_size(void);

/*
 * Extends REM3 until more than seven eighths of @limit, which is log_max, are used, and calls @each
 * (may be NULL) after each extension. Returns the number of extensions, or -1.
 */
int nearly_full_fill(uint64_t limit, void (*each)(void));

/* Sets log_max, which can only be raised. */
bool nearly_full_raise(uint64_t limit);

#endif /* NEARLY_FULL_H */
