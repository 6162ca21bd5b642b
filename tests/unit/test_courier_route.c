// SPDX-License-Identifier: Apache-2.0
/* How the courier reaches its KBSs: several of them, a proxy, a client certificate, Unix sockets and vsocks. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "courier/route/proxy.h"
#include "courier/route/target.h"
#include "courier_test.h"
#include "kbs/courier_input.h"

static struct http_server secure, second;
static struct bytes secure_pem = BYTES_INIT, second_pem = BYTES_INIT;

/* --- other servers ---------------------------------------------------------------------------- */

/* A server that reads the head of a request, keeps it, and sends @text. If @text is NULL, it is a proxy. */
struct peer {
	pid_t pid;
	char url[160];
	char *head;	  /* shared: of the last request */
	int *connections; /* shared */
};

static int connect_to(unsigned int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return connect(fd, (struct sockaddr *)&to, sizeof(to)) ? -1 : fd;
}

static void carry(int a, int b)
{
	struct pollfd p[2] = { { .fd = a, .events = POLLIN }, { .fd = b, .events = POLLIN } };
	char piece[4096];

	while (poll(p, 2, -1) > 0)
		for (int i = 0; i < 2; i++) {
			ssize_t n = p[i].revents ? read(p[i].fd, piece, sizeof(piece)) : 1;

			if (n <= 0 || (p[i].revents && write(p[!i].fd, piece, (size_t)n) != n))
				return;
		}
}

static void peer_serve(const struct peer *peer, int fd, const char *text)
{
	static const char yes[] = "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n";
	size_t len = 0;
	ssize_t n = 1;

	memset(peer->head, 0, 4096);
	while (len < 4095 && n > 0 && !strstr(peer->head, "\r\n\r\n")) {
		n = read(fd, peer->head + len, 4095 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	if (text) {
		if (write(fd, text, strlen(text)) > 0)
			usleep(20000);
		return;
	}
	n = connect_to((unsigned int)strtoul(strchr(peer->head, ':') + 1, NULL, 10));
	if (n >= 0 && write(fd, yes, strlen(yes)) > 0)
		carry(fd, (int)n);
}

static void peer_start(struct peer *peer, int listener, const char *text)
{
	peer->head = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	peer->connections = (int *)(void *)(peer->head + 4096);
	assert_int_equal(listen(listener, 8), 0);
	peer->pid = fork();
	if (peer->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		for (;;) {
			int fd = accept(listener, NULL, NULL);

			++*peer->connections;
			peer_serve(peer, fd, text);
			close(fd);
		}
	}
	close(listener);
}

static void peer_tcp(struct peer *peer, const char *text)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	snprintf(peer->url, sizeof(peer->url), "http://127.0.0.1:%u", ntohs(address.sin_port));
	peer_start(peer, listener, text);
}

static void peer_unix(struct peer *peer, const char *path, const char *text)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(path);
	strcpy(address.sun_path, path);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	snprintf(peer->url, sizeof(peer->url), "unix:%s", path);
	peer_start(peer, listener, text);
}

static void peer_stop(struct peer *peer)
{
	kill(peer->pid, SIGKILL);
	waitpid(peer->pid, NULL, 0);
	munmap(peer->head, 8192);
}

static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
static const char busy[] = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n";
static const char denied[] = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n";

/* --- several KBSs ----------------------------------------------------------------------------- */

static int call(struct courier *courier, enum message_type type, int *status, struct error *e)
{
	const struct message m = { .type = type, .count = 1, .field = { text("{}") } };
	struct bytes body = BYTES_INIT;
	int ret = courier_call(courier, &m, status, &body, e);

	bytes_free(&body);
	return ret;
}

