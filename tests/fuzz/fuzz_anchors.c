// SPDX-License-Identifier: Apache-2.0
/* The input is a trust anchor or a store of trust anchors. */
#include <stdlib.h>

#include "cca/cca_anchors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cca_anchors anchors = CCA_ANCHORS_INIT;
	struct error e = ERROR_INIT;

	if (cca_anchors_add(&anchors, data, size, "fuzz", &e) < 0 &&
	    (anchors.count != 0 || e.kind == ERROR_NONE))
		abort(); /* a failure must leave the store empty and have a cause */
	for (size_t i = 0; i < anchors.count; i++) {
		if (!anchors.anchor[i].key)
			abort();
	}
	cca_anchors_free(&anchors);
	return 0;
}
