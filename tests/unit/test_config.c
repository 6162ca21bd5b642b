// SPDX-License-Identifier: Apache-2.0
#include "config_test.h"

#include <malloc.h>

static void every_key_is_read(void **state)
{
	(void)state;
	parses("# a comment\n"
	       "[kbs]\n"
	       "url = https://kbs.example:8443/\n"
	       "ca = /etc/realmkey/ca.pem\n"
	       "insecure = yes\n"
	       "source = device\n"
	       "timeout = 600\n"
	       "\n"
	       "; another\n"
	       "[secret db-password]\n"
	       "resource = kbs:///default/db/password\n"
	       "file = db/password\n"
	       "mode = 0440\n"
	       "owner = postgres\n"
	       "group = 117\n"
	       "required = no\n"
	       "[secret 2.key_B]\n"
	       "resource = default/db/key\n");
	assert_string_equal(config.url[0], "https://kbs.example:8443");
	assert_string_equal(config.ca[0], "/etc/realmkey/ca.pem");
	assert_true(config.insecure);
	assert_string_equal(config.source, "device");
	assert_int_equal(config.timeout, 600);
	assert_int_equal(config.place.line, 2);
	assert_int_equal(config.count, 2);
	assert_string_equal(config.secret[0].name, "db-password");
	assert_string_equal(config.secret[0].resource, "default/db/password");
	assert_string_equal(config.secret[0].file, "db/password");
	assert_int_equal(config.secret[0].mode, 0440);
	assert_string_equal(config.secret[0].owner, "postgres");
	assert_string_equal(config.secret[0].group, "117");
	assert_false(config.secret[0].required);
	assert_int_equal(config.secret[0].place.line, 10);
	assert_string_equal(config.secret[1].name, "2.key_B");
	assert_int_equal(config.secret[1].place.line, 17);
	assert_int_equal(config.url_place.line, 3);
	assert_int_equal(config.ca_place.line, 4);
	assert_int_equal(config.source_place.line, 6);
	assert_int_equal(config.secret[0].owner_place.line, 14);
	assert_int_equal(config.secret[0].group_place.line, 15);
	assert_int_equal(config.secret[1].owner_place.line, 0);
}

static void the_measure_section(void **state)
{
	static const struct fault faults[] = {
		{ KBS "[measure]\nregister = RIM\n",
		  "c:4: [measure] register: 'RIM' is not one of REM0, REM1, REM2, REM3" },
		{ KBS "[measure]\nregister = REM4\n",
		  "c:4: [measure] register: 'REM4' is not one of REM0, REM1, REM2, REM3" },
		{ KBS "[measure]\nregister = 4\n",
		  "c:4: [measure] register: '4' is not one of REM0, REM1, REM2, REM3" },
		{ KBS "[measure]\nregister = REM0 REM1\n",
		  "c:4: [measure] register: 'REM0 REM1' is not one of REM0, REM1, REM2, REM3" },
		{ KBS "[measure]\nregister =\n",
		  "c:4: [measure] register: '' is not one of REM0, REM1, REM2, REM3" },
		{ KBS "[measure]\nregister = REM0\nregister = REM0\n",
		  "c:5: [measure] register: given twice" },
		{ KBS "[measure]\nextend = 4\n", "c:4: [measure] extend: unknown key" },
		{ KBS "[measure]\n[measure]\n", "c:4: [measure]: already given in line 3" },
		{ KBS "[measure x]\n", "c:3: [measure x]: accepts no name" },
		{ "[measure]\nregister = REM0\n", "c:2: [kbs] url: missing" },
	};

	(void)state;
	for (unsigned int i = 1; i <= 4; i++) {
		char text[128];

		snprintf(text, sizeof(text), "[measure]\nregister = REM%u\n" KBS SECRET, i - 1);
		parses(text);
		assert_int_equal(config.measure_register, i);
		assert_int_equal(config.measure_place.line, 1);
		assert_int_equal(config.place.line, 3);
	}
	parses(KBS "[measure]\n" SECRET);
	assert_int_equal(config.measure_register, 0);
	parses(KBS SECRET);
	assert_int_equal(config.measure_register, 0);
	REFUSES_EACH(faults);
}

