// SPDX-License-Identifier: Apache-2.0
/* Log lines with fields, to a journal of the test's and to standard error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/json.h"
#include "keeper/secrets/journal.h"

#define TEXT_SIZE 4096

static char folder[] = "/tmp/journal.XXXXXX", path[64];
static int server = -1, saved = -1;
static FILE *errors;

static int journal_serve(void **state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	(void)state;
	unlink(path);
	server = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	memcpy(at.sun_path, path, strlen(path));
	return bind(server, (const struct sockaddr *)&at, sizeof(at));
}

/* Standard error is a file, which $JOURNAL_STREAM names if it is to look like the journal. */
static void errors_begin(bool stream)
{
	char name[64];
	struct stat st;

	saved = dup(STDERR_FILENO);
	errors = tmpfile();
	assert_non_null(errors);
	assert_int_equal(dup2(fileno(errors), STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino + !stream);
	setenv("JOURNAL_STREAM", name, 1);
}

static void errors_end(char text[TEXT_SIZE])
{
	size_t len;

	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
	rewind(errors);
	len = fread(text, 1, TEXT_SIZE - 1, errors);
	text[len] = '\0';
	fclose(errors);
	journal_close();
	journal_context(NULL, NULL, 0, ERROR_NONE);
	log_set(NULL);
}

/* The next message to the journal, or "" if there is none. */
static const char *received(void)
{
	static char text[TEXT_SIZE];
	ssize_t len = recv(server, text, sizeof(text) - 1, 0);

	text[len > 0 ? len : 0] = '\0';
	return text;
}

static void test_native(void **state)
{
	char wanted[512], text[TEXT_SIZE];

	(void)state;
	errors_begin(true);
	journal_open(JOURNAL_AUTOMATIC, false, path);
	journal_context("database", "https://kbs.example", 3, ERROR_NETWORK);
	log_line(LOG_LEVEL_WARNING, "database: %s", "no connection");
	snprintf(wanted, sizeof(wanted),
		 "PRIORITY=4\nSYSLOG_IDENTIFIER=%s\nMESSAGE=database: no connection\n"
		 "SECRET=database\nKBS=https://kbs.example\nATTEMPT=3\nKIND=network\n",
		 program_invocation_short_name);
	assert_string_equal(received(), wanted);
	/* Fields without a value are left out. */
	journal_context(NULL, NULL, 0, ERROR_NONE);
	log_line(LOG_LEVEL_INFO, "started");
	snprintf(wanted, sizeof(wanted), "PRIORITY=6\nSYSLOG_IDENTIFIER=%s\nMESSAGE=started\n",
		 program_invocation_short_name);
	assert_string_equal(received(), wanted);
	log_line(LOG_LEVEL_DEBUG, "not shown");
	assert_string_equal(received(), "");
	errors_end(text);
	assert_string_equal(text, "");
}

/* What a hostile KBS or configuration sends cannot add a field. */
static void test_forged_fields(void **state)
{
	char text[TEXT_SIZE];
	const char *entry;

	(void)state;
	errors_begin(true);
	journal_open(JOURNAL_AUTOMATIC, true, path);
	journal_context("a\nPRIORITY=0", "b\n_UID=0\r", 1, ERROR_NONE);
	journal_log(LOG_LEVEL_DEBUG, "c\nMESSAGE_ID=1");
	entry = received();
	assert_non_null(strstr(entry, "\nSECRET=a?PRIORITY=0\nKBS=b?_UID=0?\nATTEMPT=1\n"));
	assert_non_null(strstr(entry, "PRIORITY=7\n"));
	assert_non_null(strstr(entry, "\nMESSAGE=c?MESSAGE_ID=1\n"));
	errors_end(text);
	assert_string_equal(text, "");
}

/* If the journal is not there, or goes away, lines go to standard error. */
static void test_journal_lost(void **state)
{
	char text[TEXT_SIZE];

	errors_begin(true);
	journal_open(JOURNAL_AUTOMATIC, false, path);
	close(server);
	log_line(LOG_LEVEL_ERROR, "one");
	journal_open(JOURNAL_AUTOMATIC, false, "/nonexistent/socket");
	log_line(LOG_LEVEL_INFO, "two");
	memset(text, 'x', 200);
	text[200] = '\0';
	journal_open(JOURNAL_AUTOMATIC, false, text);
	log_line(LOG_LEVEL_INFO, "three");
	errors_end(text);
	assert_string_equal(text, "<3>one\n<6>two\n<6>three\n");
	assert_int_equal(journal_serve(state), 0);
}

/* A variable that another program left does not lead to the journal, and neither does --log-format text. */
static void test_not_the_journal(void **state)
{
	char text[TEXT_SIZE], wanted[128];

	(void)state;
	errors_begin(false);
	journal_open(JOURNAL_AUTOMATIC, false, path);
	log_line(LOG_LEVEL_INFO, "one");
	errors_end(text);
	snprintf(wanted, sizeof(wanted), "%s: one\n", program_invocation_short_name);
	assert_string_equal(text, wanted);
	errors_begin(true);
	journal_open(JOURNAL_TEXT, false, path);
	log_line(LOG_LEVEL_INFO, "two");
	errors_end(text);
	assert_string_equal(text, "<6>two\n");
	assert_string_equal(received(), "");
}

static void test_json(void **state)
{
	char text[TEXT_SIZE];
	struct error e = ERROR_INIT;
	json_t *value;

	(void)state;
	errors_begin(false);
	journal_open(JOURNAL_JSON, false, path);
	journal_context("data\"base", "https://kbs\\", 7, ERROR_POLICY);
	log_line(LOG_LEVEL_ERROR, "denied: \"a\\b\" größer\n\x1b");
	log_line(LOG_LEVEL_DEBUG, "not shown");
	errors_end(text);
	assert_int_equal(text[strlen(text) - 1], '\n');
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	value = json_parse(text, strlen(text), JSON_SMALL, "line", ERROR_INPUT, &e);
	assert_non_null(value);
	assert_string_equal(json_string_value(json_object_get(value, "level")), "error");
	assert_string_equal(json_string_value(json_object_get(value, "message")),
			    "denied: \"a\\b\" größer??");
	assert_string_equal(json_string_value(json_object_get(value, "secret")), "data\"base");
	assert_string_equal(json_string_value(json_object_get(value, "kbs")), "https://kbs\\");
	assert_int_equal(json_integer_value(json_object_get(value, "attempt")), 7);
	assert_string_equal(json_string_value(json_object_get(value, "kind")), "policy");
	assert_true(json_integer_value(json_object_get(value, "boot-ms")) > 0);
	json_decref(value);
	/* --verbose */
	errors_begin(false);
	journal_open(JOURNAL_JSON, true, path);
	log_line(LOG_LEVEL_DEBUG, "shown");
	errors_end(text);
	assert_non_null(strstr(text, "\"level\":\"debug\",\"message\":\"shown\"}\n"));
}

static void test_format_word(void **state)
{
	enum journal_format format = JOURNAL_AUTOMATIC;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(journal_format_read("json", &format, &e), 0);
	assert_int_equal(format, JOURNAL_JSON);
	assert_int_equal(journal_format_read("text", &format, &e), 0);
	assert_int_equal(format, JOURNAL_TEXT);
	assert_int_equal(journal_format_read("auto", &format, &e), 0);
	assert_int_equal(format, JOURNAL_AUTOMATIC);
	assert_int_equal(journal_format_read("xml", &format, &e), -1);
	assert_int_equal(e.kind, ERROR_USAGE);
	assert_string_equal(e.text, "--log-format: 'xml' is not auto, text or json");
}

static int folder_make(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/socket", folder);
	return journal_serve(state);
}

static int folder_remove(void **state)
{
	(void)state;
	close(server);
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_native),	     cmocka_unit_test(test_forged_fields),
		cmocka_unit_test(test_journal_lost), cmocka_unit_test(test_not_the_journal),
		cmocka_unit_test(test_json),	     cmocka_unit_test(test_format_word),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
