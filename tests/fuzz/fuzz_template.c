// SPDX-License-Identifier: Apache-2.0
/* The input is a template up to a NUL, a JSON pointer up to a NUL, and the value of the two secrets a and b: a template that
 * is accepted makes a file, or an error that names the secret; and the pointer leads to what it leads to in the tree that
 * jansson builds. */
#include "fuzz.h"

#include <jansson.h>

#include "template/pointer.h"
#include "template/template.h"

static int find(void *context, const char *name, size_t len)
{
	(void)context;
	return len == 1 && (*name == 'a' || *name == 'b') ? *name - 'a' : -1;
}

static const struct bytes *value(void *context, int number)
{
	must(number == 0 || number == 1);
	return context;
}

static void check_template(struct part text, struct part secret)
{
	struct bytes input = BYTES_INIT, out = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct template t;
	int ret = template_parse(&t, text.data, text.size, find, NULL, &e);

	must_explain(ret, &e);
	if (ret < 0) {
		must(e.kind == ERROR_INPUT && !t.part && !t.count && !t.text.data);
		return;
	}
	must(template_uses(&t, 0) || template_uses(&t, 1));
	bytes_append_text(&out, "before");
	bytes_append(&input, secret.data, secret.size);
	ret = template_render(&t, value, &input, &out, &e);
	must_explain(ret, &e);
	must(out.len >= 6 && out.len <= TEMPLATE_OUTPUT_MAX + 6 && !memcmp(out.data, "before", 6));
	if (ret < 0)
		must(e.kind == ERROR_INPUT && out.len == 6 &&
		     (!strncmp(e.text, "secret a: ", 10) || !strncmp(e.text, "secret b: ", 10)));
	template_free(&t);
	bytes_free(&input);
	bytes_free(&out);
}

/* The same by jansson. Returns a borrowed reference, or NULL. */
static const json_t *by_tree(const json_t *tree, struct part pointer)
{
	const char *at = (const char *)pointer.data, *end = at + pointer.size;

	while (tree && at < end) {
		char name[4096], canonical[24];
		size_t len = 0;

		for (at++; at < end && *at != '/'; at++) {
			if (len == sizeof(name) - 1)
				return NULL;
			name[len++] = (char)(*at != '~' ? *at : *++at == '0' ? '~' : '/');
		}
		name[len] = '\0';
		snprintf(canonical, sizeof(canonical), "%lu", strtoul(name, NULL, 10));
		if (json_is_array(tree))
			tree = strcmp(canonical, name) ?
				       NULL :
				       json_array_get(tree, strtoul(name, NULL, 10));
		else
			tree = json_object_getn(tree, name, len);
	}
	return tree;
}

static void check_pointer(struct part pointer, struct part json)
{
	const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
	struct bytes out = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_error_t cause;
	const json_t *node;
	json_t *tree, *again;
	int ret;

	if (pointer.size > 4000 || !pointer_valid((const char *)pointer.data, pointer.size))
		return;
	ret = pointer_find(json.data, json.size, (const char *)pointer.data, pointer.size, &out,
			   &e);
	must_explain(ret, &e);
	must(ret == 0 || out.len == 0);
	tree = json_loadb(json.size ? (const char *)json.data : "", json.size,
			  flags | JSON_REJECT_DUPLICATES, &cause);
	node = by_tree(tree, pointer);
	if (tree && ret < 0)
		must(!node || strstr(e.text, "nested deeper"));
	if (ret == 0 && !tree)
		must(json_error_code(&cause) == json_error_duplicate_key ||
		     json_error_code(&cause) == json_error_numeric_overflow ||
		     json_error_code(&cause) == json_error_null_byte_in_key);
	if (ret == 0 && tree) {
		must(node != NULL);
		if (json_is_string(node)) {
			must(bytes_equal(out.data, out.len, json_string_value(node),
					 json_string_length(node)));
		} else {
			again = json_loadb(bytes_text(&out), out.len, flags, &cause);
			must(json_equal(again, node));
			json_decref(again);
		}
	}
	json_decref(tree);
	bytes_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct part input = { data, size };
	const struct part text = part_until(&input, 0), pointer = part_until(&input, 0);

	check_template(text, input);
	check_pointer(pointer, input);
	return 0;
}
