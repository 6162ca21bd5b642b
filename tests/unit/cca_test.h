/* SPDX-License-Identifier: Apache-2.0 */
/* cca_test: shared by the tests of CCA tokens: reads their files, verifies a token. */
#ifndef REALMKEY_CCA_TEST_H
#define REALMKEY_CCA_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cca/cca_token.h"
#include "vector.h"

static inline void file_read(const char *path, struct bytes *out)
{
	struct error e = ERROR_INIT;

	if (io_read_file(path, VECTOR_MAX, out, &e) < 0)
		fail_msg("%s", e.text);
}

static inline void anchors_read(const char *path, struct cca_anchors *anchors)
{
	struct error e = ERROR_INIT;

	if (cca_anchors_load(anchors, path, &e) < 0)
		fail_msg("%s", e.text);
}

static inline void vector_anchors(const char *name, struct cca_anchors *anchors)
{
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;

	vector_read(name, &text);
	if (cca_anchors_add(anchors, text.data, text.len, name, &e) < 0)
		fail_msg("%s", e.text);
	bytes_free(&text);
}

/* Returns a challenge of 64 bytes: @first, @first + 1 and so on. */
static inline const uint8_t *challenge_from(uint8_t first)
{
	static uint8_t challenge[CCA_CHALLENGE_SIZE];

	for (size_t i = 0; i < sizeof(challenge); i++)
		challenge[i] = (uint8_t)(first + i);
	return challenge;
}

/* Decode and, if that succeeds, verify. */
static inline int token_judge(const void *data, size_t len, const struct cca_anchors *anchors,
			      const uint8_t *challenge, struct cca_token *token,
			      struct cca_verdict *verdict)
{
	memset(verdict, 0xff, sizeof(*verdict));
	if (cca_token_decode(data, len, token, verdict) < 0)
		return -1;
	return cca_token_verify(token, anchors, challenge, verdict, NULL);
}

static inline void verdict_expect(const struct cca_verdict *verdict, enum cca_cause cause,
				  const char *word)
{
	if (verdict->cause != cause || !strstr(verdict->detail, word))
		fail_msg("%s: %s; expected %s with \"%s\"", cca_cause_name(verdict->cause),
			 verdict->detail, cca_cause_name(cause), word);
}

#endif
