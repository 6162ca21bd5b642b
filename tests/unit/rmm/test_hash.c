/* SPDX-License-Identifier: Apache-2.0 */
/* Compares hash.c with OpenSSL, for every length around the block boundaries. */
#include "fake.h"
#include "hash.h"

#include <openssl/evp.h>

static const EVP_MD *oracle(enum hash_algorithm algo)
{
	return algo == HASH_SHA256 ? EVP_sha256() :
	       algo == HASH_SHA384 ? EVP_sha384() :
				     EVP_sha512();
}

static void check(enum hash_algorithm algo, const uint8_t *data, size_t size)
{
	uint8_t expected[HASH_SIZE_MAX], digest[HASH_SIZE_MAX + 1];

	assert_int_equal(EVP_Digest(data, size, expected, NULL, oracle(algo), NULL), 1);
	memset(digest, 0xee, sizeof(digest));
	hash_bytes(algo, data, size, digest);
	assert_memory_equal(digest, expected, hash_size(algo));
	assert_int_equal(digest[hash_size(algo)], 0xee);
}

static void agrees_with_openssl(void **state)
{
	_Alignas(8) static uint8_t data[8192];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
	for (enum hash_algorithm algo = HASH_SHA256; algo <= HASH_SHA384; algo++) {
		for (size_t size = 0; size <= 300; size++)
			check(algo, data, size);
		check(algo, data, 4096);
		check(algo, data, sizeof(data) - 1);
	}
}

static void writes_over_its_input(void **state)
{
	_Alignas(8) uint8_t data[64] = { 1, 2, 3 };
	uint8_t expected[HASH_SIZE_MAX];

	(void)state;
	hash_bytes(HASH_SHA512, data, sizeof(data), expected);
	hash_bytes(HASH_SHA512, data, sizeof(data), data);
	assert_memory_equal(data, expected, sizeof(data));
}

static void names_and_sizes(void **state)
{
	(void)state;
	assert_string_equal(hash_name(0), "sha-256");
	assert_string_equal(hash_name(1), "sha-512");
	assert_string_equal(hash_name(2), "sha-384");
	assert_int_equal(hash_size(0), 32);
	assert_int_equal(hash_size(1), 64);
	assert_int_equal(hash_size(2), 48);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_openssl),
		cmocka_unit_test(writes_over_its_input),
		cmocka_unit_test(names_and_sizes),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
