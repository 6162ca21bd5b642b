/* SPDX-License-Identifier: Apache-2.0 */
/* hes as a process: its answers on the socket, the files in its directory, and wrong input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/sockios.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hes_process.h"

#define ABANDONED 200 /* their answers are more than a socket has room for */

/* Requests a token and checks it. The first bytes show the layout of the token. */
static void token_expect(int fd, uint16_t rec, uint32_t seq, uint8_t fill, uint8_t algo,
			 const char *start_of_token)
{
	static const char *const names[] = { "gsha-256", "gsha-512", "gsha-384" };
	static const size_t sizes[] = { 32, 64, 48 };
	struct channel_request r = hes_request(fill, algo);
	struct channel_reader reader;
	const uint8_t *token = reader.payload;
	uint8_t rem[66];
	size_t size;

	hes_ask(fd, rec, seq, &r);
	hes_answer(fd, &reader);
	size = reader.header.size;
	assert_int_equal(reader.header.type, CHANNEL_TOKEN);
	assert_int_equal(reader.header.rec, rec);
	assert_int_equal(reader.header.seq, seq);
	assert_memory_equal(token, start_of_token, 4);
	assert_non_null(memmem(token, size, r.challenge, 64));
	assert_non_null(memmem(token, size, names[algo], strlen(names[algo])));
	/* A measurement with exactly the right length: 0x58, length, bytes. */
	rem[0] = 0x58;
	rem[1] = (uint8_t)sizes[algo];
	memset(rem + 2, fill, 64);
	assert_non_null(memmem(token, size, rem, 2 + sizes[algo]));
}

static void tokens_of_each_kind(void **state)
{
	int fd;

	(void)state;
	hes_start("399");
	fd = hes_dial(hes.socket);
	for (uint8_t algo = 0; algo <= 2; algo++)
		token_expect(fd, algo, 100U + algo, (uint8_t)(0x41 + algo), algo,
			     "\xd9\x01\x8f\xa2");
	token_expect(fd, 3, 0, 0x44, 0, "\xd9\x01\x8f\xa2"); /* 0 is a valid number */
	close(fd);
	hes_stop();
	hes_start("907");
	fd = hes_dial(hes.socket);
	token_expect(fd, 7, 5, 0x66, 1, "\xd9\x03\x8b\xa2");
	close(fd);
	hes_stop();
}

static void several_machines_and_requests(void **state)
{
	struct channel_request r = hes_request(1, 0);
	struct channel_reader reader;
	int fds[2];

	(void)state;
	hes_start("399");
	fds[0] = hes_dial(hes.socket);
	fds[1] = hes_dial(hes.socket);
	for (uint16_t rec = 0; rec < 8; rec++)
		hes_ask(fds[0], rec, 10U + rec, &r);
	token_expect(fds[1], 0, 10, 0x33, 0, "\xd9\x01\x8f\xa2");
	for (uint16_t rec = 0; rec < 8; rec++) {
		hes_answer(fds[0], &reader);
		assert_int_equal(reader.header.rec, rec);
		assert_int_equal(reader.header.seq, 10 + rec);
	}
	close(fds[0]);
	close(fds[1]);
	hes_stop();
}

/* Waits until hes has received all that was written to @fd, and has served it. */
static void requests_served(int fd)
{
	int control = hes_dial(hes.control), unread;
	char ok[3];

	do {
		usleep(1000);
		assert_int_equal(ioctl(fd, SIOCOUTQ, &unread), 0);
	} while (unread);
	assert_int_equal(write(control, "show\n", 5), 5);
	assert_int_equal(read(control, ok, sizeof(ok)), sizeof(ok));
	close(control);
}

/*
 * A realm that abandons its tokens reads no answers. The signer does not disconnect it, and the
 * answers to its last requests come after at most one old answer.
 */
