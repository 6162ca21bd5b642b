// SPDX-License-Identifier: Apache-2.0
/*
 * load_clients: clients of a trusteed, honest and hostile, for tests/perf/load. One mode a process.
 *
 * usage: load_clients MODE DIR URL COUNT SECONDS
 *   keys        write a platform's keys to DIR, and its trust anchor to DIR/anchors
 *   sessions    attest COUNT times, wait until SECONDS have passed since the start, and then check
 *               that each session that must still live does
 *   handshakes  COUNT clients at a time attest for SECONDS
 *   secrets     COUNT clients, one after the other: each connects, attests and gets the resource SECRET
 *   attests     the same without the resource
 *   healthy     a new client attests and gets a resource, COUNT times a second
 *   auth        send COUNT auth requests a second, over 64 connections
 *   slow        COUNT connections that send the head of a request, a byte at a time
 *   upload      COUNT connections that upload 2 MiB each without authorisation, and stop before the end
 *   idle        COUNT connections that made one request
 * Each mode that uses URL prints one line, "mode: name value ...", at its end.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "cca_builder.h"
#include "jose/jwk.h"
#include "jose/tee_key.h"
#include "kbs/kbs.h"

#define SESSION_MS  (300 * INT64_C(1000))
#define CLIENTS_MAX 64
#define SECRET	    "perf/key/one" /* the resource, which tests/perf/server stores */
#define FLOOD	    64		   /* connections of the auth flood */

struct load {
	const char *dir, *url;
	size_t count;
	int64_t end; /* boot clock, ms */
	struct cca_builder builder;
	struct tee_key tee;
	struct sockaddr_in address;
};

static void die(const char *what)
{
	fprintf(stderr, "load_clients: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *zeroed(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (!memory)
		die("calloc");
	return memory;
}

/* --- keys --- */

static void key_write(const char *dir, const char *name, EVP_PKEY *key)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	if (!file || PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) != 1 ||
	    fclose(file) != 0)
		die(path);
}

static EVP_PKEY *key_read(const char *dir, const char *name)
{
	char path[512];
	EVP_PKEY *key;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "r");
	key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
	if (!key)
		die(path);
	fclose(file);
	return key;
}

static void keys(const char *dir)
{
	EVP_PKEY *cpak = EVP_EC_gen("P-384"), *rak = EVP_EC_gen("P-384");
	struct error e = ERROR_INIT;
	json_t *jwk = jwk_from_public_key(cpak, NULL, &e);
	char path[512];

	key_write(dir, "cpak.pem", cpak);
	key_write(dir, "rak.pem", rak);
	snprintf(path, sizeof(path), "%s/anchors", dir);
	if (mkdir(path, 0700) < 0)
		die(path);
	snprintf(path, sizeof(path), "%s/anchors/platform.jwk", dir);
	if (json_dump_file(jwk, path, 0) < 0)
		die(path);
	json_decref(jwk);
	EVP_PKEY_free(cpak);
	EVP_PKEY_free(rak);
}

/* --- honest clients, with libcurl --- */

static size_t take(char *data, size_t size, size_t count, void *out)
{
	bytes_append(out, data, size * count);
	return size * count;
}

static CURL *client_new(const struct load *load)
{
	CURL *curl = curl_easy_init();
	char ca[512];

	snprintf(ca, sizeof(ca), "%s/tls/ca.pem", load->dir);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
	curl_easy_setopt(curl, CURLOPT_COOKIEFILE, "");
	curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	return curl;
}

/* Returns the status, 0 without one. */
static long client_request(const struct load *load, CURL *curl, const char *path,
			   const struct bytes *body, struct bytes *answer)
{
	long status = 0;
	char url[512];

	bytes_clear(answer);
	snprintf(url, sizeof(url), "%s%s", load->url, path);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
	if (body) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body->len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, bytes_text(body));
	}
	if (curl_easy_perform(curl) != CURLE_OK)
		return 0;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* One handshake. Returns whether both requests were answered with 200. */
