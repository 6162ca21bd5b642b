// SPDX-License-Identifier: Apache-2.0
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool failed;
static const char *skipped;

void tap_fail(const char *file, int line, const char *what)
{
	failed = true;
	printf("# %s:%d: failed: %s\n", file, line, what);
}

void tap_skip(const char *why)
{
	skipped = why;
}

void tap_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("# ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
}

void tap_bail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("Bail out! ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	exit(1);
}

bool tap_errno(long result, int expected)
{
	int found = errno;

	if (result == -1 && found == expected)
		return true;
	tap_note("expected %s, found %s", strerror(expected),
		 result == -1 ? strerror(found) : "success");
	return false;
}

static bool test_run(const struct tap_test *test, size_t number)
{
	failed = false;
	skipped = NULL;
	test->run();
	printf("%s %zu - %s%s%s\n", failed ? "not ok" : "ok", number, test->name,
	       skipped && !failed ? " # SKIP " : "", skipped && !failed ? skipped : "");
	return !failed;
}

int tap_run(const struct tap_test *tests, size_t count)
{
	bool good = true;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%zu\n", count);
	for (size_t i = 0; i < count; i++)
		good &= test_run(&tests[i], i + 1);
	return good ? 0 : 1;
}

int tap_skip_all(const char *name, const char *why)
{
	printf("TAP version 13\n1..1\nok 1 - %s # SKIP %s\n", name, why);
	return 0;
}
