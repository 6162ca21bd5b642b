// SPDX-License-Identifier: Apache-2.0
/*
 * The machine as a realm sees it: CPUs and PSCI, memory and RIPAS, a token operation on each REC.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "raw.h"
#include "rsi_fid.h"
#include "tap.h"

#define PSCI(n)	  (0x84000000UL + (n))
#define PSCI64(n) (0xc4000000UL + (n))
#define RAM_BASE  0x40000000UL
#define SHARED	  (1UL << 32)
#define MAX_CPUS  8
#define TOKEN_MAX 4096
#define PIECE	  0x180
#define SVE_HINT  (1UL << 16)

enum {
	PSCI_VERSION,
	CPU_SUSPEND,
	CPU_OFF,
	CPU_ON,
	AFFINITY_INFO,
	MIGRATE_INFO_TYPE = 6,
	SYSTEM_OFF = 8,
	SYSTEM_RESET,
	FEATURES,
	SYSTEM_SUSPEND = 14,
	SYSTEM_RESET2 = 18
};
enum { NOT_SUPPORTED = -1, INVALID = -2, ALREADY_ON = -4, INVALID_ADDRESS = -9 };

static unsigned int cpus;
static uint64_t ram, granule, x[11];

static int64_t call(uint64_t fid, uint64_t x1, uint64_t x2, uint64_t x3)
{
	return raw_smc(x, fid, x1, x2, x3, 0);
}

static void psci_is_complete(void)
{
	CHECK(call(PSCI(PSCI_VERSION), 0, 0, 0) == 0x10001);
	CHECK(call(0x80000000, 0, 0, 0) == 0x10002);
	CHECK(call(PSCI(FEATURES), PSCI64(CPU_SUSPEND), 0, 0) == 0);
	CHECK(call(PSCI(FEATURES), PSCI(CPU_OFF), 0, 0) == 0);
	CHECK(call(PSCI(FEATURES), PSCI64(CPU_ON), 0, 0) == 0);
	CHECK(call(PSCI(FEATURES), PSCI64(AFFINITY_INFO), 0, 0) == 0);
	CHECK(call(PSCI(FEATURES), PSCI(SYSTEM_OFF), 0, 0) == 0);
	CHECK(call(PSCI(FEATURES), PSCI(SYSTEM_RESET), 0, 0) == 0);
	CHECK(call(PSCI(FEATURES), PSCI64(SYSTEM_RESET2), 0, 0) == NOT_SUPPORTED);
	CHECK(call(PSCI64(SYSTEM_RESET2), 0, 0, 0) == NOT_SUPPORTED);
	CHECK(call(PSCI64(SYSTEM_SUSPEND), RAM_BASE, 0, 0) == NOT_SUPPORTED);
	CHECK(call(PSCI(MIGRATE_INFO_TYPE), 0, 0, 0) == NOT_SUPPORTED);
	CHECK(call(PSCI64(CPU_SUSPEND), 0, 0, 0) == 0);
}

static void cpus_are_on(void)
{
	CHECK((unsigned int)sysconf(_SC_NPROCESSORS_ONLN) == cpus);
	for (unsigned int i = 0; i < cpus; i++) {
		CHECK(call(PSCI64(AFFINITY_INFO), i, 0, 0) == 0);
		CHECK(call(PSCI64(CPU_ON), i, RAM_BASE, 0) == ALREADY_ON);
	}
	CHECK(call(PSCI64(AFFINITY_INFO), cpus, 0, 0) == INVALID);
	CHECK(call(PSCI64(AFFINITY_INFO), 0, 1, 0) == INVALID);
	CHECK(call(PSCI64(CPU_ON), cpus, RAM_BASE, 0) == INVALID);
	CHECK(call(PSCI64(CPU_ON), 0, RAM_BASE | SHARED, 0) == INVALID_ADDRESS);
}

static bool cpu_set_online(unsigned int cpu, bool online)
{
	char path[64];
	bool good;
	int fd;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", cpu);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	good = fd >= 0 && write(fd, online ? "1" : "0", 1) == 1;
	if (fd >= 0)
		close(fd);
	return good;
}

/* A CPU that is taken offline takes a moment until it is off. */
static bool cpu_is_off(unsigned int cpu)
{
	for (int i = 0; i < 1000; i++) {
		if (call(PSCI64(AFFINITY_INFO), cpu, 0, 0) == 1)
			return true;
		usleep(10000);
	}
	return false;
}

