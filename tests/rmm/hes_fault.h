/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults on command: which ones are armed, the lines that arm them, and what they do to one token.
 * This file does no I/O. A line is
 *
 *	FAULT [ARGUMENT] [count N]	arms the fault, for all tokens or for the next N
 *	clear [FAULT]			ends this fault, or all, also for tokens that are under way
 *	show				lists the armed faults
 *
 * Its answer is zero or more lines, followed by "ok" or by "error: " and the reason.
 */
#ifndef HES_FAULT_H
#define HES_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel.h"

#define HES_FAULT_LINE	 128  /* most bytes of a line, including its end */
#define HES_FAULT_ANSWER 1024 /* most bytes of an answer */

enum hes_fault {
	HES_STALL,
	HES_LATE,
	HES_REFUSE,
	HES_TRUNCATED,
	HES_OVERSIZE,
	HES_OVERRUN,
	HES_ZERO_PROGRESS,
	HES_ERROR_UNKNOWN,
	HES_CHUNK,
	HES_WRONG_CHALLENGE,
	HES_STALE_REM,
	HES_PROFILE,
	HES_TAG,
	HES_DESTROY,
	HES_CUT,
	HES_FAULTS
};

/* The form of a fault's argument. */
enum hes_fault_form { HES_FORM_NONE, HES_FORM_NUMBER, HES_FORM_PROFILE, HES_FORM_PAGE };

struct hes_fault_info {
	const char *name;
	const char *argument; /* its name in a usage text, in brackets if it is optional */
	enum hes_fault_form form;
	bool optional;
	uint32_t min, max; /* the bounds of a number */
	uint32_t absent;   /* the value of an optional number that is not given */
	const char *text;
};

extern const struct hes_fault_info hes_fault_info[HES_FAULTS];

struct hes_faults {
	struct {
		bool armed;
		/* HES_PROFILE: indexes, platform | realm << 8; HES_DESTROY: IPA / 4096 */
		uint32_t argument;
		uint32_t left; /* tokens that it still affects; 0: until it is cleared */
	} of[HES_FAULTS];
};

/* The faults that affect one token. */
struct hes_strike {
	bool by[HES_FAULTS];
	uint32_t argument[HES_FAULTS];
};

/*
 * hes_fault_execute - execute one @line (a string without its newline)
 * @answer: receives the answer, at most HES_FAULT_ANSWER bytes
 *
 * Returns true if faults were cleared.
 */
bool hes_fault_execute(struct hes_faults *faults, const char *line, char *answer);

/* hes_fault_strike - set @strike to the faults of the next token, and count it off their counts */
void hes_fault_strike(struct hes_faults *faults, struct hes_strike *strike);

/* hes_fault_order - set @order to the RMM's part of @strike; returns false if it has none */
bool hes_fault_order(const struct hes_strike *strike, struct channel_fault *order);

/* hes_fault_distort - change the claims that a token will be signed over */
void hes_fault_distort(const struct hes_strike *strike, struct channel_request *request);

#endif
