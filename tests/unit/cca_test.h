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

#include "base/array.h"
#include "base/json.h"
#include "cca/cca_verify.h"
#include "vector.h"

static inline void file_read(const char *path, struct bytes *out)
{
	struct error e = ERROR_INIT;

	if (io_read_file(path, VECTOR_MAX, out, &e) < 0)
		fail_msg("%s", e.text);
}

static inline int anchors_load(struct cca_anchors *anchors, const char *path, struct error *e)
{
	return io_each_file(path, cca_anchors_suffixes, JSON_INPUT_MAX, cca_anchors_use, anchors,
			    e);
}

static inline void anchors_read(const char *path, struct cca_anchors *anchors)
{
	struct error e = ERROR_INIT;

	if (anchors_load(anchors, path, &e) < 0)
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
	static uint8_t challenge[REALM_CHALLENGE_SIZE];

	for (size_t i = 0; i < sizeof(challenge); i++)
		challenge[i] = (uint8_t)(first + i);
	return challenge;
}

/* Decode and, if that succeeds, verify. */
static inline int token_judge(const void *data, size_t len, const struct cca_anchors *anchors,
			      const uint8_t *challenge, struct cca_token *token,
			      struct cca_verdict *verdict)
{
	struct error e = ERROR_INIT;
	char text[ERROR_TEXT_MAX];
	int ret;

	memset(verdict, 0xff, sizeof(*verdict));
	ret = cca_token_decode(data, len, token, verdict, &e);
	if (ret == 0)
		ret = cca_token_verify(token, anchors, challenge, verdict, NULL, &e);
	/* The error says the same as the verdict. */
	snprintf(text, sizeof(text), "%s: %s", cca_cause_name(verdict->cause), verdict->detail);
	assert_int_equal(e.kind, ret < 0 ? ERROR_ATTESTATION : ERROR_NONE);
	assert_string_equal(e.text, ret < 0 ? text : "");
	return ret;
}

static inline void verdict_expect(const struct cca_verdict *verdict, enum cca_cause cause,
				  const char *word)
{
	if (verdict->cause != cause || !strstr(verdict->detail, word))
		fail_msg("%s: %s; expected %s with \"%s\"", cca_cause_name(verdict->cause),
			 verdict->detail, cca_cause_name(cause), word);
}

#endif
