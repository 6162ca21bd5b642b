// SPDX-License-Identifier: Apache-2.0
/* Accepted JSON has a canonical form, unless a number has none, and that form is its own. */
#include <stdlib.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void canonical_is_stable(const struct bytes *text)
{
	struct bytes again = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *value = json_parse(text->data, text->len, JSON_OPERATOR, "canonical", ERROR_INPUT,
				   &e);

	if (!value || json_canonical(value, &again, &e) < 0 ||
	    !bytes_equal(text->data, text->len, again.data, again.len))
		abort();
	json_decref(value);
	bytes_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes out = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *value = json_parse(data, size, JSON_OPERATOR, "input", ERROR_INPUT, &e);

	if (!value)
		return 0;
	if (json_canonical(value, &out, &e) == 0)
		canonical_is_stable(&out);
	else if (out.len != 0)
		abort();
	if (json_compact(value, &out, &e) < 0 || json_pretty(value, &out, &e) < 0)
		abort();
	json_member_text(value, "alg", "input", ERROR_INPUT, &e);
	json_member_object(value, "epk", "input", ERROR_INPUT, &e);
	json_decref(value);
	bytes_free(&out);
	return 0;
}
