// SPDX-License-Identifier: Apache-2.0
/* The input is decoded as base64 and as hexadecimal; each value has one encoding. It is encoded too,
 * and decoding the result must return it. It is read as a duration, too. */
#include "base/clock.h"
#include "base/encode.h"
#include "fuzz.h"

static void base64_try(enum encode_alphabet alphabet, const uint8_t *data, size_t size)
{
	struct bytes value = BYTES_INIT, text = BYTES_INIT;
	struct error e = ERROR_INIT;
	int ret = decode_base64(alphabet, (const char *)data, size, "input", &value, &e);

	must_explain(ret, &e);
	must(ret == 0 || !value.len);
	if (ret == 0) {
		encode_base64(alphabet, value.data, value.len, &text);
		must(bytes_equal(text.data, text.len, data, size));
	}
	bytes_clear(&text);
	bytes_clear(&value);
	encode_base64(alphabet, data, size, &text);
	must(decode_base64(alphabet, bytes_text(&text), text.len, "own", &value, &e) == 0);
	must(bytes_equal(value.data, value.len, data, size));
	bytes_free(&text);
	bytes_free(&value);
}

static void hex_try(const uint8_t *data, size_t size)
{
	struct bytes value = BYTES_INIT, text = BYTES_INIT;
	struct error e = ERROR_INIT;
	int ret = decode_hex((const char *)data, size, "input", &value, &e);

	must_explain(ret, &e);
	must(ret == 0 ? value.len == size / 2 : !value.len);
	bytes_clear(&value);
	encode_hex(data, size, &text);
	must(decode_hex(bytes_text(&text), text.len, "own", &value, &e) == 0);
	must(bytes_equal(value.data, value.len, data, size));
	bytes_free(&text);
	bytes_free(&value);
}

/* What is printed of a duration is a duration that is not longer, and longer than half of it. */
static void duration_try(const uint8_t *data, size_t size)
{
	struct bytes text = BYTES_INIT, printed = BYTES_INIT;
	int64_t ms, again;

	bytes_append(&text, data, size);
	if (clock_duration(bytes_text(&text), &ms)) {
		must(ms >= 0 && (ms % 1000 == 0 || ms == INT64_MAX));
		clock_duration_print(ms, &printed);
		bytes_truncate(&printed, strcspn(bytes_text(&printed), " "));
		must(clock_duration(bytes_text(&printed), &again));
		must(again <= ms && again >= ms - again);
	}
	bytes_free(&printed);
	bytes_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	base64_try(ENCODE_BASE64, data, size);
	base64_try(ENCODE_BASE64URL, data, size);
	hex_try(data, size);
	duration_try(data, size);
	return 0;
}
