/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays the RSI calls of a trace of the real TF-RMM on a machine, and compares the answers field by
 * field. The machine is our logic on this host (test_trace.c), or a realm (../../rmm/trace).
 */
#ifndef TEST_RMM_TRACE_H
#define TEST_RMM_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TRACE_PAGE 4096

/* What differs on another machine and is not compared. The granule's address always differs. */
enum trace_differs {
	TRACE_OWN_TOKEN = 1 << 0, /* size and bytes, as keys and platform differ */
	TRACE_OWN_RIM = 1 << 1,
	TRACE_OWN_IPA_WIDTH = 1 << 2,
	TRACE_OWN_GIC = 1 << 3, /* gicv3_vtr in the realm configuration */
	TRACE_LATE = 1 << 4,	/* the signer may be slow: INCOMPLETE without bytes */
};

struct trace_machine {
	unsigned int differs;		  /* enum trace_differs */
	bool silent;			  /* count differences without printing them */
	uint64_t granule;		  /* IPA of the granule that calls use */
	void (*call)(uint64_t x[11]);	  /* make an RSI call, always of the same REC */
	const uint8_t *(*bytes)(void);	  /* return the TRACE_PAGE bytes of the granule */
	void (*before)(const char *line); /* called before a line is played; may be NULL */
	void (*after)(const char *line);  /* called after a line was played; may be NULL */
};

struct trace {
	const struct trace_machine *machine;
	FILE *file;
	unsigned int number; /* of the line */
	char line[16384];
	uint64_t granule; /* IPA in the trace */
	bool addresses;	  /* results may be addresses of the granule */
	uint64_t x[11];	  /* of the last call */
	unsigned int played, wrong;
	/* The token operation: what was received, what INIT froze. */
	uint8_t token[TRACE_PAGE];
	size_t token_size;
	bool token_over;
	uint8_t challenge[64], rpv[64], measurement[5][32], frozen[5][32];
	unsigned int inits;
	bool extended_elsewhere; /* REMs depend on calls that the trace lacks */
	unsigned int lost;	 /* lines skipped for that reason */
};

/*
 * trace_fakehost - play a trace of TF-RMM as a process ("@@CALL", "@@HEX")
 * trace_probe - play the trace of TF-RMM v0.8.0 from inside a realm ("... fid= ...")
 * @path: the trace; differences are printed on standard output as TAP comments
 *
 * Both return false if the file cannot be read. Otherwise @trace has the counts.
 */
bool trace_fakehost(struct trace *trace, const struct trace_machine *machine, const char *path);
bool trace_probe(struct trace *trace, const struct trace_machine *machine, const char *path);

/* --- shared by these two --- */

bool trace_open(struct trace *trace, const struct trace_machine *machine, const char *path);
/* trace_lines - call @play for each line until it returns false; closes the file */
void trace_lines(struct trace *trace, bool (*play)(struct trace *trace));

/* trace_number - returns the number after @name in the line, in @base; wrong if it is missing */
uint64_t trace_number(struct trace *trace, const char *name, int base);
/* trace_wrong - count and print a difference between the line and the machine's answer */
__attribute__((format(printf, 2, 3))) void trace_wrong(struct trace *trace, const char *format,
						       ...);
/* trace_expect - the line must have @got after @name, which ends with "=" */
void trace_expect(struct trace *trace, const char *name, uint64_t got);

/* trace_address - returns the machine's address for an address of the trace */
uint64_t trace_address(const struct trace *trace, uint64_t address);
/* trace_call - call @fid with the arguments in trace->x, and count it */
void trace_call(struct trace *trace, uint64_t fid);
/* trace_init - call TOKEN_INIT with a challenge */
void trace_init(struct trace *trace, const uint8_t challenge[64]);
/* trace_continue - call TOKEN_CONTINUE; the line has the expected x0= and x1= */
void trace_continue(struct trace *trace, uint64_t ipa, uint64_t offset, uint64_t size);
/* trace_token_check - what was received must be a token with the claims that INIT froze */
void trace_token_check(struct trace *trace);

#endif