static bool client_attest(const struct load *load, CURL *curl)
{
	struct bytes body = BYTES_INIT, answer = BYTES_INIT, token = BYTES_INIT;
	struct kbs_challenge challenge;
	struct error e = ERROR_INIT;
	uint8_t value[64];
	long status;
	bool good;

	kbs_auth_body(&body);
	status = client_request(load, curl, "/kbs/v0/auth", &body, &answer);
	good = status == 200 &&
	       kbs_auth_answer(&challenge, (int)status, answer.data, answer.len, &e) == 0 &&
	       kbs_realm_challenge(&challenge, &load->tee, value, NULL, &e) == 0;
	if (good) {
		cca_builder_token(&load->builder, value, &token);
		bytes_clear(&body);
		good = kbs_attest_body(&challenge, &load->tee, token.data, token.len, &body, &e) ==
			       0 &&
		       client_request(load, curl, "/kbs/v0/attest", &body, &answer) == 200;
	}
	bytes_free(&body);
	bytes_free(&answer);
	bytes_free(&token);
	return good;
}

/* Whether the session of @curl's cookie is attested: its resource is not there, or denied. */
static bool client_has_session(const struct load *load, CURL *curl, long *status)
{
	struct bytes answer = BYTES_INIT;
	bool good;

	*status = client_request(load, curl, "/kbs/v0/resource/no/such/thing", NULL, &answer);
	good = *status == 404 || (*status == 401 && strstr(bytes_text(&answer), "/PolicyDeny\""));
	bytes_free(&answer);
	return good;
}

static void client_cookie(CURL *curl, char line[256])
{
	struct curl_slist *list = NULL;

	curl_easy_getinfo(curl, CURLINFO_COOKIELIST, &list);
	snprintf(line, 256, "%s", list ? list->data : "");
	curl_slist_free_all(list);
}

static void sessions(struct load *load)
{
	char(*cookie)[256] = zeroed(load->count, sizeof(*cookie));
	int64_t *made = zeroed(load->count, sizeof(*made)), began = clock_boot_ms();
	size_t attested = 0, lost = 0, live = 0;
	CURL *curl = client_new(load);

	for (size_t i = 0; i < load->count; i++) {
		curl_easy_setopt(curl, CURLOPT_COOKIELIST, "ALL");
		made[i] = clock_boot_ms();
		if (client_attest(load, curl)) {
			client_cookie(curl, cookie[i]);
			attested++;
		}
	}
	printf("sessions: attested %zu of %zu in %.1f s\n", attested, load->count,
	       (double)(clock_boot_ms() - began) / 1000);
	fflush(stdout);
	while (clock_boot_ms() < load->end)
		usleep(100000);
	for (size_t i = 0; i < load->count; i++) {
		long status;

		/* A second for the check itself. */
		if (!cookie[i][0] || clock_boot_ms() + 1000 > made[i] + SESSION_MS)
			continue;
		curl_easy_setopt(curl, CURLOPT_COOKIELIST, "ALL");
		curl_easy_setopt(curl, CURLOPT_COOKIELIST, cookie[i]);
		live++;
		lost += !client_has_session(load, curl, &status);
	}
	printf("sessions: live %zu lost %zu\n", live, lost);
	curl_easy_cleanup(curl);
	free(cookie);
	free(made);
}

/* This mode ignores the time limit, because what is measured must not depend on the machine. */
static void one_by_one(struct load *load, const char *name, bool resource)
{
	size_t good = 0;

	for (size_t i = 0; i < load->count; i++) {
		struct bytes answer = BYTES_INIT;
		CURL *curl = client_new(load);

		good += client_attest(load, curl) &&
			(!resource || client_request(load, curl, "/kbs/v0/resource/" SECRET, NULL,
						     &answer) == 200);
		curl_easy_cleanup(curl);
		bytes_free(&answer);
	}
	printf("%s: good %zu failed %zu\n", name, good, load->count - good);
}

static void secrets(struct load *load)
{
	one_by_one(load, "secrets", true);
}

static void attests(struct load *load)
{
	one_by_one(load, "attests", false);
}

static size_t handshakes_good, handshakes_bad;
static pthread_mutex_t handshakes_lock = PTHREAD_MUTEX_INITIALIZER;

static void *handshakes_one(void *context)
{
	const struct load *load = context;

	while (clock_boot_ms() < load->end) {
		CURL *curl = client_new(load);
		long status = 0;
		bool good = client_attest(load, curl) && client_has_session(load, curl, &status);

		curl_easy_cleanup(curl);
		pthread_mutex_lock(&handshakes_lock);
		good ? handshakes_good++ : handshakes_bad++;
		pthread_mutex_unlock(&handshakes_lock);
	}
	return NULL;
}

static void handshakes(struct load *load)
{
	pthread_t thread[CLIENTS_MAX];
	size_t count = load->count < CLIENTS_MAX ? load->count : CLIENTS_MAX;

	for (size_t i = 0; i < count; i++)
		if (pthread_create(&thread[i], NULL, handshakes_one, load) != 0)
			die("pthread_create");
	for (size_t i = 0; i < count; i++)
		pthread_join(thread[i], NULL);
	printf("handshakes: good %zu failed %zu\n", handshakes_good, handshakes_bad);
}

