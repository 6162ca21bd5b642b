/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sweep and the preloaded fault.so share: one page of a file that both map. fault.py has the same layout.
 * The sweep sets the first part before a run and reads the second part after it.
 */
#ifndef FAULT_H
#define FAULT_H

#include <stdint.h>

#define FAULT_CALLS_MAX 256

enum fault_class {
	FAULT_MEMORY = 1, /* malloc() and its like, anonymous mmap() */
	FAULT_SYSTEM = 2, /* everything else */
};

struct fault_control {
	uint32_t armed;	     /* calls are counted and may fail */
	uint32_t classes;    /* a set of enum fault_class */
	uint32_t persistent; /* after the first failed call, all calls of the same kind fail */
	uint32_t trace;	     /* print the stack of the failed call to standard error */
	uint64_t at;	     /* the number of the call that fails, from 1; 0 if none does */

	uint64_t seen;	 /* calls so far */
	uint64_t failed; /* how many of them failed */
	int32_t call;	 /* the first one that failed: its index in the table of fault.c */
	uint32_t padding;
	uint64_t count[FAULT_CALLS_MAX]; /* calls of each kind */
};

#endif
