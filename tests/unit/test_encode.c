// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/encode.h"

/* RFC 4648 section 10. */
static const struct {
	const char *plain, *base64, *hex;
} rfc4648[] = {
	{ "", "", "" },
	{ "f", "Zg==", "66" },
	{ "fo", "Zm8=", "666f" },
	{ "foo", "Zm9v", "666f6f" },
	{ "foob", "Zm9vYg==", "666f6f62" },
	{ "fooba", "Zm9vYmE=", "666f6f6261" },
	{ "foobar", "Zm9vYmFy", "666f6f626172" },
};

static void knows_the_vectors_of_rfc_4648(void **state)
{
	struct bytes out = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rfc4648); i++) {
		size_t len = strlen(rfc4648[i].plain);
		const char *text = rfc4648[i].base64;

		bytes_clear(&out);
		encode_base64(ENCODE_BASE64, rfc4648[i].plain, len, &out);
		assert_string_equal(bytes_text(&out), text);
		bytes_clear(&out);
		encode_hex(rfc4648[i].plain, len, &out);
		assert_string_equal(bytes_text(&out), rfc4648[i].hex);
		bytes_clear(&out);
		assert_int_equal(decode_base64(ENCODE_BASE64, text, strlen(text), "t", &out, &e),
				 0);
		assert_string_equal(bytes_text(&out), rfc4648[i].plain);
	}
	bytes_free(&out);
}

static void decodes_what_it_encodes(void **state)
{
	struct bytes text = BYTES_INIT, out = BYTES_INIT;
	struct error e = ERROR_INIT;
	uint8_t data[300];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 151 + 7);
	for (size_t len = 0; len <= sizeof(data); len++) {
		for (int form = 0; form < 3; form++) {
			const char *t;

			bytes_clear(&text);
			bytes_set(&out, "kept", 4);
			if (form == 2)
				encode_hex(data, len, &text);
			else
				encode_base64((enum encode_alphabet)form, data, len, &text);
			t = bytes_text(&text);
			assert_int_equal(strlen(t), text.len);
			assert_int_equal(form == 2 ? decode_hex(t, text.len, "t", &out, &e) :
						     decode_base64((enum encode_alphabet)form, t,
								   text.len, "t", &out, &e),
					 0);
			assert_int_equal(out.len, len + 4);
			assert_memory_equal(out.data, "kept", 4);
			assert_memory_equal(out.data + 4, data, len);
		}
	}
	bytes_free(&text);
	bytes_free(&out);
}

static void alphabets_differ_where_they_should(void **state)
{
	struct bytes out = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	encode_base64(ENCODE_BASE64, "\xfb\xef\xff\xff", 4, &out);
	assert_string_equal(bytes_text(&out), "++///w==");
	bytes_clear(&out);
	encode_base64(ENCODE_BASE64URL, "\xfb\xef\xff\xff", 4, &out);
	assert_string_equal(bytes_text(&out), "--___w");
	bytes_clear(&out);
	assert_int_equal(decode_hex("AbCdEf", 6, "t", &out, &e), 0);
	assert_memory_equal(out.data, "\xab\xcd\xef", 3);
	bytes_free(&out);
}

static void refuses_other_encodings(void **state)
{
	static const struct {
		enum encode_alphabet alphabet;
		const char *text;
	} cases[] = {
		{ ENCODE_BASE64, "Zg" },
		{ ENCODE_BASE64, "Zg=" },
		{ ENCODE_BASE64, "Z" },
		{ ENCODE_BASE64, "Zh==" },
		{ ENCODE_BASE64, "Zm9=" },
		{ ENCODE_BASE64, "====" },
		{ ENCODE_BASE64, "Z===" },
		{ ENCODE_BASE64, "Zg==Zg==" },
		{ ENCODE_BASE64, "Zm9v\n" },
		{ ENCODE_BASE64, "Zm 9" },
		{ ENCODE_BASE64, "-_8=" },
		{ ENCODE_BASE64, "Zm9v====" },
		{ ENCODE_BASE64, "=" },
		{ ENCODE_BASE64URL, "Zg==" },
		{ ENCODE_BASE64URL, "Zh" },
		{ ENCODE_BASE64URL, "Zm9vZ" },
		{ ENCODE_BASE64URL, "+/8" },
		{ ENCODE_BASE64URL, "Zm8=" },
		{ ENCODE_BASE64URL, "Zm9vZ\xffg" },
	};
	static const char *const hex[] = { "a", "0g", "g0", "0x12", "12 4", "1\n" };
	struct bytes out = BYTES_INIT;

	(void)state;
	bytes_append_text(&out, "kept");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;

		assert_int_equal(decode_base64(cases[i].alphabet, cases[i].text,
					       strlen(cases[i].text), "iv", &out, &e),
				 -1);
		assert_int_equal(e.kind, ERROR_INPUT);
		assert_memory_equal(e.text, "iv: ", 4);
		assert_string_equal(bytes_text(&out), "kept");
	}
	for (size_t i = 0; i < ARRAY_SIZE(hex); i++) {
		struct error e = ERROR_INIT;

		assert_int_equal(decode_hex(hex[i], strlen(hex[i]), "challenge", &out, &e), -1);
		assert_memory_equal(e.text, "challenge: ", 11);
		assert_string_equal(bytes_text(&out), "kept");
	}
	bytes_free(&out);
}

static void knows_the_digits_of_base_16(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char text[] = { (char)c, '\0' };
		bool digit = isxdigit(c) != 0;

		assert_int_equal(decode_hex_digit((char)c), digit ? strtoul(text, NULL, 16) : 16);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_vectors_of_rfc_4648),
		cmocka_unit_test(decodes_what_it_encodes),
		cmocka_unit_test(alphabets_differ_where_they_should),
		cmocka_unit_test(refuses_other_encodings),
		cmocka_unit_test(knows_the_digits_of_base_16),
	};

	return cmocka_run_group_tests_name("encode", tests, NULL, NULL);
}
