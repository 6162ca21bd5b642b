/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the configuration share: it is parsed, and each report is kept. */
#ifndef REALMKEY_CONFIG_TEST_H
#define REALMKEY_CONFIG_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "config/config.h"

#define HTTP_REFUSED(line) \
	"c:" #line ": [kbs] url: URL: http:// is neither private nor authentic; to use it " \
	"all the same: --insecure, or insecure = yes under [kbs]"
#define KBS    "[kbs]\nurl = https://kbs:8080\n"
#define SECRET "[secret a]\nresource = r/t/a\n"

static struct config config = CONFIG_INIT;
static struct error error;

/* All that was reported, each "W " or "E " and a line. */
static struct bytes reported;

static inline void report_keep(void *context, bool warning, const char *text)
{
	assert_ptr_equal(context, &reported);
	bytes_printf(&reported, "%c %s\n", warning ? 'W' : 'E', text);
}

static inline int parse_files(const struct config_text *file, size_t files)
{
	config_free(&config);
	bytes_clear(&reported);
	error = (struct error)ERROR_INIT;
	return config_parse(&config, file, files, report_keep, &reported, &error);
}

/* Parses a copy of exactly that size, so that ASan detects a read beyond it. */
static inline int parse_bytes(const void *text, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	int ret;

	assert_non_null(copy);
	if (len)
		memcpy(copy, text, len);
	ret = parse_files(&(struct config_text){ "c", copy, len }, 1);
	free(copy);
	return ret;
}

static inline void parses(const char *text)
{
	if (parse_bytes(text, strlen(text)))
		fail_msg("%s", error.text);
}

static inline void refuses_bytes(const void *text, size_t len, const char *reason)
{
	assert_int_equal(parse_bytes(text, len), -1);
	assert_string_equal(error.text, reason);
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_false(error.transient);
}

static inline void refuses(const char *text, const char *reason)
{
	refuses_bytes(text, strlen(text), reason);
}

struct fault {
	const char *text, *reason;
};

static inline void refuses_each(const struct fault *fault, size_t count)
{
	for (size_t i = 0; i < count; i++)
		refuses(fault[i].text, fault[i].reason);
}

#define REFUSES_EACH(faults) refuses_each(faults, ARRAY_SIZE(faults))

static inline int config_release(void **state)
{
	(void)state;
	config_free(&config);
	bytes_free(&reported);
	return 0;
}

#endif
