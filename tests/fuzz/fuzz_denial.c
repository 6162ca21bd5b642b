// SPDX-License-Identifier: Apache-2.0
/*
 * Why a KBS denies a resource. The input is the claims of an EAR, which become a JWT here; after a
 * NUL there can be the CCA token. An input that is not JSON is the JWT itself.
 */
#include "base/encode.h"
#include "base/json.h"
#include "fuzz.h"
#include "kbs/denial.h"

/* A JWT of these claims. Nobody verifies its signature on the way to an explanation. */
static void ear_make(struct part claims, struct bytes *ear)
{
	static const char header[] = "{\"alg\":\"ES256\"}";
	struct error e = ERROR_INIT;
	json_t *json = json_parse(claims.data, claims.size, JSON_OPERATOR, "claims", ERROR_INPUT,
				  &e);

	if (!json) {
		bytes_set(ear, claims.data, claims.size);
		return;
	}
	json_decref(json);
	encode_base64(ENCODE_BASE64URL, header, sizeof(header) - 1, ear);
	bytes_append_text(ear, ".");
	encode_base64(ENCODE_BASE64URL, claims.data, claims.size, ear);
	bytes_append_text(ear, ".AAAA");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct denial_kbs kbs = { .url = "https://kbs.example" };
	struct part input = { data, size };
	struct bytes ear = BYTES_INIT, token = BYTES_INIT, out = BYTES_INIT;
	struct error e = ERROR_INIT;
	int ret;

	ear_make(part_until(&input, '\0'), &ear);
	bytes_set(&token, input.data, input.size);
	ret = denial_explain(&ear, &token, &kbs, &out, &e);
	must_explain(ret, &e);
	must(ret < 0 || (out.len && out.data[out.len - 1] == '\n'));
	for (size_t i = 0; i < out.len; i++)
		must(out.data[i] >= ' ' || out.data[i] == '\n');
	bytes_free(&ear);
	bytes_free(&token);
	bytes_free(&out);
	return 0;
}
