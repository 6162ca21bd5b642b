// SPDX-License-Identifier: Apache-2.0
/* The parser of trusteed's HTTP server: what a request is, and what is refused. Each text is parsed at once,
 * and byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "memory_limit.h"
#include "trusteed/http/parse.h"

#define BODY_MAX 64

/* Parse up to the end of one request in pieces of @step bytes; @used is set to its length. */
static enum parse_result parsed(struct parse *p, const char *text, size_t len, size_t step,
				size_t *used)
{
	enum parse_result result = PARSE_MORE;
	size_t part;

	parse_begin(p);
	*used = 0;
	while ((result == PARSE_MORE && *used < len) || result == PARSE_HEAD) {
		size_t left = len - *used;

		result = parse_feed(p, text + *used, left < step ? left : step, &part);
		*used += part;
		if (result == PARSE_HEAD)
			p->max = BODY_MAX;
	}
	return result;
}

/* The same at once and byte by byte; both must agree. */
static enum parse_result parsed_twice(struct parse *p, const char *text, size_t len, size_t *used)
{
	struct parse other;
	size_t other_used;
	enum parse_result result = parsed(p, text, len, len, used);

	assert_int_equal(parsed(&other, text, len, 1, &other_used), result);
	assert_int_equal(other.status, p->status);
	assert_int_equal(other.seen, p->seen);
	assert_true(bytes_equal(other.body.data, other.body.len, p->body.data, p->body.len));
	if (result == PARSE_DONE)
		assert_int_equal(other_used, *used);
	parse_free(&other);
	return result;
}