static int64_t after(int64_t from, int64_t worst)
{
	int64_t took = clock_boot_ms() - from;

	return took > worst ? took : worst;
}

/* The times are those of single requests, and of the client as a whole. */
static void healthy(struct load *load)
{
	int64_t worst = 0, whole = 0, total = 0, next = clock_boot_ms();
	size_t good = 0, bad = 0;

	while (clock_boot_ms() < load->end) {
		struct bytes answer = BYTES_INIT;
		CURL *curl = client_new(load);
		int64_t from = clock_boot_ms(), began = from;
		long status = 0;
		bool fine = client_request(load, curl, "/healthz", NULL, &answer) == 200;

		worst = after(from, worst);
		fine = fine && client_attest(load, curl);
		from = clock_boot_ms();
		fine = fine && client_has_session(load, curl, &status);
		worst = after(from, worst);
		whole = after(began, whole);
		total += clock_boot_ms() - began;
		fine ? good++ : bad++;
		curl_easy_cleanup(curl);
		bytes_free(&answer);
		next += 1000 / (int64_t)load->count;
		if (next > clock_boot_ms())
			usleep((useconds_t)(next - clock_boot_ms()) * 1000);
	}
	printf("healthy: good %zu failed %zu worst_request_ms %lld worst_client_ms %lld mean_client_ms "
	       "%lld\n",
	       good, bad, (long long)worst, (long long)whole,
	       (long long)(good + bad ? total / (int64_t)(good + bad) : 0));
}

static void idle(struct load *load)
{
	CURL **curl = zeroed(load->count, sizeof(CURL *));
	struct bytes answer = BYTES_INIT;
	size_t good = 0;

	for (size_t i = 0; i < load->count; i++) {
		curl[i] = client_new(load);
		curl_easy_setopt(curl[i], CURLOPT_TIMEOUT, 3L);
		good += client_request(load, curl[i], "/healthz", NULL, &answer) == 200;
	}
	printf("idle: served %zu of %zu\n", good, load->count);
	fflush(stdout);
	while (clock_boot_ms() < load->end)
		usleep(100000);
	for (size_t i = 0; i < load->count; i++)
		curl_easy_cleanup(curl[i]);
	free(curl);
	bytes_free(&answer);
}

/* --- hostile clients: bare sockets --- */

struct flood {
	struct pollfd *poll;
	size_t *sent; /* bytes of the text that each connection has sent */
	size_t opened, closed, answers;
};

static void flood_open(const struct load *load, struct flood *flood, size_t i)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	if (connect(fd, (const struct sockaddr *)&load->address, sizeof(load->address)) < 0 &&
	    errno != EINPROGRESS)
		die("connect");
	flood->poll[i] = (struct pollfd){ .fd = fd, .events = POLLIN };
	flood->sent[i] = 0;
	flood->opened++;
}

static void flood_reopen(const struct load *load, struct flood *flood, size_t i)
{
	close(flood->poll[i].fd);
	flood->closed++;
	flood_open(load, flood, i);
}

static struct flood flood_new(const struct load *load, size_t count)
{
	struct flood flood = {
		.poll = zeroed(count, sizeof(*flood.poll)),
		.sent = zeroed(count, sizeof(*flood.sent)),
	};

	for (size_t i = 0; i < count; i++)
		flood_open(load, &flood, i);
	return flood;
}

/* Read what was answered, and replace the connections that were closed. */
static void flood_read(const struct load *load, struct flood *flood, size_t count, int wait)
{
	char data[4096];

	if (poll(flood->poll, count, wait) <= 0)
		return;
	for (size_t i = 0; i < count; i++) {
		ssize_t len;

		if (!(flood->poll[i].revents & (POLLIN | POLLERR | POLLHUP)))
			continue;
		len = recv(flood->poll[i].fd, data, sizeof(data), 0);
		if (len == 0 || (len < 0 && errno != EAGAIN))
			flood_reopen(load, flood, i);
		for (ssize_t at = 0; at + 8 < len; at++)
			flood->answers += memcmp(data + at, "HTTP/1.1", 8) == 0;
		if (len > 0)
			flood->sent[i] = 0;
	}
}

/* The rate holds whether the server answers or not; a connection that has an answer pending is left
 * out. */
