// SPDX-License-Identifier: Apache-2.0
/* Messages between the keeper and realmkey-keys or realmkey-hooks, and both ends of their connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "sinks/client.h"
#include "sinks/server.h"

#define SECRETS 3

/* --- messages --------------------------------------------------------------------------------- */

static const struct {
	struct sinks_message m;
	bool good;
} headers[] = {
	{ { SINKS_HELLO, 0, NULL, SINKS_DIGEST_SIZE }, true },
	{ { SINKS_HELLO, 0, NULL, SINKS_DIGEST_SIZE - 1 }, false },
	{ { SINKS_HELLO, 0, NULL, SINKS_DIGEST_SIZE + 1 }, false },
	{ { SINKS_HELLO, 1, NULL, SINKS_DIGEST_SIZE }, false },
	{ { SINKS_SET, 255, NULL, SINKS_VALUE_MAX }, true },
	{ { SINKS_SET, 0, NULL, 0 }, true },
	{ { SINKS_SET, 0, NULL, SINKS_VALUE_MAX + 1 }, false },
	{ { SINKS_SET, 256, NULL, 1 }, false },
	{ { SINKS_CONFIRM, 7, NULL, 0 }, true },
	{ { SINKS_CONFIRM, 7, NULL, 1 }, false },
	{ { SINKS_REMOVE, 7, NULL, 0 }, true },
	{ { SINKS_REMOVE, 7, NULL, 1 }, false },
	{ { SINKS_CHANGED, 7, NULL, 0 }, true },
	{ { SINKS_CHANGED, 7, NULL, 1 }, false },
	{ { SINKS_DONE, 7, NULL, 256 }, true },
	{ { SINKS_DONE, 7, NULL, 257 }, false },
	{ { SINKS_FAILED, ERROR_NO_DRIVER, NULL, SINKS_TEXT_MAX }, true },
	{ { SINKS_FAILED, ERROR_ANY, NULL, 1 }, false },
	{ { SINKS_FAILED, ERROR_SYSTEM, NULL, 0 }, false },
	{ { SINKS_FAILED, ERROR_SYSTEM, NULL, SINKS_TEXT_MAX + 1 }, false },
	{ { (enum sinks_type)0, 0, NULL, 0 }, false },
	{ { (enum sinks_type)(SINKS_FAILED + 1), 0, NULL, 0 }, false },
};

static void put_header(const struct sinks_message *m, uint8_t header[SINKS_HEADER_SIZE])
{
	const uint32_t field[] = { (uint32_t)m->type, m->number, (uint32_t)m->len };

	for (size_t i = 0; i < SINKS_HEADER_SIZE; i++)
		header[i] = (uint8_t)(field[i / 4] >> (8 * (i % 4)));
}

static void test_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		uint8_t header[SINKS_HEADER_SIZE] = { 0 }, raw[SINKS_HEADER_SIZE];
		const struct sinks_message *m = &headers[i].m;
		struct error e = ERROR_INIT, e2 = ERROR_INIT;
		const int wanted = headers[i].good ? 0 : -1;
		struct sinks_message back;

		put_header(m, raw);
		if (sinks_encode_header(m, header, &e) != wanted ||
		    sinks_decode_header(raw, &back, &e2) != wanted)
			fail_msg("row %zu: %s", i, e.text);
		assert_int_equal(e.kind, wanted ? ERROR_PROTOCOL : ERROR_NONE);
		assert_int_equal(e2.kind, e.kind);
		if (wanted)
			continue;
		assert_memory_equal(header, raw, sizeof(raw));
		assert_int_equal(back.type, m->type);
		assert_int_equal(back.number, m->number);
		assert_int_equal(back.len, m->len);
		assert_null(back.body);
	}
}

/* --- a server --------------------------------------------------------------------------------- */

static const uint8_t digest[SINKS_DIGEST_SIZE] = "digest of the configuration";
static const uint8_t have[SECRETS] = { 0, 1, 0 };

/* Shared with the server's process. */
static struct seen {
	unsigned int calls, idles;
	enum sinks_type type;
	uint32_t number;
	size_t len;
	uint8_t first, last;
} *seen;

