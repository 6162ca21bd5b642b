/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock: the time, and durations. A realm can rely on the boot clock only: the host cannot set it, and it runs on
 * while the realm is suspended. The host controls the wall clock.
 */
#ifndef REALMKEY_CLOCK_H
#define REALMKEY_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"

/* Milliseconds since boot. */
int64_t clock_boot_ms(void);
/* Seconds since 1970, as reported by the host. */
int64_t clock_wall_s(void);

/* 32 random bits, which spread the waits of many machines: only for that. Without random bytes the largest
 * number, and so the longest wait. */
uint32_t clock_jitter(void);

/* A time that has passed, in seconds since 1970: that at which a token was issued. At the start it is
 * the date of the build (SOURCE_DATE_EPOCH). The latest counts. It serves messages only, because a KBS
 * can state any time. */
void clock_learn(int64_t s);
#define CLOCK_TEXT_SIZE sizeof("9999-12-31 23:59:59 UTC")

/* Write @s, seconds since 1970, to @text. */
void clock_print(int64_t s, char text[CLOCK_TEXT_SIZE]);
/* Append to @e, which is set, what the wall clock reads; returns -1. For a failure that a wrong clock
 * can cause. */
int clock_explain(struct error *e);
/* If the wall clock reads less than a time that has passed, append to @e that it is wrong, and return
 * true. */
bool clock_doubt(struct error *e);

/* True if @text is a duration, "90s", "5m", "1h" or "2d", or "90", in seconds; @ms is then in
 * milliseconds, and INT64_MAX if it is longer than that. */
bool clock_duration(const char *text, int64_t *ms);
/* Append a duration of @ms for people, in its two largest units: "2h 5m". */
void clock_duration_print(int64_t ms, struct bytes *out);

#endif