static void cpus_go_offline_and_online(void)
{
	for (unsigned int i = 1; i < cpus; i++) {
		CHECK(cpu_set_online(i, false));
		CHECK(cpu_is_off(i));
		CHECK(cpu_set_online(i, true));
		CHECK(call(PSCI64(AFFINITY_INFO), i, 0, 0) == 0);
		raw_on(i);
		CHECK(call(RSI_VERSION, 0x10000, 0, 0) == 0);
		raw_on(0);
	}
}

/* The bytes that are still RAM: the kernel has made some memory EMPTY in order to share it. */
static uint64_t protected_bytes(void)
{
	uint64_t sum = 0;

	for (uint64_t at = RAM_BASE; at < SHARED; at = x[1]) {
		if (call(RSI_IPA_STATE_GET, at, SHARED, 0) || x[1] <= at)
			return 0;
		sum += x[2] == 1 ? x[1] - at : 0;
	}
	return sum;
}

static void memory_is_as_large_as_requested(void)
{
	unsigned long kib = 0;
	FILE *file = fopen("/proc/meminfo", "r");

	CHECK(file);
	if (fscanf(file, "MemTotal: %lu", &kib) != 1)
		kib = 0;
	fclose(file);
	CHECK(kib < ram >> 10 && kib > ram / 2 >> 10);
	CHECK(protected_bytes() > ram / 2);
	CHECK(call(RSI_IPA_STATE_GET, RAM_BASE + ram, SHARED, 0) == 0);
	CHECK(x[2] == 0 && x[1] == SHARED);
	CHECK(call(RSI_IPA_STATE_GET, SHARED, SHARED + 4096, 0) == 1);
	CHECK(call(RSI_IPA_STATE_SET, RAM_BASE + ram, RAM_BASE + ram + 4096, 1) == 0);
	CHECK(x[1] == RAM_BASE + ram && x[2] == 1); /* the host rejects that */
}

static void ripas_changes(void)
{
	static const uint8_t zero[RAW_GRANULE];

	CHECK(call(RSI_REALM_CONFIG, granule, 0, 0) == 0);
	CHECK(memcmp(raw_bytes(), zero, RAW_GRANULE) != 0);
	CHECK(call(RSI_IPA_STATE_SET, granule, granule + 4096, 0) == 0);
	CHECK(x[1] == granule + 4096 && x[2] == 0);
	CHECK(call(RSI_IPA_STATE_GET, granule, granule + 4096, 0) == 0 && x[2] == 0);
	CHECK(call(RSI_REALM_CONFIG, granule, 0, 0) == 1);
	CHECK(call(RSI_HOST_CALL, granule, 0, 0) == 1);
	CHECK(call(RSI_IPA_STATE_SET, granule, granule + 4096, 1) == 0);
	CHECK(memcmp(raw_bytes(), zero, RAW_GRANULE) == 0);
	CHECK(call(RSI_REALM_CONFIG, granule, 0, 0) == 0);
	CHECK(memcmp(raw_bytes(), zero, RAW_GRANULE) != 0);
}

static struct {
	uint8_t bytes[TOKEN_MAX];
	size_t size;
	bool over;
} tokens[MAX_CPUS];

static bool token_begin(unsigned int cpu)
{
	memset(x, 0, sizeof(x));
	x[0] = RSI_TOKEN_INIT;
	memset(&x[1], 0x80 + (int)cpu, 64);
	raw_call(x);
	tokens[cpu].size = 0;
	tokens[cpu].over = false;
	return x[0] == 0;
}

