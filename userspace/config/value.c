// SPDX-License-Identifier: Apache-2.0
#include "value.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"

#define DIGITS_MAX 9

static const struct decode_unit sizes[] = {
	{ "", 1 },	  { "k", 1 << 10 }, { "K", 1 << 10 }, { "m", 1 << 20 },
	{ "M", 1 << 20 }, { "g", 1 << 30 }, { "G", 1 << 30 }, { NULL, 0 },
};

bool value_number(const char *text, int base, unsigned long max, unsigned long *number)
{
	const char *digits = base == 8 ? "01234567" : "0123456789";

	if (!*text || strlen(text) > DIGITS_MAX || strspn(text, digits) != strlen(text))
		return false;
	*number = strtoul(text, NULL, base);
	return *number <= max;
}

bool value_time(const char *text, int64_t *ms)
{
	return clock_duration(text, ms) && *ms >= 1000 && *ms <= VALUE_TIME_MAX_MS;
}

bool value_time_or_never(const char *text, int64_t *ms)
{
	if (strcmp(text, "never") != 0)
		return value_time(text, ms);
	*ms = 0;
	return true;
}

bool value_size(const char *text, size_t *size)
{
	int64_t value;

	if (!decode_quantity(text, sizes, &value))
		return false;
	*size = (size_t)value;
	return true;
}