static int handle(void *context, const struct sinks_message *m, struct error *e)
{
	const uint8_t *body = m->body;

	assert_ptr_equal(context, seen);
	seen->calls++;
	seen->type = m->type;
	seen->number = m->number;
	seen->len = m->len;
	seen->first = m->len ? body[0] : 0;
	seen->last = m->len ? body[m->len - 1] : 0;
	if (m->type == SINKS_REMOVE && m->number == 2)
		return error_set(e, ERROR_DELIVERY, "the quota of keys is used up");
	if (m->type == SINKS_REMOVE && m->number == 1)
		_exit(3);
	if (m->type == SINKS_REMOVE)
		return error_set(e, ERROR_POLICY, "denied");
	return 0;
}

static void idle(void *context)
{
	assert_ptr_equal(context, seen);
	seen->idles++;
}

static int setup(void **state)
{
	(void)state;
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return seen == MAP_FAILED ? -1 : 0;
}

static pid_t serve(const char *path)
{
	const struct sinks_service service = { digest, have, sizeof(have), handle, idle, seen };
	struct error e = ERROR_INIT;
	pid_t child = fork();
	int fd;

	assert_true(child >= 0);
	if (child)
		return child;
	alarm(20);
	fd = sinks_accept(path, &e);
	_exit(fd < 0 || sinks_serve(fd, &service, &e) < 0 ? error_exit_code(&e) : 0);
}

struct world {
	char directory[32], path[64];
	pid_t server;
	struct sinks_client client;
	struct error e;
	struct bytes have;
};

