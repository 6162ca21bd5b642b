// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/error.h"
#include "base/log.h"

static void sets_kind_text_and_returns_failure(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(error_set(&e, ERROR_TLS, "certificate of %s", "kbs"), -1);
	assert_int_equal(e.kind, ERROR_TLS);
	assert_false(e.transient);
	assert_string_equal(e.text, "certificate of kbs");
	assert_int_equal(error_set_transient(&e, ERROR_NETWORK, "no route"), -1);
	assert_true(e.transient);
	assert_int_equal(error_set(&e, ERROR_POLICY, "denied: %s", e.text), -1);
	assert_false(e.transient);
	assert_string_equal(e.text, "denied: no route");
	errno = ENOENT;
	assert_int_equal(error_set_errno(&e, ERROR_SYSTEM, "open %s", "a"), -1);
	assert_string_equal(e.text, "open a: No such file or directory");
	assert_int_equal(error_set_memory(&e), -1);
	assert_int_equal(e.kind, ERROR_SYSTEM);
}

static void hostile_text_cannot_forge_lines(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "a\nb\r\tc", "a?b??c" },
		{ "\033[31mred", "?[31mred" },
		{ "del\177", "del?" },
		{ "c1 \302\233 csi", "c1 ?? csi" },
		{ "\303\274ber \342\202\254 \360\237\224\221",
		  "\303\274ber \342\202\254 \360\237\224\221" },
		{ "overlong \300\257 \340\200\257", "overlong ?? ???" },
		{ "surrogate \355\240\200", "surrogate ???" },
		{ "beyond \364\220\200\200", "beyond ????" },
		{ "cut \342\202", "cut ??" },
		{ "stray \200\377", "stray ??" },
		{ "bidi \342\200\256 \342\201\246", "bidi ??? ???" },
		{ "line\342\200\250forged", "line???forged" },
		{ "dash \342\200\223", "dash \342\200\223" },
	};
	struct error e = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		error_set(&e, ERROR_PROTOCOL, "%s", cases[i].in);
		assert_string_equal(e.text, cases[i].out);
		error_set(&e, ERROR_PROTOCOL, "cause");
		error_add(&e, "%s", cases[i].in);
		assert_memory_equal(e.text, cases[i].out, strlen(cases[i].out));
		assert_string_equal(e.text + strlen(cases[i].out), ": cause");
	}
}

