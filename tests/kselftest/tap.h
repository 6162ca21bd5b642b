/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For test programs that print TAP: a table of tests, each a function that returns at its first
 * failure.
 */
#ifndef TAP_H
#define TAP_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

struct tap_test {
	const char *name;
	void (*run)(void);
};

/* Runs the @count tests of @tests in order. Returns main()'s result: 0 if none failed, else 1. */
int tap_run(const struct tap_test *tests, size_t count);

/* Used instead of tap_run() if no test can run here, because of @why. Returns main()'s result. */
int tap_skip_all(const char *name, const char *why);

/* The running test failed because of @what, or cannot run here because of @why. */
void tap_fail(const char *file, int line, const char *what);
void tap_skip(const char *why);

/* Prints a line that is not a result. */
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the program with status 1, because nothing can be tested here. */
void tap_bail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Did a call return -1 with errno @expected? If not, notes what it returned. */
bool tap_errno(long result, int expected);

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			tap_fail(__FILE__, __LINE__, #condition); \
			return; \
		} \
	} while (0)

#define CHECK_ERRNO(call, expected) CHECK(tap_errno((call), (expected)))

#define SKIP_IF(condition, why) \
	do { \
		if (condition) { \
			tap_skip(why); \
			return; \
		} \
	} while (0)

#define TAP_MAIN(tests) \
	int main(void) \
	{ \
		return tap_run(tests, sizeof(tests) / sizeof((tests)[0])); \
	}

#endif /* TAP_H */
