/* SPDX-License-Identifier: Apache-2.0 */
/* settings_test: reads configurations of a test, which are below a directory of its own. */
#ifndef TESTS_SETTINGS_TEST_H
#define TESTS_SETTINGS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "config/settings.h"

#define KBS    "[kbs]\nurl = https://kbs\n"
#define SECRET "[secret a]\nresource = r/t/a\n"

static struct settings settings = SETTINGS_INIT;
static struct error error;
static char directory[] = "/tmp/test_settings.XXXXXX";
/* Each "W " or "E " and a line, in which '@' stands for the directory. */
static struct bytes reported;

static inline const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

/* Appends @text, in which each '@' stands for the directory, or the other way round. */
static inline void append(struct bytes *out, const char *text, bool reverse)
{
	const char *from = reverse ? directory : "@", *to = reverse ? "@" : directory;

	for (const char *next; (next = strstr(text, from)); text = next + strlen(from)) {
		bytes_append(out, text, (size_t)(next - text));
		bytes_append_text(out, to);
	}
	bytes_append_text(out, text);
}

static inline void file_write(const char *name, const char *text)
{
	struct bytes whole = BYTES_INIT;

	append(&whole, text, false);
	assert_int_equal(io_write_file(path_of(name), 0600, whole.data, whole.len, &error), 0);
	bytes_free(&whole);
}

static inline void report_keep(void *context, bool warning, const char *text)
{
	assert_ptr_equal(context, &reported);
	bytes_append_text(&reported, warning ? "W " : "E ");
	append(&reported, text, true);
	bytes_append_text(&reported, "\n");
}

static inline int settings_again(void)
{
	settings_free(&settings);
	bytes_clear(&reported);
	error = (struct error)ERROR_INIT;
	return settings_read(&settings, path_of("conf"), report_keep, &reported, &error);
}

static inline int check_again(unsigned int watchdog)
{
	settings_free(&settings);
	bytes_clear(&reported);
	error = (struct error)ERROR_INIT;
	return settings_check(&settings, path_of("conf"), watchdog, report_keep, &reported, &error);
}

static inline void reads(const char *text)
{
	file_write("conf", text);
	if (settings_again())
		fail_msg("%s", error.text);
	assert_string_equal(bytes_text(&reported), "");
}

static inline void refuses(const char *text, const char *reports)
{
	file_write("conf", text);
	assert_int_equal(settings_again(), -1);
	assert_string_equal(bytes_text(&reported), reports);
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_null(settings.secret);
	assert_int_equal(settings.config.count, 0);
}

static inline void directory_empty(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char name[512];

	while (dir && (entry = readdir(dir))) {
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2)
			unlink(name);
	}
	if (dir)
		closedir(dir);
}

static inline int setup(void **state)
{
	(void)state;
	strcpy(directory + sizeof(directory) - 7, "XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static inline int teardown(void **state)
{
	(void)state;
	settings_free(&settings);
	bytes_free(&reported);
	directory_empty(path_of("conf.d"));
	rmdir(path_of("conf.d"));
	directory_empty(directory);
	return rmdir(directory);
}

#endif
