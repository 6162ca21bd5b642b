// SPDX-License-Identifier: Apache-2.0
/* The courier behind a proxy, with a client certificate, and while a CA is replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/array.h"
#include "kbs/courier_input.h"
#include "peer_test.h"

/* --- a proxy ---------------------------------------------------------------------------------- */

static void start_proxy(struct courier *courier, const char *proxy, const char *credentials,
			bool tls)
{
	struct bytes secret = BYTES_INIT;

	bytes_append_text(&secret, credentials);
	start(courier, (struct courier_target){ SERVER(tls ? secure.url : plain.url,
						       tls ? secure_pem.data : NULL,
						       tls ? secure_pem.len : 0),
						.proxy = proxy, .proxy_credentials = &secret,
						.insecure = true, .timeout = 10 });
	bytes_free(&secret);
}

static void test_proxy(void **state)
{
	char expected[256];

	(void)state;
	for (int tls = 0; tls < 2; tls++) {
		struct courier courier = COURIER_INIT;
		struct peer proxy;

		peer_tcp(&proxy, NULL);
		start_proxy(&courier, proxy.url, tls ? "user:pass word\r\n" : "", tls);
		expect_get(&courier, "a/b/c", " request=1\n");
		expect_get(&courier, "a/b/c", " request=2\n");
		snprintf(expected, sizeof(expected),
			 "CONNECT 127.0.0.1:%u HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s\r\n",
			 tls ? secure.port : plain.port, tls ? secure.port : plain.port,
			 tls ? "Proxy-Authorization: Basic dXNlcjpwYXNzIHdvcmQ=\r\n" : "");
		assert_string_equal(proxy.head, expected);
		assert_int_equal(*proxy.connections, 1);
		courier_stop(&courier);
		peer_stop(&proxy);
	}
}

/* A name that only the proxy can resolve. */
static void test_proxy_resolves(void **state)
{
	struct courier courier = COURIER_INIT;
	struct peer proxy;

	(void)state;
	peer_tcp(&proxy, "HTTP/1.1 502 No\r\n\r\n");
	start(&courier,
	      (struct courier_target){ SERVER("http://only-there.invalid", NULL, 0),
				       .proxy = proxy.url, .insecure = true, .timeout = 10 });
	expect_failure(&courier, "a/b/c", ERROR_NETWORK, true, "cannot reach this KBS (502)");
	assert_non_null(strstr(proxy.head, "CONNECT only-there.invalid:80 HTTP/1.1\r\n"));
	courier_stop(&courier);
	peer_stop(&proxy);
}

