// SPDX-License-Identifier: Apache-2.0
#include "clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "encode.h"

/* 9999-12-31: a later time is a mistake or an attack, and cannot be printed. */
#define LATEST INT64_C(253402300799)

/* Seconds since 1970; 0 if the builder did not state a date. */
static int64_t passed = REALMKEY_BUILD_TIME;

int64_t clock_boot_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_wall_s(void)
{
	return (int64_t)time(NULL);
}

uint32_t clock_jitter(void)
{
	uint32_t random;

	return getrandom(&random, sizeof(random), GRND_NONBLOCK) == sizeof(random) ? random :
										     UINT32_MAX;
}

void clock_learn(int64_t s)
{
	if (s > passed && s <= LATEST)
		passed = s;
}

void clock_print(int64_t s, char text[CLOCK_TEXT_SIZE])
{
	const time_t seconds = (time_t)(s < 0 ? 0 : s < LATEST ? s : LATEST);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%d %H:%M:%S UTC", &tm);
}

int clock_explain(struct error *e)
{
	char text[CLOCK_TEXT_SIZE];

	clock_print(clock_wall_s(), text);
	return error_append(e, "; this machine's clock reads %s", text);
}

bool clock_doubt(struct error *e)
{
	char text[CLOCK_TEXT_SIZE];

	if (clock_wall_s() >= passed)
		return false;
	clock_print(passed, text);
	error_append(e, "; the clock is wrong: it is later than %s", text);
	return true;
}

/* In milliseconds, the longest first. */
static const struct decode_unit durations[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 },
	{ "s", 1000 },	   { "", 1000 },     { NULL, 0 },
};

bool clock_duration(const char *text, int64_t *ms)
{
	return decode_quantity(text, durations, ms);
}

void clock_duration_print(int64_t ms, struct bytes *out)
{
	const struct decode_unit *unit = durations;

	if (ms < 0)
		ms = 0;
	while (unit->factor > 1000 && ms < unit->factor)
		unit++;
	bytes_printf(out, "%" PRId64 "%s", ms / unit->factor, unit->name);
	ms %= unit->factor;
	if (ms >= unit[1].factor)
		bytes_printf(out, " %" PRId64 "%s", ms / unit[1].factor, unit[1].name);
}
