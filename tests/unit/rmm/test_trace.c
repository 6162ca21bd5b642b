/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares our logic with traces of the real TF-RMM (trace.h). With the quirks of that version
 * nothing differs. Without a quirk, only the lines that the quirk affects differ.
 *
 * head-rsi-trace-sha256.txt, head-el3sign-rsi-trace-sha256.txt: TF-RMM (9a7f8ef4) as a process. The
 * realm token is signed by the RMM, or by EL3.
 *
 * rsi-probe-v0.8.0-sha256.txt: TF-RMM v0.8.0 under QEMU, from inside a Linux realm, RSI 1.0.
 */
#include "fake.h"
#include "hex.h"
#include "quirk.h"
#include "trace.h"

#define HEAD	     "tfrmm-fakehost/head-rsi-trace-sha256.txt"
#define EL3SIGN	     "tfrmm-fakehost/head-el3sign-rsi-trace-sha256.txt"
#define PROBE	     "tfrmm-realm/rsi-probe-v0.8.0-sha256.txt"
#define FAKEHOST_VTR 0x14000000 /* ICH_VTR_EL2 of the two machines */
#define PROBE_VTR    0x90b80003
#define PROBE_TOKEN  2134

static struct trace trace;
static uint8_t tokens[3][CHANNEL_PAYLOAD_MAX];
static uint32_t token_size[3];
static unsigned int inits;

static void call(uint64_t x[11])
{
	fake_call(0, x);
}

static const uint8_t *bytes(void)
{
	return fake.memory[0];
}

/* Sets the realm's state before the first call, and reads the tokens that the signer will send. */
static void fakehost_prepare(const char *name)
{
	static const char *const starts[] = { "@@HEX RIM ", "@@HEX TOKEN ", "@@HEX TOKEN3 " };
	static char line[16384];
	FILE *file = fopen(fake_path(name), "r");

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		for (unsigned int i = 0; i < 3; i++) {
			if (!strncmp(line, starts[i], strlen(starts[i])))
				token_size[i] = (uint32_t)hex_parse(strrchr(line, ' ') + 1,
								    tokens[i], sizeof(tokens[i]));
		}
	}
	fclose(file);
	memcpy(fake.realm.measurement[0], tokens[0], 32);
	for (int i = 0; i < 64; i++)
		fake.realm.rpv[i] = (uint8_t)('0' + i % 10);
	inits = 0;
}

/* The trace discards the first operation; the second and third have its two tokens. */
static void fakehost_after(const char *line)
{
	unsigned int which;

	if (strncmp(line, "@@CALL TOKEN_INIT", 17))
		return;
	which = inits++ < 2 ? 1 : 2;
	fake.answer = tokens[which];
	fake.answer_size = token_size[which];
	if (inits == 1)
		return;
	assert_non_null(memmem(tokens[which], token_size[which], fake.request.challenge, 64));
	assert_non_null(memmem(tokens[which], token_size[which], fake.request.rpv, 64));
	for (int i = 0; i < REALM_MEASUREMENTS; i++)
		assert_non_null(
			memmem(tokens[which], token_size[which], fake.request.measurement[i], 32));
}

/* As long as TF-RMM was still signing, our signer does not answer. */
static void fakehost_before(const char *line)
{
	if (strncmp(line, "@@CALL CONTINUE", 15))
		return;
	fake.answer = strstr(line, "irq pending") ? NULL : tokens[inits < 3 ? 1 : 2];
}

static void fakehost(const char *name, uint32_t quirks)
{
	const struct trace_machine machine = {
		.granule = 0x1000,
		.call = call,
		.bytes = bytes,
		.before = fakehost_before,
		.after = fakehost_after,
		.silent = quirks != quirk_find("tfrmm-head"),
	};

	fake_init(machine.granule, 48);
	fake.realm.quirks = quirks;
	fake.realm.gicv3_vtr = FAKEHOST_VTR;
	fakehost_prepare(name);
	assert_true(trace_fakehost(&trace, &machine, fake_path(name)));
	assert_int_equal(trace.number, 63);
	assert_int_equal(trace.inits, 3);
}

