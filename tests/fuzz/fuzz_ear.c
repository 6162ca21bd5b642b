// SPDX-License-Identifier: Apache-2.0
/* The input is the claims of an EAR, or a JWT with them. Every accepted EAR can be printed. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "ear/ear.h"
#include "jose/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The texts of an EAR must not add lines to the output. */
static void print_and_count(const struct ear *ear)
{
	struct bytes out = BYTES_INIT;
	size_t lines = 0, expected = 1;

	ear_print_vectors(ear, &out);
	if (out.failed)
		abort();
	for (size_t i = 0; i < out.len; i++)
		lines += out.data[i] == '\n';
	for (size_t i = 0; i < ear->count; i++)
		expected += ear->appraisal[i].has_vector ? EAR_CLAIMS + 2 : 3;
	if (lines != expected)
		abort();
	bytes_free(&out);
}

static void judge(json_t *payload)
{
	struct ear ear = EAR_INIT;
	struct error e = ERROR_INIT;

	if (ear_from_payload(payload, &ear, &e) == 0)
		print_and_count(&ear);
	else if (ear.payload || e.kind != ERROR_ATTESTATION || strchr(e.text, '\n'))
		abort();
	ear_free(&ear);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jwt jwt = JWT_INIT;
	struct error e = ERROR_INIT;
	json_t *payload = json_parse(data, size, JSON_OPERATOR, "input", ERROR_INPUT, &e);

	if (payload)
		judge(payload);
	else if (jwt_decode(data, size, &jwt, &e) == 0)
		judge(jwt.payload);
	json_decref(payload);
	jwt_free(&jwt);
	return 0;
}
