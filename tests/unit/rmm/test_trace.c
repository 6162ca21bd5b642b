/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays the RSI calls of two realms of the real TF-RMM to our logic and wants the same answers.
 *
 * head-rsi-trace-sha256.txt: TF-RMM (9a7f8ef4) as a process, all commands. Differences allowed:
 * its VERSION and FEATURES are RSI 1.1's (skipped), REALM_CONFIG tells a GIC word of RSI 1.1, and
 * where it leaves the caller's 0xee in a measurement's unused bytes we answer 0.
 * rsi-probe-v0.8.0-sha256.txt: TF-RMM v0.8.0 under QEMU, from inside a Linux realm, RSI 1.0.
 */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>

#define FID(n)		(0xc4000190 + (n))
#define TOKEN_MAX	CHANNEL_PAYLOAD_MAX

enum { VERSION, FEATURES, READ, EXTEND, INIT, CONTINUE, CONFIG, STATE_SET, STATE_GET, HOST_CALL };

static char line[16384];
static FILE *file;
static uint64_t x[11];

static void trace_open(const char *name)
{
	file = fopen(fake_path(name), "r");
	assert_non_null(file);
}

static bool line_next(void)
{
	if (!fgets(line, sizeof(line), file))
		return false;
	line[strcspn(line, "\n")] = 0;
	return true;
}

/* The number after @name in the line, hexadecimal or decimal. */
static uint64_t value(const char *name, int base)
{
	const char *p = strstr(line, name);

	if (!p)
		fail_msg("no \"%s\" in: %s", name, line);
	return strtoull(p + strlen(name), NULL, base);
}

static void expect(uint64_t got, const char *name)
{
	uint64_t wanted = value(name, 16);

	if (got != wanted)
		fail_msg("%s0x%lx instead, in: %s", name, got, line);
}

static void call(uint64_t fid)
{
	x[0] = fid;
	fake_call(0, x);
}

/* ---- TF-RMM as a process ---- */

static uint8_t tokens[2][TOKEN_MAX];
static uint32_t token_size[2];
static unsigned int inits, calls;
static uint8_t received[TOKEN_MAX];
static size_t received_size;

static void head_setup(void)
{
	fake_init(0x1000, 48);
	memset(fake.realm.rpv, 0, 64);
	for (int i = 0; i < 64; i++)
		fake.realm.rpv[i] = (uint8_t)('0' + i % 10);
	inits = calls = 0;
	trace_open("tfrmm-fakehost/head-rsi-trace-sha256.txt");
	while (line_next()) {
		const char *hex = strrchr(line, ' ') + 1;

		if (!strncmp(line, "@@HEX RIM ", 10))
			hex_parse(hex, fake.realm.measurement[0], 32);
		for (int i = 0; i < 2; i++) {
			if (!strncmp(line, i ? "@@HEX TOKEN3 " : "@@HEX TOKEN ", i ? 13 : 12))
				token_size[i] = (uint32_t)hex_parse(hex, tokens[i], TOKEN_MAX);
		}
	}
	rewind(file);
	assert_int_equal(token_size[0], 2174);
	assert_int_equal(token_size[1], 2174);
}

static void head_read(void)
{
	uint64_t index = value("READ(", 10);

	memset(x, 0xee, sizeof(x));
	x[1] = index;
	call(FID(READ));
	expect(x[0], "x0=");
}

static void head_extend(void)
{
	uint8_t bytes[64];

	memset(x, 0, sizeof(x));
	x[1] = value("idx=", 10);
	x[2] = value("size=", 10);
	for (int i = 0; i < 64; i++)
		bytes[i] = (uint8_t)(0xa0 + i);
	memcpy(&x[3], bytes, sizeof(bytes));
	call(FID(EXTEND));
	expect(x[0], "x0=");
}