static void auth(struct load *load)
{
	static const char body[] = "{\"version\":\"0.4.0\",\"tee\":\"cca\",\"extra-params\":\"\"}";
	char text[256];
	struct flood flood = flood_new(load, FLOOD);
	int64_t began = clock_boot_ms();
	size_t sent = 0, at = 0;

	snprintf(text, sizeof(text),
		 "POST /kbs/v0/auth HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s",
		 strlen(body), body);
	while (clock_boot_ms() < load->end) {
		size_t due = (size_t)(clock_boot_ms() - began) * load->count / 1000;

		for (size_t tries = 0; sent < due && tries < FLOOD; tries++) {
			at = (at + 1) % FLOOD;
			if (flood.sent[at] || send(flood.poll[at].fd, text, strlen(text),
						   MSG_NOSIGNAL) != (ssize_t)strlen(text))
				continue;
			flood.sent[at] = 1;
			sent++;
		}
		flood_read(load, &flood, FLOOD, 1);
		/* What could not be sent is not made up for later. */
		if (sent + FLOOD < due)
			began = clock_boot_ms() - (int64_t)(sent * 1000 / load->count);
	}
	printf("auth: answers %zu closed %zu\n", flood.answers, flood.closed);
}

static void slow(struct load *load)
{
	struct flood flood = flood_new(load, load->count);
	static const char text[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ";

	while (clock_boot_ms() < load->end) {
		int64_t next = clock_boot_ms() + 1000;

		for (size_t i = 0; i < load->count; i++) {
			size_t n = flood.sent[i] < strlen(text) ? flood.sent[i] : 0;

			if (send(flood.poll[i].fd, n ? text + n : "G", 1, MSG_NOSIGNAL) == 1)
				flood.sent[i]++;
		}
		while (clock_boot_ms() < next)
			flood_read(load, &flood, load->count, 50);
	}
	printf("slow: opened %zu closed %zu\n", flood.opened, flood.closed);
}

static void upload(struct load *load)
{
	struct flood flood = flood_new(load, load->count);
	const size_t size = (size_t)2 << 20;
	char head[256], *text = zeroed(1, size + sizeof(head));
	size_t len, total;

	snprintf(head, sizeof(head),
		 "POST /kbs/v0/resource/a/b/c HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
		 size);
	len = strlen(head);
	memcpy(text, head, len);
	total = len + size - 1;
	while (clock_boot_ms() < load->end) {
		for (size_t i = 0; i < load->count; i++) {
			ssize_t n = send(flood.poll[i].fd, text + flood.sent[i],
					 total - flood.sent[i], MSG_NOSIGNAL);

			if (n > 0)
				flood.sent[i] += (size_t)n;
		}
		flood_read(load, &flood, load->count, 10);
	}
	printf("upload: opened %zu closed %zu answers %zu\n", flood.opened, flood.closed,
	       flood.answers);
}

static const struct {
	const char *name;
	void (*run)(struct load *load);
} modes[] = {
	{ "sessions", sessions }, { "secrets", secrets }, { "handshakes", handshakes },
	{ "healthy", healthy },	  { "auth", auth },	  { "slow", slow },
	{ "upload", upload },	  { "idle", idle },	  { "attests", attests },
};

static int load_open(struct load *load, char *argv[])
{
	struct rlimit limit;
	const char *port = strrchr(argv[3], ':');
	struct error e = ERROR_INIT;

	load->dir = argv[2];
	load->url = argv[3];
	load->count = strtoul(argv[4], NULL, 10);
	load->end = clock_boot_ms() + strtol(argv[5], NULL, 10) * 1000;
	load->address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)(port ? strtoul(port + 1, NULL, 10) : 0)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	load->builder.cpak = key_read(load->dir, "cpak.pem");
	load->builder.rak = key_read(load->dir, "rak.pem");
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	return tee_key_generate(&load->tee, &e);
}

int main(int argc, char *argv[])
{
	struct load load = { .tee = TEE_KEY_INIT };

	if (argc == 3 && strcmp(argv[1], "keys") == 0) {
		keys(argv[2]);
		return 0;
	}
	for (size_t i = 0; argc == 6 && i < ARRAY_SIZE(modes); i++) {
		if (strcmp(modes[i].name, argv[1]) != 0)
			continue;
		if (load_open(&load, argv) < 0)
			die("tee key");
		modes[i].run(&load);
		return 0;
	}
	fprintf(stderr, "usage: load_clients MODE DIR URL COUNT SECONDS\n");
	return 2;
}
