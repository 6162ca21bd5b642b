// SPDX-License-Identifier: Apache-2.0
#include "raw.h"

#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEVICE	   "/dev/rsi-raw"
#define REGISTERS  18
#define GRANULE_AT 4096
#define IPA_AT	   8192
#define ABORT_AT   12288
#define LOOK_AT	   16384

static int fd;

static void raw_read(void *to, size_t size, off_t at)
{
	if (pread(fd, to, size, at) != (ssize_t)size)
		err(EXIT_FAILURE, "cannot read %s", DEVICE);
}

uint64_t raw_open(void)
{
	uint64_t ipa;

	fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		err(EXIT_FAILURE, "cannot open %s", DEVICE);
	raw_read(&ipa, sizeof(ipa), IPA_AT);
	return ipa;
}

void raw_on(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(EXIT_FAILURE, "cannot run on CPU %u", cpu);
}

void raw_call(uint64_t x[11])
{
	uint64_t regs[REGISTERS] = { 0 };

	memcpy(regs, x, 11 * sizeof(*x));
	if (pwrite(fd, regs, sizeof(regs), 0) != sizeof(regs))
		err(EXIT_FAILURE, "cannot write %s", DEVICE);
	raw_read(regs, sizeof(regs), 0);
	memcpy(x, regs, 11 * sizeof(*x));
}

int64_t raw_smc(uint64_t x[11], uint64_t fid, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4)
{
	memcpy(x, (const uint64_t[11]){ fid, x1, x2, x3, x4 }, 11 * sizeof(*x));
	raw_call(x);
	return (int64_t)x[0];
}

const uint8_t *raw_bytes(void)
{
	static uint8_t granule[RAW_GRANULE];

	raw_read(granule, sizeof(granule), GRANULE_AT);
	return granule;
}

static uint64_t number_read(off_t at)
{
	uint64_t number;

	raw_read(&number, sizeof(number), at);
	return number;
}

uint64_t raw_abort(void)
{
	return number_read(ABORT_AT);
}

uint64_t raw_look(void)
{
	return number_read(LOOK_AT);
}
