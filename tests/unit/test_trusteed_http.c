// SPDX-License-Identifier: Apache-2.0
/* trusteed over loopback: what can be tested only with a real connection. */
#include "trusteed_world.h"

#include <curl/curl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "base/log.h"
#include "trusteed/http/http.h"
#include "trusteed/http/listen.h"
#include "trusteed/http/tls_current.h"
#include "trusteed/http/tls_files.h"
#include "trusteed/route.h"

#define AUTH_MAX  ((size_t)16 << 10)
#define ADMIN_MAX ((size_t)2 << 20)

struct net {
	struct world *world;
	struct listen_address address;
	size_t connections;
	struct http_service service;
	struct http *http;
	struct tls_files files;
	char cert[96], key[96], url[160];
};

struct answer {
	CURLcode code;
	long status;
	struct bytes head, body;
};

static struct bytes logged;

static void log_keep(enum log_level level, const char *line)
{
	if (level != LOG_LEVEL_DEBUG)
		bytes_printf(&logged, "%s\n", line);
}

static size_t log_count(const char *prefix)
{
	size_t count = 0;

	for (const char *at = bytes_text(&logged); (at = strstr(at, prefix)); at++)
		count++;
	return count;
}

static void net_start(struct net *net, bool tls)
{
	struct error e = ERROR_INIT;
	char text[128];
	int fd;

	assert_int_equal(listen_parse("127.0.0.1:0", &net->address, &e), 0);
	fd = listen_open(&net->address, &e);
	assert_true(fd >= 0);
	net->service = route_service(&net->world->trustee);
	net->http = http_start(&net->service, fd, tls ? &net->files : NULL, net->connections, &e);
	if (!net->http)
		fail_msg("%s", e.text);
	listen_print(&net->address, text, sizeof(text));
	snprintf(net->url, sizeof(net->url), "%s://%s", tls ? "https" : "http", text);
}

static int net_setup(void **state)
{
	struct net *net = calloc(1, sizeof(*net));
	void *world;

	assert_non_null(net);
	assert_int_equal(world_setup(&world), 0);
	net->world = world;
	net->files = (struct tls_files)TLS_FILES_INIT;
	net->connections = HTTP_CONNECTIONS;
	bytes_clear(&logged);
	log_set(log_keep);
	*state = net;
	return 0;
}

static int net_teardown(void **state)
{
	struct net *net = *state;
	void *world = net->world;

	http_stop(net->http);
	log_set(NULL);
	tls_files_free(&net->files);
	world_teardown(&world);
	bytes_free(&logged);
	free(net);
	return 0;
}

static size_t take(char *data, size_t size, size_t count, void *out)
{
	bytes_append(out, data, size * count);
	return size * count;
}

/* Makes a request with libcurl. @header and @body may be NULL. @header may select chunked encoding
 * for @body. */
static void net_request(struct net *net, CURL *curl, const char *path, const char *header,
			const struct bytes *body, struct answer *answer)
{
	struct curl_slist *headers = NULL;
	char url[512];

	*answer = (struct answer){ 0 };
	snprintf(url, sizeof(url), "%s%s", net->url, path);
	if (header)
		headers = curl_slist_append(headers, header);
	if (!header || !strstr(header, "Expect:"))
		headers = curl_slist_append(headers, "Expect:");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer->body);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer->head);
	curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
	if (body) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body->len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, bytes_text(body));
	}
	answer->code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
	curl_slist_free_all(headers);
}

static void answer_free(struct answer *answer)
{
	bytes_free(&answer->head);
	bytes_free(&answer->body);
}

/* The three requests of the handshake and two with the cookie, on one connection. The log has one
 * line for each. */
static void test_story(void **state)
{
	static const char *const lines[] = {
		"request POST /kbs/v0/auth 200 session ",
		"request POST /kbs/v0/attest 200 session ",
		"request GET /kbs/v0/resource/a/b/c 401 session ",
		"request GET /healthz 200\n",
		"request HEAD /healthz 200\n",
	};
	struct net *net = *state;
	struct bytes auth = BYTES_INIT, attest = BYTES_INIT;
	CURL *curl = curl_easy_init();
	struct error e = ERROR_INIT;
	struct answer answer;
	struct world *w = net->world;

	net_start(net, false);
	curl_easy_setopt(curl, CURLOPT_COOKIEFILE, "");
	kbs_auth_body(&auth);
	net_request(net, curl, "/kbs/v0/auth", "Content-Type: application/json", &auth, &answer);
	assert_int_equal(kbs_auth_answer(&w->kbs, (int)answer.status, answer.body.data,
					 answer.body.len, &e),
			 0);
	assert_non_null(strstr(bytes_text(&answer.head), "Content-Type: application/json\r\n"));
	answer_free(&answer);
	world_attest_body(w, &attest);
	net_request(net, curl, "/kbs/v0/attest", NULL, &attest, &answer);
	assert_int_equal(answer.status, 200);
	answer_free(&answer);
	net_request(net, curl, "/kbs/v0/resource/a/b/c", NULL, NULL, &answer);
	assert_int_equal(answer.status, 401);
	assert_non_null(strstr(bytes_text(&answer.body), "/PolicyDeny\""));
	answer_free(&answer);
	net_request(net, curl, "/healthz", NULL, NULL, &answer);
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.body.len, 0);
	answer_free(&answer);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "HEAD"); /* as load balancers ask */
	net_request(net, curl, "/healthz", NULL, NULL, &answer);
	assert_int_equal(answer.code, CURLE_OK);
	assert_int_equal(answer.status, 200);
	answer_free(&answer);
	curl_easy_cleanup(curl);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (log_count(lines[i]) != 1)
			fail_msg("%s: %zu times in\n%s", lines[i], log_count(lines[i]),
				 bytes_text(&logged));
	assert_int_equal(log_count("request "), 5);
	bytes_free(&auth);
	bytes_free(&attest);
}

