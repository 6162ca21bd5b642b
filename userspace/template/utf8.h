/* SPDX-License-Identifier: Apache-2.0 */
/* utf8: one character of UTF-8 (RFC 3629). */
#ifndef REALMKEY_TEMPLATE_UTF8_H
#define REALMKEY_TEMPLATE_UTF8_H

#include <stddef.h>
#include <stdint.h>

struct utf8 {
	uint8_t data[4];
	size_t len;
};

/* The bytes of the first character of @len bytes @data; 0 if it is not valid UTF-8. */
size_t utf8_length(const uint8_t *data, size_t len);
/* The character with the number @code, which Unicode has. */
struct utf8 utf8_make(uint32_t code);

#endif
