/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults on command: which are armed, the lines that arm them, and what they make of one token. No
 * I/O here. A line is
 *
 *	FAULT [ARGUMENT] [count N]	from now on, or for the next N tokens
 *	clear [FAULT]			no more of it, or of any; what is under way ends well too
 *	show				what is armed
 *
 * and its answer zero or more lines, then "ok" or "error: " and the reason.
 */
#ifndef HES_FAULT_H
#define HES_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel.h"

#define HES_FAULT_LINE		128	/* bytes of a line at most, its end included */
#define HES_FAULT_ANSWER	1024	/* bytes that any answer has room in */

enum hes_fault {
	HES_STALL, HES_LATE, HES_REFUSE, HES_TRUNCATED, HES_OVERSIZE, HES_OVERRUN,
	HES_ZERO_PROGRESS, HES_ERROR_UNKNOWN, HES_CHUNK, HES_WRONG_CHALLENGE, HES_STALE_REM,
	HES_PROFILE, HES_TAG, HES_DESTROY, HES_CUT,
	HES_FAULTS
};

/* What a fault's argument looks like. */
enum hes_fault_form { HES_FORM_NONE, HES_FORM_NUMBER, HES_FORM_PROFILE, HES_FORM_PAGE };

struct hes_fault_info {
	const char *name;
	const char *argument;	/* its name in a usage text, in brackets if it is optional */
	enum hes_fault_form form;
	bool optional;
	uint32_t min, max;	/* the bounds of a number */
	uint32_t absent;	/* the value of an optional number that is not given */
	const char *text;
};

extern const struct hes_fault_info hes_fault_info[HES_FAULTS];

struct hes_faults {
	struct {
		bool armed;
		/* of HES_PROFILE: indexes, platform | realm << 8; of HES_DESTROY: IPA / 4096 */
		uint32_t argument;
		uint32_t left;		/* tokens that it will still strike; 0: until it is cleared */
	} of[HES_FAULTS];
};

/* What strikes one token. */
struct hes_strike {
	bool by[HES_FAULTS];
	uint32_t argument[HES_FAULTS];
};

/*
 * hes_fault_execute - execute one @line (a string, without its newline)
 * @answer: takes the answer, HES_FAULT_ANSWER bytes at most
 *
 * Returns true when something was cleared.
 */
bool hes_fault_execute(struct hes_faults *faults, const char *line, char *answer);

/* hes_fault_strike - the faults of the next token; each was one of its count */
void hes_fault_strike(struct hes_faults *faults, struct hes_strike *strike);

/* hes_fault_order - what the RMM is to do of @strike; returns false when that is nothing */
bool hes_fault_order(const struct hes_strike *strike, struct channel_fault *order);

/* hes_fault_distort - change what a token will be signed over */
void hes_fault_distort(const struct hes_strike *strike, struct channel_request *request);

#endif
