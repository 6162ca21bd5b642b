// SPDX-License-Identifier: Apache-2.0
/* The tracepoints cca_rsi:cca_rsi_enter and cca_rsi_exit, used as by trace-cmd. */
#define _GNU_SOURCE
#include "device.h"
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define TRACEFS "/sys/kernel/tracing"
#define EVENTS	TRACEFS "/events/cca_rsi"

static char trace[1 << 20];

static bool file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

static bool trace_read(void)
{
	int fd = open(TRACEFS "/trace", O_RDONLY | O_CLOEXEC);
	size_t size = 0;
	ssize_t length;

	if (fd < 0)
		return false;
	while ((length = read(fd, trace + size, sizeof(trace) - 1 - size)) > 0)
		size += (size_t)length;
	trace[size] = '\0';
	close(fd);
	return length == 0;
}

static unsigned int count_of(const char *words)
{
	unsigned int count = 0;

	for (const char *at = trace; (at = strstr(at, words)); at++)
		count++;
	return count;
}

static bool trace_begin(void)
{
	return file_write(TRACEFS "/trace", "") && file_write(EVENTS "/enable", "1");
}

static void extension_traced(void)
{
	int fd = device_open(O_WRONLY);
	uint8_t digest[64] = { 1 };
	int ret;

	CHECK(trace_begin());
	ret = device_extend(fd, 1, digest);
	CHECK(file_write(EVENTS "/enable", "0") && ret == 0 && trace_read());
	close(fd);
	CHECK(count_of("cca_rsi_enter: MEASUREMENT_EXTEND") == 1);
	CHECK(count_of("cca_rsi_exit: MEASUREMENT_EXTEND status=0 length=0 duration=") == 1);
	CHECK(count_of("cca_rsi_exit: MEASUREMENT_READ status=0 length=0 duration=") ==
	      REGISTERS - 1);
}

/* The lengths of the token's pieces add up to its size. */
static void token_traced(void)
{
	static uint8_t token[TOKEN_ROOM];
	uint8_t challenge[CHALLENGE_SIZE] = { 0 };
	unsigned long long length, duration, sum = 0, time = 0;
	const char *at = trace;
	size_t size;
	bool good;

	CHECK(trace_begin());
	good = device_token(challenge, token, &size);
	CHECK(file_write(EVENTS "/enable", "0") && good && trace_read());
	CHECK(count_of("cca_rsi_exit: TOKEN_INIT status=0 ") == 1);
	while ((at = strstr(at, "cca_rsi_exit: TOKEN_CONTINUE status="))) {
		CHECK(sscanf(at, "%*s TOKEN_CONTINUE status=%*d length=%llu duration=%llu", &length,
			     &duration) == 2);
		sum += length;
		time += duration;
		at++;
	}
	tap_note("%llu us in the RMM", time / 1000);
	CHECK(sum == size && time > 0);
}

static void nothing_unless_enabled(void)
{
	uint8_t digest[64] = { 1 };
	int fd = device_open(O_WRONLY);

	CHECK(file_write(TRACEFS "/trace", "") && device_extend(fd, 1, digest) == 0 &&
	      trace_read());
	CHECK(count_of("cca_rsi_e") == 0);
	close(fd);
}

static const struct tap_test tests[] = {
	{ "each RMM call of an extension is traced", extension_traced },
	{ "each piece of a token is traced", token_traced },
	{ "nothing is traced unless it is enabled", nothing_unless_enabled },
};

int main(void)
{
	if (access(EVENTS, F_OK) && mount("none", TRACEFS, "tracefs", 0, NULL))
		tap_note("cannot mount tracefs: %s", strerror(errno));
	if (access(EVENTS, F_OK))
		return tap_skip_all("tracepoints",
				    "this kernel, or the fake RSI, has no tracepoints");
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