/* The section of version 0.1.0 has its meaning, with a warning that names the new one. */
static void the_old_log_section(void **state)
{
	static const struct fault faults[] = {
		{ KBS SECRET "[log]\nextend = 5\n",
		  "c:6: [log] extend: '5' is not a number from 1 to 4" },
		{ KBS SECRET "[log]\nextend = 0\n",
		  "c:6: [log] extend: '0' is not a number from 1 to 4" },
		{ KBS SECRET "[measure]\nregister = REM3\n[log]\nextend = 4\n",
		  "c:8: [log] extend: already given in line 6" },
		{ KBS SECRET "[log]\nextend = 4\n[measure]\nregister = REM3\n",
		  "c:8: [measure] register: already given in line 6" },
	};

	(void)state;
	parses(KBS "[log]\nextend = 4\n" SECRET);
	assert_int_equal(config.measure_register, 4);
	assert_string_equal(bytes_text(&reported),
			    "W c:4: [log] extend: write [measure] register = REM3 instead\n");
	parses(KBS "[log]\nextend = 1\n" SECRET);
	assert_int_equal(config.measure_register, 1);
	assert_string_equal(bytes_text(&reported),
			    "W c:4: [log] extend: write [measure] register = REM0 instead\n");
	REFUSES_EACH(faults);
}

static void the_old_source(void **state)
{
	(void)state;
	parses(KBS "source = netlink\n" SECRET);
	assert_null(config.source);
	assert_string_equal(bytes_text(&reported),
			    "W c:3: [kbs] source: 'netlink' is ignored: realmkeyd reads the realm "
			    "through its device; remove the line\n");
}

static void absent_keys_have_defaults(void **state)
{
	(void)state;
	parses(KBS SECRET);
	assert_int_equal(config.cas, 0);
	assert_null(config.ca[0]);
	assert_false(config.insecure);
	assert_null(config.source);
	assert_int_equal(config.timeout, 60);
	assert_int_equal(config.count, 1);
	assert_string_equal(config.secret[0].file, "a");
	assert_int_equal(config.secret[0].mode, 0400);
	assert_null(config.secret[0].owner);
	assert_null(config.secret[0].group);
	assert_true(config.secret[0].required);
}

/* The same text as other editors, systems and people may write it. */
static void forms_of_the_same_text(void **state)
{
	static const char *const texts[] = {
		"[kbs]\r\nurl = https://kbs:8080\r\n[secret a]\r\nresource = r/t/a\r\nfile = f\r\n",
		"\xef\xbb\xbf[kbs]\nurl = https://kbs:8080\n"
		"[secret a]\nresource = r/t/a\nfile = f\n",
		"[secret a]\nfile=f\nresource=r/t/a\n[kbs]\nurl=https://kbs:8080",
		"\n\n  [ kbs ]  # the KBS\n\turl\t=\thttps://kbs:8080\t; why\n"
		"[secret \t a ]\n  resource = r/t/a\n  file = f   ",
		"[kbs]\nurl: https://kbs:8080\n"
		"[secret a] ; the only one\nresource: r/t/a\nfile: f\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		parses(texts[i]);
		assert_string_equal(config.url[0], "https://kbs:8080");
		assert_int_equal(config.count, 1);
		assert_string_equal(config.secret[0].name, "a");
		assert_string_equal(config.secret[0].resource, "r/t/a");
		assert_string_equal(config.secret[0].file, "f");
	}
}

static void words_for_yes_and_no(void **state)
{
	static const char *const yes[] = { "yes", "true", "on", "1", "YES", "True" };
	static const char *const no[] = { "no", "false", "off", "0", "No", "OFF" };
	char text[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		snprintf(text, sizeof(text), "[kbs]\nurl = http://kbs\ninsecure = %s\n" SECRET,
			 yes[i]);
		parses(text);
		assert_true(config.insecure);
		snprintf(text, sizeof(text), KBS SECRET "required = %s\n", no[i]);
		parses(text);
		assert_false(config.secret[0].required);
	}
	refuses(KBS SECRET "required = maybe\n",
		"c:5: [secret a] required: 'maybe' is neither yes nor no");
	refuses(KBS "insecure =\n", "c:3: [kbs] insecure: '' is neither yes nor no");
}

