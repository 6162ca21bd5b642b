// SPDX-License-Identifier: Apache-2.0
/* The input is a CoRIM, as CBOR. What is read from it can be registered, or the reason is given. */
#include <jansson.h>

#include "appraisal/corim.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error e = ERROR_INIT;
	json_t *values = corim_values(data, size, &e), *value;
	const char *name;

	must_explain(values ? 0 : -1, &e);
	must(values || e.kind == ERROR_INPUT);
	json_object_foreach(values, name, value) {
		must(name[0] && (json_is_string(value) || json_is_array(value)));
	}
	json_decref(values);
	return 0;
}