static void abandoned_requests(void **state)
{
	struct channel_request r = hes_request(1, 0);
	struct channel_reader reader;
	uint32_t seq = 0;
	int fd, old = 0;

	(void)state;
	hes_start("399");
	fd = hes_dial(hes.socket);
	while (seq < ABANDONED) {
		hes_ask(fd, 0, ++seq, &r);
		hes_ask(fd, 1, ++seq, &r);
	}
	requests_served(fd);
	for (int last = 0; last < 2; old++) {
		hes_answer(fd, &reader);
		assert_int_equal(reader.header.type, CHANNEL_TOKEN);
		last += reader.header.seq + 2 > seq;
	}
	assert_in_range(old, 2, 3);
	assert_false(hes_readable(fd, 200));
	close(fd);
	hes_stop();
}

/*
 * A machine repeats its request if the answer was lost, and gets the same answer. A machine that
 * has connected again gets a new token.
 */
static void repeated_requests(void **state)
{
	struct channel_request r = hes_request(1, 0);
	struct channel_reader reader, again;
	int fd;

	(void)state;
	hes_start("399");
	fd = hes_dial(hes.socket);
	hes_ask(fd, 2, 77, &r);
	hes_answer(fd, &reader);
	hes_ask(fd, 2, 77, &r);
	hes_answer(fd, &again);
	assert_memory_equal(&again.header, &reader.header, sizeof(reader.header));
	assert_memory_equal(again.payload, reader.payload, reader.header.size);
	hes_ask(fd, 2, 78, &r);
	hes_answer(fd, &reader);
	assert_int_equal(reader.header.seq, 78);
	assert_false(hes_readable(fd, 200));
	close(fd);
	fd = hes_dial(hes.socket);
	token_expect(fd, 2, 78, 1, 0, "\xd9\x01\x8f\xa2");
	close(fd);
	hes_stop();
}