static void the_kbs(void **state)
{
	static const struct fault faults[] = {
		{ "", "c:1: [kbs] url: missing" },
		{ "# nothing\n\n", "c:2: [kbs] url: missing" },
		{ SECRET, "c:2: [kbs] url: missing" },
		{ "[kbs]\n", "c:1: [kbs] url: missing" },
		{ "[kbs]\nca = /ca\n" SECRET, "c:4: [kbs] url: missing" },
		{ "[kbs]\nurl =\n", "c:2: [kbs] url: is empty" },
		{ "[kbs]\nurl = http://kbs\n", HTTP_REFUSED(2) },
		{ "[kbs]\ninsecure = no\n\nurl = http://kbs\n" SECRET, HTTP_REFUSED(4) },
		{ "[kbs]\nurl = kbs:8080\n",
		  "c:2: [kbs] url: URL: begins with neither https:// nor http:// (nor vsock://, vsock+https://, unix:/ or unix+https://)" },
		{ "[kbs]\nurl = https://kbs/kbs/v0\n",
		  "c:2: [kbs] url: URL: '/kbs/v0' follows host and port, and only scheme, host and "
		  "port are allowed" },
		{ KBS "ca = ca.pem\n", "c:3: [kbs] ca: 'ca.pem' is not an absolute path" },
		{ KBS "ca =\n", "c:3: [kbs] ca: '' is not an absolute path" },
		{ KBS "source = tpm\n",
		  "c:3: [kbs] source: unknown source 'tpm' (known: device, netlink)" },
		{ KBS "timeout = 0\n", "c:3: [kbs] timeout: '0' is not a time from 1s to 10m" },
		{ KBS "timeout = 601\n", "c:3: [kbs] timeout: '601' is not a time from 1s to 10m" },
		{ KBS "timeout = -1\n", "c:3: [kbs] timeout: '-1' is not a time from 1s to 10m" },
		{ KBS "timeout = 4294967297\n",
		  "c:3: [kbs] timeout: '4294967297' is not a time from 1s to 10m" },
		{ KBS "timeout = 1h\n", "c:3: [kbs] timeout: '1h' is not a time from 1s to 10m" },
	};

	(void)state;
	REFUSES_EACH(faults);
}

static void a_configuration_without_a_secret(void **state)
{
	static const struct fault faults[] = {
		{ KBS, "c:2: no section [secret NAME], so there is nothing to get" },
		{ "[measure]\nregister = REM0\n" KBS "# none\n",
		  "c:5: no section [secret NAME], so there is nothing to get" },
	};

	(void)state;
	REFUSES_EACH(faults);
}

static void the_resource_and_the_file(void **state)
{
	static const struct fault faults[] = {
		{ KBS "[secret a]\nfile = a\n\n[secret b]\nresource = r/t/b\n",
		  "c:3: [secret a] resource: missing" },
		{ KBS "[secret a]", "c:3: [secret a] resource: missing" },
		{ KBS "[secret a]\nresource = r/t\n",
		  "c:4: [secret a] resource: resource 'r/t': not repository/type/tag" },
		{ KBS "[secret a]\nresource =\n",
		  "c:4: [secret a] resource: resource: repository is empty" },
		{ KBS SECRET "file = /etc/passwd\n",
		  "c:5: [secret a] file: '/etc/passwd' must be relative to the keyring" },
		{ KBS SECRET "file = ../x\n",
		  "c:5: [secret a] file: '../x' has a component that begins with '.'" },
		{ KBS SECRET "file = x/../../y\n",
		  "c:5: [secret a] file: 'x/../../y' has a component that begins with '.'" },
		{ KBS SECRET "file = .new\n",
		  "c:5: [secret a] file: '.new' has a component that begins with '.'" },
		{ KBS SECRET "file = x//y\n",
		  "c:5: [secret a] file: 'x//y' has an empty component" },
		{ KBS SECRET "file = x/\n", "c:5: [secret a] file: 'x/' has an empty component" },
		{ KBS "[secret .a]\nresource = r/t/a\n",
		  "c:3: [secret .a] file: missing, and the name '.a' has a component that begins "
		  "with '.'" },
	};

	(void)state;
	REFUSES_EACH(faults);
}

static void mode_and_owner(void **state)
{
	static const char *const modes[] = { "99", "0o400", "1777", "4755",  "r--",
					     "-1", "0400x", "",	    "01000", "0000000400" };
	char text[128], reason[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		snprintf(text, sizeof(text), KBS SECRET "mode = %s\n", modes[i]);
		snprintf(reason, sizeof(reason),
			 "c:5: [secret a] mode: '%s' is not an octal mode "
			 "from 0 to 0777",
			 modes[i]);
		refuses(text, reason);
	}
	parses(KBS SECRET "mode = 777\n");
	assert_int_equal(config.secret[0].mode, 0777);
	parses(KBS SECRET "mode = 0\n");
	assert_int_equal(config.secret[0].mode, 0);
	refuses(KBS SECRET "owner =\n", "c:5: [secret a] owner: is empty");
	refuses(KBS SECRET "group = ; nobody\n", "c:5: [secret a] group: is empty");
}

