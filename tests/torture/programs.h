/* SPDX-License-Identifier: Apache-2.0 */
/* The test programs of tests/kselftest, which run in any realm, as tests of this program. */
#ifndef PROGRAMS_H
#define PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The number of runs: one of each program, or with @hashes one for each algorithm that a realm can
 * have.
 */
size_t programs_find(bool hashes);

/* The name of run @index */
const char *programs_name(size_t index);

/* Puts run @index into the queue of programs_next(). */
void programs_queue(size_t index);

/* TAP tests: the programs are there; the next run in the queue, with the module loaded again. */
void programs_are_there(void);
void programs_next(void);

#endif /* PROGRAMS_H */
