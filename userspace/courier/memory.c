// SPDX-License-Identifier: Apache-2.0
#include "memory.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"

static bool preparing, failed;

/* Not inlined: OpenSSL allocates some ten thousand times, and this zeroes a struct error. */
__attribute__((noinline)) static void *allocation_failed(void)
{
	struct error e = ERROR_INIT;

	failed = true;
	if (preparing) {
		error_set_memory(&e);
		_exit(error_exit_code(&e));
	}
	return NULL;
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
	void *memory = size ? malloc(size) : NULL;

	(void)file, (void)line;
	return memory || !size ? memory : allocation_failed();
}

static void openssl_free(void *data, const char *file, int line)
{
	(void)file, (void)line;
	free(data);
}

static void *openssl_realloc(void *old, size_t size, const char *file, int line)
{
	void *memory;

	if (!size) {
		openssl_free(old, file, line);
		return NULL;
	}
	memory = realloc(old, size);
	if (!memory)
		return allocation_failed();
	return memory;
}

void memory_prepare(void)
{
	preparing = true;
	/* OpenSSL refuses if it has allocated memory already; it then reports failures as it does. */
	(void)CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free);
}

void memory_prepared(void)
{
	preparing = false;
}

void memory_begin(void)
{
	failed = false;
}

bool memory_failed(void)
{
	return failed;
}
