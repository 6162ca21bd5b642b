/* SPDX-License-Identifier: Apache-2.0 */
/* The test programs that run in any realm (tests/kselftest), run here as tests of ours. */
#ifndef PROGRAMS_H
#define PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>

/* How many runs there are: of each program one, with @hashes one for each algorithm that a realm can have. */
size_t programs_find(bool hashes);

/* What run @index is called. */
const char *programs_name(size_t index);

/* Puts run @index into the queue of programs_next(). */
void programs_queue(size_t index);

/* TAP tests: that there are any; the next run in the queue, on a module loaded anew. */
void programs_are_there(void);
void programs_next(void);

#endif /* PROGRAMS_H */
