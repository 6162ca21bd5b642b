/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads on all CPUs that have tokens signed, each over a challenge of its own, and check each
 * token.
 */
#ifndef CROWD_H
#define CROWD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CROWD_MAX 64

struct crowd;

struct crowd_member {
	struct crowd *crowd;
	int cpu;
	atomic_size_t tokens; /* whole, and over the challenge asked for */
	atomic_size_t extensions;
	atomic_size_t elsewhere; /* tokens begun on another CPU, with its own CPU off */
	atomic_size_t mistakes;
};

/* The caller sets the first three. */
struct crowd {
	size_t size;	/* number of members, which are distributed over the CPUs */
	size_t quota;	/* tokens that each member gets; 0: until crowd_end() */
	bool extending; /* extend REM0..REM3, by the member's number, after each token */
	atomic_bool over;
	atomic_size_t running;
	struct crowd_member members[CROWD_MAX];
	uintptr_t threads[CROWD_MAX];
};

/* The number of CPUs, at most CROWD_MAX */
int crowd_cpus(void);

/*
 * Starts the threads; false, with a note, if that fails. After success the caller must call
 * crowd_end().
 */
bool crowd_begin(struct crowd *crowd);

/*
 * Stops the members if they have no quota, and waits for them. False if one of them made a mistake.
 */
bool crowd_end(struct crowd *crowd);

/* The sums over all members so far */
size_t crowd_tokens(struct crowd *crowd);
size_t crowd_extensions(struct crowd *crowd);

#endif /* CROWD_H */
