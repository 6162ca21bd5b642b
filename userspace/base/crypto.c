// SPDX-License-Identifier: Apache-2.0
#include "crypto.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stdarg.h>
#include <stdio.h>

/* The decoders of OpenSSL discard the errors of the formats that they try. If memory is still
 * exhausted, an allocation of this size shows it. */
#define PROBE_SIZE 4096

/* For private keys; a P-256 key needs a few hundred bytes. */
#define HEAP_SIZE  ((size_t)64 << 10)
#define HEAP_BLOCK 32

/* A failed allocation. Some are reported only as an algorithm that cannot be fetched, or that the key does
 * not support; callers use only those that exist, after they have checked the type of the key. */
static bool error_is_memory(unsigned long code)
{
	int reason = ERR_GET_REASON(code);

	return reason == ERR_R_MALLOC_FAILURE || reason == ERR_R_INIT_FAIL ||
	       reason == ERR_R_FETCH_FAILED ||
	       (ERR_GET_LIB(code) == ERR_LIB_EVP &&
		(reason == ERR_R_UNSUPPORTED ||
		 reason == EVP_R_OPERATION_NOT_SUPPORTED_FOR_THIS_KEYTYPE));
}

/* Empty OpenSSL's queue of errors. Returns true if one of them is a failed allocation. */
static bool errors_name_memory(void)
{
	bool memory = false;
	unsigned long code;

	/* The failed allocation is the oldest error; the functions that needed it add theirs. */
	while ((code = ERR_get_error()) != 0)
		if (error_is_memory(code))
			memory = true;
	return memory;
}

int crypto_prepare(struct error *e)
{
	bool done;

	/* In this order, because OpenSSL waits for ever if an allocation fails before it is initialised. */
	done = OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) &&
	       (CRYPTO_secure_malloc_initialized() ||
		CRYPTO_secure_malloc_init(HEAP_SIZE, HEAP_BLOCK));
	/* OpenSSL also reports success without its providers, and would later call each key malformed. */
	if (!OSSL_PROVIDER_available(NULL, "default"))
		done = false;
	if (errors_name_memory())
		return error_set_memory(e);
	return done ? 0 : error_set(e, ERROR_SYSTEM, "cannot initialise libcrypto");
}

void crypto_begin(void)
{
	ERR_clear_error();
}

int crypto_error(struct error *e, enum error_kind kind, const char *format, ...)
{
	char text[ERROR_TEXT_MAX];
	void *probe = OPENSSL_malloc(PROBE_SIZE);
	bool memory = !probe;
	va_list args;

	OPENSSL_free(probe);
	if (errors_name_memory() || memory)
		return error_set_memory(e);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return error_set(e, kind, "%s", text);
}

int crypto_verify_error(int result, struct error *e, enum error_kind kind, const char *text)
{
	/* 0 means that the signature does not match. A negative result has a reason in the queue,
	 * unless it is a failure of CRYPTO_realloc(), which reports nothing. */
	if (result < 0 && ERR_peek_error() == 0)
		return error_set_memory(e);
	return crypto_error(e, kind, "%s", text);
}
