// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/crypto.h"

static int allocations_left = -1; /* negative: no limit */

static void *limited_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	if (allocations_left == 0)
		return NULL;
	if (allocations_left > 0)
		allocations_left--;
	return malloc(size);
}

static void *limited_realloc(void *memory, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return allocations_left == 0 ? NULL : realloc(memory, size);
}

static void plain_free(void *memory, const char *file, int line)
{
	(void)file;
	(void)line;
	free(memory);
}

static void bad_input_gets_the_kind_of_the_caller(void **state)
{
	static const unsigned char garbage[] = { 0x30, 0x02, 0x01, 0x01 };
	const unsigned char *at = garbage;
	struct error e = ERROR_INIT;

	(void)state;
	crypto_begin();
	assert_null(d2i_PUBKEY(NULL, &at, sizeof(garbage)));
	assert_int_equal(crypto_error(&e, ERROR_PROTOCOL, "%s: not a key", "x"), -1);
	assert_int_equal(e.kind, ERROR_PROTOCOL);
	assert_string_equal(e.text, "x: not a key");
	assert_int_equal(ERR_peek_error(), 0);
}

static void failed_allocation_is_out_of_memory(void **state)
{
	struct error e = ERROR_INIT;
	EVP_PKEY *key;

	(void)state;
	crypto_begin();
	allocations_left = 0;
	key = EVP_PKEY_new();
	allocations_left = -1;
	assert_null(key);
	assert_int_equal(crypto_error(&e, ERROR_ATTESTATION, "bad signature"), -1);
	assert_int_equal(e.kind, ERROR_SYSTEM);
	assert_string_equal(e.text, "out of memory");
	assert_true(e.memory);
}

static void earlier_errors_do_not_count(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	ERR_raise(ERR_LIB_EC, ERR_R_MALLOC_FAILURE);
	crypto_begin();
	ERR_raise(ERR_LIB_EC, ERR_R_PASSED_INVALID_ARGUMENT);
	assert_int_equal(crypto_error(&e, ERROR_ATTESTATION, "bad signature"), -1);
	assert_int_equal(e.kind, ERROR_ATTESTATION);
	assert_string_equal(e.text, "bad signature");
}

static void verification_that_failed_without_a_reason_is_not_a_verdict(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	crypto_begin();
	assert_int_equal(crypto_verify_error(0, &e, ERROR_ATTESTATION, "bad signature"), -1);
	assert_int_equal(e.kind, ERROR_ATTESTATION);
	assert_int_equal(crypto_verify_error(-1, &e, ERROR_ATTESTATION, "bad signature"), -1);
	assert_true(e.memory);
	ERR_raise(ERR_LIB_EC, ERR_R_PASSED_INVALID_ARGUMENT);
	assert_int_equal(crypto_verify_error(-1, &e, ERROR_ATTESTATION, "bad signature"), -1);
	assert_string_equal(e.text, "bad signature");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_input_gets_the_kind_of_the_caller),
		cmocka_unit_test(failed_allocation_is_out_of_memory),
		cmocka_unit_test(earlier_errors_do_not_count),
		cmocka_unit_test(verification_that_failed_without_a_reason_is_not_a_verdict),
	};

	if (CRYPTO_set_mem_functions(limited_malloc, limited_realloc, plain_free) != 1)
		abort();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
