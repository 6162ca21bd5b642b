// SPDX-License-Identifier: Apache-2.0
#include "init_data.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/crypto.h"
#include "base/json.h"

#define WHAT "init-data"

/* Members of the TOML that must have one value. */
static const struct {
	const char *member, *value;
} required[] = {
	{ "version", "0.1.0" },
	{ "algorithm", "sha512" },
};

int init_data_check(const char *text, size_t len, const uint8_t *rpv, size_t rpv_len,
		    struct error *e)
{
	uint8_t digest[REALM_RPV_SIZE];

	if (len > INIT_DATA_MAX)
		return error_set(e, ERROR_ATTESTATION, WHAT ": more than %zu bytes", INIT_DATA_MAX);
	if (memchr(text, '\0', len))
		return error_set(e, ERROR_ATTESTATION, WHAT ": it has a NUL, so it is not TOML");
	crypto_begin();
	if (EVP_Digest(text, len, digest, NULL, EVP_sha512(), NULL) != 1)
		return crypto_error(e, ERROR_SYSTEM, WHAT ": cannot compute SHA-512");
	if (!bytes_equal(digest, sizeof(digest), rpv, rpv_len))
		return error_set(e, ERROR_ATTESTATION,
				 WHAT ": its SHA-512 is not the personalization value (RPV) with "
				      "which the realm was launched");
	return 0;
}

json_t *init_data_claims(json_t *answer, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(required); i++) {
		const char *member = required[i].member, *value;

		value = json_member_text(answer, member, WHAT, ERROR_ATTESTATION, e);
		if (!value)
			return NULL;
		if (strcmp(value, required[i].value) != 0) {
			error_set(e, ERROR_ATTESTATION, WHAT ": its %s is '%.32s', not '%s'",
				  member, value, required[i].value);
			return NULL;
		}
	}
	return json_member_object(answer, "claims", WHAT, ERROR_ATTESTATION, e);
}
