// SPDX-License-Identifier: Apache-2.0
#include "sample.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/json.h"
#include "handshake.h"

#define DIGEST_SIZE 48 /* SHA-384 */

/* Evidence without report data is of none, as in Trustee. */
static int sample_check(const char *what, const char *report, const json_t *runtime,
			struct error *e)
{
	uint8_t challenge[REALM_CHALLENGE_SIZE];
	struct bytes data = BYTES_INIT;
	int ret = handshake_challenge(runtime, challenge, e);

	if (ret == 0)
		ret = decode_base64(ENCODE_BASE64, report, strlen(report), "report_data", &data, e);
	if (ret == 0 && !bytes_equal(data.data, data.len, challenge, DIGEST_SIZE))
		ret = error_set(e, ERROR_ATTESTATION,
				"report_data is not the one of this session's key and nonce");
	bytes_free(&data);
	if (ret < 0) {
		error_reclassify(e, ERROR_INPUT, ERROR_PROTOCOL);
		error_add(e, "%s", what);
	}
	return ret;
}

/* Make the claims, with @own as those under the name of the TEE @tee, a reference that is taken. */
static json_t *sample_make(const char *tee, const json_t *evidence, json_t *own, json_t *runtime,
			   struct error *e)
{
	const char *svn = json_member_text(evidence, "svn", tee, ERROR_PROTOCOL, e);
	const char *report = json_string_value(json_object_get(evidence, "report_data"));
	json_t *claims = NULL;

	if (svn && sample_check(tee, report ? report : "", runtime, e) == 0) {
		claims = own && json_object_set_new(own, "svn", json_string(svn)) == 0 ?
				 json_pack("{s:O, s:s, s:O}", tee, own, "report_data",
					   report ? report : "", "runtime_data_claims", runtime) :
				 NULL;
		if (!claims)
			error_set_memory(e);
	}
	json_decref(own);
	return claims;
}

json_t *sample_claims(const json_t *evidence, json_t *runtime, struct error *e)
{
	/* These are constants in Trustee as well. */
	json_t *own = json_pack("{s:s, s:{s:i, s:i}, s:b}", "launch_digest", "abcde",
				"platform_version", "major", 1, "minor", 4, "debug", 0);

	return sample_make("sample", evidence, own, runtime, e);
}

json_t *sample_device_claims(const json_t *evidence, json_t *runtime, struct error *e)
{
	return sample_make(SAMPLE_DEVICE, evidence, json_object(), runtime, e);
}

/* The algorithms of Trustee's init-data, and their names in OpenSSL. */
static const struct {
	const char *name, *openssl;
} hashes[] = {
	{ "sha256", "SHA256" },
	{ "sha384", "SHA384" },
	{ "sha512", "SHA512" },
	{ "sm3", "SM3" },
};

/* The name in OpenSSL of the algorithm @name, which may be NULL, or NULL. */
static const char *sample_hash(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(hashes); i++)
		if (strcmp(name, hashes[i].name) == 0)
			return hashes[i].openssl;
	return NULL;
}

json_t *sample_init_data(json_t *claims, const char *text, json_t *answer, struct error *e)
{
	const char *hash = sample_hash(json_string_value(json_object_get(answer, "algorithm")));
	json_t *data = json_object_get(answer, "claims"), *value;
	uint8_t digest[EVP_MAX_MD_SIZE];
	struct bytes base64 = BYTES_INIT;
	size_t len = 0;

	if (!hash || !json_is_object(data)) {
		error_set(e, ERROR_ATTESTATION,
			  "its algorithm is none of sha256, sha384, sha512, sm3");
		return NULL;
	}
	crypto_begin();
	if (EVP_Q_digest(NULL, hash, NULL, text, strlen(text), digest, &len) != 1) {
		crypto_error(e, ERROR_SYSTEM, "OpenSSL cannot compute %s", hash);
		return NULL;
	}
	encode_base64(ENCODE_BASE64, digest, len, &base64);
	value = base64.failed ? NULL : json_string(bytes_text(&base64));
	bytes_free(&base64);
	if (!value || json_object_set_new(claims, "init_data", value) < 0) {
		error_set_memory(e);
		return NULL;
	}
	return data;
}
