// SPDX-License-Identifier: Apache-2.0
/* The input is a JWK. An accepted key has a JWK of its own, which results in the same key. */
#include "base/json.h"
#include "fuzz.h"
#include "jose/jwe.h"
#include "jose/jwk.h"

static void key_again(const EVP_PKEY *key)
{
	struct error e = ERROR_INIT;
	json_t *jwk = jwk_from_public_key(key, NULL, &e);
	EVP_PKEY *again = jwk_public_key(jwk, "own", &e);

	must(jwk && again && EVP_PKEY_eq(key, again) == 1);
	EVP_PKEY_free(again);
	json_decref(jwk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes sealed = BYTES_INIT;
	struct error e = ERROR_INIT, e2 = ERROR_INIT;
	json_t *jwk = json_parse(data, size, JSON_OPERATOR, "input", ERROR_INPUT, &e);
	EVP_PKEY *key;

	if (!jwk)
		return 0;
	key = jwk_public_key(jwk, "jwk", &e);
	must_explain(key ? 0 : -1, &e);
	if (key)
		key_again(key);
	must_explain(jwe_seal(jwk, "sesame", 6, NULL, &sealed, &e2), &e2);
	bytes_free(&sealed);
	EVP_PKEY_free(key);
	json_decref(jwk);
	return 0;
}