static void test_proxy_answers(void **state)
{
	static const struct {
		const char *answer;
		enum error_kind kind;
		bool transient;
		const char *words;
	} cases[] = {
		{ "HTTP/1.1 407 Who\r\n\r\n", ERROR_NETWORK, false,
		  ": requires credentials (407)" },
		{ "HTTP/1.1 403 No\r\nContent-Length: 9999999\r\n\r\n", ERROR_NETWORK, false,
		  "refuses to connect to this KBS" },
		{ "HTTP/1.1 504 Late\r\n\r\n", ERROR_NETWORK, true, "(504)" },
		{ "HTTP/1.1 429 Many\r\n\r\n", ERROR_NETWORK, true, "(429)" },
		{ "HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:1/\r\n\r\n", ERROR_PROTOCOL,
		  false, "status 302; is it a proxy?" },
		{ "HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 407 Who\r\n\r\n", ERROR_NETWORK, false,
		  "(407)" },
		{ "HTTP/1.1 101 Other\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", ERROR_PROTOCOL,
		  false, "not an answer of a proxy: another protocol" },
		{ "SSH-2.0-OpenSSH_9.9\r\n", ERROR_PROTOCOL, false, "not an answer of a proxy" },
		{ "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		  ERROR_PROTOCOL, false, "data after its answer to CONNECT" },
		{ "HTTP/1.1 200 OK\r\nX", ERROR_NETWORK, true, "connection lost within an answer" },
		{ " ", ERROR_PROTOCOL, false, "not an answer of a proxy" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct courier courier = COURIER_INIT;
		struct peer proxy;
		char prefix[256];

		peer_tcp(&proxy, cases[i].answer);
		start_proxy(&courier, proxy.url, "", true);
		expect_failure(&courier, "a/b/c", cases[i].kind, cases[i].transient,
			       cases[i].words);
		snprintf(prefix, sizeof(prefix), "%s: proxy %s: ", secure.url, proxy.url);
		expect_failure(&courier, "a/b/c", cases[i].kind, cases[i].transient, prefix);
		courier_stop(&courier);
		peer_stop(&proxy);
	}
}

/* Its head is bounded, as that of a KBS is. */
static void test_proxy_without_end(void **state)
{
	struct courier courier = COURIER_INIT;
	struct bytes answer = BYTES_INIT;
	struct peer proxy;

	(void)state;
	bytes_append_text(&answer, "HTTP/1.1 200 OK\r\nX: ");
	for (int i = 0; i < 200000; i++)
		bytes_append_text(&answer, "x");
	peer_tcp(&proxy, bytes_text(&answer));
	start_proxy(&courier, proxy.url, "", true);
	expect_failure(&courier, "a/b/c", ERROR_PROTOCOL, false, "too many bytes");
	courier_stop(&courier);
	peer_stop(&proxy);
	bytes_free(&answer);
}

static void test_proxy_credentials_refused(void **state)
{
	struct courier courier = COURIER_INIT;
	struct peer proxy;

	(void)state;
	peer_tcp(&proxy, "HTTP/1.1 407 Who\r\n\r\n");
	start_proxy(&courier, proxy.url, "user:word", true);
	expect_failure(&courier, "a/b/c", ERROR_NETWORK, false,
		       ": does not accept the credentials (407)");
	courier_stop(&courier);
	peer_stop(&proxy);
}

static void test_no_proxy(void **state)
{
	struct courier courier = COURIER_INIT;

	(void)state;
	start_proxy(&courier, "http://127.0.0.1:1", "", true);
	expect_failure(&courier, "a/b/c", ERROR_NETWORK, true,
		       ": proxy http://127.0.0.1:1: no connection: Connection refused");
	courier_stop(&courier);
}

/* --- certificates ----------------------------------------------------------------------------- */

static void pem_write(struct bytes *pem, X509 *certificate, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	assert_int_equal(certificate ?
				 PEM_write_bio_X509(bio, certificate) :
				 PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL),
			 1);
	len = BIO_get_mem_data(bio, &text);
	bytes_append(pem, text, (size_t)len);
	BIO_free(bio);
}

/* A self-signed certificate for @key. */
static X509 *certificate_make(EVP_PKEY *key)
{
	X509 *certificate = X509_new();

	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
				   (const unsigned char *)"client", -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
	X509_set_pubkey(certificate, key);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	return certificate;
}

/* A KBS that requires a certificate gets it, and refuses a client that has none. */
static void client_certificate_check(EVP_PKEY *key)
{
	struct bytes pem = BYTES_INIT, certificate = BYTES_INIT, secret = BYTES_INIT;
	struct courier courier = COURIER_INIT;
	SSL_CTX *tls = http_server_tls("IP:127.0.0.1", &pem);
	X509 *own = certificate_make(key);
	struct http_server server;

	pem_write(&certificate, own, NULL);
	pem_write(&secret, NULL, key);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), own);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_session_id_context(tls, (const unsigned char *)"x", 1);
	http_server_start(&server, tls);
	start(&courier, (struct courier_target){ SERVER(server.url, pem.data, pem.len),
						 .certificate = &certificate, .key = &secret });
	expect_get(&courier, "a/b/close", "request=1\n");
	expect_get(&courier, "a/b/c", "request=1\n");
	courier_stop(&courier);
	start(&courier, (struct courier_target){ SERVER(server.url, pem.data, pem.len) });
	expect_failure(&courier, "a/b/c", ERROR_TLS, false, "certificate required");
	courier_stop(&courier);
	http_server_stop(&server);
	SSL_CTX_free(tls);
	X509_free(own);
	bytes_free(&pem);
	bytes_free(&certificate);
	bytes_free(&secret);
}

static void test_client_certificate(void **state)
{
	EVP_PKEY *ec = EVP_EC_gen("P-256"), *rsa = EVP_RSA_gen(2048);

	(void)state;
	client_certificate_check(ec);
	client_certificate_check(rsa);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(rsa);
}

/* The key is in no memory of the supervisor or the worker but locked one: there, no page that swap can take has it. */
static void test_key_memory(void **state)
{
	struct bytes certificate = BYTES_INIT, secret = BYTES_INIT, status = BYTES_INIT;
	struct courier courier = COURIER_INIT;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *own = certificate_make(key);
	char path[64], line[256];
	long locked = 0;
	FILE *f;

	(void)state;
	pem_write(&certificate, own, NULL);
	pem_write(&secret, NULL, key);
	start(&courier,
	      (struct courier_target){ SERVER(secure.url, secure_pem.data, secure_pem.len),
				       .certificate = &certificate, .key = &secret });
	snprintf(path, sizeof(path), "/proc/%d/status", (int)courier.pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "VmLck:", 6))
			locked = strtol(line + 6, NULL, 10);
	fclose(f);
	assert_true(locked >= 4);
	courier_stop(&courier);
	X509_free(own);
	EVP_PKEY_free(key);
	bytes_free(&certificate);
	bytes_free(&secret);
	bytes_free(&status);
}

