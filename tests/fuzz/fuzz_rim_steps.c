// SPDX-License-Identifier: Apache-2.0
/* The input is two lists of steps, with a NUL between them. */
#include <stdlib.h>
#include <string.h>

#include "rim/rim_steps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A list is the same as itself, and each of its steps is in the list. */
static void list_check(const struct bytes *list)
{
	const char *text = bytes_text(list), *end = text + list->len;
	struct rim_line line = { .text = text };
	struct error e = ERROR_INIT;
	struct rim_diff diff;
	size_t steps = 0;
	int ret = 0;

	while (ret == 0 && line.text) {
		ret = rim_steps_next(&text, end, &line, &e);
		for (size_t i = 0; ret == 0 && i < line.count; i++) {
			const struct rim_field *field = &line.field[i];

			if (field->value < line.text ||
			    field->value + field->value_len > line.text + line.len)
				abort();
		}
		steps += ret == 0 && line.text;
	}
	if (rim_steps_diff(&diff, list, list, &e) == 0 && (diff.differs || diff.steps != steps))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *middle = size ? memchr(data, 0, size) : NULL;
	size_t first = middle ? (size_t)(middle - data) : size;
	struct bytes a = BYTES_INIT, b = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct rim_diff there, back;

	bytes_set(&a, data, first);
	if (middle)
		bytes_set(&b, middle + 1, size - first - 1);
	if (bytes_check(&a, &e) < 0 || bytes_check(&b, &e) < 0)
		goto out;
	list_check(&a);
	if (rim_steps_diff(&there, &a, &b, &e) == 0 &&
	    (rim_steps_diff(&back, &b, &a, &e) < 0 || there.differs != back.differs ||
	     there.steps != back.steps))
		abort();
out:
	bytes_free(&a);
	bytes_free(&b);
	return 0;
}
