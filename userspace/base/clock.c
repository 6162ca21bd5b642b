// SPDX-License-Identifier: Apache-2.0
#include "clock.h"

#include <stdio.h>
#include <time.h>

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
