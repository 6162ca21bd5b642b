// SPDX-License-Identifier: Apache-2.0
#include "value.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 9

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit times[] = {
	{ "", 1000 },	  { "s", 1000 },     { "m", 60000 },
	{ "h", 3600000 }, { "d", 86400000 }, { NULL, 0 },
};

static const struct unit sizes[] = {
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

/* A number of at most nine digits and a unit, so that the result fits. */
static bool with_unit(const char *text, const struct unit *unit, int64_t *value)
{
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > DIGITS_MAX)
		return false;
	for (; unit->name; unit++) {
		if (!strcmp(unit->name, text + digits)) {
			*value = (int64_t)strtoul(text, NULL, 10) * unit->factor;
			return true;
		}
	}
	return false;
}

bool value_time(const char *text, int64_t *ms)
{
	return with_unit(text, times, ms) && *ms >= 1000 && *ms <= VALUE_TIME_MAX_MS;
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

	if (!with_unit(text, sizes, &value))
		return false;
	*size = (size_t)value;
	return true;
}
