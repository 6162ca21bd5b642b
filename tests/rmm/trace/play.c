// SPDX-License-Identifier: Apache-2.0
/*
 * Plays a trace of TF-RMM in a realm, through rsi_raw.ko. What cannot be equal there is named below,
 * and said with the result; everything else has to be. TAP.
 */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace.h"

#define DEVICE		"/dev/rsi-raw"
#define REGISTERS	18
#define GRANULE_AT	4096
#define IPA_AT		8192

static int fd;

static void call(uint64_t x[11])
{
	uint64_t regs[REGISTERS] = { 0 };

	memcpy(regs, x, 11 * sizeof(*x));
	if (pwrite(fd, regs, sizeof(regs), 0) != sizeof(regs) || pread(fd, regs, sizeof(regs), 0) != sizeof(regs))
		err(EXIT_FAILURE, "%s", DEVICE);
	memcpy(x, regs, 11 * sizeof(*x));
}

static const uint8_t *bytes(void)
{
	static uint8_t granule[TRACE_PAGE];

	if (pread(fd, granule, sizeof(granule), GRANULE_AT) != sizeof(granule))
		err(EXIT_FAILURE, "%s", DEVICE);
	return granule;
}

/* Token operations are a REC's: all calls are made on the same one. */
static void machine_open(struct trace_machine *machine)
{
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0 || sched_setaffinity(0, sizeof(first), &first) ||
	    pread(fd, &machine->granule, sizeof(machine->granule), IPA_AT) != sizeof(machine->granule))
		err(EXIT_FAILURE, "%s", DEVICE);
}

static void differences_print(unsigned int differs)
{
	static const char *const names[] = {
		"the token's bytes and size", "the RIM", "the IPA width", "gicv3_vtr", "how late the signer is",
	};

	printf("# of another machine: the granule's address");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (differs & 1U << i)
			printf(", %s", names[i]);
	}
	putchar('\n');
}

int main(int argc, char **argv)
{
	static struct trace_machine machine = { .call = call, .bytes = bytes };
	static struct trace trace;
	bool probe = argc == 3 && !strcmp(argv[1], "probe");

	if (argc != 3 || (!probe && strcmp(argv[1], "fakehost"))) {
		fprintf(stderr, "usage: %s probe|fakehost TRACE\n", argv[0]);
		return 2;
	}
	machine_open(&machine);
	machine.differs = TRACE_OWN_TOKEN | TRACE_OWN_RIM | TRACE_LATE;
	if (!probe)	/* it was no machine at all */
		machine.differs |= TRACE_OWN_IPA_WIDTH | TRACE_OWN_GIC;
	if (!(probe ? trace_probe : trace_fakehost)(&trace, &machine, argv[2]))
		err(EXIT_FAILURE, "%s", argv[2]);
	differences_print(machine.differs);
	if (trace.lost)
		printf("# %u lines left out: the trace has not what led to them\n", trace.lost);
	printf("%s 1 - %u calls and dumps of %s answered as there, %u fields wrong\n1..1\n",
	       trace.wrong ? "not ok" : "ok", trace.played, strrchr(argv[2], '/') ? strrchr(argv[2], '/') + 1 : argv[2],
	       trace.wrong);
	return trace.wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
