// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "kbs/url.h"

static void test_urls(void **state)
{
	static const struct {
		const char *text;
		bool insecure;
		const char *url, *words;
	} cases[] = {
		{ "https://kbs.example", 0, "https://kbs.example", NULL },
		{ "https://kbs.example:8443/", 0, "https://kbs.example:8443", NULL },
		{ "https://kbs.example///", 0, "https://kbs.example", NULL },
		{ "https://10.0.2.2:8080", 1, "https://10.0.2.2:8080", NULL },
		{ "https://[::1]:8080", 0, "https://[::1]:8080", NULL },
		{ "https://[2001:db8::1]", 0, "https://[2001:db8::1]", NULL },
		{ "http://kbs", 1, "http://kbs", NULL },
		{ "HTTPS://Kbs.Example", 0, "https://Kbs.Example", NULL },
		{ "Http://kbs", 1, "http://kbs", NULL },
		{ "HTTP://kbs", 0, NULL, "--insecure" },
		{ "https://kbs_server:8443", 0, "https://kbs_server:8443", NULL },
		{ "https://[fe80::1%25eth0]:8080", 0, "https://[fe80::1%25eth0]:8080", NULL },
		{ "https://[fe80::1%252]", 0, "https://[fe80::1%252]", NULL },
		{ "https://[fe80::1%25]", 0, NULL, "zone" },
		{ "https://[fe80::1%25a%20b]", 0, NULL, "zone" },
		{ "https://[fe80::1%25abcdefghijklmnop]", 0, NULL, "zone" },
		{ "https://[fe80::1%eth0]", 0, NULL, "IPv6" },
		{ "https://[2001:db8::1%25eth0]", 0, NULL, "link-local" },
		{ "http://kbs", 0, NULL, "--insecure" },
		{ "", 0, NULL, "neither https:// nor http://" },
		{ "kbs.example", 0, NULL, "neither https:// nor http://" },
		{ "ftp://kbs", 1, NULL, "neither" },
		{ "file:///etc/passwd", 1, NULL, "neither" },
		{ "https://", 0, NULL, "no host" },
		{ "https:///x", 0, NULL, "follows host and port" },
		{ "https://kbs/kbs/v0", 0, NULL, "'/kbs/v0' follows host and port" },
		{ "https://kbs?x=1", 0, NULL, "follows host and port" },
		{ "https://kbs#x", 0, NULL, "follows host and port" },
		{ "https://user:word@kbs", 0, NULL, "user information" },
		{ "https://good.example\\@evil.example", 0, NULL, "follows host and port" },
		{ "https://kbs:0", 0, NULL, "port 0" },
		{ "https://kbs:65536", 0, NULL, "port 65536" },
		{ "https://kbs:", 0, NULL, "malformed port" },
		{ "https://kbs:80x", 0, NULL, "malformed port" },
		{ "https://kbs:+80", 0, NULL, "malformed port" },
		{ "https://kbs:000080", 0, NULL, "malformed port" },
		{ "https://k bs", 0, NULL, "host has a character" },
		{ "https://kbs\r\nX: y", 0, NULL, "host has a character" },
		{ "https://[::1", 0, NULL, "IPv6" },
		{ "https://[::g]", 0, NULL, "IPv6" },
		{ "https://[]", 0, NULL, "IPv6" },
		{ "https://[::1]x", 0, NULL, "malformed port" },
		{ "vsock://2:8080", 1, "vsock://2:8080", NULL },
		{ "VSOCK://4294967294:4294967294", 1, "vsock://4294967294:4294967294", NULL },
		{ "vsock://2:8080", 0, NULL, "vsock:// is neither private nor authentic" },
		{ "vsock://2", 1, NULL, "not CID:PORT" },
		{ "vsock://2:", 1, NULL, "not CID:PORT" },
		{ "vsock://:2", 1, NULL, "not CID:PORT" },
		{ "vsock://2:8080/", 1, NULL, "not CID:PORT" },
		{ "vsock://02:8080", 1, NULL, "not CID:PORT" },
		{ "vsock://4294967295:1", 1, NULL, "not CID:PORT" },
		{ "vsock://42949672950:1", 1, NULL, "not CID:PORT" },
		{ "vsock://host:1", 1, NULL, "not CID:PORT" },
		{ "vsock+https://kbs.example/2:8080", 0, "vsock+https://kbs.example/2:8080", NULL },
		{ "vsock+https://2:8080", 0, NULL, "NAME/" },
		{ "vsock+https:///2:8080", 0, NULL, "NAME/" },
		{ "vsock+https://kbs.example", 0, NULL, "NAME/" },
		{ "vsock+https://u@kbs/2:8080", 0, NULL, "NAME/" },
		{ "unix:/run/kbs.socket", 0, "unix:/run/kbs.socket", NULL },
		{ "Unix:///run/kbs.socket", 0, "unix:///run/kbs.socket", NULL },
		{ "unix:run/kbs", 0, NULL, "not the path of a Unix socket" },
		{ "unix:", 0, NULL, "not the path of a Unix socket" },
		{ "unix:/", 0, NULL, "not the path of a Unix socket" },
		{ "unix:/run/", 0, NULL, "not the path of a Unix socket" },
		{ "unix:/run/a b", 0, NULL, "path has a character" },
		{ "unix:/run/a\r\nb", 0, NULL, "path has a character" },
		{ "unix+https://kbs/run/kbs.socket", 0, "unix+https://kbs/run/kbs.socket", NULL },
		{ "unix+https:///run/kbs.socket", 0, NULL, "NAME/" },
		{ "unix+http://kbs/run/kbs.socket", 0, NULL, "neither" },
		{ "https://[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", 0, NULL,
		  "IPv6" },
	};
	char url[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;
		int ret = url_parse(cases[i].text, cases[i].insecure, url, sizeof(url), &e);

		if (ret != (cases[i].url ? 0 : -1))
			fail_msg("%s: %d", cases[i].text, ret);
		if (cases[i].url)
			assert_string_equal(url, cases[i].url);
		else if (e.kind != ERROR_USAGE || !strstr(e.text, cases[i].words))
			fail_msg("%s: %s", cases[i].text, e.text);
	}
}

