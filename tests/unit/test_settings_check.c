// SPDX-License-Identifier: Apache-2.0
/* What settings_check() finds in certificates, keys and times, beside what reading finds. */
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "settings_test.h"

#define DAY 86400L

static OSSL_LIB_CTX *library;

static EVP_PKEY *key_make(const char *type, const char *name)
{
	EVP_PKEY *key = !strcmp(type, "RSA") ?
				EVP_PKEY_Q_keygen(library, NULL, "RSA", (size_t)2048) :
				EVP_PKEY_Q_keygen(library, NULL, type, "P-256");
	FILE *file = fopen(path_of(name), "w");
	int closed;

	assert_non_null(key);
	assert_non_null(file);
	assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
	closed = fclose(file);
	assert_int_equal(closed, 0);
	assert_int_equal(chmod(path_of(name), 0600), 0);
	return key;
}

/* A certificate that is valid from @from to @to seconds from now, appended to the file @name. */
static void certificate_make(EVP_PKEY *key, const char *subject, long from, long to,
			     const char *name)
{
	X509 *certificate = X509_new_ex(library, NULL);
	EVP_MD *hash = EVP_MD_fetch(library, "SHA256", NULL);
	FILE *file = fopen(path_of(name), "a");
	int closed;

	assert_non_null(certificate);
	assert_non_null(file);
	X509_gmtime_adj(X509_getm_notBefore(certificate), from);
	X509_gmtime_adj(X509_getm_notAfter(certificate), to);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
				   (const unsigned char *)subject, -1, -1, 0);
	X509_set_pubkey(certificate, key);
	assert_true(X509_sign(certificate, key, hash) > 0);
	assert_int_equal(PEM_write_X509(file, certificate), 1);
	closed = fclose(file);
	assert_int_equal(closed, 0);
	EVP_MD_free(hash);
	X509_free(certificate);
}

static void certificates_and_keys_are_checked(void **state)
{
	static const char *const types[] = { "EC", "RSA" };
	EVP_PKEY *key;

	(void)state;
	library = OSSL_LIB_CTX_new();
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		EVP_PKEY_free(key_make(types[i], "other.pem"));
		unlink(path_of("cert.pem"));
		key = key_make(types[i], "key.pem");
		certificate_make(key, "good", -DAY, DAY, "cert.pem");
		file_write("conf", KBS "ca = @/cert.pem\ncertificate = @/cert.pem\n"
				       "key = @/key.pem\n" SECRET);
		if (check_again(0))
			fail_msg("%s", bytes_text(&reported));
		assert_string_equal(bytes_text(&reported), "");
		assert_int_equal(settings.config.count, 1);
		certificate_make(key, "old", -2 * DAY, -DAY, "cert.pem");
		certificate_make(key, "new", DAY, 2 * DAY, "cert.pem");
		file_write("conf", KBS "certificate = @/cert.pem\nkey = @/other.pem\n" SECRET);
		assert_int_equal(check_again(0), -1);
		assert_string_equal(
			bytes_text(&reported),
			"W @/conf:3: [kbs] certificate: @/cert.pem: '/CN=old' has expired by the "
			"clock of this machine\n"
			"W @/conf:3: [kbs] certificate: @/cert.pem: '/CN=new' is not yet valid by "
			"the clock of this machine\n"
			"E @/conf:4: [kbs] key: @/other.pem does not belong to the certificate "
			"@/cert.pem\n");
		assert_int_equal(error.kind, ERROR_CONFIG);
		EVP_PKEY_free(key);
	}
	OSSL_LIB_CTX_free(library);
}

static void files_that_are_not_pem(void **state)
{
	(void)state;
	file_write("none.pem", "no certificate\n");
	file_write("bad.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
	file_write("conf", "[kbs]\nurl = https://a https://b\nca = @/none.pem @/bad.pem\n"
			   "certificate = @/bad.pem\nkey = @/none.pem\n" SECRET);
	assert_int_equal(check_again(0), -1);
	assert_string_equal(bytes_text(&reported),
			    "E @/conf:3: [kbs] ca: @/none.pem: no certificate in PEM form\n"
			    "E @/conf:3: [kbs] ca: @/bad.pem: malformed PEM\n"
			    "E @/conf:4: [kbs] certificate: @/bad.pem: malformed PEM\n"
			    "E @/conf:5: [kbs] key: @/none.pem: no private key in PEM form without "
			    "a passphrase\n");
	assert_null(settings.secret);
}

/* They work, and a check succeeds. */
static void warnings(void **state)
{
	(void)state;
	file_write("proxy", "a:b");
	assert_int_equal(chmod(path_of("proxy"), 0640), 0);
	file_write("conf",
		   KBS "proxy = http://proxy:1\nproxy_credentials = @/proxy\ninsecure = yes\n"
		       "timeout = 2m\n"
		       "[secret a]\nresource = r/t/a\nmode = 0444\n"
		       "[secret b]\nresource = r/t/b\nmode = 0460\n"
		       "[secret c]\nresource = r/t/c\nmode = 0440\n");
	assert_int_equal(chmod(path_of("conf"), 0666), 0);
	assert_int_equal(check_again(499), 0);
	assert_string_equal(
		bytes_text(&reported),
		"W @/conf:1: the file has mode 0666: other users than its owner can change it\n"
		"W @/conf:5: [kbs] insecure: no URL needs it; remove the line\n"
		"W @/conf:4: [kbs] proxy_credentials: @/proxy has mode 0640: other users than its "
		"owner have access to a secret; use mode 0600\n"
		"W @/conf:9: [secret a] mode: 0444 lets every user read the secret\n"
		"W @/conf:12: [secret b] mode: 0460 lets other users than the owner change the "
		"secret\n"
		"W @/conf:6: [kbs] timeout: 120 s is too long for the watchdog of the service "
		"manager: set WatchdogSec to 500 or more, not 499\n");
	assert_int_equal(check_again(500), 0);
	assert_null(strstr(bytes_text(&reported), "watchdog"));
	file_write("conf", "[kbs]\nurl = http://kbs\ninsecure = yes\n" SECRET);
	assert_int_equal(chmod(path_of("conf"), 0600), 0);
	assert_int_equal(check_again(0), 0);
	assert_string_equal(bytes_text(&reported),
			    "W @/conf:2: [kbs] url: http://kbs is neither private nor authentic\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(certificates_and_keys_are_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(files_that_are_not_pem, setup, teardown),
		cmocka_unit_test_setup_teardown(warnings, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
