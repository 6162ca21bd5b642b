// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "template/template.h"

/* The secrets of these tests. */
static const struct {
	const char *name, *value;
	size_t len; /* 0: that of the text */
} secrets[] = {
	{ "db", "pass'word\n", 0 },
	{ "app.json", "{\"user\":\"ann\",\"deep\":{\"a/b\":[1,{\"~\":\"x\"}, null]},\"\":3.50}",
	  0 },
	{ "binary", "\x00\xff\x10", 3 },
	{ "away", NULL, 0 },
	{ "none", "", 0 },
	{ "quoted", "\"\\\n\x01/\xc3\xa9", 0 },
};

static int find(void *context, const char *name, size_t len)
{
	(void)context;
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		if (strlen(secrets[i].name) == len && !memcmp(secrets[i].name, name, len))
			return (int)i;
	}
	return -1;
}

static const struct bytes *value(void *context, int number)
{
	struct bytes *b = context;

	if (!secrets[number].value)
		return NULL;
	bytes_set(b, secrets[number].value,
		  secrets[number].len ? secrets[number].len : strlen(secrets[number].value));
	return b;
}

/* Render the template @text, and append to @out. */
static int render(const char *text, struct bytes *out, struct error *e)
{
	struct bytes buffer = BYTES_INIT;
	struct template t;
	int ret = template_parse(&t, text, strlen(text), find, NULL, e);

	if (ret == 0)
		ret = template_render(&t, value, &buffer, out, e);
	template_free(&t);
	bytes_free(&buffer);
	return ret;
}

static void renders(const char *text, const char *expected, size_t len)
{
	struct bytes out = BYTES_LOCKED_INIT;
	struct error e = ERROR_INIT;

	bytes_append_text(&out, "before ");
	if (render(text, &out, &e) < 0)
		fail_msg("%s: %s", text, e.text);
	assert_int_equal(out.len, len + 7);
	assert_memory_equal(out.data, "before ", 7);
	if (len > 0)
		assert_memory_equal(out.data + 7, expected, len);
	bytes_free(&out);
}

static void test_render(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "{{db}}", "pass'word\n" },
		{ "a {{ db }} b\n{{\tdb\t}}", "a pass'word\n b\npass'word\n" },
		{ "{ {{ db|trim }} }}", "{ pass'word }}" },
		{ "x='{{ db | trim | base64 }}'\n", "x='cGFzcyd3b3Jk'\n" },
		{ "{{ binary | base64 }} {{ binary | base64url }} {{ binary | hex }}",
		  "AP8Q AP8Q 00ff10" },
		{ "{{ binary | hex | base64url }}", "MDBmZjEw" },
		{ "{{ db | shell }}", "'pass'\\''word\n'" },
		{ "{{ db | uri }}{{ binary | uri }}", "pass%27word%0A%00%FF%10" },
		{ "{{ quoted | json }}", "\"\\\"\\\\\\n\\u0001/\xc3\xa9\"" },
		{ "{{ db | json | shell }}", "'\"pass'\\''word\\n\"'" },
		{ "{\"user\":{\"name\":{{ app.json:/user | json }}}}",
		  "{\"user\":{\"name\":\"ann\"}}" },
		{ "{{ app.json:/user }} {{app.json :/deep/a~1b/1/~0}} {{ app.json:/ }}",
		  "ann x 3.50" },
		{ "{{ app.json:/deep/a~1b/2 }} {{ app.json:/deep }}",
		  "null {\"a/b\":[1,{\"~\":\"x\"}, null]}" },
		{ "{{ \"{{\" }} NAME }} {{none}}", "{{ NAME }} " },
		{ "{{ none | json }}{{ none | shell }}{{ none | base64 }}{{ none | trim }}",
		  "\"\"''" },
		{ "\xc3\xa9 { } {{none}} }", "\xc3\xa9 { }  }" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		renders(cases[i].text, cases[i].expected, strlen(cases[i].expected));
	renders("{{ binary }}", "\x00\xff\x10", 3);
	renders("{{ none }}", "", 0);
}