static void same(const char *a, const char *b)
{
	if (!a || !b)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

#define HOST "Host: a\r\n"

static void requests_are_taken_apart(void **state)
{
	static const struct {
		const char *text, *method, *path, *query, *session, *authorization, *body;
		bool keep, waits;
	} cases[] = {
		{ "GET / HTTP/1.1\r\n" HOST "\r\n", "GET", "/", NULL, NULL, NULL, "", true, false },
		{ "GET /a%20b%2fc?x=%20&y HTTP/1.1\r\n" HOST "\r\n", "GET", "/a b/c", "x=%20&y",
		  NULL, NULL, "", true, false },
		{ "GET /a?b?c HTTP/1.1\r\n" HOST "\r\n", "GET", "/a", "b?c", NULL, NULL, "", true,
		  false },
		{ "GET /a? HTTP/1.1\r\n" HOST "\r\n", "GET", "/a", "", NULL, NULL, "", true,
		  false },
		{ "GET /a%00b%41 HTTP/1.1\r\n" HOST "\r\n", "GET", "/a%00b%41", NULL, NULL, NULL,
		  "", true, false },
		{ "GET /%zz%4 HTTP/1.1\r\n" HOST "\r\n", "GET", "/%zz%4", NULL, NULL, NULL, "",
		  true, false },
		{ "GET http://x:80/a?b HTTP/1.1\r\n" HOST "\r\n", "GET", "/a", "b", NULL, NULL, "",
		  true, false },
		{ "GET http://x HTTP/1.1\r\n" HOST "\r\n", "GET", "/", NULL, NULL, NULL, "", true,
		  false },
		{ "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "OPTIONS", "*", NULL, NULL, NULL, "", true,
		  false },
		{ "DELETE /a HTTP/1.0\r\n\r\n", "DELETE", "/a", NULL, NULL, NULL, "", false,
		  false },
		{ "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET", "/a", NULL, NULL,
		  NULL, "", true, false },
		{ "HEAD /a HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "HEAD", "/a", NULL, NULL,
		  NULL, "", false, false },
		{ "GET /a HTTP/1.1\r\n" HOST "authorization:  Bearer x.y \r\n\r\n", "GET", "/a",
		  NULL, NULL, "Bearer x.y", "", true, false },
		{ "GET /a HTTP/1.1\r\n" HOST "Cookie: a=b; kbs-session-id=c; d=e\r\n\r\n", "GET",
		  "/a", NULL, "c", NULL, "", true, false },
		{ "GET /a HTTP/1.1\r\n" HOST "Cookie: kbs-session-idx=b\r\n"
		  "Cookie:kbs-session-id=\"c\";kbs-session-id=d\r\n\r\n",
		  "GET", "/a", NULL, "c", NULL, "", true, false },
		{ "GET /a HTTP/1.1\r\n" HOST "Cookie: kbs-session-id=\r\n\r\n", "GET", "/a", NULL,
		  "", NULL, "", true, false },
		{ "POST /a HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", "POST", "/a", NULL,
		  NULL, NULL, "abc", true, false },
		{ "POST /a HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx",
		  "POST", "/a", NULL, NULL, NULL, "x", true, true },
		{ "POST /a HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx", "POST",
		  "/a", NULL, NULL, NULL, "x", false, false },
		{ "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"
		  "2;x=y\r\nab\r\n1\r\nc\r\n0\r\nAuthorization: no\r\n\r\n",
		  "POST", "/a", NULL, NULL, NULL, "abc", true, false },
		/* An offer of another protocol, as curl sends it for HTTP/2. */
		{ "GET /a HTTP/1.1\r\n" HOST
		  "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
		  "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n",
		  "GET", "/a", NULL, NULL, NULL, "", true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const size_t len = strlen(cases[i].text);
		char two[512];
		struct parse p;
		struct request request;
		size_t used;

		/* What follows is not of this request. */
		snprintf(two, sizeof(two), "%s%s", cases[i].text,
			 cases[i].keep ? "GET /next HTTP/1.1\r\n" : "");
		assert_int_equal(parsed_twice(&p, two, strlen(two), &used), PARSE_DONE);
		assert_int_equal(used, len);
		request = parse_request(&p);
		same(request.method, cases[i].method);
		same(request.path, cases[i].path);
		same(request.query, cases[i].query);
		same(request.session, cases[i].session);
		same(request.authorization, cases[i].authorization);
		assert_true(bytes_equal(request.body, request.len, cases[i].body,
					strlen(cases[i].body)));
		assert_int_equal(p.keep, cases[i].keep);
		assert_int_equal(p.waits, cases[i].waits);
		parse_free(&p);
	}
}

static void others_are_refused(void **state)
{
	static const struct {
		const char *text;
		unsigned int status;
	} cases[] = {
		{ "\x16\x03\x01\x02\x10\x01", 400 }, /* a TLS client */
		{ "garbage\r\n\r\n", 400 },
		{ "GET /a\r\n\r\n", 505 }, /* HTTP/0.9 */
		{ "GET /a b HTTP/1.1\r\n" HOST "\r\n", 400 },
		{ "GET /\x01 HTTP/1.1\r\n" HOST "\r\n", 400 },
		{ "GET /a HTTP/1.1\r\n\r\n", 400 },
		{ "GET /a HTTP/1.1\r\n" HOST HOST "\r\n", 400 },
		{ "GET /a HTTP/1.1\n" HOST "\n", 400 },
		{ "GET /a HTTP/1.1\r\n" HOST "A : b\r\n\r\n", 400 },
		{ "GET /a HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 400 },
		{ "GET /a HTTP/1.1\r\n" HOST "A: \x7f\r\n\r\n", 400 },
		{ "GET /a HTTP/2.0\r\n" HOST "\r\n", 505 },
		{ "GET /a HTTP/0.9\r\n" HOST "\r\n", 505 },
		{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400 },
		{ "CONNECT a:80 HTTP/1.1\r\n" HOST "\r\n", 405 },
		{ "GET /a HTTP/1.1\r\n" HOST "Authorization: a\r\nAuthorization: b\r\n\r\n", 400 },
		{ "POST /a HTTP/1.1\r\n" HOST "Expect: more\r\n\r\n", 417 },
		/* What a proxy in front could read in another way. */
		{ "POST /a HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
		  400 },
		{ "POST /a HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc", 400 },
		{ "POST /a HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc", 400 },
		{ "POST /a HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\nabc", 400 },
		{ "POST /a HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n", 400 },
		{ "POST /a HTTP/1.1\r\n" HOST
		  "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
		  400 },
		{ "POST /a HTTP/1.1\r\n" HOST
		  "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
		  400 },
		{ "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501 },
		{ "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n", 501 },
		{ "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
		  "Transfer-Encoding: chunked\r\n\r\n",
		  400 },
		{ "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
		{ "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nx\r\n", 400 },
		{ "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n",
		  400 },
		{ "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
		  400 },
		{ "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\na\n", 400 },
		{ "POST /a HTTP/1.1\r\n" HOST
		  "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
		  400 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct parse p;
		size_t used;

		if (parsed_twice(&p, cases[i].text, strlen(cases[i].text), &used) !=
			    PARSE_REFUSED ||
		    p.status != cases[i].status)
			fail_msg("status %u, not %u: %s", p.status, cases[i].status, cases[i].text);
		assert_true(p.why && *p.why);
		parse_free(&p);
	}
}

/* Nothing of a request without its end is an answer. */
static void incomplete_ones_wait(void **state)
{
	static const char text[] = "POST /a HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc";

	(void)state;
	for (size_t len = 0; len < strlen(text); len++) {
		struct parse p;
		size_t used;

		assert_int_equal(parsed(&p, text, len, len ? len : 1, &used), PARSE_MORE);
		assert_int_equal(used, len);
		parse_free(&p);
	}
}

/* A text of @len bytes between @begin and @end. */
static void padded(struct bytes *out, const char *begin, size_t len, const char *end)
{
	static const char pad[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

	bytes_clear(out);
	bytes_append_text(out, begin);
	for (; len >= sizeof(pad) - 1; len -= sizeof(pad) - 1)
		bytes_append_text(out, pad);
	bytes_append(out, pad, len);
	bytes_append_text(out, end);
}

static void each_part_has_a_limit(void **state)
{
	static const struct {
		const char *begin;
		size_t len;
		const char *end;
		unsigned int status; /* 0: good */
	} cases[] = {
		{ "GET /", PARSE_HEAD_MAX - 64, " HTTP/1.1\r\n" HOST "\r\n", 0 },
		{ "GET /", PARSE_HEAD_MAX, " HTTP/1.1\r\n" HOST "\r\n", 431 },
		{ "GET / HTTP/1.1\r\n" HOST "A: ", PARSE_HEAD_MAX, "\r\n\r\n", 431 },
		{ "GET / HTTP/1.1\r\n" HOST, PARSE_HEAD_MAX, ": a\r\n\r\n", 431 },
		{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1;", PARSE_HEAD_MAX,
		  "\r\na\r\n0\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\nA: ",
		  PARSE_HEAD_MAX, "\r\n\r\n", 400 },
	};
	struct bytes text = BYTES_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct parse p;
		size_t used;

		padded(&text, cases[i].begin, cases[i].len, cases[i].end);
		assert_int_equal(parsed_twice(&p, bytes_text(&text), text.len, &used),
				 cases[i].status ? PARSE_REFUSED : PARSE_DONE);
		assert_int_equal(p.status, cases[i].status);
		parse_free(&p);
	}
	bytes_free(&text);
}

/* A body that is too long is read, and nothing of it is kept. One without end is not read. */
static void long_bodies_are_dropped(void **state)
{
	struct bytes text = BYTES_INIT;
	struct parse p;
	size_t used;

	(void)state;
	padded(&text, "POST / HTTP/1.1\r\n" HOST "Content-Length: 65\r\n\r\n", 65, "");
	assert_int_equal(parsed_twice(&p, bytes_text(&text), text.len, &used), PARSE_DONE);
	assert_int_equal(p.announced, 65);
	assert_int_equal(p.seen, 65);
	assert_int_equal(p.body.len, 0);
	parse_free(&p);
	padded(&text, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1000000\r\n",
	       PARSE_BODY_MAX, "a");
	assert_int_equal(parsed(&p, bytes_text(&text), text.len, 16384, &used), PARSE_REFUSED);
	assert_int_equal(p.status, 0);
	parse_free(&p);
	bytes_free(&text);
}

/* What a request keeps is counted, but for a small head. */
static void what_is_kept_is_counted(void **state)
{
	static const char bearer[] = HOST "Authorization: Bearer ",
			  host[] = "Host: ", cookie[] = HOST "Cookie: kbs-session-id=";
	static const struct {
		const char *header;
		size_t len, body, least, most;
	} cases[] = {
		{ bearer, 3000, 0, 0, 0 },
		{ bearer, 3000, 60, 60, 1024 },
		/* The line, and what is kept of it. */
		{ bearer, 50000, 0, 100000, 300000 },
		{ bearer, 50000, 60, 100060, 300000 },
		{ host, 50000, 0, 100000, 300000 },
		{ cookie, 50000, 0, 100000, 300000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytes text = BYTES_INIT;
		struct parse p;
		size_t used;

		bytes_printf(&text, "POST / HTTP/1.1\r\n%s", cases[i].header);
		for (size_t n = 0; n < cases[i].len; n++)
			bytes_append_text(&text, "t");
		bytes_printf(&text, "\r\nContent-Length: %zu\r\n\r\n", cases[i].body);
		for (size_t n = 0; n < cases[i].body; n++)
			bytes_append_text(&text, "b");
		assert_int_equal(parsed(&p, bytes_text(&text), text.len, text.len, &used),
				 PARSE_DONE);
		assert_in_range(parse_kept(&p), cases[i].least, cases[i].most);
		parse_free(&p);
		bytes_free(&text);
	}
}

/* Without memory a request is not read as another one. A body is the caller's to check. */
static void memory_that_fails_is_no_request(void **state)
{
	static const char text[] = "GET /a?b HTTP/1.1\r\n" HOST
				   "Authorization: Bearer x\r\nCookie: kbs-session-id=c\r\n\r\n";
	size_t used, count = 0;
	struct parse p;
	enum parse_result result;
	bool failed = true;

	(void)state;
	for (; failed; count++) {
		memory_limit_start(count);
		result = parsed(&p, text, strlen(text), strlen(text), &used);
		failed = memory_limit_stop();
		assert_int_equal(result, failed ? PARSE_MEMORY : PARSE_DONE);
		parse_free(&p);
	}
	assert_true(count > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_taken_apart),
		cmocka_unit_test(others_are_refused),
		cmocka_unit_test(incomplete_ones_wait),
		cmocka_unit_test(each_part_has_a_limit),
		cmocka_unit_test(long_bodies_are_dropped),
		cmocka_unit_test(what_is_kept_is_counted),
		cmocka_unit_test(memory_that_fails_is_no_request),
	};

	return cmocka_run_group_tests_name("trusteed_parse", tests, NULL, NULL);
}
