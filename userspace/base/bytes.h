/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes: the one type for sized bytes in user space.
 *
 * A struct bytes owns its memory. Memory is wiped whenever it is released, grown or cut, whatever it
 * holds, so no caller has to know which buffers held a secret. Functions that only read take
 * (pointer, length) instead, so that a parser can be given any memory.
 *
 * Failure is sticky: when memory cannot be allocated, the buffer is emptied and marked as failed, and
 * everything appended to it later is dropped. A caller appends freely and asks once, with
 * bytes_check(), before it uses the contents.
 */
#ifndef REALMKEY_BYTES_H
#define REALMKEY_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct bytes {
	uint8_t *data;	/* NUL-terminated one past len, so text can be used as a string */
	size_t len;	/* bytes in use */
	size_t size;	/* bytes allocated; 0 when data is NULL */
	bool locked;	/* pages of its own: mlocked, kept out of core dumps and forks */
	bool failed;	/* an allocation failed; the buffer is empty and stays so until it is cleared */
};

#define BYTES_INIT { 0 }
#define BYTES_LOCKED_INIT { .locked = true }

/* Nothing may grow beyond this; a length from outside never becomes an allocation unchecked. */
#define BYTES_MAX ((size_t)64 << 20)

/*
 * Append to @b. A result beyond BYTES_MAX counts as a failed allocation. A locked buffer whose pages
 * cannot be locked fails too, unless bytes_lock_optional(true) was called: that is for programs run by
 * an ordinary user with a small RLIMIT_MEMLOCK, and the pages still stay out of core dumps.
 */
int bytes_append(struct bytes *b, const void *data, size_t len);
int bytes_append_text(struct bytes *b, const char *text);
int bytes_printf(struct bytes *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Replace the contents of @b. */
int bytes_set(struct bytes *b, const void *data, size_t len);

/* 0, or -1 with the error "out of memory" if any of the above failed since @b was last cleared. */
int bytes_check(const struct bytes *b, struct error *e);

/* For callers that write into the memory themselves: make room for @size bytes in all, or make @b
 * exactly @len bytes long with new ones zero. 0, or -1 with the error "out of memory". */
int bytes_reserve(struct bytes *b, size_t size, struct error *e);
int bytes_resize(struct bytes *b, size_t len, struct error *e);
/* Cut @b to its first @len bytes and wipe the rest; nothing happens if it is shorter. */
void bytes_truncate(struct bytes *b, size_t len);

void bytes_lock_optional(bool optional);

/* Wipe and release; @b is then empty and usable. bytes_clear() does the same but keeps the
 * allocation. Both end a failure. */
void bytes_free(struct bytes *b);
void bytes_clear(struct bytes *b);

/* Exchange two buffers without copying. */
void bytes_swap(struct bytes *a, struct bytes *b);

/* Equality in constant time for equal lengths. */
bool bytes_equal(const void *a, size_t alen, const void *b, size_t blen);

/* The contents as a string; "" for an empty buffer. Valid until @b changes. */
const char *bytes_text(const struct bytes *b);

#endif