static void test_parse_errors(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "",
		  "line 1, column 1: a template without a secret: {{ NAME }} is the secret NAME" },
		{ "{{ \"{{\" }}",
		  "line 1, column 1: a template without a secret: {{ NAME }} is the secret NAME" },
		{ "a\n\xc3\xa9 {{ dbx }}", "line 2, column 6: no secret is called dbx" },
		{ "{{{ db }}", "line 1, column 3: no secret is called { db" },
		{ "{{ \x1b }}", "line 1, column 4: no secret is called ?" },
		{ "{{ }}", "line 1, column 4: the name of a secret is missing" },
		{ "{{ :/a }}", "line 1, column 4: the name of a secret is missing" },
		{ "{{ | hex }}", "line 1, column 4: the name of a secret is missing" },
		{ "{{ db | rot13 }}",
		  "line 1, column 9: no encoding is called \"rot13\"; there are base64, base64url, "
		  "hex, json, shell, uri and trim" },
		{ "{{ db | }}",
		  "line 1, column 8: no encoding is called \"\"; there are base64, base64url, hex, "
		  "json, shell, uri and trim" },
		{ "{{ db | hex base64 }}",
		  "line 1, column 9: no encoding is called \"hex base64\"; there are base64, "
		  "base64url, hex, json, shell, uri and trim" },
		{ "{{db|hex|hex|hex|hex|hex}}",
		  "line 1, column 22: more than 4 encodings in a row" },
		{ "{{ db:a }}", "line 1, column 7: a JSON pointer begins with /, and has ~0 for ~, "
				"and ~1 for / in a name" },
		{ "{{ db: }}", "line 1, column 7: a JSON pointer begins with /, and has ~0 for ~, "
			       "and ~1 for / in a name" },
		{ "{{ db:/~ }}", "line 1, column 7: a JSON pointer begins with /, and has ~0 for "
				 "~, and ~1 for / in a name" },
		{ "{{ db:/~2 }}", "line 1, column 7: a JSON pointer begins with /, and has ~0 for "
				  "~, and ~1 for / in a name" },
		{ "{{db}}\n{{ db\n}}", "line 2, column 1: braces that do not end in this line; {{ "
				       "\"{{\" }} is two braces" },
		{ "{{db}} {{ db }", "line 1, column 8: braces that do not end in this line; {{ "
				    "\"{{\" }} is two braces" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;
		struct template t;

		assert_int_equal(template_parse(&t, cases[i].text, strlen(cases[i].text), find,
						NULL, &e),
				 -1);
		assert_string_equal(e.text, cases[i].error);
		assert_int_equal(e.kind, ERROR_INPUT);
		assert_null(t.part);
		assert_null(t.text.data);
		assert_int_equal(t.count, 0);
	}
}

static void test_render_errors(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "{{ away }}", "secret away: not there yet" },
		{ "{{ db:/a }}", "secret db: not JSON, or nested deeper than 64 levels" },
		{ "{{ none:/a }}", "secret none: not JSON, or nested deeper than 64 levels" },
		{ "{{ app.json:/User }}", "secret app.json: no member /User" },
		{ "{{ app.json:/user/0 }}", "secret app.json: no member /user/0" },
		{ "{{ app.json:/deep/a~1b/01 }}", "secret app.json: no member /deep/a~1b/01" },
		{ "{{ app.json:/deep/a~1b/- }}", "secret app.json: no member /deep/a~1b/-" },
		{ "{{ app.json:/deep/a/b }}", "secret app.json: no member /deep/a/b" },
		{ "{{ binary | json }}", "secret binary: not UTF-8, which a JSON string must be" },
		{ "{{ binary | shell }}",
		  "secret binary: contains a NUL, which a shell does not allow" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytes out = BYTES_LOCKED_INIT;
		struct error e = ERROR_INIT;
		char text[128];

		bytes_append_text(&out, "before");
		snprintf(text, sizeof(text), "{{ db }}%s", cases[i].text);
		assert_int_equal(render(text, &out, &e), -1);
		assert_string_equal(e.text, cases[i].error);
		assert_int_equal(e.kind, ERROR_INPUT);
		assert_string_equal(bytes_text(&out), "before");
		bytes_free(&out);
	}
}

