// SPDX-License-Identifier: Apache-2.0
/*
 * The input is decoded as a CCA token, and as a COSE_Key: in a token that comes after a signature,
 * which a fuzzer cannot make.
 */
#include <stdlib.h>
#include <string.h>

#include "cca/cca_print.h"
#include "cca/cca_verify.h"
#include "cca/cose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void key_try(struct cbor_slice input, const struct cose_sign1 *sign1)
{
	struct error e = ERROR_INIT;
	EVP_PKEY *key = cose_key_decode(input, &e);

	if (!key && e.kind == ERROR_NONE)
		abort(); /* a failure must have a cause */
	if (key && sign1)
		cose_sign1_verify(sign1, key, &e);
	EVP_PKEY_free(key);
}

static void token_use(const struct cca_token *token)
{
	const struct cca_anchors anchors = CCA_ANCHORS_INIT;
	struct error e = ERROR_INIT;
	struct cca_verdict verdict;
	struct bytes out = BYTES_INIT;
	json_t *json = cca_token_json(token, &e);

	cca_token_print(token, &out);
	if (!json || bytes_check(&out, &e) < 0)
		abort(); /* every decoded token can be printed */
	if (cca_token_verify(token, &anchors, NULL, &verdict, NULL, &e) == 0 || !verdict.detail[0])
		abort(); /* no token verifies without anchors */
	json_decref(json);
	bytes_free(&out);
	key_try(token->realm.rak, &token->realm.sign1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cca_token token = CCA_TOKEN_INIT;
	struct error e = ERROR_INIT;
	struct cca_verdict verdict;

	if (cca_token_decode(data, size, &token, &verdict, &e) == 0)
		token_use(&token);
	else if (verdict.cause <= CCA_OK || !verdict.detail[0] || e.kind != ERROR_ATTESTATION)
		abort();
	cca_token_free(&token);
	key_try((struct cbor_slice){ data, size }, NULL);
	return 0;
}
