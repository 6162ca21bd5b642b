/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_RMM_HEX_H
#define TEST_RMM_HEX_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* hex_parse - the bytes of the hex text @text, up to its end or the first other character, at most @room */
static inline size_t hex_parse(const char *text, uint8_t *bytes, size_t room)
{
	size_t size = 0;
	unsigned int byte;

	while (size < room && sscanf(text + 2 * size, "%2x", &byte) == 1 && text[2 * size] > ' ')
		bytes[size++] = (uint8_t)byte;
	return size;
}

#endif