static void expect_server(struct courier *courier, enum message_type type, int wanted,
			  size_t server)
{
	struct error e = ERROR_INIT;
	int status = 0;

	if (call(courier, type, &status, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(status, wanted);
	assert_int_equal(courier->server, server);
	assert_int_equal(courier->failed, wanted >= 500);
}

/* Each way to fail leads the next handshake to the next KBS, and a session stays with its own. */
static void test_failover(void **state)
{
	struct courier courier = COURIER_INIT;
	struct peer late;
	struct courier_target target = {
		.server = { { .url = "http://127.0.0.1:1" },
			    { .url = plain.url }, /* below: https, which it is not */
			    { .url = late.url },
			    { .url = secure.url, .ca = second_pem.data, .ca_len = second_pem.len },
			    { .url = secure.url,
			      .ca = secure_pem.data,
			      .ca_len = secure_pem.len } },
		.servers = 5,
		.insecure = true,
		.timeout = 30,
	};
	static const char *const words[] = { "Connection refused", "TLS handshake", NULL,
					     "not trusted" };
	char url[64];

	(void)state;
	peer_tcp(&late, busy);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u", plain.port);
	target.server[1].url = url;
	target.server[1].ca = secure_pem.data;
	target.server[1].ca_len = secure_pem.len;
	start(&courier, target);
	for (size_t i = 0; i < 4; i++) {
		struct error e = ERROR_INIT;
		int status = 0;

		if (!words[i]) {
			expect_server(&courier, MESSAGE_AUTH, 503, i);
			assert_int_equal(courier.wait, 7);
			continue;
		}
		assert_int_equal(call(&courier, MESSAGE_AUTH, &status, &e), -1);
		if (!strstr(e.text, words[i]) || !courier.failed)
			fail_msg("%s", e.text);
	}
	expect_server(&courier, MESSAGE_AUTH, 200, 4);
	expect_server(&courier, MESSAGE_ATTEST, 200, 4);
	expect_get(&courier, "a/b/c", "connection=2 request=3\n");
	expect_server(&courier, MESSAGE_AUTH, 200, 4);
	courier_stop(&courier);
	peer_stop(&late);
}

/* A denial is a decision of that KBS. */
static void test_no_failover_after_a_refusal(void **state)
{
	struct courier courier = COURIER_INIT;
	struct peer first;

	(void)state;
	peer_tcp(&first, denied);
	start(&courier,
	      (struct courier_target){ .server = { { .url = first.url }, { .url = plain.url } },
				       .servers = 2,
				       .insecure = true });
	for (int i = 0; i < 3; i++) {
		expect_server(&courier, MESSAGE_AUTH, 401, 0);
		expect_server(&courier, MESSAGE_ATTEST, 401, 0);
	}
	courier_stop(&courier);
	peer_stop(&first);
}

/* A new worker knows what the old one knew: which KBS is avoided, and with which one the session is. */
static void test_failover_survives_the_worker(void **state)
{
	struct courier courier = COURIER_INIT;
	struct error e = ERROR_INIT;
	int status;

	(void)state;
	/* It is looked up for longer than half a second, so the worker gives up. Without a resolver that
	 * answers late, it is refused, and the worker stays. */
	start(&courier, (struct courier_target){
				.server = { { .url = "http://127.0.0.1:1" }, { .url = plain.url } },
				.servers = 2,
				.insecure = true,
				.timeout = 20 });
	assert_int_equal(call(&courier, MESSAGE_AUTH, &status, &e), -1);
	expect_server(&courier, MESSAGE_AUTH, 200, 1);
	if (access("/etc/hosts", W_OK) == 0) { /* each change of this file makes the worker end */
		utimensat(0, "/etc/hosts", NULL, 0);
		expect_get(&courier, "a/b/c", "connection=");
		assert_int_equal(courier.server, 1);
		utimensat(0, "/etc/hosts", NULL, 0);
		expect_server(&courier, MESSAGE_AUTH, 200, 1);
	}
	courier_stop(&courier);
}

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
	EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
	struct bytes good = BYTES_INIT, good_key = BYTES_INIT, other_key = BYTES_INIT,
		     junk = BYTES_INIT, cut = BYTES_INIT;
	X509 *own = certificate_make(key);
	const struct {
		const struct bytes *certificate, *key, *credentials, *ca;
		const char *words, *name;
	} cases[] = {
		{ &junk, &good_key, NULL, NULL, "client certificate: no usable", "C" },
		{ &cut, &good_key, NULL, NULL, "client certificate: no usable", "C" },
		{ &good, &junk, NULL, NULL, "client key: not an unencrypted", "K" },
		{ &good, &other_key, NULL, NULL, "client key: not the key of", "K" },
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

/* --- Unix sockets and vsocks ------------------------------------------------------------------ */

static void test_unix(void **state)
{
	struct courier courier = COURIER_INIT;
	char path[64];
	struct peer peer;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/realmkey-unix-%d", (int)getpid());
	peer_unix(&peer, path, hello);
	assert_int_equal(chmod(path, 0666), 0);
	start(&courier, (struct courier_target){ SERVER(peer.url, NULL, 0), .timeout = 10 });
	expect_get(&courier, "a/b/c", "hello");
	assert_non_null(strstr(peer.head, "\r\nHost: localhost\r\n"));
	usleep(100000);
	expect_get(&courier, "a/b/c", "hello"); /* over another connection */
	assert_int_equal(*peer.connections, 2);
	peer_stop(&peer);
	expect_failure(&courier, "a/b/c", ERROR_NETWORK, true, "no connection: Connection refused");
	unlink(path);
	expect_failure(&courier, "a/b/c", ERROR_NETWORK, true, "no connection: No such file");
	courier_stop(&courier);
}

/* A Unix socket and TCP in one courier, the proxy only for the latter. */
static void test_unix_and_tcp(void **state)
{
	struct courier courier = COURIER_INIT;
	struct peer proxy;

	(void)state;
	peer_tcp(&proxy, NULL);
	start(&courier, (struct courier_target){ .server = { { .url = "unix:/nonexistent/socket" },
							     { .url = plain.url } },
						 .servers = 2,
						 .proxy = proxy.url,
						 .insecure = true });
	for (int i = 0; i < 2; i++) {
		struct error e = ERROR_INIT;
		int status;

		if (i == 0)
			assert_int_equal(call(&courier, MESSAGE_AUTH, &status, &e), -1);
		else
			expect_server(&courier, MESSAGE_AUTH, 200, 1);
		assert_int_equal(*proxy.connections, i);
	}
	courier_stop(&courier);
	peer_stop(&proxy);
}

/* No such machine: the host refuses, or there is no vsock here. Each is said. */
static void test_vsock_without_peer(void **state)
{
	struct courier courier = COURIER_INIT;

	(void)state;
	start(&courier, (struct courier_target){ SERVER("vsock://3:1", NULL, 0), .insecure = true,
						 .timeout = 4 });
	expect_failure(&courier, "a/b/c", ERROR_NETWORK, true, "vsock://3:1: ");
	courier_stop(&courier);
	start(&courier, (struct courier_target){ SERVER("vsock://3:1", NULL, 0) });
	expect_failure(&courier, "a/b/c", ERROR_PROTOCOL, false, "not allowed");
	courier_stop(&courier);
}

/* --- messages --------------------------------------------------------------------------------- */

static void test_target_refused(void **state)
{
	static const struct {
		const char *url, *proxy, *certificate, *key, *words;
	} cases[] = {
		{ "ftp://kbs", "", "", "", "malformed URL: ftp://kbs" },
		{ "https://kbs", "https://proxy:1", "", "", "malformed URL of a proxy" },
		{ "https://kbs", "unix:/x", "", "", "malformed URL of a proxy" },
		{ "https://kbs", "proxy", "", "", "malformed URL: proxy" },
		{ "https://kbs", "", "c", "", "alone" },
		{ "https://kbs", "", "", "k", "alone" },
	};
	uint8_t flags[4], timeout[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct message server = { .type = MESSAGE_SERVER,
						.count = 2,
						.field = { text(cases[i].url), text("") } };
		const struct message open = {
			.type = MESSAGE_OPEN,
			.count = 6,
			.field = { message_u32(0, flags), message_u32(9, timeout),
				   text(cases[i].proxy), text(""), text(cases[i].certificate),
				   text(cases[i].key) }
		};
		struct target t = TARGET_INIT;
		struct error e = ERROR_INIT;
		int ret = target_add(&t, &server, &e);

		if (ret == 0)
			ret = target_add(&t, &open, &e);
		assert_int_equal(ret, -1);
		if (e.kind != ERROR_PROTOCOL || !strstr(e.text, cases[i].words))
			fail_msg("%s", e.text);
		target_free(&t);
	}
}

static void test_target_count(void **state)
{
	const struct message server = { .type = MESSAGE_SERVER,
					.count = 2,
					.field = { text("https://kbs"), text("pem") } };
	const struct message other = { .type = MESSAGE_AUTH, .count = 1 };
	uint8_t flags[4], timeout[4];
	struct message open = { .type = MESSAGE_OPEN,
				.count = 6,
				.field = { message_u32(0, flags), message_u32(0, timeout) } };
	struct target t = TARGET_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(target_add(&t, &open, &e), -1);
	assert_int_equal(target_add(&t, &other, &e), -1);
	for (size_t i = 0; i < FAILOVER_SERVERS_MAX; i++)
		assert_int_equal(target_add(&t, &server, &e), 0);
	assert_int_equal(t.cas, 1);
	assert_int_equal(target_add(&t, &server, &e), -1);
	assert_int_equal(target_add(&t, &open, &e), -1);
	assert_non_null(strstr(e.text, "time-out of 0 s"));
	open.field[1] = message_u32(5, timeout);
	assert_int_equal(target_add(&t, &open, &e), 1);
	target_free(&t);
}

static int all_start(void **state)
{
	SSL_CTX *tls = http_server_tls("IP:127.0.0.1", &secure_pem);

	(void)state;
	http_server_start(&plain, NULL);
	http_server_start(&secure, tls);
	SSL_CTX_free(tls);
	tls = http_server_tls("IP:127.0.0.1", &second_pem);
	http_server_start(&second, tls);
	SSL_CTX_free(tls);
	return 0;
}

static int all_stop(void **state)
{
	(void)state;
	http_server_stop(&plain);
	http_server_stop(&secure);
	http_server_stop(&second);
	bytes_free(&secure_pem);
	bytes_free(&second_pem);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failover),
		cmocka_unit_test(test_no_failover_after_a_refusal),
		cmocka_unit_test(test_failover_survives_the_worker),
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
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_unix_and_tcp),
		cmocka_unit_test(test_vsock_without_peer),
		cmocka_unit_test(test_target_refused),
		cmocka_unit_test(test_target_count),
	};

	return cmocka_run_group_tests(tests, all_start, all_stop);
}
