// SPDX-License-Identifier: Apache-2.0
/* The keys for the network, for refreshing and for the keyring; several files; several errors. */
#include "config_test.h"

static void several_urls(void **state)
{
	static const struct fault faults[] = {
		{ "[kbs]\nurl = https://a b https://c\n" SECRET,
		  "c:2: [kbs] url: 'b': URL: begins with neither https:// nor http:// (nor vsock://, "
		  "vsock+https://, unix:/ or unix+https://)" },
		{ "[kbs]\nurl = https://a https://b https://A/ https://a/\n" SECRET,
		  "c:2: [kbs] url: 'https://a' is given twice" },
		{ "[kbs]\nurl = 1 2 3 4 5 6 7 8 9\n" SECRET,
		  "c:2: [kbs] url: has more than 8 words" },
		{ "[kbs]\nurl = https://a https://b https://c\nca = /a /b\n" SECRET,
		  "c:3: [kbs] ca: 2 files for 3 URLs: either one for all of them or one for each" },
		{ KBS "ca = /a b\n" SECRET, "c:3: [kbs] ca: 'b' is not an absolute path" },
	};

	(void)state;
	parses("[kbs]\nurl = https://a:1/  http://b\thttps://c\ninsecure = yes\nca = /a /b /c\n" SECRET);
	assert_int_equal(config.urls, 3);
	assert_string_equal(config.url[0], "https://a:1");
	assert_string_equal(config.url[1], "http://b");
	assert_string_equal(config.url[2], "https://c");
	assert_int_equal(config.cas, 3);
	assert_string_equal(config.ca[2], "/c");
	parses("[kbs]\nurl = https://a https://b\nca = /a\n" SECRET);
	assert_int_equal(config.cas, 1);
	parses("[kbs]\nurl = vsock+https://kbs/2:8080 unix:/run/kbs\n" SECRET);
	assert_string_equal(config.url[0], "vsock+https://kbs/2:8080");
	assert_string_equal(config.url[1], "unix:/run/kbs");
	REFUSES_EACH(faults);
}

static void the_network(void **state)
{
	static const struct fault faults[] = {
		{ KBS "proxy = https://proxy:3128\n" SECRET,
		  "c:3: [kbs] proxy: not http://HOST:PORT" },
		{ KBS "proxy = http://proxy:99999\n" SECRET,
		  "c:3: [kbs] proxy: URL: port 99999 is not 1 to 65535" },
		{ KBS "proxy = http://user:pass@proxy:3128\n" SECRET,
		  "c:3: [kbs] proxy: URL: user information is not allowed" },
		{ KBS "proxy_credentials = /p\n" SECRET,
		  "c:3: [kbs] proxy_credentials: without proxy" },
		{ KBS "proxy = http://proxy:3128\nproxy_credentials = p\n" SECRET,
		  "c:4: [kbs] proxy_credentials: 'p' is not an absolute path" },
		{ KBS "certificate = /c\n" SECRET, "c:3: [kbs] certificate: without key" },
		{ KBS "key = /k\n" SECRET, "c:3: [kbs] key: without certificate" },
	};

	(void)state;
	parses(KBS
	       "proxy = http://proxy:3128\nproxy_credentials = /p\ncertificate = /c\nkey = /k\n" SECRET);
	assert_string_equal(config.proxy, "http://proxy:3128");
	assert_string_equal(config.proxy_credentials, "/p");
	assert_string_equal(config.certificate, "/c");
	assert_string_equal(config.key, "/k");
	REFUSES_EACH(faults);
}

#define INTERVAL_FAULT(value) \
	"c:4: [refresh] interval: '" value "' is neither a time from 1s to 365d, such as 30s, " \
	"5m, 1h or 2d, nor never"