static void sections_and_keys(void **state)
{
	static const struct fault faults[] = {
		{ "[kb]\n", "c:1: [kb]: unknown section" },
		{ KBS "\n[Secret a]\n", "c:4: [Secret a]: unknown section" },
		{ KBS "[secrets]\n", "c:3: [secrets]: unknown section" },
		{ KBS "[kbs]\n", "c:3: [kbs]: already given in line 1" },
		{ "[kbs main]\n", "c:1: [kbs main]: accepts no name" },
		{ KBS "[secret]\n", "c:3: [secret]: requires a name: [secret NAME]" },
		{ KBS "[secret  ]\n", "c:3: [secret]: requires a name: [secret NAME]" },
		{ KBS "[secret a b]\n",
		  "c:3: [secret a b]: a name consists of letters, digits, '_', '.' and '-'" },
		{ KBS "[secret a/b]\n",
		  "c:3: [secret a/b]: a name consists of letters, digits, '_', '.' and '-'" },
		{ KBS SECRET SECRET, "c:5: [secret a]: already given in line 3" },
		{ KBS "[]\n", "c:3: a section's name has 1 to 48 characters" },
		{ KBS "[secret a23456789012345678901234567890123456789012]\n",
		  "c:3: a section's name has 1 to 48 characters" },
		{ KBS "[secret a\nresource = r/t/a\n", "c:3: '[' without ']'" },
		{ KBS "[secret a] resource = r/t/a\n", "c:3: text after ']'" },
		{ "url = https://kbs\n[kbs]\n", "c:1: 'url' is before the first section" },
		{ KBS "colour = blue\n", "c:3: [kbs] colour: unknown key" },
		{ KBS "URL = https://kbs\n", "c:3: [kbs] URL: unknown key" },
		{ KBS SECRET "url = https://kbs\n", "c:5: [secret a] url: unknown key" },
		{ KBS "url = https://kbs\n", "c:3: [kbs] url: given twice" },
		{ KBS SECRET "resource = r/t/b\n", "c:5: [secret a] resource: given twice" },
		{ KBS "= x\n", "c:3: [kbs]: no key before '='" },
		{ KBS "insecure\n", "c:3: neither 'key = value' nor '[section]'" },
		{ KBS "insecure\n[kb]\n", "c:3: neither 'key = value' nor '[section]'" },
		{ KBS "[kb]\ninsecure\n", "c:3: [kb]: unknown section" },
	};

	(void)state;
	REFUSES_EACH(faults);
	parses(KBS "[secret a2345678901234567890123456789012345678901]\nresource = r/t/a\n");
}

static void two_secrets_in_one_place(void **state)
{
	static const struct fault faults[] = {
		{ KBS SECRET "[secret b]\nresource = r/t/b\nfile = a\n",
		  "c:5: [secret b] file: 'a' clashes with 'a' of [secret a]" },
		{ KBS SECRET "[secret b]\nresource = r/t/b\nfile = a/b\n",
		  "c:5: [secret b] file: 'a/b' clashes with 'a' of [secret a]" },
		{ KBS SECRET "file = x/y/z\n[secret b]\nresource = r/t/b\nfile = x/y\n",
		  "c:6: [secret b] file: 'x/y' clashes with 'x/y/z' of [secret a]" },
	};

	(void)state;
	REFUSES_EACH(faults);
	parses(KBS SECRET "[secret b]\nresource = r/t/a\nfile = ab\n"
			  "[secret c]\nresource = r/t/a\nfile = d/a\n"
			  "[secret d]\nresource = r/t/a\nfile = d/b\n");
	assert_int_equal(config.count, 4);
}

static void control_characters(void **state)
{
	static const struct fault faults[] = {
		{ KBS "ca = /a\033[1m\n", "c:3: [kbs]: a control character" },
		{ KBS SECRET "file = a\rb\n", "c:5: [secret a]: a control character" },
		{ KBS SECRET "file = a\177\n", "c:5: [secret a]: a control character" },
		{ "[kbs\001]\n", "c:1: a control character" },
		{ KBS SECRET "file = a\tb\n", "c:5: [secret a] file: 'a?b' contains a tab" },
		{ KBS SECRET "owner = no\xff"
			     "body\ngroup = \n",
		  "c:6: [secret a] group: is empty" },
	};
	static const char nul[] = KBS "ca = /a\0b\n";

	(void)state;
	REFUSES_EACH(faults);
	refuses_bytes(nul, sizeof(nul) - 1, "c:3: [kbs]: a control character");
	parses(KBS "# \033[1m in a comment\n" SECRET);
}

