// SPDX-License-Identifier: Apache-2.0
#include "memory.h"

#include <openssl/crypto.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

static bool preparing, failed, wiping;

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
	if (wiping && data)
		explicit_bzero(data, malloc_usable_size(data));
	free(data);
}

/* As realloc(), but what is left behind is wiped. */
static void *wiping_realloc(void *old, size_t size)
{
	size_t had = malloc_usable_size(old);
	void *memory = malloc(size);

	if (!memory)
		return NULL;
	memcpy(memory, old, had < size ? had : size);
	openssl_free(old, NULL, 0);
	return memory;
}

static void *openssl_realloc(void *old, size_t size, const char *file, int line)
{
	void *memory;

	if (!size) {
		openssl_free(old, file, line);
		return NULL;
	}
	memory = wiping && old ? wiping_realloc(old, size) : realloc(old, size);
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

void memory_wipe(bool wipe)
{
	wiping = wipe;
}

void memory_begin(void)
{
	failed = false;
}

bool memory_failed(void)
{
	return failed;
}
