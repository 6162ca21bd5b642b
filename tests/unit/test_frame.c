// SPDX-License-Identifier: Apache-2.0
/* Requests in HTTP/1.1, and answers that come in pieces, with their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "courier/frame.h"
#include "kbs/message.h"

#define OK	"HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

static struct frame frame;

/* Feed @text by @piece bytes at a time, and then the end of the connection if more is needed. */
static int read_pieces(const char *text, size_t len, size_t piece, struct error *e)
{
	int ret = 0;

	frame_begin(&frame);
	for (size_t at = 0; at < len && ret == 0; at += piece)
		ret = frame_feed(&frame, text + at, piece < len - at ? piece : len - at, e);
	return ret == 0 ? frame_end(&frame, e) : ret < 0 ? -1 : 0;
}

static int frame_teardown(void **state)
{
	(void)state;
	frame_free(&frame);
	return 0;
}

/* --- requests --------------------------------------------------------------------------------- */

static void request_expect(struct request *r, const char *path, const char *cookies,
			   const char *want)
{
	struct bytes out = BYTES_INIT;
	struct error e = ERROR_INIT;

	bytes_append_text(&r->path, path);
	assert_int_equal(frame_request(r, "kbs.example:8443", cookies, &out, &e), 0);
	assert_string_equal(bytes_text(&out), want);
	bytes_free(&out);
	bytes_free(&r->path);
	bytes_free(&r->authorization);
}

#define COMMON \
	" HTTP/1.1\r\nHost: kbs.example:8443\r\nUser-Agent: realmkey/" REALMKEY_VERSION \
	"\r\nAccept: application/json\r\n"

static void test_requests(void **state)
{
	struct request get = { .method = "GET" }, empty = { .method = "POST" };
	struct request post = { .method = "POST", .body = (const uint8_t *)"{}", .len = 2 };

	(void)state;
	bytes_append_text(&get.authorization, "Authorization: Bearer x.y");
	request_expect(&get, "/a", "", "GET /a" COMMON "Authorization: Bearer x.y\r\n\r\n");
	request_expect(&post, "/b", "c=1; d=2",
		       "POST /b" COMMON "Cookie: c=1; d=2\r\n"
		       "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n");
	request_expect(&empty, "/c", "", "POST /c" COMMON "Content-Length: 0\r\n\r\n");
}

/* --- answers ---------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	const char *body;
	int status;
	bool keep;
} good[] = {
	{ OK "Content-Length: 5\r\n\r\nhello", "hello", 200, true },
	{ OK "Content-Length: 0\r\n\r\n", "", 200, true },
	{ OK "content-length:5\r\ncontent-length: 5 \r\n\r\nhello", "hello", 200, true },
	{ OK "Content-Length: 5\r\nConnection: close\r\n\r\nhello", "hello", 200, false },
	{ OK "Content-Length:\r\n 5\r\nDate: x\r\n\ty\r\n\r\nhello", "hello", 200, true },
	{ OK "X:\r\nY: \xc3\xa4\r\nContent-Length: 1\r\n\r\n1", "1", 200, true },
	{ OK "Upgrade: h2c\r\nContent-Length: 1\r\n\r\n1", "1", 200, true },
	{ OK "\r\nhello", "hello", 200, false },
	{ "HTTP/1.1 401\r\nContent-Length: 2\r\n\r\nno", "no", 401, true },
	{ "HTTP/1.1 204 No Content\r\n\r\n", "", 204, true },
	{ "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "", 304, true },
	{ "HTTP/1.0 200 OK\r\n\r\nhello", "hello", 200, false },
	{ "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, false },
	{ "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n1", "1", 200,
	  true },
	{ CHUNKED "5\r\nhello\r\n1;a=\"b\"\r\n!\r\n0\r\nX: y\r\n\r\n", "hello!", 200, true },
	{ CHUNKED "0\r\n\r\n", "", 200, true },
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nContent-Length: 9\r\n\r\n" OK
	  "Content-Length: 5\r\n\r\nhello",
	  "hello", 200, true },
};

static void test_good_answers(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		for (size_t piece = 1; piece < 100; piece++) {
			if (read_pieces(good[i].text, strlen(good[i].text), piece, &e) < 0)
				fail_msg("%s: %s", good[i].text, e.text);
			assert_int_equal(frame.status, good[i].status);
			assert_string_equal(bytes_text(&frame.body), good[i].body);
			if (frame.keep != good[i].keep)
				fail_msg("%s: keep is %d", good[i].text, frame.keep);
		}
}

/* Bytes after the answer: they are not its own, and the next request needs another connection. */
static void test_more_than_an_answer(void **state)
{
	static const char text[] = OK "Content-Length: 5\r\n\r\nhello" OK;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(read_pieces(text, strlen(text), strlen(text), &e), 0);
	assert_string_equal(bytes_text(&frame.body), "hello");
	assert_false(frame.keep);
}

