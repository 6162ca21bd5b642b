// SPDX-License-Identifier: Apache-2.0
/* TLS of trusteed while one allocation of OpenSSL fails: that ends one connection, and nothing else. */
#include "trusteed_net.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How many points are tested, spread over all allocations of a connection. */
#define POINTS 120

/* Only the allocations of the server's thread count, and fail. */
static _Thread_local bool of_server;
static size_t allocations, fails_at;

static bool memory_fails(void)
{
	return of_server && ++allocations == fails_at;
}

static void *memory_malloc(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return memory_fails() ? NULL : malloc(size);
}

static void *memory_realloc(void *old, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return memory_fails() ? NULL : realloc(old, size);
}

static void memory_free(void *memory, const char *file, int line)
{
	(void)file, (void)line;
	free(memory);
}

/* In the server's thread: let the allocation number *@at fail from now on, 0: none. */
static void memory_limit_set(void *at)
{
	of_server = true;
	allocations = 0;
	fails_at = *(size_t *)at;
}

/* What the handshake and one request have allocated. */
static void memory_limit_get(void *count)
{
	*(size_t *)count = allocations;
	fails_at = 0;
}

static void certificate_write(struct net *net)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	struct error e = ERROR_INIT;
	FILE *file;

	snprintf(net->cert, sizeof(net->cert), "%s/cert.pem", net->world->dir);
	snprintf(net->key, sizeof(net->key), "%s/key.pem", net->world->dir);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_set_pubkey(cert, key);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	file = fopen(net->cert, "w");
	assert_int_equal(PEM_write_X509(file, cert), 1);
	fclose(file);
	file = fopen(net->key, "w");
	assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(file);
	assert_int_equal(tls_files_read(&net->files, net->cert, net->key, &e), 0);
	X509_free(cert);
	EVP_PKEY_free(key);
}

/* Returns whether the request was answered. */
static bool client_get(const struct net *net, SSL_CTX *ctx)
{
	static const char request[] =
		"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	int fd = net_open(net, "");
	SSL *ssl = SSL_new(ctx);
	char answer[2048];
	bool good;

	assert_int_equal(SSL_set_fd(ssl, fd), 1);
	good = SSL_connect(ssl) == 1 && SSL_write(ssl, request, (int)strlen(request)) > 0 &&
	       SSL_read(ssl, answer, sizeof(answer)) > 0;
	if (good)
		assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
	SSL_free(ssl);
	ERR_clear_error();
	close(fd);
	return good;
}

static void test_tls_memory(void **state)
{
	struct net *net = *state;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	size_t all = 0, at = 0, lost = 0;

	certificate_write(net);
	net_start(net, true);
	assert_true(client_get(net, ctx)); /* what is done once */
	net_call(net, memory_limit_set, &at);
	assert_true(client_get(net, ctx));
	net_call(net, memory_limit_get, &all);
	assert_true(all > 100);
	for (at = 1; at <= all; at += all / POINTS + 1) {
		net_call(net, memory_limit_set, &at);
		lost += !client_get(net, ctx);
		net_call(net, memory_limit_get, &(size_t){ 0 });
		assert_true(client_get(net, ctx));
	}
	assert_true(lost > 10);
	if (!log_count("connection: out of memory\n"))
		fail_msg("no word of the memory in\n%s", log_all());
	SSL_CTX_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tls_memory, net_setup, net_teardown),
	};

	if (CRYPTO_set_mem_functions(memory_malloc, memory_realloc, memory_free) != 1)
		return 1;
	return cmocka_run_group_tests_name("trusteed_tls_memory", tests, NULL, NULL);
}
