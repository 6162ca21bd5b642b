/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace of TF-RMM v0.8.0 from inside a Linux realm under QEMU: x0 to x4, x8 and x9 of each
 * call. At its end the trace shows REMs after extensions that it does not contain: those lines are
 * lost.
 */
#include "base/array.h"
#include "rsi_fid.h"
#include "trace.h"

#include <string.h>

#define GRANULE_OF_TRACE 0x84c21000UL
#define LOST		 3

static bool starts(const struct trace *t, const char *text)
{
	return !strncmp(t->line, text, strlen(text));
}

static void arguments(struct trace *t, uint64_t fid)
{
	uint8_t value[64];

	memset(t->x, 0, sizeof(t->x));
	t->x[1] = trace_address(t, trace_number(t, "a1=", 16));
	t->x[2] = trace_address(t, trace_number(t, "a2=", 16));
	for (int i = 0; i < 64; i++)
		value[i] = (uint8_t)i;
	if (fid == RSI_MEASUREMENT_EXTEND)
		memcpy(&t->x[3], value, sizeof(value));
	else if (fid == RSI_TOKEN_CONTINUE)
		t->x[3] = starts(t, "TOKEN_CONTINUE w/o") ? 0x1000 : 0x200;
}

static void call(struct trace *t)
{
	static const struct {
		const char *name;
		int reg;
	} fields[] = {
		{ "x0=", 0 }, { "x1=", 1 }, { "x2=", 2 }, { "x3=", 3 },
		{ "x4=", 4 }, { "x8=", 8 }, { "x9=", 9 },
	};
	bool rim = starts(t, "MEASUREMENT_READ 0") && t->machine->differs & TRACE_OWN_RIM;
	uint64_t fid = trace_number(t, "fid=", 16);

	arguments(t, fid);
	trace_call(t, fid);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!rim || fields[i].reg < 1 || fields[i].reg > 4)
			trace_expect(t, fields[i].name, t->x[fields[i].reg]);
	}
}

/* Compares "cfg OFFSET: xx xx ..." or "rpv ..." with the last realm configuration that was read. */
static void dump(struct trace *t)
{
	const uint8_t *got = t->machine->bytes() + (starts(t, "rpv") ? 0x200 : 0);
	const char *p = strchr(t->line, ':') + 1;
	unsigned int offset, byte;
	int used;

	if (sscanf(t->line + 4, "%x", &offset) != 1)
		offset = 0;
	for (int i = 0; i < 16 && sscanf(p, " %2x%n", &byte, &used) == 1; i++, p += used) {
		bool gic = offset + (unsigned int)i >= 0x18 && t->machine->differs & TRACE_OWN_GIC;

		if (got[offset + (unsigned int)i] != byte && !gic)
			trace_wrong(t, "byte %d is %02x", i, got[offset + (unsigned int)i]);
	}
	memcpy(t->rpv, t->machine->bytes() + 0x200, sizeof(t->rpv));
	t->played++;
}

static bool play(struct trace *t)
{
	static const uint8_t challenge[64];

	if (starts(t, "RMI_VERSION"))
		t->extended_elsewhere = true;
	if (t->extended_elsewhere && starts(t, "READ idx"))
		t->lost++;
	else if (strstr(t->line, "fid="))
		call(t);
	else if (starts(t, "TOKEN_INIT"))
		trace_init(t, challenge);
	else if (starts(t, "TOKEN_CONTINUE"))
		trace_continue(t, t->machine->granule, trace_number(t, "off=", 16),
			       trace_number(t, "size=", 10));
	else if (starts(t, "cfg") || starts(t, "rpv"))
		dump(t);
	else if (starts(t, "token total"))
		trace_token_check(t);
	return true;
}

bool trace_probe(struct trace *t, const struct trace_machine *machine, const char *path)
{
	if (!trace_open(t, machine, path))
		return false;
	t->granule = GRANULE_OF_TRACE;
	t->addresses = true;
	trace_lines(t, play);
	if (t->lost != LOST)
		trace_wrong(t, "%u lines were lost instead of %u", t->lost, LOST);
	return true;
}
