/* SPDX-License-Identifier: Apache-2.0 */
/* A realm's machine made of arrays: what rsi.c and token.c ask for, under a test's control. */
#ifndef TEST_RMM_FAKE_H
#define TEST_RMM_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "rsi.h"

#define FAKE_GRANULES	8

struct fake {
	struct realm realm;
	_Alignas(8) uint8_t memory[FAKE_GRANULES][GRANULE];
	uint8_t states[FAKE_GRANULES];
	uint64_t now;			/* ms */
	unsigned int sends, syncs, changes;
	struct channel_request request;	/* the last one sent, with its REC and number */
	uint16_t rec;
	uint32_t seq;
	/* the answer that the next poll brings to the last request, if it is set */
	const uint8_t *answer;
	uint32_t answer_size;
	bool refuse;
};

extern struct fake fake;

/* fake_init - FAKE_GRANULES granules of RAM at @base, SHA-256, four vCPUs, nothing sent */
void fake_init(uint64_t base, unsigned int ipa_bits);

/* fake_call - one RSI command of REC @rec with up to ten arguments in @x, which gets the results */
void fake_call(unsigned int rec, uint64_t x[11]);

/* fake_path - the file @name of tests/vectors; in a buffer of its own that the next call reuses */
const char *fake_path(const char *name);

#define CALL(rec, ...)	fake_call(rec, (uint64_t[11]){ __VA_ARGS__ })

#endif
