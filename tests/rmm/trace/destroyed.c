// SPDX-License-Identifier: Apache-2.0
/*
 * What happens with a granule that the host reclaimed. It becomes DESTROYED with the next token
 * request, by a fault that was ordered on the host. Also: what happens when the realm loads from a
 * granule that it shares, at the protected address.
 */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "raw.h"
#include "rsi_fid.h"
#include "tap.h"

#define TOKEN_MAX  4096
#define ABORT_EL1  0x25UL      /* EC in ESR: a data abort from EL1 */
#define EXTERNAL   0x10UL      /* the cause is a synchronous external abort */
#define NO_ADDRESS (1UL << 10) /* FAR does not have the address */
#define ISS	   0x1ffffffUL

enum { EMPTY, RAM, DESTROYED };
enum { CHANGE_DESTROYED = 1, ACCEPT = 0, REJECT = 1, INCOMPLETE = 3 };

static uint64_t granule, x[11];

static int64_t call(uint64_t fid, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4)
{
	return raw_smc(x, fid, x1, x2, x3, x4);
}

/* Does STATE_SET change the granule? */
static bool changed(uint64_t to, uint64_t flags)
{
	return call(RSI_IPA_STATE_SET, granule, granule + RAW_GRANULE, to, flags) == 0 &&
	       x[2] == ACCEPT && x[1] == granule + RAW_GRANULE;
}

static bool rejected(uint64_t to)
{
	return call(RSI_IPA_STATE_SET, granule, granule + RAW_GRANULE, to, 0) == 0 &&
	       x[2] == REJECT && x[1] == granule;
}

static uint64_t state(void)
{
	return call(RSI_IPA_STATE_GET, granule, granule + RAW_GRANULE, 0, 0) == 0 ? x[2] : ~0UL;
}

static bool is_abort(uint64_t esr, uint64_t iss)
{
	return esr >> 26 == ABORT_EL1 && (esr & ISS & ~(31UL << 16)) == iss;
}

/* Is the call answered by an abort, with all registers unchanged? */
static bool aborts(uint64_t fid)
{
	return call(fid, granule, 0, 64, 0) == (int64_t)fid && x[1] == granule && x[3] == 64 &&
	       is_abort(raw_abort(), NO_ADDRESS | EXTERNAL);
}

static void a_shared_page_is_unmapped_in_the_protected_half(void)
{
	CHECK(raw_look() == 0);
	CHECK(changed(EMPTY, 0));
	CHECK(is_abort(raw_look(), EXTERNAL));
	CHECK(changed(RAM, 0));
	CHECK(raw_look() == 0);
}

static void a_granule_is_destroyed_with_a_token(void)
{
	memset(x, 0, sizeof(x));
	x[0] = RSI_TOKEN_INIT;
	memset(&x[1], 0x5a, 64);
	raw_call(x);
	CHECK(x[0] == 0);
	for (int i = 0; i < 100000 && !raw_abort(); i++)
		CHECK(call(RSI_TOKEN_CONTINUE, granule, 0, 64, 0) == INCOMPLETE || raw_abort());
	CHECK(aborts(RSI_TOKEN_CONTINUE));
	CHECK(state() == DESTROYED);
}

static void the_destroyed_granule_is_unusable(void)
{
	CHECK(is_abort(raw_look(), EXTERNAL));
	CHECK(aborts(RSI_REALM_CONFIG));
	CHECK(aborts(RSI_HOST_CALL));
	CHECK(aborts(RSI_TOKEN_CONTINUE));
	CHECK(rejected(RAM));
	CHECK(rejected(EMPTY));
	CHECK(state() == DESTROYED);
}

static void it_becomes_ram_with_zeros_if_asked_for(void)
{
	static const uint8_t zero[RAW_GRANULE];

	CHECK(changed(RAM, CHANGE_DESTROYED));
	CHECK(state() == RAM);
	CHECK(raw_look() == 0);
	CHECK(memcmp(raw_bytes(), zero, RAW_GRANULE) == 0);
}

static void the_token_continues(void)
{
	static uint8_t token[TOKEN_MAX];
	uint8_t challenge[64];
	size_t size = 0;
	int64_t status;

	memset(challenge, 0x5a, sizeof(challenge));
	do {
		status = call(RSI_TOKEN_CONTINUE, granule, 0, 64, 0);
		CHECK((status == 0 || status == INCOMPLETE) && x[1] <= 64 &&
		      size + x[1] <= sizeof(token));
		memcpy(token + size, raw_bytes(), x[1]);
		size += x[1];
	} while (status == INCOMPLETE);
	CHECK(memmem(token, size, challenge, sizeof(challenge)));
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "a shared page is unmapped in the protected half",
		  a_shared_page_is_unmapped_in_the_protected_half },
		{ "a granule is DESTROYED while a token is fetched",
		  a_granule_is_destroyed_with_a_token },
		{ "it allows no access, no command and no change of RIPAS",
		  the_destroyed_granule_is_unusable },
		{ "it becomes RAM with zeros if the flag permits it",
		  it_becomes_ram_with_zeros_if_asked_for },
		{ "the token that was under way arrives complete", the_token_continues },
	};

	granule = raw_open();
	raw_on(0);
	if (argc == 2 && !strcmp(argv[1], "ipa")) {
		printf("0x%lx\n", granule);
		return 0;
	}
	if (argc != 1) {
		fprintf(stderr,
			"usage: %s [ipa]   ipa: print the address of the granule to destroy\n",
			argv[0]);
		return 2;
	}
	return tap_run(tests, ARRAY_SIZE(tests));
}
