/* SPDX-License-Identifier: Apache-2.0 */
/* forge_judge: the verdict about a token of forge.h. */
#ifndef TESTS_FORGE_JUDGE_H
#define TESTS_FORGE_JUDGE_H

#include "cca_test.h"
#include "forge.h"

static inline void forge_judge(struct forge *forge, struct cca_verdict *verdict)
{
	struct cca_token token = CCA_TOKEN_INIT;
	struct bytes raw = BYTES_INIT;

	forge_make(forge, &raw);
	token_judge(raw.data, raw.len, &forge->anchors, challenge_from(0), &token, verdict);
	cca_token_free(&token);
	bytes_free(&raw);
}

static inline void forge_expect(struct forge *forge, enum cca_cause cause, const char *word)
{
	struct cca_verdict verdict;

	forge_judge(forge, &verdict);
	verdict_expect(&verdict, cause, word);
}

#endif
