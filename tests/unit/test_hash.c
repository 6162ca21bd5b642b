// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/hash.h"
#include "base/realm.h"

/* The sizes are compared with OpenSSL's, so that the table is not compared with itself. */
static void each_algorithm_is_found_by_each_name(void **state)
{
	static const char *const plain[HASH_ALGORITHMS] = { "sha256", "sha512", "sha384" };

	(void)state;
	for (unsigned int i = 0; i < HASH_ALGORITHMS; i++) {
		const struct hash *hash = hash_by_number(i);
		const EVP_MD *md = EVP_get_digestbyname(hash->openssl);

		assert_string_equal(hash->plain, plain[i]);
		assert_ptr_equal(hash_by_plain_name(hash->plain), hash);
		assert_ptr_equal(hash_by_name(hash->name), hash);
		assert_ptr_equal(hash_by_tpm(hash->tpm), hash);
		assert_non_null(md);
		assert_int_equal(EVP_MD_get_size(md), hash->size);
		assert_in_range(hash->size, 1, HASH_SIZE_MAX);
	}
	assert_null(hash_by_number(HASH_ALGORITHMS));
	assert_null(hash_by_name("sha256"));
	assert_null(hash_by_plain_name("sha-256"));
	assert_null(hash_by_name(""));
	assert_null(hash_by_tpm(0x0004)); /* SHA-1 */
}

static void registers_have_names(void **state)
{
	(void)state;
	assert_string_equal(realm_register_name(0), "RIM");
	assert_string_equal(realm_register_name(1), "REM0");
	assert_string_equal(realm_register_name(REALM_REMS), "REM3");
	assert_null(realm_register_name(REALM_REGISTERS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_algorithm_is_found_by_each_name),
		cmocka_unit_test(registers_have_names),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
