// SPDX-License-Identifier: Apache-2.0
/*
 * A realm makes any RSI calls, on a machine whose host and signer do anything. The input is a
 * script of steps. After each call, only those registers, measurements and parts of memory have
 * changed which the command may change.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "mem.h"
#include "rsi.h"

#define BASE	 0x40000000UL
#define GRANULES 4
#define MEMORY	 (GRANULES * GRANULE)
#define IPA_BITS 33

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct script {
	const uint8_t *data;
	size_t size;
};

static struct realm realm;
static uint8_t memory[GRANULES][GRANULE], states[GRANULES];
static bool in_call;
static uint64_t clock_ms;
static uint16_t asked_rec;
static uint32_t asked_seq;

static void must(bool good)
{
	if (!good)
		abort();
}

static void *page(uint64_t ipa)
{
	must(ipa % GRANULE == 0 && ripas_at(&realm.ripas, ipa) == RIPAS_RAM);
	return memory[(ipa - BASE) / GRANULE];
}

static void ripas_changed(uint64_t ipa, enum ripas to)
{
	must(ripas_at(&realm.ripas, ipa) == to && (to != RIPAS_DESTROYED) == in_call);
}

static void ripas_sync(void)
{
}

static void token_send(const struct rec *rec)
{
	asked_rec = rec->index;
	asked_seq = rec->token.seq;
}

static void token_poll(struct realm *r)
{
	must(r == &realm);
}

static uint64_t now(void)
{
	return clock_ms;
}

static const struct realm_ops ops = {
	page, ripas_changed, ripas_sync, token_send, token_poll, now
};

static void realm_begin(void)
{
	memset(&realm, 0, sizeof(realm));
	memset(states, RIPAS_RAM, sizeof(states));
	memset(memory, 0, sizeof(memory));
	realm.ops = &ops;
	realm.ipa_bits = IPA_BITS;
	realm.vcpus = 2;
	realm.ripas = (struct ripas_map){ .base = BASE, .size = MEMORY, .state = states };
	for (uint16_t i = 0; i < REC_MAX; i++)
		realm.rec[i].index = i;
	clock_ms = 1;
	asked_rec = 0;
	asked_seq = 0;
}

/* The next @size bytes as a number. After the end of the script all bytes are zero. */
static uint64_t take(struct script *s, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++) {
		uint64_t byte = s->size ? *s->data : 0;

		value |= byte << 8 * i;
		s->data += s->size > 0;
		s->size -= s->size > 0;
	}
	return value;
}

/* An argument: a value that commands check for, or any other. */
static uint64_t argument(struct script *s)
{
	static const uint64_t interesting[] = {
		0,
		1,
		2,
		4,
		5,
		64,
		65,
		0x800,
		GRANULE - 1,
		GRANULE,
		BASE,
		BASE + GRANULE,
		BASE + 3 * GRANULE,
		BASE + MEMORY,
		BASE + 0x300,
		1UL << (IPA_BITS - 1),
		UINT64_MAX,
		UINT64_MAX - GRANULE + 1,
		RSI_VERSION_1_0,
		RSI_VERSION_1_1,
	};
	uint64_t pick = take(s, 1);

	return pick < ARRAY_SIZE(interesting) ? interesting[pick] : take(s, 8);
}

static void registers_check(const uint64_t *before, const uint64_t *x, uint32_t command)
{
	bool reads = command == 2;

	must(x[0] <= RSI_ERROR_UNKNOWN || x[0] == SMC_UNKNOWN);
	for (int i = reads ? 9 : 4; i < 11; i++)
		must(x[i] == before[i]);
	if (x[0] == SMC_UNKNOWN)
		must(!(x[1] | x[2] | x[3]));
	if (command == 5) /* never more bytes than requested */
		must(x[1] <= before[3]);
}

static void measurements_check(const uint8_t before[REALM_MEASUREMENTS][HASH_SIZE_MAX],
			       const uint64_t *in, uint64_t status, uint32_t command)
{
	size_t size = hash_size(realm.hash_algo);

	for (uint64_t i = 0; i < REALM_MEASUREMENTS; i++) {
		bool extended = command == 3 && status == RSI_SUCCESS && in[1] == i;

		must(extended == !!memcmp(before[i], realm.measurement[i], HASH_SIZE_MAX));
		for (size_t j = size; j < HASH_SIZE_MAX; j++)
			must(!realm.measurement[i][j]);
	}
	must(memcmp(before[0], realm.measurement[0], HASH_SIZE_MAX) == 0);
}

static void call(struct script *s, uint8_t step)
{
	uint8_t before[REALM_MEASUREMENTS][HASH_SIZE_MAX], before_states[GRANULES];
	uint64_t in[11] = { RSI_FID_FIRST + step % 20 }, x[11];
	uint32_t command = step % 20;

	for (int i = 1; i < 5; i++)
		in[i] = argument(s);
	for (uint64_t i = 5; i < 11; i++)
		in[i] = i * 0x0101010101010101UL;
	memcpy(x, in, sizeof(x));
	memcpy(before, realm.measurement, sizeof(before));
	memcpy(before_states, states, sizeof(states));
	in_call = true;
	if (!rsi_execute(&realm, &realm.rec[step / 20 % 2], x)) {
		must(memcmp(x, in, sizeof(x)) == 0);
		return;
	}
	registers_check(in, x, command);
	measurements_check((const uint8_t(*)[HASH_SIZE_MAX])before, in, x[0], command);
	must(command == 7 || memcmp(before_states, states, sizeof(states)) == 0);
}

static void signer_answers(struct script *s)
{
	static const uint8_t token[CHANNEL_PAYLOAD_MAX] = { 0xd2 };
	struct channel_fault fault = { 0 };
	uint64_t how = take(s, 1);

	if (how & 1) {
		fault = (struct channel_fault){ .patience = (uint32_t)take(s, 2),
						.idle = (uint32_t)take(s, 1),
						.chunk = (uint32_t)take(s, 1),
						.fail = how & 32,
						.fail_after = (uint32_t)take(s, 2),
						.extra = (uint32_t)take(s, 2),
						.destroy = BASE / GRANULE - 1 +
							   (uint32_t)take(s, 1) };
		in_call = false;
		token_fault(&realm, asked_rec, asked_seq, &fault);
	}
	if (how & 2)
		token_answer(&realm, (uint16_t)(asked_rec + (how & 4)), asked_seq - (how >> 3 & 1),
			     how & 16 ? NULL : token,
			     (uint32_t)take(s, 2) % (CHANNEL_PAYLOAD_MAX + 2));
}

/* A step of the host, the signer, or the clock. */
static void other(struct script *s, uint8_t step)
{
	switch (step % 5) {
	case 0:
		signer_answers(s);
		break;
	case 1:
		clock_ms += take(s, 2);
		break;
	case 2:
		states[take(s, 1) % GRANULES] = RIPAS_DESTROYED;
		break;
	case 3:
		realm.quirks = (uint32_t)take(s, 1);
		break;
	default:
		realm_begin();
		realm.hash_algo = (enum hash_algorithm)(take(s, 1) % 3);
		memset(realm.measurement[0], 0x5a, hash_size(realm.hash_algo));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = { data, size };

	realm_begin();
	for (int steps = 0; s.size && steps < 1000; steps++) {
		uint8_t step = (uint8_t)take(&s, 1);

		if (step < 0xc0)
			call(&s, step);
		else
			other(&s, step);
	}
	return 0;
}