/* Does the token of the trace hold what our request says? */
static void head_request_check(const uint8_t *token, uint32_t size)
{
	assert_non_null(memmem(token, size, fake.request.challenge, 64));
	assert_non_null(memmem(token, size, fake.request.rpv, 64));
	for (int i = 0; i < REALM_MEASUREMENTS; i++)
		assert_non_null(memmem(token, size, fake.request.measurement[i], 32));
}

/* The first operation is discarded midway: any token will do for it. */
static void head_init(void)
{
	unsigned int token = inits++ == 2;
	uint8_t challenge[64];
	uint64_t seed = value("seed=", 16);

	for (unsigned int i = 0; i < 64; i++)
		challenge[i] = (uint8_t)(seed + i);
	memset(x, 0, sizeof(x));
	memcpy(&x[1], challenge, sizeof(challenge));
	call(FID(INIT));
	expect(x[0], "x0=");
	expect(x[1], "x1=");
	if (inits > 1)
		head_request_check(tokens[token], token_size[token]);
	fake.answer = tokens[token];
	fake.answer_size = token_size[token];
	received_size = 0;
}

static void head_continue(void)
{
	const uint8_t *answer = fake.answer;
	uint64_t offset;

	memset(x, 0, sizeof(x));
	assert_int_equal(sscanf(strstr(line, "in("), "in(%lx,%lx,%lx)", &x[1], &x[2], &x[3]), 3);
	offset = x[2];
	if (strstr(line, "irq pending"))
		fake.answer = NULL;	/* TF-RMM still signs: so does our signer */
	call(FID(CONTINUE));
	fake.answer = answer;
	for (int i = 0; i < 3; i++)
		expect(x[i], (const char *[]){ "x0=", "x1=", "x2=" }[i]);
	if (x[0] == RSI_SUCCESS || x[0] == RSI_INCOMPLETE) {
		assert_true(received_size + x[1] <= sizeof(received));
		memcpy(received + received_size, fake.memory[0] + offset, x[1]);
		received_size += x[1];
	}
}

static void head_config(void)
{
	memset(x, 0, sizeof(x));
	x[1] = value("in(", 16);
	call(FID(CONFIG));
	for (int i = 0; i < 3; i++)
		expect(x[i], (const char *[]){ "x0=", "x1=", "x2=" }[i]);
}

static void head_hex(void)
{
	uint8_t bytes[TOKEN_MAX];
	size_t size = hex_parse(strrchr(line, ' ') + 1, bytes, sizeof(bytes));

	if (strstr(line, "realm_config_0_0x40")) {
		memset(bytes + 0x10, 0, 0x30);	/* RSI 1.1 has a GIC word there */
		assert_memory_equal(fake.memory[0], bytes, size);
	} else if (strstr(line, "realm_config_rpv")) {
		assert_memory_equal(fake.memory[0] + 0x200, bytes, size);
	} else if (strstr(line, "first_64") || strstr(line, "TOKEN")) {
		assert_int_equal(received_size, size);
		assert_memory_equal(received, bytes, size);
	} else {
		for (size_t i = x[0] ? 0 : 32; i < size; i++)
			bytes[i] = bytes[i] == 0xee ? 0 : bytes[i];
		assert_int_equal(size, 64);
		if (memcmp(&x[1], bytes, size))
			fail_msg("other registers: %s", line);
	}
}

static void head_line(void)
{
	static const struct {
		const char *start;
		void (*play)(void);
	} kinds[] = {
		{ "@@CALL MEASUREMENT_READ", head_read },
		{ "@@CALL MEASUREMENT_EXTEND", head_extend },
		{ "@@CALL TOKEN_INIT", head_init },
		{ "@@CALL CONTINUE", head_continue },
		{ "@@CALL REALM_CONFIG", head_config },
		{ "@@HEX", head_hex },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strncmp(line, kinds[i].start, strlen(kinds[i].start)))
			continue;
		kinds[i].play();
		calls++;
		return;
	}
	if (strncmp(line, "@@CALL VERSION", 14) && strncmp(line, "@@CALL FEATURES", 15))
		fail_msg("a line that this test does not know: %s", line);
}

