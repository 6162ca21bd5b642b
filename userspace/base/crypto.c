// SPDX-License-Identifier: Apache-2.0
#include "crypto.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>

#include "algorithms.h"

/* The decoders of OpenSSL discard the errors of the formats that they try. If memory is still
 * exhausted, an allocation of this size shows it. */
#define PROBE_SIZE 4096

/* For private keys; a P-256 key needs a few hundred bytes. */
#define HEAP_SIZE  ((size_t)64 << 10)
#define HEAP_BLOCK 32

/*
 * What OpenSSL otherwise does at its start. Its configuration file can load code into a process that
 * handles secrets, and no caller needs it. Texts of errors are not printed. All ciphers and digests by
 * name would be fetched with algorithms_limit() anyway. At the end of a process, the kernel releases
 * its memory; keys are wiped when they are freed.
 */
#define NOT_USED \
	(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS | \
	 OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_ADD_ALL_DIGESTS | \
	 OPENSSL_INIT_NO_ATEXIT)

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

/* Whether OpenSSL was initialised, or the reason in @e. */
static int initialised(bool done, struct error *e)
{
	if (errors_name_memory())
		return error_set_memory(e);
	return done ? 0 : error_set(e, ERROR_SYSTEM, "cannot initialise libcrypto");
}

int crypto_start(struct error *e)
{
	return initialised(
		OPENSSL_init_crypto(NOT_USED, NULL) == 1 && algorithms_limit(ALGORITHMS_TLS), e);
}

int crypto_prepare(struct error *e)
{
	bool done;

	/* In this order, because OpenSSL waits for ever if an allocation fails before it is initialised. */
	done = OPENSSL_init_crypto(NOT_USED, NULL) &&
	       (CRYPTO_secure_malloc_initialized() ||
		CRYPTO_secure_malloc_init(HEAP_SIZE, HEAP_BLOCK)) &&
	       algorithms_limit(ALGORITHMS_SECRETS);
	return initialised(done, e);
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