static int find_any(void *context, const char *name, size_t len)
{
	(void)context;
	(void)name;
	(void)len;
	return 7;
}

static const struct bytes *large(void *context, int number)
{
	assert_int_equal(number, 7);
	return context;
}

/* Render @count times @tag with a value of @len bytes '"'. */
static int render_large(const char *tag, size_t count, size_t len, struct error *e)
{
	struct bytes text = BYTES_INIT, out = BYTES_LOCKED_INIT, input = BYTES_LOCKED_INIT;
	struct template t;
	int ret;

	bytes_lock_optional(true);
	for (size_t i = 0; i < count; i++)
		bytes_append_text(&text, tag);
	assert_int_equal(bytes_resize(&input, len, e), 0);
	memset(input.data, '"', len);
	ret = template_parse(&t, text.data, text.len, find_any, NULL, e);
	if (ret == 0) {
		assert_true(template_uses(&t, 7));
		assert_false(template_uses(&t, 6));
		assert_false(template_uses(&t, -1));
		ret = template_render(&t, large, &input, &out, e);
		assert_int_equal(out.len > 0, ret == 0);
	}
	template_free(&t);
	bytes_free(&text);
	bytes_free(&out);
	bytes_free(&input);
	return ret;
}

static void test_limits(void **state)
{
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct template t;

	(void)state;
	assert_int_equal(render_large("{{ a }}", TEMPLATE_PARTS_MAX, 1024, &e), 0);
	assert_int_equal(render_large("{{ a }}", TEMPLATE_PARTS_MAX + 1, 1, &e), -1);
	assert_string_equal(e.text, "line 1, column 7172: more than 1024 parts");
	assert_int_equal(render_large("{{ a }}", TEMPLATE_PARTS_MAX, 1025, &e), -1);
	assert_string_equal(e.text, "a file of more than 1048576 bytes");
	assert_int_equal(render_large("{{ a }}", 1, TEMPLATE_OUTPUT_MAX, &e), 0);
	assert_int_equal(render_large("{{ a }}", 1, TEMPLATE_OUTPUT_MAX + 1, &e), -1);
	assert_string_equal(e.text, "secret a: more than 1048576 bytes");
	assert_int_equal(render_large("{{ a | json | json | json | json }}", 1, 1 << 20, &e), -1);
	assert_string_equal(e.text, "secret a: more than 1048576 bytes");
	assert_int_equal(render_large("{{ a | hex | hex | hex }}", 1, 1 << 20, &e), -1);
	assert_string_equal(e.text, "secret a: more than 1048576 bytes");
	assert_int_equal(render_large("{{ a:/x }}", 1, 100, &e), -1);
	assert_int_equal(bytes_resize(&text, TEMPLATE_MAX + 1, &e), 0);
	assert_int_equal(template_parse(&t, text.data, text.len, find, NULL, &e), -1);
	assert_string_equal(e.text, "a template of more than 65536 bytes");
	bytes_free(&text);
}