/* One CONTINUE, with an unaligned offset. */
static bool token_proceed(unsigned int cpu)
{
	int64_t status = call(RSI_TOKEN_CONTINUE, granule, 7 + cpu, PIECE);

	if ((status != 0 && status != 3) || x[1] > PIECE || tokens[cpu].size + x[1] > TOKEN_MAX)
		return false;
	memcpy(tokens[cpu].bytes + tokens[cpu].size, raw_bytes() + 7 + cpu, x[1]);
	tokens[cpu].size += x[1];
	tokens[cpu].over = status == 0;
	return true;
}

static bool token_is_own(unsigned int cpu)
{
	uint8_t challenge[64];

	memset(challenge, 0x80 + (int)cpu, sizeof(challenge));
	return memmem(tokens[cpu].bytes, tokens[cpu].size, challenge, sizeof(challenge));
}

/* All RECs have an operation under way, and each continues its own, whatever the others do. */
static void each_rec_has_its_own_token(void)
{
	unsigned int left = cpus;

	for (unsigned int i = 0; i < cpus; i++) {
		raw_on(i);
		CHECK(token_begin(i));
	}
	while (left) {
		for (unsigned int i = 0; i < cpus; i++) {
			raw_on(i);
			CHECK(tokens[i].over || token_proceed(i));
		}
		left = 0;
		for (unsigned int i = 0; i < cpus; i++)
			left += !tokens[i].over;
	}
	for (unsigned int i = 0; i < cpus; i++) {
		CHECK(token_is_own(i));
		raw_on(i);
		CHECK(call(RSI_TOKEN_CONTINUE, granule, 0, PIECE) == 2);
	}
	raw_on(0);
}

/* The call fails when there are bytes to write. The operation can continue with another granule. */
static void a_token_is_not_written_to_an_empty_granule(void)
{
	int64_t status = 3;

	CHECK(token_begin(0));
	CHECK(call(RSI_IPA_STATE_SET, granule, granule + 4096, 0) == 0);
	for (int i = 0; i < 100000 && status == 3; i++) {
		status = call(RSI_TOKEN_CONTINUE, granule, 0, PIECE);
		CHECK(x[1] == 0);
	}
	CHECK(status == 1);
	CHECK(call(RSI_IPA_STATE_SET, granule, granule + 4096, 1) == 0);
	while (!tokens[0].over)
		CHECK(token_proceed(0));
	CHECK(token_is_own(0));
}

static void the_sve_hint_is_ignored(void)
{
	CHECK(call(RSI_VERSION | SVE_HINT, 0x10000, 0, 0) == 0);
	CHECK(call(PSCI(PSCI_VERSION) | SVE_HINT, 0, 0, 0) == 0x10001);
	CHECK(call(RSI_VERSION | SVE_HINT << 1, 0x10000, 0, 0) == -1);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "PSCI has all functions of RMM 1.0 and refuses the others", psci_is_complete },
		{ "all CPUs are on, and there are no others", cpus_are_on },
		{ "CPUs go offline and online again", cpus_go_offline_and_online },
		{ "memory is as large as requested", memory_is_as_large_as_requested },
		{ "a granule becomes EMPTY, and then RAM with zeros", ripas_changes },
		{ "each REC has its own token operation", each_rec_has_its_own_token },
		{ "a token is not written to an EMPTY granule",
		  a_token_is_not_written_to_an_empty_granule },
		{ "the SVE hint in a function identifier is ignored", the_sve_hint_is_ignored },
	};

	if (argc != 3) {
		fprintf(stderr, "usage: %s CPUS MEBIBYTES\n", argv[0]);
		return 2;
	}
	cpus = (unsigned int)strtoul(argv[1], NULL, 10);
	ram = strtoul(argv[2], NULL, 10) << 20;
	if (!cpus || cpus > MAX_CPUS)
		tap_bail("CPUS must be 1 to %d", MAX_CPUS);
	granule = raw_open();
	raw_on(0);
	return tap_run(tests, ARRAY_SIZE(tests));
}
