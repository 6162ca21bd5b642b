// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/crypto.h"
#include "sandbox/idle.h"

static char written[4096] = "written"; /* a page of this program that is not as in its file */

/* The resident KiB of libcrypto's code and constants. */
static long resident(void)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	char line[512], access[8], *name;
	bool wanted = false;
	long sum = 0, kib;

	assert_non_null(smaps);
	while (fgets(line, sizeof(line), smaps)) {
		name = strchr(line, '/');
		if (sscanf(line, "%*x-%*x %7s", access) == 1)
			wanted = name && strstr(name, "libcrypto") && access[1] == '-' &&
				 access[2] == 'x';
		else if (wanted && sscanf(line, "Rss: %ld", &kib) == 1)
			sum += kib;
	}
	fclose(smaps);
	return sum;
}

static void code_is_given_back_and_read_again(void **state)
{
	struct error e = ERROR_INIT;
	long before, after;

	(void)state;
	assert_int_equal(crypto_start(&e), 0);
	EVP_PKEY_free(EVP_EC_gen("P-256"));
	strcpy(written, "changed");
	before = resident();
	idle_release();
	after = resident();
	assert_true(before > 0);
	assert_true(after < before / 2);
	assert_string_equal(written, "changed");
	for (int i = 0; i < 2; i++) {
		EVP_PKEY *key = EVP_EC_gen("P-256");

		assert_non_null(key);
		EVP_PKEY_free(key);
		idle_release();
	}
}

/* The keeper's pages are locked. */
static void locked_pages_are_given_back_too(void **state)
{
	long before;

	(void)state;
	EVP_PKEY_free(EVP_EC_gen("P-256"));
	if (mlockall(MCL_CURRENT | MCL_ONFAULT) < 0) {
		printf("# pages cannot be locked here\n");
		skip();
	}
	before = resident();
	idle_release();
	assert_true(resident() < before / 2);
	munlockall();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_is_given_back_and_read_again),
		cmocka_unit_test(locked_pages_are_given_back_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
