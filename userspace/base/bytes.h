/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes: the one type for sized bytes in user space.
 *
 * A struct bytes owns its memory and wipes it when it is released, grown or cut, whatever it
 * holds: nobody has to remember which buffers were secret. Functions that only read take
 * (pointer, length) instead, so that a parser can be given any memory.
 */
#ifndef REALMKEY_BYTES_H
#define REALMKEY_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	uint8_t *data;	/* NUL-terminated one past len, so text can be used as a string */
	size_t len;	/* bytes in use */
	size_t size;	/* bytes allocated; 0 when data is NULL */
	bool locked;	/* pages of its own: mlocked, kept out of core dumps and forks */
};

#define BYTES_INIT { 0 }
#define BYTES_LOCKED_INIT { .locked = true }

/* Nothing may grow beyond this; a length from outside never becomes an allocation unchecked. */
#define BYTES_MAX ((size_t)64 << 20)

/*
 * All return 0, or -1 when memory cannot be had (or the result would pass BYTES_MAX); then @b is
 * unchanged. A locked buffer whose pages cannot be locked is such an error too, except that
 * bytes_lock_optional(true), for programs run by an ordinary user with a small RLIMIT_MEMLOCK,
 * lets it pass: the pages still stay out of core dumps.
 */
int bytes_reserve(struct bytes *b, size_t size);
int bytes_append(struct bytes *b, const void *data, size_t len);
int bytes_append_text(struct bytes *b, const char *text);
int bytes_printf(struct bytes *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Make @b exactly @len bytes, new ones zero. */
int bytes_resize(struct bytes *b, size_t len);
/* Replace the contents of @b. */
int bytes_set(struct bytes *b, const void *data, size_t len);

void bytes_lock_optional(bool optional);

/* Wipe and release; @b is then empty and usable. bytes_clear() keeps the allocation. */
void bytes_free(struct bytes *b);
void bytes_clear(struct bytes *b);

/* Exchange two buffers without copying. */
void bytes_swap(struct bytes *a, struct bytes *b);

/* Equality in constant time for equal lengths. */
bool bytes_equal(const void *a, size_t alen, const void *b, size_t blen);

/* The contents as a string; "" for an empty buffer. Valid until @b changes. */
const char *bytes_text(const struct bytes *b);

#endif
