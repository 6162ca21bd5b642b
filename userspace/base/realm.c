// SPDX-License-Identifier: Apache-2.0
#include "realm.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "encode.h"
#include "hash.h"

const char *realm_register_name(unsigned int index)
{
	static const char *const names[REALM_REGISTERS] = { "RIM", "REM0", "REM1", "REM2", "REM3" };

	return index < REALM_REGISTERS ? names[index] : NULL;
}

static bool rim_size_known(size_t size)
{
	for (unsigned int i = 0; i < HASH_ALGORITHMS; i++)
		if (hash_by_number(i)->size == size)
			return true;
	return false;
}

/* Hexadecimal is tried first: that of SHA-256 is also base64, of 48 bytes, but no digest has base64
 * with only these characters in practice. */
int realm_rim_encode(const char *text, struct bytes *out, struct error *e)
{
	struct bytes raw = BYTES_INIT;
	struct error refused = ERROR_INIT;
	size_t len = strlen(text);
	int ret = -1;

	if ((rim_size_known(len / 2) && decode_hex(text, len, "RIM", &raw, &refused) == 0) ||
	    (!refused.memory &&
	     decode_base64(ENCODE_BASE64, text, len, "RIM", &raw, &refused) == 0)) {
		if (rim_size_known(raw.len)) {
			encode_base64(ENCODE_BASE64, raw.data, raw.len, out);
			ret = bytes_check(out, e);
		} else {
			error_set(e, ERROR_INPUT,
				  "RIM: %zu bytes, but a digest has 32 (SHA-256), 48 (SHA-384) or "
				  "64 (SHA-512)",
				  raw.len);
		}
	} else if (refused.memory) {
		error_set_memory(e);
	} else {
		error_set(e, ERROR_INPUT,
			  "RIM: neither base64, with its padding and on one line, nor hexadecimal; "
			  "a digest has 44 (SHA-256), 64 (SHA-384) or 88 (SHA-512) characters of "
			  "base64");
	}
	bytes_free(&raw);
	return ret;
}
