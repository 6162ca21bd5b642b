/* SPDX-License-Identifier: Apache-2.0 */
/* vector: reads the files with which tests compare. Include after cmocka.h. */
#ifndef REALMKEY_TEST_VECTOR_H
#define REALMKEY_TEST_VECTOR_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "jose/tee_key.h"

#define VECTOR_MAX ((size_t)1 << 20)

/* Replace @out by the contents of file @name in tests/vectors, which must exist. */
static inline void vector_read(const char *name, struct bytes *out)
{
	const char *top = getenv("REALMKEY_VECTORS");
	struct error e = ERROR_INIT;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", top ? top : "tests/vectors", name);
	bytes_clear(out);
	if (io_read_file(path, VECTOR_MAX, out, &e) < 0)
		fail_msg("%s", e.text);
}

static inline json_t *vector_read_json(const char *name)
{
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *value;

	vector_read(name, &text);
	value = json_parse(text.data, text.len, name, ERROR_INPUT, &e);
	if (!value)
		fail_msg("%s", e.text);
	bytes_free(&text);
	return value;
}

static inline void vector_read_key(const char *name, struct tee_key *key)
{
	struct bytes pem = BYTES_LOCKED_INIT;
	struct error e = ERROR_INIT;

	vector_read(name, &pem);
	if (tee_key_from_pem(key, pem.data, pem.len, &e) < 0)
		fail_msg("%s: %s", name, e.text);
	bytes_free(&pem);
}

/* Set @path to the path of @name in ../shared. The test is skipped if it does not exist. */
static inline void shared_path(const char *name, char *path, size_t size)
{
	const char *top = getenv("REALMKEY_SHARED");

	snprintf(path, size, "%s/%s", top ? top : "../shared", name);
	if (access(path, R_OK) < 0)
		skip();
}

#endif