/* A large document of which a template takes a small member many times. */
static void test_work(void **state)
{
	struct bytes text = BYTES_INIT, out = BYTES_LOCKED_INIT, input = BYTES_LOCKED_INIT;
	struct error e = ERROR_INIT;
	struct template t;

	(void)state;
	bytes_lock_optional(true);
	bytes_append_text(&input, "{\"a\":1,\"b\":\"");
	assert_int_equal(bytes_resize(&input, (1 << 20) - 2, &e), 0);
	memset(input.data + 12, 'x', input.len - 12);
	bytes_append_text(&input, "\"}");
	assert_int_equal(input.len, 1 << 20);
	for (size_t i = 0; i < 64; i++)
		bytes_append_text(&text, "{{ s:/a }}");
	assert_int_equal(template_parse(&t, text.data, text.len, find_any, NULL, &e), 0);
	assert_int_equal(template_render(&t, large, &input, &out, &e), 0);
	assert_int_equal(out.len, 64);
	template_free(&t);
	bytes_append_text(&text, "{{ s:/a }}");
	assert_int_equal(template_parse(&t, text.data, text.len, find_any, NULL, &e), 0);
	assert_int_equal(template_render(&t, large, &input, &out, &e), -1);
	assert_string_equal(e.text, "secret s: too large to be in a template so often");
	assert_int_equal(out.len, 64);
	template_free(&t);
	bytes_free(&text);
	bytes_free(&out);
	bytes_free(&input);
}

/* How often @text, with one added to each of its bytes, is in the memory that this process may write. */
static size_t memory_count(const char *text, size_t len)
{
	const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end;
	size_t count = 0;
	char line[512], mode[8];

	assert_true(memory >= 0 && maps);
	while (fgets(line, sizeof(line), maps)) {
		/* Not stdio's buffers: mmap() is in other pages than what is looked at. */
		uint8_t *copy;
		ssize_t n;

		if (sscanf(line, "%lx-%lx %7s", &start, &end, mode) != 3 || mode[1] != 'w' ||
		    end - start > 64UL << 20)
			continue;
		copy = mmap(NULL, end - start, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
		assert_ptr_not_equal(copy, MAP_FAILED);
		n = pread(memory, copy, end - start, (off_t)start);
		for (ssize_t i = 0; i + (ssize_t)len <= n; i++) {
			size_t same = 0;

			while (same < len && copy[i + (ssize_t)same] + 1 == text[same])
				same++;
			count += same == len;
		}
		munmap(copy, end - start);
	}
	fclose(maps);
	close(memory);
	return count;
}

/* After a file was made and freed, nothing of the secret is in memory: neither as it was, nor decoded, nor encoded. */
static void test_memory(void **state)
{
	/* One is added to each byte, so that the texts themselves are nowhere else in this program. */
	static const char plain[] = "txbmmpx.bu.oppo", encoded[] = "d4eicHywez2ieD2vc3:v";
	static const char escaped[] = "txbmmpx]v113ebu.oppo";
	struct bytes input = BYTES_LOCKED_INIT, out = BYTES_LOCKED_INIT;
	struct error e = ERROR_INIT;
	struct template t;

	(void)state;
	bytes_lock_optional(true);
	for (size_t round = 0; round < 2; round++) {
		const char *text =
			round ? "{{ s:/none }}" :
				"{{ s:/a }} {{ s:/a | base64 | json }} {{ s:/a | shell }}";

		bytes_append_text(&input, "{\"a\":\"");
		for (size_t i = 0; i < sizeof(escaped) - 1; i++)
			bytes_append(&input, &(char){ (char)(escaped[i] - 1) }, 1);
		bytes_append_text(&input, "\"}");
		assert_int_equal(template_parse(&t, text, strlen(text), find_any, NULL, &e), 0);
		assert_int_equal(template_render(&t, large, &input, &out, &e), round ? -1 : 0);
		assert_true(memory_count(escaped, sizeof(escaped) - 1) > 0);
		assert_int_equal(memory_count(plain, sizeof(plain) - 1) > 0, !round);
		assert_int_equal(memory_count(encoded, sizeof(encoded) - 1) > 0, !round);
		template_free(&t);
		bytes_free(&input);
		bytes_free(&out);
		assert_int_equal(memory_count(escaped, sizeof(escaped) - 1), 0);
		assert_int_equal(memory_count(plain, sizeof(plain) - 1), 0);
		assert_int_equal(memory_count(encoded, sizeof(encoded) - 1), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_render),	      cmocka_unit_test(test_parse_errors),
		cmocka_unit_test(test_render_errors), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_work),	      cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
