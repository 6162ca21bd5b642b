// SPDX-License-Identifier: Apache-2.0
/* TLS of trusteed over loopback, and the files that it needs. */
#include "trusteed_net.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "trusteed/http/tls_current.h"
#include "trusteed/http/wire.h"

static void pem_write(const char *path, X509 *cert, EVP_PKEY *key)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	if (cert)
		assert_int_equal(PEM_write_X509(file, cert), 1);
	if (key)
		assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(file);
}

static void name_add(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* Writes a self-signed certificate for 127.0.0.1, and its key. */
static void net_certificate(struct net *net, EVP_PKEY *key)
{
	X509 *cert = X509_new();

	snprintf(net->cert, sizeof(net->cert), "%s/cert.pem", net->world->dir);
	snprintf(net->key, sizeof(net->key), "%s/key.pem", net->world->dir);
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
				   (const unsigned char *)"trusteed test", -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	name_add(cert, NID_basic_constraints, "critical,CA:TRUE");
	name_add(cert, NID_subject_alt_name, "IP:127.0.0.1");
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	pem_write(net->cert, cert, NULL);
	pem_write(net->key, NULL, key);
	X509_free(cert);
}

static void tls_get(struct net *net, const char *ca, long version, CURLcode want)
{
	CURL *curl = curl_easy_init();
	struct answer answer;

	if (ca)
		curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, version);
	curl_easy_setopt(curl, CURLOPT_SSL_CIPHER_LIST, "DEFAULT@SECLEVEL=0");
	net_request(net, curl, "/healthz", NULL, NULL, &answer);
	if (answer.code != want)
		fail_msg("%s, expected %s", curl_easy_strerror(answer.code),
			 curl_easy_strerror(want));
	if (want == CURLE_OK)
		assert_int_equal(answer.status, 200);
	answer_free(&answer);
	curl_easy_cleanup(curl);
}

static void test_tls(void **state)
{
	struct net *net = *state;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct error e = ERROR_INIT;

	net_certificate(net, key);
	if (tls_files_read(&net->files, net->cert, net->key, &e) < 0)
		fail_msg("%s", e.text);
	net_start(net, true);
	tls_get(net, net->cert, CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2, CURLE_OK);
	tls_get(net, net->cert, CURL_SSLVERSION_TLSv1_3, CURLE_OK);
	tls_get(net, net->cert, CURL_SSLVERSION_TLSv1_0 | CURL_SSLVERSION_MAX_TLSv1_1,
		CURLE_SSL_CONNECT_ERROR);
	tls_get(net, NULL, CURL_SSLVERSION_DEFAULT, CURLE_PEER_FAILED_VERIFICATION);
	EVP_PKEY_free(key);
}

/* A client that stops within its TLS handshake costs almost nothing. */
static void test_tls_unfinished(void **state)
{
	struct net *net = *state;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct error e = ERROR_INIT;
	clock_t before;
	int fd;

	net_certificate(net, key);
	assert_int_equal(tls_files_read(&net->files, net->cert, net->key, &e), 0);
	net_start(net, true);
	fd = net_open(net, "\x16\x03\x01\x02\x10\x01"); /* the start of a record */
	usleep(100000);
	before = clock();
	usleep(1000000);
	assert_true(clock() - before < CLOCKS_PER_SEC / 5);
	close(fd);
	EVP_PKEY_free(key);
}

static void tls_replace(void *files)
{
	struct error e = ERROR_INIT;

	assert_int_equal(tls_current_set(files, &e), 0);
}

/* A new certificate is for new connections; one that exists continues. */
static void test_tls_replaced(void **state)
{
	struct net *net = *state;
	EVP_PKEY *key = EVP_EC_gen("P-256"), *next = EVP_RSA_gen(2048);
	struct tls_files files = TLS_FILES_INIT;
	struct error e = ERROR_INIT;
	CURL *curl = curl_easy_init();
	struct answer answer;
	char old[160];
	long made;

	net_certificate(net, key);
	assert_int_equal(tls_files_read(&net->files, net->cert, net->key, &e), 0);
	net_start(net, true);
	snprintf(old, sizeof(old), "%s.old", net->cert);
	assert_int_equal(rename(net->cert, old), 0);
	curl_easy_setopt(curl, CURLOPT_CAINFO, old);
	net_request(net, curl, "/healthz", NULL, NULL, &answer);
	assert_int_equal(answer.status, 200);
	answer_free(&answer);

	net_certificate(net, next);
	assert_int_equal(tls_files_read(&files, net->cert, net->key, &e), 0);
	net_call(net, tls_replace, &files);
	tls_files_free(&files);
	tls_get(net, net->cert, CURL_SSLVERSION_DEFAULT, CURLE_OK);
	tls_get(net, net->cert, CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2, CURLE_OK);
	tls_get(net, old, CURL_SSLVERSION_DEFAULT, CURLE_PEER_FAILED_VERIFICATION);
	net_request(net, curl, "/healthz", NULL, NULL, &answer);
	curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &made);
	assert_int_equal(answer.status, 200);
	assert_int_equal(made, 0);
	answer_free(&answer);
	curl_easy_cleanup(curl);
	EVP_PKEY_free(key);
	EVP_PKEY_free(next);
}

