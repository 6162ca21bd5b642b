// SPDX-License-Identifier: Apache-2.0
/*
 * The claims behind the signatures of a CCA token. The input is a byte with the form of the token,
 * the length of the platform's claims in two bytes, those claims, and the realm's. Both parts are
 * signed here, so that verification goes on to the binding, the challenge and the life cycle. The keys
 * are always the same, so that an input can contain the RAK and its hash.
 */
#include "cca/cca_print.h"
#include "cca/cca_verify.h"
#include "forge.h"
#include "fuzz.h"
#include "jose/tee_key.h"

/* These keys were made for this file, and protect nothing. */
static const char cpak_pem[] = "-----BEGIN PRIVATE KEY-----\n"
			       "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgi/gB5enJlwLXO2ON\n"
			       "9bGicXhKOZQlVM31nECdy3PashWhRANCAATlC1idR38CG6QUZ7JJfSEleEHTH+5q\n"
			       "k7OJ08mXKTertqNX9P3ZoeQq+0kM6m9L9SMFPjR2XVyS3dfAsTREe2Rl\n"
			       "-----END PRIVATE KEY-----\n";
static const char rak_pem[] = "-----BEGIN PRIVATE KEY-----\n"
			      "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgUXZIuAA406nJJUlD\n"
			      "oBKX081SgjYL6nqngxsrpcVogOWhRANCAASFho6him9/vebXuZMG01qen8KoqLuH\n"
			      "kQVCO/FKPEzQI9/ZZzMAeRPq8Mmsm0VnQz8vmXojkUMR8WNXfVoYNvW4\n"
			      "-----END PRIVATE KEY-----\n";

enum { FORM_OUTER_399 = 1, FORM_CHALLENGE = 2, FORM_OTHER_KEY = 4, FORM_REVOKED = 8 };

static EVP_PKEY *key_read(const char *pem)
{
	struct tee_key key = TEE_KEY_INIT;
	struct error e = ERROR_INIT;

	must(tee_key_from_pem(&key, pem, strlen(pem), &e) == 0);
	return key.pkey;
}

static void entry_put(struct bytes *token, bool outer_399, uint64_t key, EVP_PKEY *signer,
		      struct part claims)
{
	struct forge_part part = { .key = signer, .algorithm = -7, .empty_payload = true };
	struct bytes inner = BYTES_INIT;

	bytes_set(&part.payload, claims.data, claims.size);
	forge_inner(&part, &inner);
	put_uint(token, key);
	if (!outer_399) {
		put_array(token, 2);
		put_uint(token, 263);
	}
	put_bytes(token, inner.data, inner.len);
	bytes_free(&inner);
	bytes_free(&part.payload);
	bytes_free(&part.header);
}

static void token_verify(const struct cca_token *token, EVP_PKEY *cpak, uint64_t form)
{
	static const uint8_t challenge[REALM_CHALLENGE_SIZE];
	struct cca_anchor anchor = { .key = cpak, .revoked = form & FORM_REVOKED };
	const struct cca_anchors anchors = { &anchor, 1 };
	const struct cca_anchor *used = NULL;
	struct cca_verdict verdict;
	struct error e = ERROR_INIT;
	struct bytes out = BYTES_INIT;
	int ret = cca_token_verify(token, &anchors, form & FORM_CHALLENGE ? challenge : NULL,
				   &verdict, &used, &e);

	must_explain(ret, &e);
	must((ret == 0) == (verdict.cause == CCA_OK) && (ret == 0) == (used == &anchor));
	must(ret < 0 || !(form & (FORM_REVOKED | FORM_OTHER_KEY)));
	cca_token_print(token, &out);
	must(!out.failed);
	bytes_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static EVP_PKEY *cpak, *rak;
	struct part input = { data, size }, platform;
	struct cca_token token = CCA_TOKEN_INIT;
	struct bytes raw = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct cca_verdict verdict;
	uint64_t form = part_number(&input, 1);

	if (!cpak) {
		cpak = key_read(cpak_pem);
		rak = key_read(rak_pem);
	}
	platform = part_take(&input, part_number(&input, 2));
	put_tag(&raw, form & FORM_OUTER_399 ? 399 : 907);
	put_map(&raw, 2);
	entry_put(&raw, form & FORM_OUTER_399, 44241, rak, input);
	entry_put(&raw, form & FORM_OUTER_399, 44234, form & FORM_OTHER_KEY ? rak : cpak, platform);
	if (cca_token_decode(raw.data, raw.len, &token, &verdict, &e) == 0)
		token_verify(&token, cpak, form);
	else
		must(e.kind == ERROR_ATTESTATION && verdict.cause > CCA_OK);
	cca_token_free(&token);
	bytes_free(&raw);
	return 0;
}