static void test_body_limit(void **state)
{
	static const char *const headers[] = {
		NULL,
		"Transfer-Encoding: chunked",
		"Expect: 100-continue",
	};
	struct net *net = *state;
	struct bytes body = BYTES_INIT;

	net_start(net, false);
	for (size_t i = 0; i < 3; i++) {
		CURL *curl = curl_easy_init();
		struct answer answer;

		assert_int_equal(bytes_resize(&body, AUTH_MAX, &(struct error)ERROR_INIT), 0);
		net_request(net, curl, "/kbs/v0/auth", headers[i], &body, &answer);
		assert_int_equal(answer.status, 401);
		answer_free(&answer);
		assert_int_equal(bytes_resize(&body, AUTH_MAX + 1, &(struct error)ERROR_INIT), 0);
		net_request(net, curl, "/kbs/v0/auth", headers[i], &body, &answer);
		assert_int_equal(answer.status, 413);
		assert_non_null(strstr(bytes_text(&answer.body), "/PayloadTooLarge\""));
		answer_free(&answer);
		curl_easy_cleanup(curl);
	}
	assert_int_equal(log_count("request POST /kbs/v0/auth 413 PayloadTooLarge"), 3);
	bytes_free(&body);
}

/* An endless body only closes its connection. The server keeps working. */
static void test_body_endless(void **state)
{
	struct net *net = *state;
	CURL *curl = curl_easy_init();
	struct bytes body = BYTES_INIT;
	struct answer answer;

	net_start(net, false);
	assert_int_equal(bytes_resize(&body, 5 * ADMIN_MAX, &(struct error)ERROR_INIT), 0);
	net_request(net, curl, "/kbs/v0/auth", "Transfer-Encoding: chunked", &body, &answer);
	assert_int_not_equal(answer.code, CURLE_OK);
	answer_free(&answer);
	net_request(net, curl, "/healthz", NULL, NULL, &answer);
	assert_int_equal(answer.status, 200);
	answer_free(&answer);
	bytes_free(&body);
	curl_easy_cleanup(curl);
}

/* A bearer of 12 KiB, four times an EAR, is accepted in the head. A longer head is refused, and
 * nothing of either is logged. */
static void test_large_bearer(void **state)
{
	static const struct {
		int tens;
		long status;
	} bearers[] = { { 1228, 401 }, { 10240, 431 } };
	struct net *net = *state;
	struct bytes header = BYTES_INIT;
	struct answer answer;

	net_start(net, false);
	for (size_t i = 0; i < ARRAY_SIZE(bearers); i++) {
		CURL *curl = curl_easy_init();

		bytes_clear(&header);
		bytes_append_text(&header, "Authorization: Bearer e30.e30.");
		for (int ten = 0; ten < bearers[i].tens; ten++)
			bytes_append_text(&header, "SECRETSECR");
		net_request(net, curl, "/kbs/v0/resource/a/b/c", bytes_text(&header), NULL,
			    &answer);
		assert_int_equal(answer.status, bearers[i].status);
		assert_true(i > 0 ||
			    strstr(bytes_text(&answer.body), "/TokenVerifierError\"") != NULL);
		answer_free(&answer);
		curl_easy_cleanup(curl);
	}
	assert_int_equal(log_count("SECRET"), 0);
	bytes_free(&header);
}

/* An upload without the admin token is refused by its head: at once if the client asks first, and
 * else after the body, of which nothing is kept. */
