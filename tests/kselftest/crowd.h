/* SPDX-License-Identifier: Apache-2.0 */
/* Threads on all CPUs that have tokens signed, each over a challenge of its own, and look at each. */
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
	atomic_size_t tokens;		/* whole, and over the challenge asked for */
	atomic_size_t extensions;
	atomic_size_t elsewhere;	/* tokens begun on another CPU, its own being off */
	atomic_size_t mistakes;
};

/* The caller sets the first three. */
struct crowd {
	size_t size;		/* how many members; a CPU each, in turn */
	size_t quota;		/* tokens for each to get, 0: until crowd_end() */
	bool extending;		/* after each token, REM0..REM3 by the number of the member */
	atomic_bool over;
	atomic_size_t running;
	struct crowd_member members[CROWD_MAX];
	uintptr_t threads[CROWD_MAX];
};

/* At most CROWD_MAX. */
int crowd_cpus(void);

/* False, with a note, if the threads cannot be had. Who begins must end. */
bool crowd_begin(struct crowd *crowd);

/* Tells the members to stop if they have no quota, waits for them; false if one made a mistake. */
bool crowd_end(struct crowd *crowd);

/* Of all members, so far. */
size_t crowd_tokens(struct crowd *crowd);
size_t crowd_extensions(struct crowd *crowd);

#endif /* CROWD_H */