static void times(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "1", 1000 },	     { "30s", 30000 },	      { "5m", 300000 }, { "1h", 3600000 },
		{ "2d", 172800000 }, { "365d", 31536000000 }, { "never", 0 },
	};
	static const struct fault faults[] = {
		{ KBS "[refresh]\ninterval = 0\n" SECRET, INTERVAL_FAULT("0") },
		{ KBS "[refresh]\ninterval = 366d\n" SECRET, INTERVAL_FAULT("366d") },
		{ KBS "[refresh]\ninterval = 1H\n" SECRET, INTERVAL_FAULT("1H") },
		{ KBS "[refresh]\ninterval = 1h30m\n" SECRET, INTERVAL_FAULT("1h30m") },
		{ KBS "[refresh]\ninterval = -1h\n" SECRET, INTERVAL_FAULT("-1h") },
		{ KBS "[refresh]\ninterval = 1 h\n" SECRET, INTERVAL_FAULT("1 h") },
		{ KBS "[refresh]\ninterval = h\n" SECRET, INTERVAL_FAULT("h") },
		{ KBS "[refresh]\ninterval = 9999999999s\n" SECRET, INTERVAL_FAULT("9999999999s") },
		{ KBS "[refresh]\ninterval =\n" SECRET, INTERVAL_FAULT("") },
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		snprintf(text, sizeof(text), KBS "[refresh]\ninterval = %s\n" SECRET, good[i].text);
		parses(text);
		assert_int_equal(config.refresh, good[i].ms);
		assert_int_equal(config.secret[0].refresh, good[i].ms);
		assert_int_equal(config.secret[0].stale_after, 2 * good[i].ms);
	}
	REFUSES_EACH(faults);
}

static void refresh_of_each_secret(void **state)
{
	static const struct fault faults[] = {
		{ KBS SECRET "refresh = soon\n",
		  "c:5: [secret a] refresh: 'soon' is neither a time from 1s to 365d, such as 30s, "
		  "5m, 1h or 2d, nor never" },
		{ KBS SECRET "stale_after = 59m\n",
		  "c:5: [secret a] stale_after: is shorter than refresh, so the secret would be "
		  "stale before it is requested again" },
		{ KBS SECRET "on_stale = delete\n",
		  "c:5: [secret a] on_stale: 'delete' is not one of keep, remove, fail" },
	};

	(void)state;
	parses(KBS
	       "[secret a]\nresource = r/t/a\nrefresh = 10m\nstale_after = 1d\non_stale = remove\n"
	       "[secret b]\nresource = r/t/b\nrefresh = never\n"
	       "[secret c]\nresource = r/t/c\nstale_after = never\n"
	       "[secret d]\nresource = r/t/d\nrefresh = never\nstale_after = 1h\non_stale = fail\n"
	       "[secret e]\nresource = r/t/e\non_stale = keep\n");
	assert_string_equal(bytes_text(&reported), "");
	assert_int_equal(config.refresh, 3600000);
	assert_int_equal(config.secret[0].refresh, 600000);
	assert_int_equal(config.secret[0].stale_after, 86400000);
	assert_int_equal(config.secret[0].on_stale, CONFIG_STALE_REMOVE);
	assert_int_equal(config.secret[1].refresh, 0);
	assert_int_equal(config.secret[1].stale_after, 0);
	assert_int_equal(config.secret[1].on_stale, CONFIG_STALE_KEEP);
	assert_int_equal(config.secret[2].refresh, 3600000);
	assert_int_equal(config.secret[2].stale_after, 0);
	assert_int_equal(config.secret[3].stale_after, 3600000);
	assert_int_equal(config.secret[3].on_stale, CONFIG_STALE_FAIL);
	assert_int_equal(config.secret[4].stale_after, 7200000);
	REFUSES_EACH(faults);
	parses(KBS SECRET "refresh = never\non_stale = remove\n");
	assert_string_equal(bytes_text(&reported),
			    "W c:6: [secret a] on_stale: has no effect, because the secret never "
			    "becomes stale; set stale_after\n");
}

static void the_size_of_the_keyring(void **state)
{
	static const struct {
		const char *text;
		size_t size;
	} good[] = {
		{ "1m", 1 << 20 },	{ "16M", 16 << 20 }, { "1024k", 1 << 20 },
		{ "1048576", 1 << 20 }, { "1g", 1 << 30 },
	};
	static const char *const wrong[] = { "0", "1023k", "2g", "16mb", "m", "", "-16m", "16 m" };
	char text[128], reason[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		snprintf(text, sizeof(text), KBS "[keyring]\nsize = %s\n" SECRET, good[i].text);
		parses(text);
		assert_int_equal(config.keyring_size, good[i].size);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		snprintf(text, sizeof(text), KBS "[keyring]\nsize = %s\n" SECRET, wrong[i]);
		snprintf(reason, sizeof(reason),
			 "c:4: [keyring] size: '%s' is not a size from 1m to 1g, such as 16m or "
			 "65536k",
			 wrong[i]);
		refuses(text, reason);
	}
	parses(KBS SECRET);
	assert_int_equal(config.keyring_size, 0);
}