/* Which file is wrong is in the error, by words that courier_input() knows. */
static void test_bad_files(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256"), *rsa = EVP_RSA_gen(2048);
	struct bytes good = BYTES_INIT, good_key = BYTES_INIT, other_key = BYTES_INIT,
		     rsa_key = BYTES_INIT, junk = BYTES_INIT, cut = BYTES_INIT;
	X509 *own = certificate_make(key);
	const struct {
		const struct bytes *certificate, *key, *credentials, *ca;
		const char *words, *name;
	} cases[] = {
		{ &junk, &good_key, NULL, NULL, "client certificate: no usable", "C" },
		{ &cut, &good_key, NULL, NULL, "client certificate: no usable", "C" },
		{ &good, &junk, NULL, NULL, "client key: not an unencrypted", "K" },
		{ &good, &other_key, NULL, NULL, "client key: not the key of", "K" },
		{ &good, &rsa_key, NULL, NULL, "client key: not the key of", "K" },
		{ NULL, NULL, &junk, NULL, "proxy credentials: not USER:PASSWORD", "P" },
		{ NULL, NULL, &cut, NULL, "proxy credentials: not one line", "P" },
		{ NULL, NULL, NULL, &junk, "CA 2: no certificate", "B" },
	};
	const struct courier_names names = {
		.ca = { "A", "B" }, .proxy_credentials = "P", .certificate = "C", .key = "K"
	};

	(void)state;
	pem_write(&good, own, NULL);
	pem_write(&good_key, NULL, key);
	pem_write(&other_key, NULL, other);
	pem_write(&rsa_key, NULL, rsa);
	bytes_append_text(&junk, "junk");
	bytes_append(&cut, good.data, good.len);
	bytes_append(&cut, good.data, good.len / 2);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct courier_target target = {
			.server = { { .url = secure.url,
				      .ca = secure_pem.data,
				      .ca_len = secure_pem.len },
				    { .url = secure.url,
				      .ca = secure_pem.data,
				      .ca_len = secure_pem.len } },
			.servers = 2,
			.proxy = "http://proxy:3128",
			.proxy_credentials = cases[i].credentials,
			.certificate = cases[i].certificate,
			.key = cases[i].key,
		};
		struct courier courier = COURIER_INIT;
		struct error e = ERROR_INIT;

		if (cases[i].ca) {
			target.server[1].ca = cases[i].ca->data;
			target.server[1].ca_len = cases[i].ca->len;
		}
		assert_int_equal(courier_start(&courier, program(), &target, &e), -1);
		if (e.kind != ERROR_INPUT || !strstr(e.text, cases[i].words))
			fail_msg("%zu: %d %s", i, (int)e.kind, e.text);
		assert_string_equal(courier_input(&names, &e), cases[i].name);
	}
	X509_free(own);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	EVP_PKEY_free(rsa);
	bytes_free(&rsa_key);
	bytes_free(&good);
	bytes_free(&good_key);
	bytes_free(&other_key);
	bytes_free(&junk);
	bytes_free(&cut);
}

/* While a CA is replaced, its file has the old and the new one: KBSs of both are trusted. */
static void test_ca_overlap(void **state)
{
	struct bytes both = BYTES_INIT;

	(void)state;
	bytes_append(&both, secure_pem.data, secure_pem.len);
	bytes_append(&both, second_pem.data, second_pem.len);
	for (int i = 0; i < 2; i++) {
		struct courier courier = COURIER_INIT;

		start(&courier, (struct courier_target){
					SERVER(i ? second.url : secure.url, both.data, both.len) });
		expect_get(&courier, "a/b/c", " request=1\n");
		courier_stop(&courier);
	}
	bytes_free(&both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_proxy_resolves),
		cmocka_unit_test(test_proxy_answers),
		cmocka_unit_test(test_proxy_without_end),
		cmocka_unit_test(test_proxy_credentials_refused),
		cmocka_unit_test(test_no_proxy),
		cmocka_unit_test(test_client_certificate),
		cmocka_unit_test(test_key_memory),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_ca_overlap),
	};

	return cmocka_run_group_tests(tests, all_start, all_stop);
}
