// SPDX-License-Identifier: Apache-2.0
/*
 * The input is opened as a JWE: a failure must leave no output. It is also sealed as a secret, and
 * opening the result must return it.
 */
#include <stdlib.h>
#include <string.h>

#include "jose/jwe.h"

#define ROUND_TRIP_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The key of own-vectors/tee-p256.pem, which opens the vectors. It protects nothing. */
static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
			  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgOn54AwpuWscOwpdB\n"
			  "zvtL1ZvoHBQE9A7TfF+m54QF41uhRANCAAQbAlXq8x8Qe/cFm/ocF5X20+1Bk6Oa\n"
			  "jyDhlcHbEtQW1xYBQ4hXaboA31a6dhJG21vuS6QErUJDzfCFIvyw1N0Y\n"
			  "-----END PRIVATE KEY-----\n";

static void round_trip(const struct tee_key *key, const json_t *jwk, const uint8_t *data,
		       size_t size)
{
	struct bytes text = BYTES_INIT, plain = BYTES_INIT;
	struct error e = ERROR_INIT;

	if (jwe_seal(jwk, data, size, NULL, &text, &e) < 0 ||
	    jwe_open(key, text.data, text.len, &plain, &e) < 0 ||
	    !bytes_equal(plain.data, plain.len, data, size))
		abort();
	bytes_free(&text);
	bytes_free(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tee_key key;
	static json_t *jwk;
	struct bytes plain = BYTES_INIT;
	struct error e = ERROR_INIT;

	if (!jwk && (tee_key_from_pem(&key, pem, sizeof(pem) - 1, &e) < 0 ||
		     !(jwk = tee_key_jwk(&key, &e))))
		abort();
	if (jwe_open(&key, data, size, &plain, &e) < 0 && plain.len != 0)
		abort();
	if (size <= ROUND_TRIP_MAX)
		round_trip(&key, jwk, data, size);
	bytes_free(&plain);
	return 0;
}
