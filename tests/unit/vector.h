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

/* Set @path to the path of the file @name in tests/vectors. */
static inline void vector_path(const char *name, char *path, size_t size)
{
	const char *top = getenv("REALMKEY_VECTORS");

	snprintf(path, size, "%s/%s", top ? top : "tests/vectors", name);
}

/* Replace @out by the contents of file @name in tests/vectors, which must exist. */
static inline void vector_read(const char *name, struct bytes *out)
{
	struct error e = ERROR_INIT;
	char path[4096];

	vector_path(name, path, sizeof(path));
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
	value = json_parse(text.data, text.len, JSON_OPERATOR, name, ERROR_INPUT, &e);
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

/*
 * Set @path to the path of another project's vector @name, and return true. If the directory of those
 * vectors (REALMKEY_SHARED) does not exist, set it to the path of our own similar vector @own, print a
 * note, and return false.
 */
static inline bool foreign_path(const char *name, const char *own, char *path, size_t size)
{
	const char *top = getenv("REALMKEY_SHARED");

	snprintf(path, size, "%s/%s", top ? top : "../shared", name);
	if (access(path, R_OK) == 0)
		return true;
	print_message("# %s is absent: %s is read instead\n", name, own);
	vector_path(own, path, size);
	return false;
}

#endif
