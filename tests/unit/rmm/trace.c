/* SPDX-License-Identifier: Apache-2.0 */
#include "rsi_fid.h"
#include "trace.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE 20 /* seconds that a slow signer may take */

enum { SUCCESS = 0, INCOMPLETE = 3 };

bool trace_open(struct trace *t, const struct trace_machine *machine, const char *path)
{
	memset(t, 0, sizeof(*t));
	t->machine = machine;
	t->file = fopen(path, "r");
	return t->file;
}

void trace_lines(struct trace *t, bool (*play)(struct trace *t))
{
	bool more = true;

	while (more && fgets(t->line, sizeof(t->line), t->file)) {
		t->line[strcspn(t->line, "\n")] = '\0';
		t->number++;
		if (t->machine->before)
			t->machine->before(t->line);
		more = play(t);
		if (t->machine->after)
			t->machine->after(t->line);
	}
	fclose(t->file);
}

void trace_wrong(struct trace *t, const char *format, ...)
{
	va_list args;

	t->wrong++;
	if (t->machine->silent)
		return;
	va_start(args, format);
	printf("# line %u, %.60s: ", t->number, t->line);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
}

uint64_t trace_number(struct trace *t, const char *name, int base)
{
	const char *p = strstr(t->line, name);

	if (!p)
		trace_wrong(t, "no %s", name);
	return p ? strtoull(p + strlen(name), NULL, base) : 0;
}

void trace_expect(struct trace *t, const char *name, uint64_t got)
{
	uint64_t wanted = trace_number(t, name, 16);

	if (t->addresses)
		wanted = trace_address(t, wanted);
	if (got != wanted)
		trace_wrong(t, "%s%lx, not %lx", name, got, wanted);
}

uint64_t trace_address(const struct trace *t, uint64_t address)
{
	if (address < t->granule || address > t->granule + TRACE_PAGE)
		return address == (t->granule | 1UL << 32) ? t->machine->granule | 1UL << 32 :
							     address;
	return t->machine->granule + (address - t->granule);
}

void trace_call(struct trace *t, uint64_t fid)
{
	uint64_t index = t->x[1];

	t->x[0] = fid;
	t->machine->call(t->x);
	t->played++;
	if (fid == RSI_MEASUREMENT_READ && t->x[0] == SUCCESS && index < 5)
		memcpy(t->measurement[index], &t->x[1], 32);
}

void trace_init(struct trace *t, const uint8_t challenge[64])
{
	memset(t->x, 0, sizeof(t->x));
	memcpy(&t->x[1], challenge, 64);
	trace_call(t, RSI_TOKEN_INIT);
	trace_expect(t, "x0=", t->x[0]);
	trace_expect(t, "x1=", t->x[1]);
	memcpy(t->challenge, challenge, 64);
	memcpy(t->frozen, t->measurement, sizeof(t->frozen));
	t->token_size = 0;
	t->token_over = false;
	t->inits++;
}

/* With @wait, repeats the call until there are bytes, because the trace has some there. */
static void continue_call(struct trace *t, uint64_t ipa, uint64_t offset, uint64_t size, bool wait)
{
	time_t start = time(NULL);

	do {
		memset(t->x, 0, sizeof(t->x));
		t->x[1] = ipa;
		t->x[2] = offset;
		t->x[3] = size;
		t->x[0] = RSI_TOKEN_CONTINUE;
		t->machine->call(t->x);
	} while (wait && t->x[0] == INCOMPLETE && !t->x[1] && time(NULL) - start < PATIENCE);
	if ((t->x[0] != SUCCESS && t->x[0] != INCOMPLETE) || t->x[1] > size ||
	    t->token_size + t->x[1] > sizeof(t->token))
		return;
	memcpy(t->token + t->token_size, t->machine->bytes() + offset, t->x[1]);
	t->token_size += t->x[1];
}

/* A token of another size also consists of whole pieces and a last piece that is not empty. */
static void own_piece_check(struct trace *t, uint64_t size)
{
	if (t->x[0] == INCOMPLETE ? t->x[1] != size :
				    t->x[0] != SUCCESS || !t->x[1] || t->x[1] > size)
		trace_wrong(t, "x0=%lx x1=%lx, with pieces of %lx", t->x[0], t->x[1], size);
}

void trace_continue(struct trace *t, uint64_t ipa, uint64_t offset, uint64_t size)
{
	uint64_t status = trace_number(t, "x0=", 16), copied = trace_number(t, "x1=", 16);
	bool own = t->machine->differs & TRACE_OWN_TOKEN && copied;
	bool late = t->machine->differs & TRACE_LATE && copied;

	if (own && t->token_over)
		return; /* ours was shorter than the trace's */
	do {
		continue_call(t, ipa, offset, size, late);
		if (own)
			own_piece_check(t, size);
	} while (own && !t->wrong && status == SUCCESS && t->x[0] == INCOMPLETE);
	t->played++;
	t->token_over = t->x[0] == SUCCESS;
	if (!own) {
		trace_expect(t, "x0=", t->x[0]);
		trace_expect(t, "x1=", t->x[1]);
	}
}

void trace_token_check(struct trace *t)
{
	if (!t->token_over || !memmem(t->token, t->token_size, t->challenge, 64))
		trace_wrong(t, "no complete token, or it lacks INIT's challenge");
	if (!memmem(t->token, t->token_size, t->rpv, 64))
		trace_wrong(t, "the token lacks the realm's personalisation value");
	for (int i = 0; i < 5; i++) {
		if (!memmem(t->token, t->token_size, t->frozen[i], 32))
			trace_wrong(t, "the token lacks measurement %d as it was at INIT", i);
	}
}
