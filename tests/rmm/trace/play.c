// SPDX-License-Identifier: Apache-2.0
/*
 * Plays a trace of TF-RMM in a realm, through rsi_raw.ko. What cannot be equal there is named below,
 * and said with the result; everything else has to be. TAP.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "raw.h"
#include "trace.h"

static void differences_print(unsigned int differs)
{
	static const char *const names[] = {
		"the token's bytes and size", "the RIM", "the IPA width", "gicv3_vtr", "how late the signer is",
	};

	printf("# of another machine: the granule's address");
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
