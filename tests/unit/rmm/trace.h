/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays the RSI calls of a trace of the real TF-RMM to a machine and compares what comes back field
 * by field. The machine is our logic on this host (test_trace.c), or a realm (../../rmm/trace).
 */
#ifndef TEST_RMM_TRACE_H
#define TEST_RMM_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TRACE_PAGE	4096

/* What of another machine cannot be equal to the traced one's. The granule's address never is. */
enum trace_differs {
	TRACE_OWN_TOKEN		= 1 << 0,	/* size and bytes: other keys, other platform */
	TRACE_OWN_RIM		= 1 << 1,
	TRACE_OWN_IPA_WIDTH	= 1 << 2,
	TRACE_OWN_GIC		= 1 << 3,	/* gicv3_vtr in the realm configuration */
	TRACE_LATE		= 1 << 4,	/* the signer takes its time: INCOMPLETE without bytes */
};

struct trace_machine {
	unsigned int differs;			/* enum trace_differs */
	bool silent;				/* count what is wrong, do not tell it */
	uint64_t granule;			/* IPA of the one that calls are given */
	void (*call)(uint64_t x[11]);		/* one RSI call, all of the same REC */
	const uint8_t *(*bytes)(void);		/* the TRACE_PAGE bytes of the granule */
	void (*before)(const char *line);	/* may be NULL: told of each line before it is played, */
	void (*after)(const char *line);	/* and after */
};

struct trace {
	const struct trace_machine *machine;
	FILE *file;
	unsigned int number;			/* of the line */
	char line[16384];
	uint64_t granule;			/* as the trace has it */
	bool addresses;				/* its results may be addresses of the granule */
	uint64_t x[11];				/* of the last call */
	unsigned int played, wrong;
	/* token operation: what has come, what INIT froze */
	uint8_t token[TRACE_PAGE];
	size_t token_size;
	bool token_over;
	uint8_t challenge[64], rpv[64], measurement[5][32], frozen[5][32];
	unsigned int inits;
	bool extended_elsewhere;		/* REMs now follow from calls that the trace lacks */
	unsigned int lost;			/* lines that cannot be repeated for that reason */
};

/*
 * trace_fakehost - a trace of TF-RMM as a process ("@@CALL", "@@HEX")
 * trace_probe - the trace of TF-RMM v0.8.0 from inside a realm ("... fid= ...")
 * @path: the trace; what is wrong is told on standard output as TAP comments
 *
 * Return false when the file cannot be read; else @trace has the counts.
 */
bool trace_fakehost(struct trace *trace, const struct trace_machine *machine, const char *path);
bool trace_probe(struct trace *trace, const struct trace_machine *machine, const char *path);

/* --- for the two of them --- */

bool trace_open(struct trace *trace, const struct trace_machine *machine, const char *path);
/* trace_lines - play each line with @play, until it returns false; closes the file */
void trace_lines(struct trace *trace, bool (*play)(struct trace *trace));

/* trace_number - the number after @name in the line, in @base; what is not there is wrong */
uint64_t trace_number(struct trace *trace, const char *name, int base);
/* trace_wrong - the line is not as the machine answered */
__attribute__((format(printf, 2, 3))) void trace_wrong(struct trace *trace, const char *format, ...);
/* trace_expect - the line has @got after @name, which ends with "=" */
void trace_expect(struct trace *trace, const char *name, uint64_t got);

/* trace_address - the machine's address for the trace's */
uint64_t trace_address(const struct trace *trace, uint64_t address);
/* trace_call - with trace->x; counts */
void trace_call(struct trace *trace, uint64_t fid);
/* trace_init - TOKEN_INIT with a challenge */
void trace_init(struct trace *trace, const uint8_t challenge[64]);
/* trace_continue - TOKEN_CONTINUE for which the line has x0= and x1= */
void trace_continue(struct trace *trace, uint64_t ipa, uint64_t offset, uint64_t size);
/* trace_token_check - what has come is a token, and says what INIT froze */
void trace_token_check(struct trace *trace);

#endif