/* A client by OpenSSL: what it offers, and what came of it. */
struct client {
	SSL_CTX *ctx;
	int version;	      /* the only one that it speaks */
	const char *groups;   /* that it offers */
	SSL_SESSION *session; /* offered, and then the one to be offered next */
	bool reused;
	char group[64];
};

static int client_session(SSL *ssl, SSL_SESSION *session)
{
	struct client *client = SSL_get_app_data(ssl);

	SSL_SESSION_free(client->session);
	client->session = session;
	return 1;
}

/* Make one request over a new connection. */
static void client_get(struct net *net, struct client *client)
{
	static const char request[] =
		"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	int fd = net_open(net, "");
	char answer[2048];
	SSL *ssl;

	client->ctx = SSL_CTX_new(TLS_client_method());
	assert_int_equal(SSL_CTX_set_min_proto_version(client->ctx, client->version), 1);
	assert_int_equal(SSL_CTX_set_max_proto_version(client->ctx, client->version), 1);
	assert_int_equal(SSL_CTX_set1_groups_list(client->ctx, client->groups), 1);
	SSL_CTX_set_session_cache_mode(client->ctx,
				       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(client->ctx, client_session);
	ssl = SSL_new(client->ctx);
	assert_int_equal(SSL_set_app_data(ssl, client), 1);
	assert_int_equal(SSL_set_fd(ssl, fd), 1);
	if (client->session)
		assert_int_equal(SSL_set_session(ssl, client->session), 1);
	assert_int_equal(SSL_connect(ssl), 1);
	client->reused = SSL_session_reused(ssl);
	snprintf(client->group, sizeof(client->group), "%s",
		 SSL_group_to_name(ssl, (int)SSL_get_negotiated_group(ssl)));
	assert_int_equal(SSL_write(ssl, request, (int)strlen(request)), strlen(request));
	assert_true(SSL_read(ssl, answer, sizeof(answer)) > 0);
	assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
	assert_int_equal(SSL_read(ssl, answer, sizeof(answer)), 0);
	assert_int_equal(SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
	(void)SSL_shutdown(ssl);
	SSL_free(ssl);
	SSL_CTX_free(client->ctx);
	close(fd);
}

/* The hybrid group is used with each client that has it, whatever it prefers; of the others, the one for which
 * the client has sent its part already. */
static void test_tls_groups(void **state)
{
	static const struct {
		const char *offered, *chosen;
	} cases[] = {
		{ "X25519MLKEM768:X25519", "X25519MLKEM768" },
		{ "X25519:X25519MLKEM768", "X25519MLKEM768" },
		{ "P-384:P-256:X25519", "secp384r1" },
		{ "P-384", "secp384r1" },
		{ "P-256", "secp256r1" },
	};
	struct net *net = *state;
	EVP_PKEY *key = EVP_EC_gen("P-256"), *hybrid;
	struct error e = ERROR_INIT;

	net_certificate(net, key);
	assert_int_equal(tls_files_read(&net->files, net->cert, net->key, &e), 0);
	net_start(net, true);
	hybrid = EVP_PKEY_Q_keygen(NULL, NULL, "X25519MLKEM768");
	if (!hybrid)
		print_message("# this OpenSSL has no X25519MLKEM768: it is not tested\n");
	for (size_t i = hybrid ? 0 : 2; i < ARRAY_SIZE(cases); i++) {
		struct client client = { .version = TLS1_3_VERSION, .groups = cases[i].offered };

		client_get(net, &client);
		assert_string_equal(client.group, cases[i].chosen);
		SSL_SESSION_free(client.session);
	}
	EVP_PKEY_free(hybrid);
	EVP_PKEY_free(key);
}

/* A session is resumed by its ticket until the certificate is replaced. */
static void test_tls_tickets(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct net *net = *state;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct error e = ERROR_INIT;

	net_certificate(net, key);
	assert_int_equal(tls_files_read(&net->files, net->cert, net->key, &e), 0);
	net_start(net, true);
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		struct client client = { .version = versions[i], .groups = "X25519:P-256" };

		client_get(net, &client);
		assert_false(client.reused);
		assert_non_null(client.session);
		for (int again = 0; again < 2; again++) {
			client_get(net, &client);
			assert_true(client.reused);
		}
		net_call(net, tls_replace, &net->files);
		client_get(net, &client);
		assert_false(client.reused);
		client_get(net, &client);
		assert_true(client.reused);
		SSL_SESSION_free(client.session);
	}
	EVP_PKEY_free(key);
}

/* A client that speaks no HTTP/1.1 is told so by ALPN; plain HTTP, garbage and half a handshake only end their
 * connections. */
static void test_tls_others(void **state)
{
	static const char *const texts[] = { "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
					     "\x16\x03\x01\xff\xff garbage", "\x16\x03\x01" };
	struct net *net = *state;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct error e = ERROR_INIT;
	struct bytes out = BYTES_INIT;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	int fd;

	net_certificate(net, key);
	assert_int_equal(tls_files_read(&net->files, net->cert, net->key, &e), 0);
	net_start(net, true);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		fd = net_open(net, texts[i]);
		shutdown(fd, SHUT_WR);
		net_receive(fd, NULL, &out);
		assert_null(strstr(bytes_text(&out), "HTTP/"));
	}
	fd = net_open(net, "");
	assert_int_equal(SSL_set_alpn_protos(ssl, (const unsigned char *)"\x02h2", 3), 0);
	assert_int_equal(SSL_set_fd(ssl, fd), 1);
	ERR_clear_error();
	assert_int_equal(SSL_connect(ssl), -1);
	assert_int_equal(ERR_GET_REASON(ERR_peek_error()),
			 SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	tls_get(net, net->cert, CURL_SSLVERSION_TLSv1_3, CURLE_OK);
	bytes_free(&out);
	EVP_PKEY_free(key);
}

/* A message within TLS that carries no data costs one step: a client that sends nothing but new keys does not keep
 * the server from the others. */
static void test_tls_key_updates(void **state)
{
	struct net *net = *state;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	struct error e = ERROR_INIT;
	struct wire wire = { 0 };
	int pair[2], steps = 0;
	ssize_t n = WIRE_WAIT;
	char data[16];

	net_certificate(net, key);
	assert_int_equal(tls_files_read(&net->files, net->cert, net->key, &e), 0);
	assert_int_equal(tls_current_set(&net->files, &e), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	wire.fd = pair[0];
	assert_int_equal(wire_secure(&wire, &e), 0);
	assert_int_equal(SSL_set_fd(ssl, pair[1]), 1);
	while (SSL_connect(ssl) != 1)
		assert_int_not_equal(wire_handshake(&wire, &e), WIRE_FAILED);
	assert_int_equal(wire_handshake(&wire, &e), 0);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
		assert_int_equal(SSL_do_handshake(ssl), 1);
	}
	assert_int_equal(SSL_write(ssl, "x", 1), 1);
	for (; n == WIRE_WAIT && steps <= 100; steps++)
		n = wire_read(&wire, data, sizeof(data), &e);
	assert_int_equal(n, 1);
	assert_int_equal(steps, 101);
	wire_close(&wire);
	tls_current_clear();
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(pair[1]);
	EVP_PKEY_free(key);
}

static void files_refused(const char *cert, const char *key, const char *words)
{
	struct tls_files files = TLS_FILES_INIT;
	struct error e = ERROR_INIT;

	assert_int_equal(tls_files_read(&files, cert, key, &e), -1);
	if (!strstr(e.text, words))
		fail_msg("'%s' does not contain '%s'", e.text, words);
	assert_int_equal(e.kind, ERROR_CONFIG);
	tls_files_free(&files);
}

static void test_tls_files(void **state)
{
	struct net *net = *state;
	EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");

	net_certificate(net, key);
	files_refused("/nonexistent", net->key, "/nonexistent");
	files_refused(net->key, net->key, "no certificate");
	files_refused(net->cert, net->cert, "no private key");
	pem_write(net->key, NULL, other);
	files_refused(net->cert, net->key, "not the key of the certificate");
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, net_setup, net_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tls),	  TEST(tls_unfinished), TEST(tls_replaced), TEST(tls_files),
		TEST(tls_groups), TEST(tls_tickets),	TEST(tls_others),   TEST(tls_key_updates),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests_name("trusteed_tls", tests, NULL, NULL);
}
