/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes: the one type for sized bytes in user space.
 *
 * A struct bytes owns its memory. All memory is wiped when it is released, grown or cut, so a
 * caller does not have to know which buffers held a secret. Functions that only read accept a
 * pointer and a length instead, so that a parser can be given any memory.
 *
 * Failure is sticky: when memory cannot be allocated, the buffer is emptied and marked as failed,
 * and everything appended to it later is dropped. A caller appends freely and asks once, with
 * bytes_check(), before it uses the contents.
 */
#ifndef REALMKEY_BYTES_H
#define REALMKEY_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct bytes {
	uint8_t *data; /* followed by a NUL, so that text can be used as a string */
	size_t len;    /* bytes in use */
	size_t size;   /* bytes allocated; 0 when data is NULL */
	bool locked;   /* in separate pages: locked in RAM, left out of core dumps and forks */
	bool failed;   /* an allocation failed; the buffer stays empty until it is cleared */
};

#define BYTES_INIT	  { 0 }
#define BYTES_LOCKED_INIT { .locked = true }

/* The largest buffer. A length that comes from outside cannot cause a larger allocation. */
#define BYTES_MAX ((size_t)64 << 20)

/*
 * Append to @b. A result larger than BYTES_MAX counts as a failed allocation. A locked buffer whose
 * pages cannot be locked fails too, unless bytes_lock_optional(true) was called: that is for
 * programs that an ordinary user runs with a small RLIMIT_MEMLOCK. The pages are left out of core
 * dumps anyway.
 */
void bytes_append(struct bytes *b, const void *data, size_t len);
void bytes_append_text(struct bytes *b, const char *text);
void bytes_printf(struct bytes *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Replace the contents of @b. */
void bytes_set(struct bytes *b, const void *data, size_t len);

/* Returns 0, or -1 with the error "out of memory" if any of the above has failed since @b was last
 * cleared. */
int bytes_check(const struct bytes *b, struct error *e);

/* For callers that write into the memory themselves. bytes_reserve() makes room for @size bytes in
 * all; bytes_resize() makes @b exactly @len bytes long, and new bytes are zero. Both return 0, or
 * -1 with the error "out of memory". */
int bytes_reserve(struct bytes *b, size_t size, struct error *e);
int bytes_resize(struct bytes *b, size_t len, struct error *e);
/* Append @len bytes, which the caller then writes. Returns the first of them, or NULL if that failed, as
 * bytes_append() would. They are not zeroed. */
uint8_t *bytes_extend(struct bytes *b, size_t len);
/* Cut @b to its first @len bytes and wipe the rest. A shorter buffer stays as it is. */
void bytes_truncate(struct bytes *b, size_t len);

void bytes_lock_optional(bool optional);

/* Wipe and release the memory; @b is then empty and can be used again. bytes_clear() does the same
 * but keeps the allocation. Both also reset a failure. */
void bytes_free(struct bytes *b);
void bytes_clear(struct bytes *b);

/* Exchange two buffers without copying. */
void bytes_swap(struct bytes *a, struct bytes *b);

/* Whether both are equal. For equal lengths the time does not depend on the contents. */
bool bytes_equal(const void *a, size_t alen, const void *b, size_t blen);

/* Returns the contents as a string, "" for an empty buffer. It is valid until @b changes. */
const char *bytes_text(const struct bytes *b);

#endif
