/* SPDX-License-Identifier: Apache-2.0 */
/* courier_test: starts and calls the real courier ($REALMKEY_COURIER). Include after cmocka.h. */
#ifndef REALMKEY_COURIER_TEST_H
#define REALMKEY_COURIER_TEST_H

#include <stdlib.h>
#include <string.h>

#include "http_server.h"
#include "kbs/courier.h"

/* In a struct courier_target: one server. */
#define SERVER(text, pem, len) \
	.server = { { .url = (text), .ca = (pem), .ca_len = (len) } }, .servers = 1

static struct http_server plain; /* each program that includes this file starts it */

/* For a group of tests that requires no other server. */
static inline int plain_start(void **state)
{
	(void)state;
	http_server_start(&plain, NULL);
	return 0;
}

static inline int plain_stop(void **state)
{
	(void)state;
	http_server_stop(&plain);
	return 0;
}

static inline const char *program(void)
{
	const char *path = getenv("REALMKEY_COURIER");

	if (!path)
		fail_msg("set REALMKEY_COURIER to the path of realmkey-courier");
	return path;
}

static inline struct message_field text(const char *s)
{
	return (struct message_field){ (const uint8_t *)s, strlen(s) };
}

static inline void start(struct courier *courier, struct courier_target target)
{
	struct error e = ERROR_INIT;

	if (courier_start(courier, program(), &target, &e) < 0)
		fail_msg("%s", e.text);
}

static inline void start_plain(struct courier *courier)
{
	start(courier, (struct courier_target){ SERVER(plain.url, NULL, 0), .insecure = true,
						.timeout = 5 });
}

/* GET resource @path. The body of the answer is the request as the server received it. */
static inline int get(struct courier *courier, const char *path, const char *bearer, int *status,
		      struct bytes *body, struct error *e)
{
	const struct message m = { .type = MESSAGE_RESOURCE,
				   .count = 2,
				   .field = { text(path), text(bearer) } };

	return courier_call(courier, &m, status, body, e);
}

static inline void expect_get(struct courier *courier, const char *path, const char *in_answer)
{
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	int status = 0;

	if (get(courier, path, "", &status, &body, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(status, 200);
	if (!strstr(bytes_text(&body), in_answer))
		fail_msg("no '%s' in: %s", in_answer, bytes_text(&body));
	bytes_free(&body);
}

static inline void expect_failure(struct courier *courier, const char *path, enum error_kind kind,
				  bool transient, const char *words)
{
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	int status = 0;

	assert_int_equal(get(courier, path, "", &status, &body, &e), -1);
	if (e.kind != kind || e.transient != transient || !strstr(e.text, words))
		fail_msg("error kind %d, transient %d: %s", (int)e.kind, e.transient, e.text);
	bytes_free(&body);
}

#endif
