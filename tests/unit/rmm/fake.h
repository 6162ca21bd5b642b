/* SPDX-License-Identifier: Apache-2.0 */
/* A fake machine made of arrays, which implements realm_ops for rsi.c and token.c under test. */
#ifndef TEST_RMM_FAKE_H
#define TEST_RMM_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "rsi.h"

#define FAKE_GRANULES 8

struct fake {
	struct realm realm;
	_Alignas(8) uint8_t memory[FAKE_GRANULES][GRANULE];
	uint8_t states[FAKE_GRANULES];
	uint64_t now; /* ms */
	unsigned int sends, syncs, changes;
	struct channel_request request; /* the last request, with its REC and number */
	uint16_t rec;
	uint32_t seq;
	/* If one of these is set, the next poll brings this answer to the last request. */
	const uint8_t *answer;
	uint32_t answer_size;
	bool refuse;
};

extern struct fake fake;

/* fake_init - reset: FAKE_GRANULES granules of RAM at @base, SHA-256, four vCPUs, nothing sent */
void fake_init(uint64_t base, unsigned int ipa_bits);

/* fake_call - execute an RSI command of REC @rec; @x has its arguments and receives the results */
void fake_call(unsigned int rec, uint64_t x[11]);

/* fake_path - returns the path of @name in tests/vectors; valid until the next call */
const char *fake_path(const char *name);

#define CALL(rec, ...) fake_call(rec, (uint64_t[11]){ __VA_ARGS__ })

#endif
