// SPDX-License-Identifier: Apache-2.0
/* The input is a JWT: decoded, verified with the key in its header, and checked for its times. The certificates in its
 * header are followed to that of this file. */
#include <stdlib.h>
#include <string.h>

#include "jose/jwk.h"
#include "jose/jwt.h"
#include "jose/x5c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of a CA whose key was discarded when it had signed the certificate in a seed. */
static const char anchor[] = "-----BEGIN CERTIFICATE-----\n"
			     "MIIBejCCAR+gAwIBAgIUbJNLHDa+W627+O/VW7eQT9kOi1swCgYIKoZIzj0EAwIw\n"
			     "ETEPMA0GA1UEAwwGYW5jaG9yMCAXDTI2MTEzMDAwMDMxM1oYDzIxMjYxMTA2MDAw\n"
			     "MzEzWjARMQ8wDQYDVQQDDAZhbmNob3IwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n"
			     "AARWz0mfwfggsAj7uG4fG+wh7VDye+O/ziP3NbUF5KJ0OUOI0HDTmteDfKco/l5l\n"
			     "83P2mmJTIBaxpbwkOC3lN8NHo1MwUTAdBgNVHQ4EFgQU4fQz2cDdowDOUcaagsYT\n"
			     "21ZmyZ4wHwYDVR0jBBgwFoAU4fQz2cDdowDOUcaagsYT21ZmyZ4wDwYDVR0TAQH/\n"
			     "BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEA+jWHXyRq3mQ/wUIFjJNVDq+LQ1TR\n"
			     "XLC8y31bh8PL+BMCIQCcGhGzNhM53F1VWHO78T/tYtajl32zhX6JrORgg1Hxfg==\n"
			     "-----END CERTIFICATE-----\n";

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
	EVP_PKEY_free(key);
	e = (struct error)ERROR_INIT;
	key = x5c_key(jwt.header, anchor, strlen(anchor), 1800000000, &e);
	if (!key != (e.kind != ERROR_NONE))
		abort();
	jwt_check_times(&jwt, 1800000000, 60, NULL, &e);
	jwt_check_times(&jwt, 1800000000, 60, &expires, &e);
	EVP_PKEY_free(key);
	jwt_free(&jwt);
	return 0;
}