static const struct {
	const char *text;
	const char *words;
} bad[] = {
	{ OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "two lengths in one answer" },
	{ OK "Content-Length: 5\r\n 6\r\n\r\nhello", "not an answer of a KBS" },
	{ OK "Content-Length: 5, 5\r\n\r\nhello", "not an answer of a KBS" },
	{ OK "Content-Length: -1\r\n\r\nhello", "not an answer of a KBS" },
	{ OK "Content-Length: many\r\n\r\nhello", "not an answer of a KBS" },
	{ OK "Content-Length: 99999999999999999999\r\n\r\nhello", "not an answer of a KBS" },
	{ OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "both" },
	{ OK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "Content-Length" },
	{ OK "Transfer-Encoding: gzip\r\n\r\n", "Transfer-Encoding" },
	{ OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding" },
	{ OK "Transfer-Encoding: chunked\r\n chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding" },
	{ OK "Content-Length : 5\r\n\r\nhello", "a space in the name of a header" },
	{ OK "X: \033[2J\r\n\r\n", "a control character in a header" },
	{ OK "no colon\r\n\r\n", "not an answer of a KBS" },
	{ CHUNKED "zz\r\n", "not an answer of a KBS" },
	{ CHUNKED "-5\r\nhello\r\n", "not an answer of a KBS" },
	{ CHUNKED "10000000000000000\r\nhello", "not an answer of a KBS" },
	{ CHUNKED "1\r\nhello", "not an answer of a KBS" },
	{ CHUNKED "0\r\nX: \033\r\n\r\n", "a control character in a header" },
	{ "HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
	  "another protocol" },
	{ "HTTP/1.1 101 Switching\r\n\r\n", "another protocol" },
	{ "HTTP/1.1 000 OK\r\n\r\n", "unknown version or status" },
	{ "HTTP/1.1 2000 OK\r\n\r\n", "not an answer of a KBS" },
	{ "HTTP/2.0 200 OK\r\n\r\n", "unknown version or status" },
	{ "HTTP/9.9 200 OK\r\n\r\n", "not an answer of a KBS" },
	{ "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "not an answer of a KBS" },
	{ "ICY 200 OK\r\n\r\n", "not an answer of a KBS" },
	{ "SSH-2.0-OpenSSH_9.9\r\n", "not an answer of a KBS" },
};

static void test_bad_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		for (size_t piece = 1; piece < 100; piece += 7) {
			struct error e = ERROR_INIT;

			if (read_pieces(bad[i].text, strlen(bad[i].text), piece, &e) == 0 ||
			    e.kind != ERROR_PROTOCOL || !strstr(e.text, bad[i].words))
				fail_msg("%s by %zu: %s", bad[i].text, piece, e.text);
			assert_false(frame.keep);
		}
}

static void test_connection_lost(void **state)
{
	static const char *const texts[] = {
		"HTTP/1.1 2",
		OK,
		OK "Content-Le",
		OK "Content-Length: 5\r\n\r\nhell",
		OK "Content-Length: 4611686018427387904\r\n\r\nhello",
		CHUNKED "5\r\nhell",
		CHUNKED "5\r\nhello\r\n",
		CHUNKED "ffffffffffffffff\r\nhello",
		"HTTP/1.1 100 Continue\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct error e = ERROR_INIT;

		assert_int_equal(read_pieces(texts[i], strlen(texts[i]), 100, &e), -1);
		assert_int_equal(e.kind, ERROR_NETWORK);
		assert_true(e.transient);
		assert_string_equal(e.text, "connection lost within an answer");
	}
	for (size_t i = 0; i < 2; i++) {
		struct error e = ERROR_INIT;

		assert_int_equal(read_pieces("", 0, 1, &e), -1);
		assert_int_equal(e.kind, ERROR_NETWORK);
		assert_string_equal(e.text, "connection closed without an answer");
		assert_false(frame.begun);
	}
}

/* --- headers ---------------------------------------------------------------------------------- */

static void test_cookies(void **state)
{
	static const char text[] = "HTTP/1.1 103 Hints\r\nSet-Cookie: hint=1\r\n\r\n" OK
				   "Set-Cookie: a=1; Path=/ \r\nset-cookie:b=2\r\nSet-Cookie:\r\n"
				   "Set-Cookies: d=4\r\nTransfer-Encoding: chunked\r\n\r\n"
				   "0\r\nSet-Cookie: c=3\r\n\r\n";
	static const char want[] = "a=1; Path=/\0b=2\0";
	struct error e = ERROR_INIT;

	(void)state;
	for (size_t piece = 1; piece < 100; piece++) {
		assert_int_equal(read_pieces(text, strlen(text), piece, &e), 0);
		assert_int_equal(frame.cookies.len, sizeof(want));
		assert_memory_equal(frame.cookies.data, want, sizeof(want));
	}
	assert_int_equal(read_pieces(OK "Content-Length: 0\r\n\r\n", 38, 100, &e), 0);
	assert_int_equal(frame.cookies.len, 0);
}

static void test_retry_after(void **state)
{
	static const struct {
		const char *value;
		int64_t seconds;
	} cases[] = {
		{ "120", 120 },
		{ "0", 0 },
		{ "", -1 },
		{ "-1", -1 },
		{ "1.5", -1 },
		{ "9999999999999999999", -1 },
		{ "Fri, 31 Dec 1999 23:59:59 GMT", -1 },
	};
	struct error e = ERROR_INIT;
	char text[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int len = snprintf(
			text, sizeof(text),
			"HTTP/1.1 503 Busy\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n",
			cases[i].value);

		assert_int_equal(read_pieces(text, (size_t)len, 100, &e), 0);
		assert_int_equal(frame.retry_after, cases[i].seconds);
	}
	assert_int_equal(read_pieces(OK "Content-Length: 0\r\n\r\n", 38, 100, &e), 0);
	assert_int_equal(frame.retry_after, -1);
}

/* --- limits ----------------------------------------------------------------------------------- */

/* @start, and then @unit until the answer is refused; returns how many bytes were fed. */
static size_t endless(const char *start, const char *unit, const char *words)
{
	struct error e = ERROR_INIT;
	size_t fed = strlen(start), len = strlen(unit);

	frame_begin(&frame);
	assert_int_equal(frame_feed(&frame, start, fed, &e), 0);
	while (frame_feed(&frame, unit, len, &e) == 0) {
		fed += len;
		assert_true(fed < (size_t)32 << 20);
	}
	assert_int_equal(e.kind, ERROR_PROTOCOL);
	if (!strstr(e.text, words))
		fail_msg("%s", e.text);
	return fed;
}

static void test_limits(void **state)
{
	static const struct {
		const char *start, *unit;
	} heads[] = {
		{ "HTTP/1.1 200 ", "y" },
		{ OK, "Set-Cookie: a=0123456789012345678901234567890123456789\r\n" },
		{ OK "X: ", "y" },
		{ OK, "y" },
		{ "", "\r\n" },
		{ "", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" },
		{ CHUNKED "5;", "x" },
		{ CHUNKED, "0" },
		{ CHUNKED "1\r\nx\r\n0\r\n", "X: 0123456789012345678901234567890123456789\r\n" },
	};
	static const struct {
		const char *start, *unit;
	} bodies[] = {
		{ OK "\r\n", "0123456789abcdef" },
		{ OK "Content-Length: 9999999999\r\n\r\n", "0123456789abcdef" },
		{ CHUNKED, "1\r\nx\r\n" },
	};
	size_t fed;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		fed = endless(heads[i].start, heads[i].unit, "too many bytes outside of its body");
		assert_in_range(fed, FRAME_HEAD_MAX - 200, FRAME_HEAD_MAX + 200);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		endless(bodies[i].start, bodies[i].unit, "answer over 1572864 bytes");
		assert_int_equal(frame.body.len, MESSAGE_ANSWER_MAX);
	}
	endless(OK, "A:\r\n", "too many header lines");
	assert_int_equal(frame.headers, FRAME_HEADERS_MAX + 1);
}

/* The limit of bytes outside of the body is the same for one piece. */
static void test_limit_in_one_piece(void **state)
{
	struct bytes text = BYTES_INIT;

	(void)state;
	for (int over = 0; over < 2; over++) {
		struct error e = ERROR_INIT;
		int pad;

		bytes_clear(&text);
		bytes_append_text(&text, OK "Content-Length: 1\r\nX: ");
		pad = (int)(FRAME_HEAD_MAX - text.len) - 4 + over;
		bytes_printf(&text, "%0*d\r\n\r\n1", pad, 0);
		assert_int_equal(read_pieces((const char *)text.data, text.len, text.len, &e),
				 over ? -1 : 0);
		assert_int_equal(read_pieces((const char *)text.data, text.len, 1, &e),
				 over ? -1 : 0);
	}
	bytes_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_good_answers),
		cmocka_unit_test(test_more_than_an_answer),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_connection_lost),
		cmocka_unit_test(test_cookies),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_limit_in_one_piece),
	};

	return cmocka_run_group_tests(tests, NULL, frame_teardown);
}