static bool name_is_there(const char *path)
{
	struct stat st;

	for (int i = 0; i < 500; i++) {
		if (!lstat(path, &st) && S_ISSOCK(st.st_mode))
			return true;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	return false;
}

static void world_open(struct world *w)
{
	*w = (struct world){ .client = SINKS_CLIENT_INIT };
	*seen = (struct seen){ 0 };
	strcpy(w->directory, "/tmp/sinks.XXXXXX");
	assert_non_null(mkdtemp(w->directory));
	snprintf(w->path, sizeof(w->path), "%s/socket", w->directory);
	w->server = serve(w->path);
	assert_true(name_is_there(w->path));
	/* Between bind() and listen(). */
	for (int i = 0; i < 100; i++) {
		if (sinks_connect(&w->client, "realmkey-keys", w->path, digest, &w->have, &w->e) ==
		    0)
			break;
		w->e = (struct error)ERROR_INIT;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	assert_true(w->client.fd >= 0);
}

static void world_close(struct world *w)
{
	sinks_close(&w->client);
	kill(w->server, SIGKILL);
	waitpid(w->server, NULL, 0);
	unlink(w->path);
	rmdir(w->directory);
	bytes_free(&w->have);
}

static int call(struct world *w, enum sinks_type type, uint32_t number, const void *body,
		size_t len)
{
	w->e = (struct error)ERROR_INIT;
	return sinks_call(&w->client, type, number, body, len, &w->e);
}

static void test_calls(void **state)
{
	uint8_t *value = malloc(SINKS_VALUE_MAX);
	struct world w;
	struct stat st;

	(void)state;
	assert_non_null(value);
	memset(value, 'v', SINKS_VALUE_MAX);
	value[SINKS_VALUE_MAX - 1] = 'w';
	world_open(&w);
	assert_int_equal(stat(w.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(w.have.len, sizeof(have));
	assert_memory_equal(w.have.data, have, sizeof(have));

	assert_int_equal(call(&w, SINKS_SET, 2, value, SINKS_VALUE_MAX), 0);
	assert_int_equal(seen->type, SINKS_SET);
	assert_int_equal(seen->number, 2);
	assert_int_equal(seen->len, SINKS_VALUE_MAX);
	assert_int_equal(seen->first, 'v');
	assert_int_equal(seen->last, 'w');
	assert_int_equal(call(&w, SINKS_CONFIRM, 0, NULL, 0), 0);
	assert_int_equal(seen->type, SINKS_CONFIRM);

	/* A failure leaves the connection as it is. */
	assert_int_equal(call(&w, SINKS_REMOVE, 2, NULL, 0), -1);
	assert_int_equal(w.e.kind, ERROR_DELIVERY);
	assert_string_equal(w.e.text, "realmkey-keys: the quota of keys is used up");
	assert_int_equal(call(&w, SINKS_CHANGED, 1, NULL, 0), 0);
	assert_int_equal(call(&w, SINKS_CHANGED, SECRETS, NULL, 0), -1);
	assert_string_equal(w.e.text, "realmkey-keys: there is no secret number 3");
	assert_int_equal(seen->calls, 4);
	assert_int_equal(call(&w, SINKS_CONFIRM, 1, NULL, 0), 0);
	world_close(&w);
	free(value);
}

/* The kinds of errors that say something about the KBS are not the other program's to use. */
static void test_kind_of_the_kbs(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	assert_int_equal(call(&w, SINKS_REMOVE, 0, NULL, 0), -1);
	assert_int_equal(w.e.kind, ERROR_PROTOCOL);
	assert_int_equal(w.client.fd, -1);
	world_close(&w);
}

static void test_program_that_dies(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	assert_int_equal(call(&w, SINKS_REMOVE, 1, NULL, 0), -1);
	assert_int_equal(w.e.kind, ERROR_DELIVERY);
	assert_true(w.e.transient);
	assert_string_equal(w.e.text, "realmkey-keys: closed the connection; its log says why");
	assert_int_equal(w.client.fd, -1);
	assert_int_equal(call(&w, SINKS_CONFIRM, 1, NULL, 0), -1);
	assert_int_equal(w.e.kind, ERROR_DELIVERY);
	assert_true(w.e.transient);
	world_close(&w);
}

static void test_other_configuration(void **state)
{
	const uint8_t other[SINKS_DIGEST_SIZE] = "another digest";
	struct sinks_client second = SINKS_CLIENT_INIT;
	struct world w;

	(void)state;
	world_open(&w);
	assert_int_equal(sinks_connect(&second, "realmkey-hooks", w.path, other, &w.have, &w.e),
			 -1);
	assert_int_equal(w.e.kind, ERROR_DELIVERY);
	assert_non_null(
		strstr(w.e.text, "realmkey-hooks: the files of the configuration are not "));
	assert_non_null(strstr(w.e.text, "systemctl reload realmkeyd"));
	assert_int_equal(second.fd, -1);
	/* The other connection goes on. */
	assert_int_equal(call(&w, SINKS_CONFIRM, 0, NULL, 0), 0);
	world_close(&w);
}

static void test_no_program(void **state)
{
	struct sinks_client client = SINKS_CLIENT_INIT;
	struct bytes answer = BYTES_INIT;
	struct error e = ERROR_INIT;
	char path[200];

	(void)state;
	assert_int_equal(sinks_connect(&client, "realmkey-keys", "/nowhere/keys.sock", digest,
				       &answer, &e),
			 -1);
	assert_int_equal(e.kind, ERROR_DELIVERY);
	assert_true(e.transient);
	assert_string_equal(e.text, "realmkey-keys: /nowhere/keys.sock: No such file or directory; "
				    "is realmkey-keys.socket enabled and started?");
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(sinks_connect(&client, "realmkey-keys", path, digest, &answer, &e), -1);
	assert_non_null(strstr(e.text, "too long"));
}

/* --- the listener ----------------------------------------------------------------------------- */

static void test_pauses(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	assert_int_equal(call(&w, SINKS_CHANGED, 0, NULL, 0), 0);
	assert_int_equal(call(&w, SINKS_CHANGED, 1, NULL, 0), 0);
	for (int i = 0; i < 1000 && !seen->idles; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	assert_true(seen->idles >= 1);
	/* Once for each pause. On a busy machine there is one between the two calls. */
	nanosleep(&(struct timespec){ .tv_sec = 1, .tv_nsec = 500000000 }, NULL);
	assert_true(seen->idles <= 2);
	assert_int_equal(seen->calls, 2);
	world_close(&w);
}

static int status_of(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A name that is used is not taken, one that was left is, and a file stays. */
static void test_names(void **state)
{
	struct world w, again;
	int fd;

	(void)state;
	world_open(&w);
	assert_int_equal(status_of(serve(w.path)), 1);
	assert_int_equal(call(&w, SINKS_CONFIRM, 0, NULL, 0), 0);
	sinks_close(&w.client);
	kill(w.server, SIGKILL);
	waitpid(w.server, NULL, 0);
	again = w;
	again.server = serve(w.path);
	for (int i = 0; i < 300; i++) {
		if (sinks_connect(&again.client, "realmkey-keys", w.path, digest, &again.have,
				  &again.e) == 0)
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	assert_int_equal(call(&again, SINKS_CONFIRM, 0, NULL, 0), 0);
	sinks_close(&again.client);
	kill(again.server, SIGKILL);
	waitpid(again.server, NULL, 0);
	unlink(w.path);
	fd = open(w.path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(status_of(serve(w.path)), 1);
	assert_int_equal(unlink(w.path), 0);
	assert_int_equal(rmdir(w.directory), 0);
	bytes_free(&again.have);
}

/* The child has @fd as the one that a service manager passes, if it is not -1. */
static pid_t serve_passed(int fd)
{
	const struct sinks_service service = { digest, have, sizeof(have), handle, NULL, seen };
	struct error e = ERROR_INIT;
	pid_t child = fork();
	char number[16];

	assert_true(child >= 0);
	if (child)
		return child;
	alarm(20);
	snprintf(number, sizeof(number), "%d", getpid() + (fd < 0));
	setenv("LISTEN_PID", number, 1);
	setenv("LISTEN_FDS", "1", 1);
	if (fd >= 0)
		dup2(fd, 3);
	fd = sinks_accept(NULL, &e);
	_exit(fd < 0 || sinks_serve(fd, &service, &e) < 0 ? error_exit_code(&e) : 0);
}

static void test_passed(void **state)
{
	struct sinks_client client = { .name = "realmkey-keys" };
	struct error e = ERROR_INIT;
	uint8_t hello[SINKS_HEADER_SIZE + SINKS_DIGEST_SIZE];
	uint8_t answer[SINKS_HEADER_SIZE + SECRETS];
	int pair[2];
	pid_t child;

	(void)state;
	assert_int_equal(status_of(serve_passed(-1)), 2);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	child = serve_passed(pair[1]);
	close(pair[1]);
	put_header(&headers[0].m, hello);
	memcpy(hello + SINKS_HEADER_SIZE, digest, sizeof(digest));
	assert_int_equal(io_write_full(pair[0], hello, sizeof(hello), &e), 0);
	assert_int_equal(io_read_full(pair[0], answer, sizeof(answer), &e), 0);
	client.fd = pair[0];
	assert_int_equal(sinks_call(&client, SINKS_SET, 1, "ab", 2, &e), 0);
	sinks_close(&client);
	assert_int_equal(status_of(child), 0);
}

/* What is written to a server, and how it exits. */
static void test_out_of_order(void **state)
{
	static const struct sinks_message first[] = {
		{ SINKS_SET, 0, NULL, 0 },
		{ SINKS_DONE, 0, NULL, 0 },
		{ (enum sinks_type)77, 0, NULL, 0 },
	};
	uint8_t header[SINKS_HEADER_SIZE];
	struct error e = ERROR_INIT;
	int pair[2];
	pid_t child;

	(void)state;
	for (size_t i = 0; i <= ARRAY_SIZE(first); i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		child = serve_passed(pair[1]);
		close(pair[1]);
		put_header(&first[i % ARRAY_SIZE(first)], header);
		/* The last one ends within its header. */
		assert_int_equal(io_write_full(pair[0], header, i < ARRAY_SIZE(first) ? 12 : 5, &e),
				 0);
		assert_int_equal(shutdown(pair[0], SHUT_WR), 0);
		assert_int_equal(status_of(child), 11);
		close(pair[0]);
	}
}

/* Only root, or the user of the server. */
static void test_peer(void **state)
{
	struct world w;
	pid_t child;

	(void)state;
	if (geteuid() != 0) {
		print_message("not root: no connection of another user is tried\n");
		skip();
	}
	world_open(&w);
	assert_int_equal(chmod(w.directory, 0755), 0);
	assert_int_equal(chmod(w.path, 0666), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct sinks_client client = SINKS_CLIENT_INIT;
		struct bytes answer = BYTES_INIT;
		struct error e = ERROR_INIT;

		if (setuid(12345))
			_exit(9);
		_exit(sinks_connect(&client, "realmkey-keys", w.path, digest, &answer, &e) == 0);
	}
	assert_int_equal(status_of(child), 0);
	assert_int_equal(call(&w, SINKS_CONFIRM, 0, NULL, 0), 0);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_kind_of_the_kbs),
		cmocka_unit_test(test_program_that_dies),
		cmocka_unit_test(test_other_configuration),
		cmocka_unit_test(test_no_program),
		cmocka_unit_test(test_pauses),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_passed),
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_peer),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