/* The parser goes on after each kind of error. */
static void all_errors_are_reported(void **state)
{
	(void)state;
	refuses("first = 1\nsecond = 2\n[kb]\nx = y\nnonsense\n[kbs\nurl = a\n[kbs]\nno equals sign\n"
		"ca = b\nca = /c\n[secret a/b]\nresource = x\n[secret c]\nmode = 8\n\033\n",
		"c:1: 'first' is before the first section");
	assert_string_equal(bytes_text(&reported),
			    "E c:1: 'first' is before the first section\n"
			    "E c:3: [kb]: unknown section\n"
			    "E c:6: '[' without ']'\n"
			    "E c:9: neither 'key = value' nor '[section]'\n"
			    "E c:10: [kbs] ca: 'b' is not an absolute path\n"
			    "E c:11: [kbs] ca: given twice\n"
			    "E c:12: [secret a/b]: a name consists of letters, digits, '_', '.' "
			    "and '-'\n"
			    "E c:15: [secret c] mode: '8' is not an octal mode from 0 to 0777\n"
			    "E c:16: [secret c]: a control character\n"
			    "E c:14: [secret c] resource: missing\n"
			    "E c:16: [kbs] url: missing\n");
}

static void the_number_of_errors_is_limited(void **state)
{
	struct bytes text = BYTES_INIT;
	unsigned int lines = 0;

	(void)state;
	bytes_append_text(&text, KBS SECRET);
	for (int i = 0; i < 1000; i++)
		bytes_append_text(&text, "x\n");
	refuses(bytes_text(&text), "c:5: neither 'key = value' nor '[section]'");
	for (const char *at = bytes_text(&reported); *at; at++)
		lines += *at == '\n';
	assert_int_equal(lines, 65);
	assert_non_null(strstr(bytes_text(&reported), "c:68: neither"));
	assert_non_null(
		strstr(bytes_text(&reported), "E too many errors; the rest was not read\n"));
	bytes_free(&text);
}

/* A key of a later file replaces that of an earlier one, also under its name of earlier versions. */
static void later_files_replace_keys(void **state)
{
	static const char first[] = "[kbs]\nurl = https://a https://b\nca = /a /b\n"
				    "[log]\nextend = 1\n[keyring]\nsize = 8m\n" SECRET;
	static const char second[] = "[measure]\nregister = REM2\n[kbs]\nurl = https://c\n"
				     "ca = /c\n[secret b]\nresource = r/t/b\n";
	const struct config_text files[] = {
		{ "c", first, strlen(first) },
		{ "d", "", 0 },
		{ "e", second, strlen(second) },
	};

	(void)state;
	assert_int_equal(parse_files(files, ARRAY_SIZE(files)), 0);
	assert_int_equal(config.urls, 1);
	assert_string_equal(config.url[0], "https://c");
	assert_int_equal(config.cas, 1);
	assert_string_equal(config.ca[0], "/c");
	assert_int_equal(config.measure_register, 3);
	assert_int_equal(config.keyring_size, 8 << 20);
	assert_string_equal(config.ca_place.file, "e");
	assert_int_equal(config.ca_place.line, 5);
	assert_string_equal(config.secret[1].place.file, "e");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_urls),
		cmocka_unit_test(the_network),
		cmocka_unit_test(times),
		cmocka_unit_test(refresh_of_each_secret),
		cmocka_unit_test(the_size_of_the_keyring),
		cmocka_unit_test(all_errors_are_reported),
		cmocka_unit_test(the_number_of_errors_is_limited),
		cmocka_unit_test(later_files_replace_keys),
	};

	return cmocka_run_group_tests(tests, NULL, config_release);
}
