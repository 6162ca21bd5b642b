/* SPDX-License-Identifier: Apache-2.0 */
/* Traces of TF-RMM as a process: SHA-256, one REC, unused registers are 0xee at READ. */
#include "base/array.h"
#include "hex.h"
#include "rsi_fid.h"
#include "trace.h"

#include <string.h>

#define GRANULE_OF_TRACE 0x1000
#define IPA_WIDTH_AT	 0
#define GIC_AT		 0x18

static void read(struct trace *t)
{
	uint64_t index = trace_number(t, "READ(", 10);

	memset(t->x, 0xee, sizeof(t->x));
	t->x[1] = index;
	trace_call(t, RSI_MEASUREMENT_READ);
	trace_expect(t, "x0=", t->x[0]);
}

static void extend(struct trace *t)
{
	uint8_t value[64];

	memset(t->x, 0, sizeof(t->x));
	t->x[1] = trace_number(t, "idx=", 10);
	t->x[2] = trace_number(t, "size=", 10);
	for (int i = 0; i < 64; i++)
		value[i] = (uint8_t)(0xa0 + i);
	memcpy(&t->x[3], value, sizeof(value));
	trace_call(t, RSI_MEASUREMENT_EXTEND);
	trace_expect(t, "x0=", t->x[0]);
}

static void init(struct trace *t)
{
	uint64_t seed = trace_number(t, "seed=", 16);
	uint8_t challenge[64];

	for (unsigned int i = 0; i < 64; i++)
		challenge[i] = (uint8_t)(seed + i);
	trace_init(t, challenge);
}

/* Reads the three arguments in parentheses. */
static void arguments(struct trace *t, uint64_t in[3])
{
	const char *p = strstr(t->line, "in(");

	if (!p || sscanf(p, "in(%lx,%lx,%lx)", &in[0], &in[1], &in[2]) != 3)
		trace_wrong(t, "the line has no arguments");
	in[0] = trace_address(t, in[0]);
}

static void proceed(struct trace *t)
{
	uint64_t in[3] = { 0 };

	arguments(t, in);
	trace_continue(t, in[0], in[1], in[2]);
	trace_expect(t, "x2=", t->x[2]);
}

static void plain(struct trace *t, uint64_t fid)
{
	memset(t->x, 0, sizeof(t->x));
	arguments(t, &t->x[1]);
	trace_call(t, fid);
	trace_expect(t, "x0=", t->x[0]);
	trace_expect(t, "x1=", t->x[1]);
	trace_expect(t, "x2=", t->x[2]);
}

static void config(struct trace *t)
{
	plain(t, RSI_REALM_CONFIG);
}

static void version(struct trace *t)
{
	plain(t, RSI_VERSION);
}

static void features(struct trace *t)
{
	plain(t, RSI_FEATURES);
}

static void same(struct trace *t, const uint8_t *got, const uint8_t *wanted, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (got[i] != wanted[i]) {
			trace_wrong(t, "byte %zu is %02x, not %02x", i, got[i], wanted[i]);
			return;
		}
	}
}

static void config_check(struct trace *t, uint8_t *wanted, size_t size)
{
	const uint8_t *got = t->machine->bytes();

	if (t->machine->differs & TRACE_OWN_IPA_WIDTH)
		wanted[IPA_WIDTH_AT] = got[IPA_WIDTH_AT];
	if (t->machine->differs & TRACE_OWN_GIC)
		memcpy(wanted + GIC_AT, got + GIC_AT, 4);
	same(t, got, wanted, size);
}

static void token_check(struct trace *t, const uint8_t *wanted, size_t size)
{
	bool whole = strstr(t->line, "TOKEN");

	if (whole)
		trace_token_check(t);
	if (t->machine->differs & TRACE_OWN_TOKEN)
		size = whole ? t->token_size : size;
	if (t->token_size != size)
		trace_wrong(t, "%zu bytes of the token were received", t->token_size);
	else if (!(t->machine->differs & TRACE_OWN_TOKEN))
		same(t, t->token, wanted, size);
}

static void bytes(struct trace *t)
{
	static uint8_t wanted[TRACE_PAGE];
	size_t size = hex_parse(strrchr(t->line, ' ') + 1, wanted, sizeof(wanted));

	if (strstr(t->line, "realm_config_0_0x40")) {
		config_check(t, wanted, size);
	} else if (strstr(t->line, "realm_config_rpv")) {
		memcpy(t->rpv, t->machine->bytes() + 0x200, sizeof(t->rpv));
		same(t, t->rpv, wanted, size);
	} else if (strstr(t->line, "first_64") || strstr(t->line, "TOKEN")) {
		token_check(t, wanted, size);
	} else {
		if (strstr(t->line, "RIM") && t->machine->differs & TRACE_OWN_RIM)
			memcpy(wanted, &t->x[1], 32);
		same(t, (const uint8_t *)&t->x[1], wanted, size);
	}
}

static bool play(struct trace *t)
{
	static const struct {
		const char *start;
		void (*play)(struct trace *t);
	} kinds[] = {
		{ "@@CALL VERSION", version },	     { "@@CALL FEATURES", features },
		{ "@@CALL MEASUREMENT_READ", read }, { "@@CALL MEASUREMENT_EXTEND", extend },
		{ "@@CALL TOKEN_INIT", init },	     { "@@CALL CONTINUE", proceed },
		{ "@@CALL REALM_CONFIG", config },   { "@@HEX", bytes },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!strncmp(t->line, kinds[i].start, strlen(kinds[i].start))) {
			kinds[i].play(t);
			return true;
		}
	}
	trace_wrong(t, "unknown kind of line");
	return true;
}

bool trace_fakehost(struct trace *t, const struct trace_machine *machine, const char *path)
{
	if (!trace_open(t, machine, path))
		return false;
	t->granule = GRANULE_OF_TRACE;
	trace_lines(t, play);
	return true;
}