static void bad_frames_are_dropped(void **state)
{
	struct channel_request r = hes_request(1, 0);
	struct channel_header h;
	int fd;

	(void)state;
	hes_start("399");
	fd = hes_dial(hes.socket);
	assert_int_equal(write(fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
	h = channel_header_make(CHANNEL_TOKEN_REQUEST, 0, 1, "abc", 3); /* too short */
	assert_int_equal(write(fd, &h, sizeof(h)), sizeof(h));
	assert_int_equal(write(fd, "abc", 3), 3);
	h = channel_header_make(CHANNEL_TOKEN, 0, 1, "", 0); /* not a request */
	assert_int_equal(write(fd, &h, sizeof(h)), sizeof(h));
	hes_ask(fd, 8, 1, &r); /* this REC does not exist */
	assert_false(hes_readable(fd, 200));
	token_expect(fd, 0, 1, 0x44, 0, "\xd9\x01\x8f\xa2");
	/*
	 * After a disconnect in the middle of a frame, the next connection starts with a new frame.
	 */
	assert_int_equal(write(fd, &h, 10), 10);
	close(fd);
	fd = hes_dial(hes.socket);
	token_expect(fd, 0, 1, 0x45, 0, "\xd9\x01\x8f\xa2");
	close(fd);
	hes_stop();
}

static void refuses_what_it_cannot_sign(void **state)
{
	struct channel_request r = hes_request(1, 3);
	struct channel_reader reader;
	int fd;

	(void)state;
	hes_start("399");
	fd = hes_dial(hes.socket);
	hes_ask(fd, 0, 9, &r);
	hes_answer(fd, &reader);
	assert_int_equal(reader.header.type, CHANNEL_REFUSAL);
	assert_int_equal(reader.header.seq, 9);
	assert_int_equal(reader.header.size, 0);
	close(fd);
	hes_stop();
}

/* Reads the file @name of the key directory, which must have @mode. */
static size_t file_read(const char *name, char *text, size_t room, mode_t mode)
{
	char path[128];
	struct stat st;
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", hes.keys, name);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, mode);
	file = fopen(path, "r");
	assert_non_null(file);
	size = fread(text, 1, room - 1, file);
	fclose(file);
	text[size] = 0;
	return size;
}

static void keys_are_kept(void **state)
{
	char cpak[2][2048], rak[2][2048], jwk[2][2048], store[2048];

	(void)state;
	for (int i = 0; i < 2; i++) {
		hes_start("399");
		file_read("cpak.pem", cpak[i], sizeof(cpak[i]), 0600);
		file_read("rak.pem", rak[i], sizeof(rak[i]), 0600);
		file_read("cpak.pub.jwk", jwk[i], sizeof(jwk[i]), 0644);
		file_read("anchors.json", store, sizeof(store), 0644);
		hes_stop();
	}
	assert_string_equal(cpak[0], cpak[1]);
	assert_string_equal(rak[0], rak[1]);
	assert_string_equal(jwk[0], jwk[1]);
	assert_string_not_equal(cpak[0], rak[0]);
	assert_non_null(strstr(jwk[0], "\"instance-id\": \"01"));
	assert_non_null(strstr(jwk[0], "\"realmkey-dev\": true"));
	assert_null(strstr(jwk[0], "\"d\""));
	assert_non_null(
		strstr(store, "[{\"pkey\": {\"kty\": \"EC\", \"crv\": \"P-384\", \"x\": \""));
}

/* A verifier may read the anchors at any time, however often hes starts. */
static void an_anchor_is_always_there(void **state)
{
	char path[128];
	int status;
	pid_t reader;

	(void)state;
	assert_int_equal(hes_run("--keys", hes.keys, NULL, NULL, NULL), 0);
	snprintf(path, sizeof(path), "%s/anchors.json", hes.keys);
	reader = fork();
	if (!reader) {
		while (access(path, R_OK) == 0)
			;
		_exit(1);
	}
	for (int i = 0; i < 20; i++)
		assert_int_equal(hes_run("--keys", hes.keys, NULL, NULL, NULL), 0);
	kill(reader, SIGTERM);
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_true(WIFSIGNALED(status));
}

static void key_of_another_kind_is_refused(void **state)
{
	char path[128];
	FILE *file;

	(void)state;
	mkdir(hes.keys, 0700);
	snprintf(path, sizeof(path), "%s/cpak.pem", hes.keys);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("-----BEGIN PRIVATE KEY-----\nno key\n-----END PRIVATE KEY-----\n", file);
	fclose(file);
	assert_int_equal(hes_run("--socket", hes.socket, "--keys", hes.keys, NULL), 1);
	assert_int_equal(access(hes.socket, F_OK), -1);
}

static void socket_in_use_is_refused(void **state)
{
	(void)state;
	hes_start("399");
	assert_int_equal(hes_run("--socket", hes.socket, "--keys", hes.keys, NULL), 1);
	close(hes_dial(hes.socket));
	kill(hes.child, SIGKILL);
	waitpid(hes.child, NULL, 0);
	hes_start("399"); /* it replaces a socket on which no process listens */
	hes_stop();
}

static void without_a_socket_keys_are_made(void **state)
{
	char path[128];

	(void)state;
	assert_int_equal(hes_run("--keys", hes.keys, NULL, NULL, NULL), 0);
	snprintf(path, sizeof(path), "%s/cpak.pub.jwk", hes.keys);
	assert_int_equal(access(path, R_OK), 0);
	assert_int_equal(access(hes.socket, F_OK), -1);
}

static void usage(void **state)
{
	(void)state;
	assert_int_equal(hes_run("--help", NULL, NULL, NULL, NULL), 0);
	assert_int_equal(hes_run(NULL, NULL, NULL, NULL, NULL), 2);
	assert_int_equal(hes_run("--socket", hes.socket, NULL, NULL, NULL), 2);
	assert_int_equal(hes_run("--token", "400", NULL, NULL, NULL), 2);
	assert_int_equal(hes_run("--socket", hes.socket, "--keys", hes.keys, "more"), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, hes_setup, hes_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tokens_of_each_kind),
		TEST(several_machines_and_requests),
		TEST(abandoned_requests),
		TEST(repeated_requests),
		TEST(bad_frames_are_dropped),
		TEST(refuses_what_it_cannot_sign),
		TEST(keys_are_kept),
		TEST(an_anchor_is_always_there),
		TEST(key_of_another_kind_is_refused),
		TEST(socket_in_use_is_refused),
		TEST(without_a_socket_keys_are_made),
		TEST(usage),
	};

	if (!getenv("HES")) {
		fputs("set HES to the path of hes\n", stderr);
		return 1;
	}
	return cmocka_run_group_tests_name("hes", tests, NULL, NULL);
}