static void tfrmm_head(void **state)
{
	(void)state;
	fakehost(HEAD, quirk_find("tfrmm-head"));
	assert_int_equal(trace.played, 48);
	assert_int_equal(trace.wrong, 0);
}

static void tfrmm_head_with_el3_signing(void **state)
{
	(void)state;
	fakehost(EL3SIGN, quirk_find("tfrmm-head"));
	assert_int_equal(trace.played, 48);
	assert_int_equal(trace.wrong, 0);
}

/*
 * As with TF-RMM, there is no token at the first CONTINUE. The token contains the requested claims.
 */
static void probe_before(const char *line)
{
	static uint8_t token[PROBE_TOKEN];
	const struct channel_request *r = &fake.request;

	if (!strncmp(line, "TOKEN_INIT", 10)) {
		inits = 0;
		fake.answer = NULL;
	}
	if (strncmp(line, "TOKEN_CONTINUE off=", 19) || inits++ != 1)
		return;
	memcpy(token, r->challenge, 64);
	memcpy(token + 64, r->rpv, 64);
	memcpy(token + 128, r->measurement, sizeof(r->measurement));
	fake.answer = token;
	fake.answer_size = sizeof(token);
}

/* Takes the RIM of the traced realm from the first READ. */
static void probe_prepare(void)
{
	static char line[1024];
	FILE *file = fopen(fake_path(PROBE), "r");
	uint64_t rim[4] = { 0 };

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "MEASUREMENT_READ 0", 18))
			assert_int_equal(sscanf(strstr(line, "x1="), "x1=%lx x2=%lx x3=%lx x4=%lx",
						&rim[0], &rim[1], &rim[2], &rim[3]),
					 4);
	}
	fclose(file);
	memcpy(fake.realm.measurement[0], rim, sizeof(rim));
	strcpy((char *)fake.realm.rpv, "realcca");
}

static void probe(uint32_t quirks)
{
	const struct trace_machine machine = {
		.granule = 0x84c21000,
		.call = call,
		.bytes = bytes,
		.before = probe_before,
		.silent = quirks != quirk_find("tfrmm-0.8"),
	};

	fake_init(machine.granule, 33);
	fake.realm.quirks = quirks;
	fake.realm.gicv3_vtr = PROBE_VTR;
	probe_prepare();
	assert_true(trace_probe(&trace, &machine, fake_path(PROBE)));
}

static void tfrmm_0_8_in_a_realm(void **state)
{
	(void)state;
	probe(quirk_find("tfrmm-0.8"));
	assert_int_equal(trace.played, 48);
	assert_int_equal(trace.wrong, 0);
}

/* Without a quirk, the lines that it affects differ, and no others. */
static void each_quirk_has_its_effect(void **state)
{
	static const struct {
		enum quirk quirk;
		unsigned int fields; /* that differ from the trace of TF-RMM's head */
	} expected[] = {
		{ QUIRK_RSI_1_1, 8 },
		{ QUIRK_FEATURE_DA, 1 },
		{ QUIRK_READ_KEEPS, 10 },
		{ QUIRK_GICV3_VTR, 1 },
	};
	uint32_t all = quirk_find("tfrmm-head");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		fakehost(HEAD, all & ~(uint32_t)expected[i].quirk);
		assert_int_equal(trace.wrong, expected[i].fields);
	}
	probe(quirk_find("tfrmm-0.8") & ~(uint32_t)QUIRK_PERM_VALUE);
	assert_int_equal(trace.wrong, 2); /* x0 and x1 of one line */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tfrmm_head),
		cmocka_unit_test(tfrmm_head_with_el3_signing),
		cmocka_unit_test(tfrmm_0_8_in_a_realm),
		cmocka_unit_test(each_quirk_has_its_effect),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
