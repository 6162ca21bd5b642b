/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rim_steps: the steps of a measurement as text, to be read and to be compared. This file does no
 * I/O.
 *
 * A step is one line: "step WHAT NAME=VALUE...". content and rim are digests in hexadecimal: of the
 * measured page, and the RIM after the step. Other values are numbers, decimal or "0x...". Lines that
 * do not begin with "step " are not read, so a list can be a console log.
 */
#ifndef REALMKEY_RIM_STEPS_H
#define REALMKEY_RIM_STEPS_H

#include "base/bytes.h"
#include "base/error.h"
#include "rim.h"

#define RIM_FIELDS 16 /* of a step, with its first one */

/* Parts of a line, which are not NUL-terminated. */
struct rim_field {
	const char *name, *value;
	size_t name_len, value_len;
	uint64_t number; /* 0 for a digest */
	bool digest;
};

struct rim_line {
	const char *text; /* NULL: the end of the list */
	size_t len, count;
	struct rim_field field[RIM_FIELDS]; /* the first one is WHAT, named "what" */
};

/* Append the line of @step. @rim: the measurement, including the step */
void rim_steps_append(struct bytes *out, const struct rim *rim, const struct rim_step *step);

/* Read the next step of the list from *@text to @end, and move *@text behind it. Returns 0, or -1
 * with an ERROR_INPUT if a step is malformed. */
int rim_steps_next(const char **text, const char *end, struct rim_line *line, struct error *e);

struct rim_diff {
	size_t steps;		/* that are the same, before the one that differs */
	bool differs;		/* the members below are the first step of each list that differs */
	struct rim_line a, b;	/* one of them can be the end of its list */
	bool field[RIM_FIELDS]; /* of @a: this one differs */
};

/*
 * Find the first step in which the lists @a and @b differ. Only what both have is compared. The RIM
 * differs whenever something else does, so it counts only if nothing else does. Returns 0, or -1
 * with an ERROR_INPUT if a list is malformed or has no step.
 */
int rim_steps_diff(struct rim_diff *diff, const struct bytes *a, const struct bytes *b,
		   struct error *e);

#endif