static void the_cause_survives_any_prefix(void **state)
{
	char text[2 * ERROR_TEXT_MAX];
	struct error e = ERROR_INIT;

	(void)state;
	memset(text, 'w', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	error_set(&e, ERROR_POLICY, "denied by policy");
	assert_int_equal(error_add(&e, "%s", "get a/b/c"), -1);
	assert_string_equal(e.text, "get a/b/c: denied by policy");
	error_add(&e, "%s", text);
	assert_int_equal(strlen(e.text), ERROR_TEXT_MAX - 1);
	assert_string_equal(e.text + ERROR_TEXT_MAX - 1 - 29, ": get a/b/c: denied by policy");
	error_add(&e, "more");
	assert_string_equal(e.text + ERROR_TEXT_MAX - 1 - 29, ": get a/b/c: denied by policy");
	assert_int_equal(e.kind, ERROR_POLICY);

	memset(text, 'c', sizeof(text) - 1);
	error_set(&e, ERROR_POLICY, "%s", text);
	error_add(&e, "where");
	assert_memory_equal(e.text, "cccc", 4);
	assert_int_equal(strlen(e.text), ERROR_TEXT_MAX - 1);
}

static void each_kind_has_an_exit_code_and_a_name(void **state)
{
	struct error e = ERROR_INIT;
	bool seen[64] = { false };

	(void)state;
	for (int kind = ERROR_NONE; kind <= ERROR_NO_DRIVER; kind++) {
		e.kind = (enum error_kind)kind;
		assert_in_range(error_exit_code(&e), 0, 63);
		assert_false(seen[error_exit_code(&e)]);
		seen[error_exit_code(&e)] = true;
	}
	e.kind = ERROR_POLICY;
	assert_int_equal(error_exit_code(&e), 8);
	e.kind = (enum error_kind)77;
	assert_int_equal(error_exit_code(&e), 1);
}

static void out_of_memory_is_never_reclassified(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	error_set(&e, ERROR_INPUT, "bad");
	assert_int_equal(error_reclassify(&e, ERROR_NETWORK, ERROR_PROTOCOL), -1);
	assert_int_equal(e.kind, ERROR_INPUT);
	error_reclassify(&e, ERROR_INPUT, ERROR_PROTOCOL);
	assert_int_equal(e.kind, ERROR_PROTOCOL);
	error_reclassify(&e, ERROR_ANY, ERROR_DELIVERY);
	assert_int_equal(e.kind, ERROR_DELIVERY);
	assert_string_equal(e.text, "bad");
	error_set_memory(&e);
	error_reclassify(&e, ERROR_ANY, ERROR_DELIVERY);
	error_reclassify(&e, ERROR_SYSTEM, ERROR_DELIVERY);
	assert_int_equal(e.kind, ERROR_SYSTEM);
}

static void out_of_memory_is_never_a_verdict(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	errno = ENOMEM;
	error_set_errno(&e, ERROR_INPUT, "open %s", "a");
	assert_int_equal(e.kind, ERROR_SYSTEM);
	assert_string_equal(e.text, "open a: Cannot allocate memory");
	error_reclassify(&e, ERROR_ANY, ERROR_CONFIG);
	assert_int_equal(e.kind, ERROR_SYSTEM);
	error_set(&e, ERROR_INPUT, "bad");
	error_reclassify(&e, ERROR_ANY, ERROR_CONFIG);
	assert_int_equal(e.kind, ERROR_CONFIG);
}

static void a_failure_of_the_machine_is_never_a_verdict(void **state)
{
	static const int errors[] = { ENOBUFS, EMFILE, ENFILE, EIO };
	struct error e = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		errno = errors[i];
		error_set_errno(&e, ERROR_INPUT, "open %s", "a");
		assert_int_equal(e.kind, ERROR_SYSTEM);
		assert_false(e.memory);
		error_reclassify(&e, ERROR_ANY, ERROR_CONFIG);
		assert_int_equal(e.kind, ERROR_SYSTEM);
	}
	errno = ENOENT;
	error_set_errno(&e, ERROR_INPUT, "open %s", "a");
	assert_int_equal(e.kind, ERROR_INPUT);
	error_reclassify(&e, ERROR_ANY, ERROR_CONFIG);
	assert_int_equal(e.kind, ERROR_CONFIG);
}

static char logged[2048];
static int logged_level = -1;

static void keep_line(enum log_level level, const char *line)
{
	logged_level = (int)level;
	strncpy(logged, line, sizeof(logged) - 1);
}

static void log_lines_are_clean_and_go_to_the_callback(void **state)
{
	(void)state;
	log_line(LOG_LEVEL_ERROR, "dropped");
	log_set(keep_line);
	log_line(LOG_LEVEL_WARNING, "answer %d: %s", 500, "x\nforged: all is well\033[0m");
	assert_int_equal(logged_level, LOG_LEVEL_WARNING);
	assert_string_equal(logged, "answer 500: x?forged: all is well?[0m");
	log_set(NULL);
	log_line(LOG_LEVEL_ERROR, "dropped");
	assert_int_equal(logged_level, LOG_LEVEL_WARNING);
}

static void debug_lines_are_shown_on_request(void **state)
{
	char text[256] = "";
	int fds[2], saved = dup(STDERR_FILENO);

	(void)state;
	assert_int_equal(pipe(fds), 0);
	fflush(stderr);
	assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
	log_to_stderr(LOG_LEVEL_DEBUG, "dropped");
	log_show_debug(true);
	log_to_stderr(LOG_LEVEL_DEBUG, "shown");
	log_show_debug(false);
	log_to_stderr(LOG_LEVEL_INFO, "last");
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	close(fds[1]);
	assert_true(read(fds[0], text, sizeof(text) - 1) > 0);
	close(fds[0]);
	assert_string_equal(text, "test_error: shown\ntest_error: last\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(out_of_memory_is_never_a_verdict),
		cmocka_unit_test(a_failure_of_the_machine_is_never_a_verdict),
		cmocka_unit_test(debug_lines_are_shown_on_request),
		cmocka_unit_test(out_of_memory_is_never_reclassified),
		cmocka_unit_test(sets_kind_text_and_returns_failure),
		cmocka_unit_test(hostile_text_cannot_forge_lines),
		cmocka_unit_test(the_cause_survives_any_prefix),
		cmocka_unit_test(each_kind_has_an_exit_code_and_a_name),
		cmocka_unit_test(log_lines_are_clean_and_go_to_the_callback),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
