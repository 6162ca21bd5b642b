// SPDX-License-Identifier: Apache-2.0
#include "query.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "base/encode.h"

/* Decode @len characters at @text, whose result is no longer than they are. */
static void query_decode(const char *text, size_t len, char out[QUERY_TEXT_MAX + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned int high = 16, low = 16;

		if (text[i] == '%' && len - i > 2) {
			high = decode_hex_digit(text[i + 1]);
			low = decode_hex_digit(text[i + 2]);
		}
		if (high < 16 && low < 16) {
			out[n++] = (char)(high << 4 | low);
			i += 2;
		} else {
			out[n] = text[i];
			if (text[i] == '+')
				out[n] = ' ';
			n++;
		}
	}
	out[n] = '\0';
}

/* Whether @len characters at @text stand for a NUL somewhere. */
static bool query_has_nul(const char *text, size_t len)
{
	for (size_t i = 0; i + 2 < len; i++)
		if (memcmp(text + i, "%00", 3) == 0)
			return true;
	return false;
}

/* Add the pair of @len characters at @text. */
static int query_pair(json_t *query, const char *text, size_t len, struct error *e)
{
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals ? (size_t)(equals - text) : len;
	char name[QUERY_TEXT_MAX + 1], value[QUERY_TEXT_MAX + 1] = "";
	json_error_t cause;
	json_t *pair;
	int ret;

	if (query_has_nul(text, len))
		return error_set(e, ERROR_INPUT, "query: it has a NUL");
	query_decode(text, name_len, name);
	if (equals)
		query_decode(equals + 1, len - name_len - 1, value);
	pair = json_pack_ex(&cause, 0, "{s:s}", name, value);
	if (!pair && json_error_code(&cause) == json_error_invalid_utf8)
		return error_set(e, ERROR_INPUT, "query: not UTF-8");
	ret = pair ? json_object_update(query, pair) : -1;
	json_decref(pair);
	return ret < 0 ? error_set_memory(e) : 0;
}

json_t *query_parse(const char *text, struct error *e)
{
	json_t *query = json_object();
	size_t pairs = 0;

	if (!query) {
		error_set_memory(e);
		return NULL;
	}
	if (text && strlen(text) > QUERY_TEXT_MAX) {
		error_set(e, ERROR_INPUT, "query: longer than %d bytes", QUERY_TEXT_MAX);
		goto fail;
	}
	while (text && *text) {
		size_t len = strcspn(text, "&");

		if (len > 0 && ++pairs > QUERY_PAIRS_MAX) {
			error_set(e, ERROR_INPUT, "query: more than %d pairs", QUERY_PAIRS_MAX);
			goto fail;
		}
		if (len > 0 && query_pair(query, text, len, e) < 0)
			goto fail;
		text += len + (text[len] == '&');
	}
	return query;
fail:
	json_decref(query);
	return NULL;
}