static void tfrmm_head(void **state)
{
	(void)state;
	head_setup();
	while (line_next())
		head_line();
	fclose(file);
	assert_int_equal(inits, 3);
	assert_int_equal(calls, 57);	/* every line but six */
}

/* ---- TF-RMM v0.8.0, from inside a realm ---- */

#define PROBE_RAM	0x84c21000UL

static void probe_setup(void)
{
	fake_init(PROBE_RAM, 33);
	strcpy((char *)fake.realm.rpv, "realcca");
	memset(x, 0, sizeof(x));
	trace_open("tfrmm-realm/rsi-probe-v0.8.0-sha256.txt");
}

/* The first READ tells the RIM that this realm had. */
static void probe_rim(void)
{
	static const char *const words[] = { "x1=", "x2=", "x3=", "x4=" };

	for (int i = 0; i < 4; i++) {
		uint64_t word = value(words[i], 16);

		memcpy(fake.realm.measurement[0] + 8 * i, &word, 8);
	}
}

static void probe_call(void)
{
	uint64_t fid = value("fid=", 16);
	uint8_t bytes[64];

	memset(x, 0, sizeof(x));
	x[1] = value("a1=", 16);
	x[2] = value("a2=", 16);
	if (fid == FID(EXTEND)) {
		for (int i = 0; i < 64; i++)
			bytes[i] = (uint8_t)i;
		memcpy(&x[3], bytes, sizeof(bytes));
	} else if (fid == FID(CONTINUE)) {
		x[3] = strstr(line, "w/o INIT") ? 0x1000 : 0x200;
	}
	if (!strncmp(line, "MEASUREMENT_READ 0", 18))
		probe_rim();
	call(fid);
	expect(x[0], "x0=");
	expect(x[1], "x1=");
	expect(x[2], "x2=");
	expect(x[3], "x3=");
	expect(x[4], "x4=");
	expect(x[8], "x8=");
	expect(x[9], "x9=");
}

static void probe_token_init(void)
{
	memset(x, 0, sizeof(x));
	call(FID(INIT));
	expect(x[0], "x0=");
	expect(x[1], "x1=");
	fake.answer_size = 2134;
}

/* As in TF-RMM, the token is not there at the first call. */
static void probe_token_continue(void)
{
	static const uint8_t token[2134];

	memset(x, 0, sizeof(x));
	x[1] = PROBE_RAM;
	x[2] = value("off=", 16);
	x[3] = value("size=", 10);
	call(FID(CONTINUE));
	expect(x[0], "x0=");
	expect(x[1], "x1=");
	fake.answer = token;
}

/* What the realm of the probe did not log is lost: its later extends, the words of RSI 1.1. */
static bool probe_is_over(unsigned int reads_of_1)
{
	return reads_of_1 == 2 && !strncmp(line, "READ idx1", 9);
}

static void tfrmm_0_8_in_a_realm(void **state)
{
	unsigned int played = 0, reads_of_1 = 0;

	(void)state;
	probe_setup();
	while (line_next()) {
		reads_of_1 += !strncmp(line, "READ idx1", 9);
		if (probe_is_over(reads_of_1))
			break;
		if (!strncmp(line, "0x1A0 ", 6))
			continue;	/* an extra of v0.8.0 */
		if (strstr(line, "fid="))
			probe_call();
		else if (!strncmp(line, "TOKEN_INIT", 10))
			probe_token_init();
		else if (!strncmp(line, "TOKEN_CONTINUE", 14))
			probe_token_continue();
		else
			continue;	/* notes, and dumps of the configuration */
		played++;
	}
	fclose(file);
	assert_int_equal(played, 44);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tfrmm_head),
		cmocka_unit_test(tfrmm_0_8_in_a_realm),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
