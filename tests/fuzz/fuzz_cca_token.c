// SPDX-License-Identifier: Apache-2.0
/*
 * The input is decoded as a CCA token, and as a COSE_Key: in a token that comes after a signature,
 * which a fuzzer cannot make.
 */
#include <stdlib.h>
#include <string.h>

#include "cca_token.h"
#include "cose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void key_try(struct cca_slice input, const struct cca_sign1 *sign1)
{
	struct error e = ERROR_INIT;
	EVP_PKEY *key = cose_key_decode(input, &e);

	if (!key && e.kind == ERROR_NONE)
		abort();	/* a failure must have a cause */
	if (key && sign1)
		cose_sign1_verify(sign1, key, &e);
	EVP_PKEY_free(key);
}

static void token_use(const struct cca_token *token)
{
	const struct cca_anchors anchors = CCA_ANCHORS_INIT;
	struct cca_verdict verdict;
	struct bytes out = BYTES_INIT;
	json_t *json = cca_token_json(token);

	if (!json || cca_token_print(token, &out) < 0)
		abort();	/* every decoded token can be printed */
	if (cca_token_verify(token, &anchors, NULL, &verdict, NULL) == 0 || !verdict.detail[0])
		abort();	/* no token verifies without anchors */
	json_decref(json);
	bytes_free(&out);
	key_try(token->realm.rak, &token->realm.sign1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cca_token token = CCA_TOKEN_INIT;
	struct cca_verdict verdict;

	if (cca_token_decode(data, size, &token, &verdict) == 0)
		token_use(&token);
	else if (verdict.cause == CCA_OK || !verdict.detail[0])
		abort();
	cca_token_free(&token);
	key_try((struct cca_slice){ data, size }, NULL);
	return 0;
}