static void test_url_length(void **state)
{
	char text[300], url[300];
	struct error e = ERROR_INIT;

	(void)state;
	snprintf(text, sizeof(text), "https://%0253d", 0);
	assert_int_equal(url_parse(text, 0, url, sizeof(url), &e), 0);
	assert_int_equal(url_parse(text, 0, url, 8 + 253, &e), -1);
	snprintf(text, sizeof(text), "https://%0254d", 0);
	assert_int_equal(url_parse(text, 0, url, sizeof(url), &e), -1);
}

static void test_split(void **state)
{
	static const struct {
		const char *url;
		bool tls;
		const char *host, *port, *authority;
	} cases[] = {
		{ "https://kbs.example", true, "kbs.example", "443", "kbs.example" },
		{ "http://kbs", false, "kbs", "80", "kbs" },
		{ "https://10.0.2.2:8080", true, "10.0.2.2", "8080", "10.0.2.2:8080" },
		{ "https://[2001:db8::1]", true, "2001:db8::1", "443", "[2001:db8::1]" },
		{ "http://[::1]:8080", false, "::1", "8080", "[::1]:8080" },
		{ "https://[fe80::1%25eth0]:8443", true, "fe80::1%eth0", "8443", "[fe80::1]:8443" },
		{ "https://[fe80::1%252]", true, "fe80::1%2", "443", "[fe80::1]" },
	};
	char longest[300] = "https://";
	struct url_parts parts;
	struct error e = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(url_split(cases[i].url, &parts, &e), 0);
		assert_int_equal(parts.tls, cases[i].tls);
		assert_string_equal(parts.host, cases[i].host);
		assert_string_equal(parts.port, cases[i].port);
		assert_string_equal(parts.authority, cases[i].authority);
	}
	memset(longest + 8, 'k', 253);
	strcpy(longest + 8 + 253, ":65535");
	assert_int_equal(url_split(longest, &parts, &e), 0);
	assert_string_equal(parts.authority, longest + 8);
	assert_int_equal(url_split("https://kbs/path", &parts, &e), -1);
	assert_int_equal(e.kind, ERROR_USAGE);
}

