// SPDX-License-Identifier: Apache-2.0
/*
 * Plays a trace of TF-RMM in a realm, through rsi_raw.ko. All answers must be equal, except those
 * that depend on the machine, which are named below and printed with the result. TAP.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "raw.h"
#include "trace.h"

static void differences_print(unsigned int differs)
{
	static const char *const names[] = {
		"the token's bytes and size", "the RIM", "the IPA width", "gicv3_vtr",
		"the signer's delay",
	};

	printf("# not compared, as the machine differs: the granule's address");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (differs & 1U << i)
			printf(", %s", names[i]);
	}
	putchar('\n');
}

int main(int argc, char **argv)
{
	static struct trace_machine machine = { .call = raw_call, .bytes = raw_bytes };
	static struct trace trace;
	bool probe = argc == 3 && !strcmp(argv[1], "probe");

	if (argc != 3 || (!probe && strcmp(argv[1], "fakehost"))) {
		fprintf(stderr, "usage: %s probe|fakehost TRACE\n", argv[0]);
		return 2;
	}
	machine.granule = raw_open();
	raw_on(0);
	machine.differs = TRACE_OWN_TOKEN | TRACE_OWN_RIM | TRACE_LATE;
	if (!probe) /* that trace is of a process, not of a machine */
		machine.differs |= TRACE_OWN_IPA_WIDTH | TRACE_OWN_GIC;
	if (!(probe ? trace_probe : trace_fakehost)(&trace, &machine, argv[2]))
		err(EXIT_FAILURE, "cannot read %s", argv[2]);
	differences_print(machine.differs);
	if (trace.lost)
		printf("# %u lines skipped: the trace lacks the calls that led to them\n",
		       trace.lost);
	printf("%s 1 - %u calls and dumps of %s compared, %u fields differ\n1..1\n",
	       trace.wrong ? "not ok" : "ok", trace.played,
	       strrchr(argv[2], '/') ? strrchr(argv[2], '/') + 1 : argv[2], trace.wrong);
	return trace.wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
