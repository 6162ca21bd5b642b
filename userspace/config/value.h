/* SPDX-License-Identifier: Apache-2.0 */
/* value: the numbers, times and sizes of the configuration, read from text. */
#ifndef REALMKEY_VALUE_H
#define REALMKEY_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VALUE_TIME_MAX_MS (INT64_C(365) * 86400 * 1000)

/* True if @text has only digits of @base (8 or 10), at most nine, and *@number, its value, is at most
 * @max. */
bool value_number(const char *text, int base, unsigned long max, unsigned long *number);
/* True if @text is a time from 1 s to 365 d: a number and "s", "m", "h" or "d"; without a unit it is
 * in seconds. */
bool value_time(const char *text, int64_t *ms);
/* The same, where "never" is 0. */
bool value_time_or_never(const char *text, int64_t *ms);
/* True if @text is a size: a number and "k", "m" or "g", in either case; without a unit it is in
 * bytes. */
bool value_size(const char *text, size_t *size);

#endif