static void test_split_transports(void **state)
{
	static const struct {
		const char *url;
		struct url_parts parts;
	} cases[] = {
		{ "vsock://2:8080",
		  { .transport = URL_VSOCK,
		    .exposed = true,
		    .authority = "localhost",
		    .cid = 2,
		    .service = 8080 } },
		{ "vsock+https://kbs.example/4294967294:443",
		  { .transport = URL_VSOCK,
		    .tls = true,
		    .host = "kbs.example",
		    .authority = "kbs.example",
		    .cid = 4294967294U,
		    .service = 443 } },
		{ "unix:/run/a",
		  { .transport = URL_UNIX, .authority = "localhost", .path = "/run/a" } },
		{ "unix:///run/a",
		  { .transport = URL_UNIX, .authority = "localhost", .path = "///run/a" } },
		{ "unix+https://kbs/run/a",
		  { .transport = URL_UNIX,
		    .tls = true,
		    .host = "kbs",
		    .authority = "kbs",
		    .path = "/run/a" } },
	};
	struct error e = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct url_parts got;

		assert_int_equal(url_split(cases[i].url, &got, &e), 0);
		assert_int_equal(got.transport, cases[i].parts.transport);
		assert_int_equal(got.tls, cases[i].parts.tls);
		assert_int_equal(got.exposed, cases[i].parts.exposed);
		assert_string_equal(got.host, cases[i].parts.host);
		assert_string_equal(got.authority, cases[i].parts.authority);
		assert_string_equal(got.path, cases[i].parts.path);
		assert_int_equal(got.cid, cases[i].parts.cid);
		assert_int_equal(got.service, cases[i].parts.service);
	}
}

static void test_unix_path_length(void **state)
{
	char text[200] = "unix:/", url[200];
	struct url_parts parts;
	struct error e = ERROR_INIT;

	(void)state;
	memset(text + 6, 'x', URL_PATH_SIZE - 2);
	assert_int_equal(url_parse(text, false, url, sizeof(url), &e), 0);
	assert_int_equal(url_split(text, &parts, &e), 0);
	assert_int_equal(strlen(parts.path), URL_PATH_SIZE - 1);
	strcat(text, "x");
	assert_int_equal(url_parse(text, false, url, sizeof(url), &e), -1);
}

static void test_proxy(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "http://proxy:3128", NULL },
		{ "http://[::1]:80", NULL },
		{ "HTTP://10.0.0.1:1/", NULL },
		{ "http://proxy", "no port" },
		{ "http://[::80]", "no port" },
		{ "https://proxy:1", "not http://HOST:PORT" },
		{ "proxy:3128", "not http://" },
		{ "unix:/run/x", "not http://" },
		{ "http://u:p@proxy:1", "user information" },
		{ "", "not http://" },
	};
	char url[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;
		int ret = url_parse_proxy(cases[i].text, url, sizeof(url), &e);

		assert_int_equal(ret, cases[i].words ? -1 : 0);
		if (ret < 0 && (e.kind != ERROR_USAGE || !strstr(e.text, cases[i].words)))
			fail_msg("%s: %s", cases[i].text, e.text);
	}
}

static void test_authority(void **state)
{
	static const char *const cases[][2] = {
		{ "https://kbs", "kbs:443" },
		{ "http://kbs:8080", "kbs:8080" },
		{ "https://[fe80::1%25eth0]", "[fe80::1]:443" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytes out = BYTES_INIT;
		struct url_parts parts;
		struct error e = ERROR_INIT;

		assert_int_equal(url_split(cases[i][0], &parts, &e), 0);
		url_authority(&parts, &out);
		assert_string_equal(bytes_text(&out), cases[i][1]);
		bytes_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_split_transports),
		cmocka_unit_test(test_unix_path_length),
		cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_authority),
		cmocka_unit_test(test_url_length),
	};

	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
