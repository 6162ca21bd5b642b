// SPDX-License-Identifier: Apache-2.0
/* The input is a JWT: decoded, verified with the key in its header, and checked for its times. */
#include <stdlib.h>

#include "jose/jwk.h"
#include "jose/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jwt jwt = JWT_INIT;
	struct error e = ERROR_INIT;
	EVP_PKEY *key;
	bool expires;

	if (jwt_decode(data, size, &jwt, &e) < 0) {
		if (jwt.header || jwt.payload || jwt.signing_input.data || jwt.signature.data)
			abort();
		return 0;
	}
	key = jwk_public_key(json_object_get(jwt.header, "jwk"), "jwk", &e);
	if (key)
		jwt_verify(&jwt, key, &e);
	jwt_check_times(&jwt, 1800000000, 60, NULL, &e);
	jwt_check_times(&jwt, 1800000000, 60, &expires, &e);
	EVP_PKEY_free(key);
	jwt_free(&jwt);
	return 0;
}