static void test_body_not_authorised(void **state)
{
	static const char *const headers[] = { NULL, "Transfer-Encoding: chunked",
					       "Expect: 100-continue" };
	struct net *net = *state;
	struct bytes body = BYTES_INIT;
	struct answer answer;

	net_start(net, false);
	assert_int_equal(bytes_resize(&body, ADMIN_MAX, &(struct error)ERROR_INIT), 0);
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		CURL *curl = curl_easy_init();

		net_request(net, curl, "/kbs/v0/resource/a/b/c", headers[i], &body, &answer);
		assert_int_equal(answer.code, CURLE_OK);
		assert_int_equal(answer.status, 401);
		assert_non_null(strstr(bytes_text(&answer.body), "/AdminAuthAccess\""));
		answer_free(&answer);
		curl_easy_cleanup(curl);
	}
	assert_int_equal(log_count("request POST /kbs/v0/resource/a/b/c 401 AdminAuthAccess"), 3);
	bytes_free(&body);
}

/* The head decides, and no byte of a body is kept without authorisation. */
static void test_admit(void **state)
{
	static const struct {
		const char *method, *path;
		bool admitted;
		size_t max;
	} heads[] = {
		{ "POST", "/kbs/v0/auth", true, AUTH_MAX },
		{ "POST", "/kbs/v0/attest", true, (size_t)320 << 10 },
		{ "GET", "/kbs/v0/resource/a/b/c", true, 0 },
		{ "POST", "/kbs/v0/resource/a/b/c", false, 0 },
		{ "POST", "/kbs/v0/resource-policy", false, 0 },
		{ "POST", "/kbs/v0/reference-value", false, 0 },
		{ "POST", "/kbs/v0/no-such-thing", true, 0 },
		{ "PUT", "/kbs/v0/resource/a/b/c", true, 0 },
	};
	struct net *net = *state;
	const struct http_service service = route_service(&net->world->trustee);

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		struct request request = { .method = heads[i].method, .path = heads[i].path };
		struct reply reply = REPLY_INIT;
		struct http_body body = { 0 };

		assert_int_equal(service.admit(service.context, &request, &body, &reply),
				 heads[i].admitted);
		assert_int_equal(body.max, heads[i].max);
		assert_false(body.trusted);
		assert_int_equal(reply.status, heads[i].admitted ? 200 : 401);
		reply_free(&reply);
	}
}

static int slow_open(const struct net *net, const char *text)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(
		connect(fd, (const struct sockaddr *)&net->address.address, net->address.len), 0);
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	return fd;
}

/* Connections that send nothing more do not keep others out, though there are more of them than the
 * server has room for. The first of them is closed. */
static void test_slow_connections(void **state)
{
	struct net *net = *state;
	CURL *curl = curl_easy_init();
	struct answer answer;
	int slow[200];
	char byte;

	net->connections = 16;
	net_start(net, false);
	for (size_t i = 0; i < ARRAY_SIZE(slow); i++)
		slow[i] = slow_open(net, "GET /he");
	for (int i = 0; i < 3; i++) {
		net_request(net, curl, "/healthz", NULL, NULL, &answer);
		assert_int_equal(answer.code, CURLE_OK);
		assert_int_equal(answer.status, 200);
		answer_free(&answer);
	}
	assert_true(recv(slow[0], &byte, 1, 0) <= 0);
	for (size_t i = 0; i < ARRAY_SIZE(slow); i++)
		close(slow[i]);
	curl_easy_cleanup(curl);
}

/* A path cannot forge a line of the log. */
static void test_odd_paths(void **state)
{
	struct net *net = *state;
	CURL *curl = curl_easy_init();
	struct answer answer;

	net_start(net, false);
	net_request(net, curl, "/x%0atrusteed:%20request%20GET%20/forged%20200%ff", NULL, NULL,
		    &answer);
	assert_int_equal(answer.status, 404);
	assert_int_equal(log_count("\ntrusteed: request"), 0);
	assert_int_equal(log_count("request GET /x?trusteed:?request?GET?/forged?200? 404 "), 1);
	answer_free(&answer);
	net_request(net, curl, "/healthz%00/etc", NULL, NULL, &answer);
	assert_int_equal(answer.status, 404);
	answer_free(&answer);
	net_request(net, curl, "/kbs/v0/resource/a/b/%2e%2e", NULL, NULL, &answer);
	assert_int_equal(answer.status, 404);
	answer_free(&answer);
	curl_easy_cleanup(curl);
}

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
	fd = slow_open(net, "\x16\x03\x01\x02\x10\x01"); /* the start of a record */
	usleep(100000);
	before = clock();
	usleep(1000000);
	assert_true(clock() - before < CLOCKS_PER_SEC / 5);
	close(fd);
	EVP_PKEY_free(key);
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
	assert_int_equal(tls_current_set(&files, &e), 0);
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
		TEST(story),
		TEST(body_limit),
		TEST(body_endless),
		TEST(large_bearer),
		TEST(body_not_authorised),
		TEST(admit),
		TEST(slow_connections),
		TEST(odd_paths),
		TEST(tls),
		TEST(tls_unfinished),
		TEST(tls_replaced),
		TEST(tls_files),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests_name("trusteed_http", tests, NULL, NULL);
}
