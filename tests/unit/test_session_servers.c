// SPDX-License-Identifier: Apache-2.0
/* Sessions with several KBSs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "session_world.h"

/* Each line: how the requests fail with that many KBSs, which are then made, and how it ends. */
static void test_several_servers(void **state)
{
	static const struct {
		size_t servers;
		const char *script, *calls;
		enum error_kind kind;
	} cases[] = {
		{ 1, "x", "U", ERROR_NETWORK },
		{ 2, "x", "UUAR", ERROR_NONE },
		{ 2, "b", "UUAR", ERROR_NONE },
		{ 2, "xb", "UU", ERROR_NETWORK },
		{ 3, "xb", "UUUAR", ERROR_NONE },
		{ 2, ".x", "UAUAR", ERROR_NONE }, /* its verifier is away */
		{ 2, ".b", "UAUAR", ERROR_NONE },
		{ 2, ".d", "UA", ERROR_ATTESTATION },
		{ 2, "..x", "UARUAR", ERROR_NONE },
		{ 2, "..b", "UARUAR", ERROR_NONE },
		{ 2, "..b..b", "UARUAR", ERROR_NETWORK }, /* once */
		{ 2, "..d", "UAR", ERROR_ATTESTATION },
		{ 1, "..x", "UAR", ERROR_NETWORK },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct session s = SESSION;
		struct bytes secret = BYTES_INIT;
		struct error e = ERROR_INIT;
		int ret;

		s.courier.fd = 0;
		s.courier.servers = cases[i].servers;
		s.courier.patience = 60;
		memset(kbs.calls, 0, sizeof(kbs.calls));
		kbs.script = cases[i].script;
		ret = session_get(&s, "a/b/c", &secret, &e);
		if (strcmp(kbs.calls, cases[i].calls) || ret != (cases[i].kind ? -1 : 0) ||
		    (ret < 0 && e.kind != cases[i].kind))
			fail_msg("%zu: %s, %d %d %s", i, kbs.calls, ret, (int)e.kind, e.text);
		s.courier.fd = -1;
		session_close(&s);
		bytes_free(&secret);
	}
}

/* A kept EAR is given up with its KBS; one that the caller gave is not shown to another. */
static void test_kept_ear_and_several_servers(void **state)
{
	struct session s = SESSION;
	struct bytes secret = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	s.courier.fd = 0;
	s.courier.servers = 2;
	s.courier.patience = 60;
	assert_int_equal(session_get(&s, "a/b/c", &secret, &e), 0);
	kbs.script = "...x";
	assert_int_equal(session_get(&s, "a/b/c", &secret, &e), 0);
	assert_string_equal(kbs.calls, "UARRUAR");
	s.ear_given = true;
	kbs.script = ".......x";
	assert_int_equal(session_get(&s, "a/b/c", &secret, &e), -1);
	assert_string_equal(kbs.calls, "UARRUARR");
	s.courier.fd = -1;
	session_close(&s);
	bytes_free(&secret);
}

/* No further KBS is tried after the time of one request, or with a courier that has ended. */
static void test_several_servers_end(void **state)
{
	struct session s = SESSION;
	struct error e = ERROR_INIT;

	(void)state;
	s.courier.servers = 3;
	s.courier.patience = 60;
	kbs.script = "x";
	assert_int_equal(session_attest(&s, &e), -1);
	assert_string_equal(kbs.calls, "U");
	s.courier.fd = 0;
	s.courier.patience = 0;
	kbs.calls[0] = '\0';
	kbs.script = "x";
	assert_int_equal(session_attest(&s, &e), -1);
	assert_string_equal(kbs.calls, "U");
	s.courier.fd = -1;
	session_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_several_servers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kept_ear_and_several_servers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_several_servers_end, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
