/* SPDX-License-Identifier: Apache-2.0 */
/* cca_test: what the tests of CCA tokens share: their files, and judging one. */
#ifndef REALMKEY_CCA_TEST_H
#define REALMKEY_CCA_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cca_token.h"
#include "io.h"

static inline const char *test_directory(const char *variable)
{
	const char *directory = getenv(variable);

	assert_non_null(directory);
	return directory;
}

/* A file below tests/vectors. */
static inline void vector_path(char path[512], const char *file)
{
	snprintf(path, 512, "%s/%s", test_directory("REALMKEY_VECTORS"), file);
}

/* A file of another project below ../shared/data/cca, which a clone need not have. */
static inline void shared_path(char path[512], const char *file)
{
	snprintf(path, 512, "%s/data/cca/%s", test_directory("REALMKEY_SHARED"), file);
	if (access(path, R_OK) == 0)
		return;
	print_message("# %s is not here\n", file);
	skip();
}

static inline void file_read(const char *path, struct bytes *out)
{
	struct error e = ERROR_INIT;

	if (io_read_file(path, (size_t)1 << 20, out, &e) < 0)
		fail_msg("%s", e.text);
}

static inline void anchors_read(const char *path, struct cca_anchors *anchors)
{
	struct error e = ERROR_INIT;

	if (cca_anchors_load(anchors, path, &e) < 0)
		fail_msg("%s", e.text);
}

/* A challenge of 64 bytes, each one more than the one before it. */
static inline const uint8_t *challenge_from(uint8_t first)
{
	static uint8_t challenge[CCA_CHALLENGE_SIZE];

	for (size_t i = 0; i < sizeof(challenge); i++)
		challenge[i] = (uint8_t)(first + i);
	return challenge;
}

/* Decode and, when that succeeds, verify. */
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