/* A comment may have any length. */
static void long_lines(void **state)
{
	struct bytes text = BYTES_INIT;

	(void)state;
	bytes_printf(&text, KBS SECRET "owner = %04088d\n", 1);
	parses(bytes_text(&text));
	assert_int_equal(strlen(config.secret[0].owner), 4088);
	bytes_clear(&text);
	bytes_printf(&text, KBS SECRET "owner = %04089d\n", 1);
	refuses(bytes_text(&text), "c:5: [secret a]: longer than 4096 characters");
	bytes_clear(&text);
	bytes_printf(&text, KBS "# %0900d\n" SECRET "\t;%0900d", 1, 2);
	parses(bytes_text(&text));
	assert_int_equal(config.count, 1);
	bytes_free(&text);
}

/* Parses a configuration that a comment pads to @len bytes. */
static int parse_padded(size_t len)
{
	struct bytes text = BYTES_INIT;
	size_t begin;
	int ret;

	bytes_append_text(&text, KBS SECRET "#");
	begin = text.len;
	assert_int_equal(bytes_resize(&text, len, &error), 0);
	memset(text.data + begin, ' ', len - begin);
	ret = parse_bytes(text.data, text.len);
	bytes_free(&text);
	return ret;
}

static void the_largest_file(void **state)
{
	(void)state;
	assert_int_equal(parse_padded(CONFIG_FILE_MAX), 0);
	assert_int_equal(parse_padded(CONFIG_FILE_MAX + 1), -1);
	assert_string_equal(error.text, "c:1: the file is over 256 KiB");
	assert_int_equal(error.kind, ERROR_CONFIG);
}

static void append_secrets(struct bytes *text, int count)
{
	for (int i = 0; i < count; i++)
		bytes_printf(text, "[secret s%d]\nresource = r/t/s\n", i);
}

static void the_maximum_of_secrets(void **state)
{
	struct bytes text = BYTES_INIT;

	(void)state;
	bytes_append_text(&text, KBS);
	append_secrets(&text, CONFIG_SECRETS_MAX);
	parses(bytes_text(&text));
	assert_int_equal(config.count, 256);
	assert_string_equal(config.secret[255].file, "s255");
	bytes_append_text(&text, "[secret one-more]\n");
	refuses(bytes_text(&text), "c:515: [secret one-more]: more than 256 secrets");
	bytes_free(&text);
}

/* With AddressSanitizer this function exists; its allocator does not support mallinfo2(). */
__attribute__((weak)) size_t __sanitizer_get_current_allocated_bytes(void);

static size_t allocated(void)
{
	if (__sanitizer_get_current_allocated_bytes)
		return __sanitizer_get_current_allocated_bytes();
	return mallinfo2().uordblks;
}

static void memory_is_bounded_by_the_text(void **state)
{
	struct bytes text = BYTES_INIT;
	size_t before;

	(void)state;
	bytes_append_text(&text, KBS);
	append_secrets(&text, CONFIG_SECRETS_MAX);
	config_free(&config);
	before = allocated();
	parses(bytes_text(&text));
	assert_true(allocated() > before + text.len / 4);
	assert_true(allocated() < before + 32 * text.len);
	bytes_free(&text);
}

static void freeing_twice_is_safe(void **state)
{
	(void)state;
	parses(KBS SECRET);
	config_free(&config);
	config_free(&config);
	assert_null(config.secret);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_is_read),
		cmocka_unit_test(the_measure_section),
		cmocka_unit_test(the_old_log_section),
		cmocka_unit_test(the_old_source),
		cmocka_unit_test(absent_keys_have_defaults),
		cmocka_unit_test(forms_of_the_same_text),
		cmocka_unit_test(words_for_yes_and_no),
		cmocka_unit_test(the_kbs),
		cmocka_unit_test(a_configuration_without_a_secret),
		cmocka_unit_test(the_resource_and_the_file),
		cmocka_unit_test(mode_and_owner),
		cmocka_unit_test(sections_and_keys),
		cmocka_unit_test(two_secrets_in_one_place),
		cmocka_unit_test(control_characters),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(the_largest_file),
		cmocka_unit_test(the_maximum_of_secrets),
		cmocka_unit_test(memory_is_bounded_by_the_text),
		cmocka_unit_test(freeing_twice_is_safe),
	};

	return cmocka_run_group_tests(tests, NULL, config_release);
}
