/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz: how fuzz targets take an input apart, and check what must hold for every input. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void must(bool good)
{
	if (!good)
		abort();
}

/* A failure has a kind, and a text of one printable line; a success has neither. */
static inline void must_explain(int ret, const struct error *e)
{
	must((ret < 0) == (e->kind != ERROR_NONE));
	must(ret == 0 || (e->text[0] && !strpbrk(e->text, "\r\n\033")));
}

struct part {
	const uint8_t *data;
	size_t size;
};

/* The input up to the next byte @end, which is skipped, or all that is left. */
static inline struct part part_until(struct part *input, uint8_t end)
{
	const uint8_t *found = input->size ? memchr(input->data, end, input->size) : NULL;
	struct part part = { input->data, found ? (size_t)(found - input->data) : input->size };
	size_t skip = part.size + (found != NULL);

	if (input->size)
		*input = (struct part){ input->data + skip, input->size - skip };
	return part;
}

/* The next @size bytes, or fewer at the end of the input. */
static inline struct part part_take(struct part *input, size_t size)
{
	struct part part = { input->data, size < input->size ? size : input->size };

	if (part.size)
		*input = (struct part){ input->data + part.size, input->size - part.size };
	return part;
}

/* The next @size bytes as a little-endian number. After the end of the input they are zero. */
static inline uint64_t part_number(struct part *input, size_t size)
{
	const struct part part = part_take(input, size);
	uint64_t value = 0;

	for (size_t i = 0; i < part.size; i++)
		value |= (uint64_t)part.data[i] << 8 * i;
	return value;
}

/* The part as a string; bytes after a NUL do not count. The caller frees it. */
static inline char *part_text(struct part part)
{
	char *text = calloc(1, part.size + 1);

	must(text != NULL);
	if (part.size)
		memcpy(text, part.data, part.size);
	return text;
}

#endif
