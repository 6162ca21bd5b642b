// SPDX-License-Identifier: Apache-2.0
#include "bytes.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BYTES_SIZE_MIN ((size_t)64)

static bool lock_optional;

void bytes_lock_optional(bool optional)
{
	lock_optional = optional;
}

/* Use the system call, because sanitizers replace mlock() with a function that does nothing, and
 * the tests check the pages. */
static int pages_lock(void *pages, size_t size)
{
	if (syscall(SYS_mlock, pages, size) == 0)
		return 0;
	return lock_optional ? 0 : -1;
}

static void *pages_allocate(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		return NULL;
	if (madvise(pages, size, MADV_DONTDUMP) < 0 || pages_lock(pages, size) < 0) {
		munmap(pages, size);
		return NULL;
	}
	/* Some kernels and emulators lack this; our programs exec right after a fork. */
	(void)madvise(pages, size, MADV_WIPEONFORK);
	return pages;
}

static uint8_t *memory_allocate(const struct bytes *b, size_t size)
{
	return b->locked ? pages_allocate(size) : malloc(size);
}

static void memory_release(const struct bytes *b)
{
	if (!b->data)
		return;
	OPENSSL_cleanse(b->data, b->size);
	if (b->locked)
		munmap(b->data, b->size);
	else
		free(b->data);
}

/* How much to allocate so that @size bytes and the NUL fit: at least double the current size, and
 * whole pages if the buffer is locked. */
static size_t memory_size(const struct bytes *b, size_t size)
{
	size_t unit = b->locked ? (size_t)sysconf(_SC_PAGESIZE) : BYTES_SIZE_MIN;
	size_t least = size + 1;

	if (least < 2 * b->size && 2 * b->size <= BYTES_MAX)
		least = 2 * b->size;
	return (least + unit - 1) / unit * unit;
}

static int bytes_fail(struct bytes *b)
{
	memory_release(b);
	*b = (struct bytes){ .locked = b->locked, .failed = true };
	return -1;
}

/* Make room for @size bytes in all. Returns 0, or -1 and marks @b as failed. Inlined into its five
 * callers it would make each program 2 KiB larger. */
__attribute__((noinline)) static int bytes_grow(struct bytes *b, size_t size)
{
	size_t allocate;
	uint8_t *data;

	if (b->failed)
		return -1;
	if (size > BYTES_MAX)
		return bytes_fail(b);
	if (size < b->size)
		return 0;
	allocate = memory_size(b, size);
	data = memory_allocate(b, allocate);
	if (!data)
		return bytes_fail(b);
	if (b->len > 0)
		memcpy(data, b->data, b->len);
	data[b->len] = '\0';
	memory_release(b);
	b->data = data;
	b->size = allocate;
	return 0;
}

uint8_t *bytes_extend(struct bytes *b, size_t len)
{
	uint8_t *end;

	if (len > BYTES_MAX - b->len) {
		bytes_fail(b);
		return NULL;
	}
	if (bytes_grow(b, b->len + len) < 0)
		return NULL;
	end = b->data + b->len;
	end[len] = '\0';
	b->len += len;
	return end;
}

void bytes_append(struct bytes *b, const void *data, size_t len)
{
	uint8_t *end = bytes_extend(b, len);

	if (end && len > 0)
		memcpy(end, data, len);
}

void bytes_append_text(struct bytes *b, const char *text)
{
	bytes_append(b, text, strlen(text));
}

void bytes_printf(struct bytes *b, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0 || (size_t)len > BYTES_MAX - b->len) {
		bytes_fail(b);
		return;
	}
	if (bytes_grow(b, b->len + (size_t)len) < 0)
		return;
	va_start(args, format);
	vsnprintf((char *)b->data + b->len, (size_t)len + 1, format, args);
	va_end(args);
	b->len += (size_t)len;
}

void bytes_set(struct bytes *b, const void *data, size_t len)
{
	if (bytes_grow(b, len) < 0)
		return;
	if (len > 0)
		memcpy(b->data, data, len);
	if (len < b->len)
		OPENSSL_cleanse(b->data + len, b->len - len);
	b->len = len;
	b->data[len] = '\0';
}

int bytes_check(const struct bytes *b, struct error *e)
{
	return b->failed ? error_set_memory(e) : 0;
}

int bytes_reserve(struct bytes *b, size_t size, struct error *e)
{
	return bytes_grow(b, size) < 0 ? error_set_memory(e) : 0;
}

int bytes_resize(struct bytes *b, size_t len, struct error *e)
{
	if (len < b->len) {
		bytes_truncate(b, len);
		return 0;
	}
	if (bytes_grow(b, len) < 0)
		return error_set_memory(e);
	memset(b->data + b->len, 0, len - b->len);
	b->len = len;
	b->data[len] = '\0';
	return 0;
}

void bytes_truncate(struct bytes *b, size_t len)
{
	if (len >= b->len)
		return;
	OPENSSL_cleanse(b->data + len, b->len - len);
	b->len = len;
}

void bytes_free(struct bytes *b)
{
	memory_release(b);
	*b = (struct bytes){ .locked = b->locked };
}

void bytes_clear(struct bytes *b)
{
	/* Wipe all of it: a caller may have written beyond @len into memory that it reserved. */
	if (b->data)
		OPENSSL_cleanse(b->data, b->size);
	b->len = 0;
	b->failed = false;
}

void bytes_swap(struct bytes *a, struct bytes *b)
{
	struct bytes swapped = *a;

	*a = *b;
	*b = swapped;
}

bool bytes_equal(const void *a, size_t alen, const void *b, size_t blen)
{
	return alen == blen && (alen == 0 || CRYPTO_memcmp(a, b, alen) == 0);
}

const char *bytes_text(const struct bytes *b)
{
	return b->data ? (const char *)b->data : "";
}
