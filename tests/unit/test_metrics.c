// SPDX-License-Identifier: Apache-2.0
/* What metrics_print() writes is read by a strict reader: of what the specification of OpenMetrics 1.0 requires and the
 * textfile collector of node_exporter accepts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "status/metrics.h"
#include "status_test.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz_"
#define FAMILIES_MAX	64
#define SAMPLES_MAX	512

/* --- the reader ------------------------------------------------------------------------------ */

static struct {
	char family[FAMILIES_MAX][64];
	size_t families;
	char type[16], unit[16];
	bool help, samples; /* of the current family */
	char *series[SAMPLES_MAX];
	size_t count;
	const char *fault;
} reader;

static bool reader_fault(const char *fault)
{
	if (!reader.fault)
		reader.fault = fault;
	return false;
}

/* Take @len characters of @name as the name of the next family: it must be new. */
static bool family_start(const char *name, size_t len)
{
	for (size_t i = 0; i < reader.families; i++)
		if (strlen(reader.family[i]) == len && !memcmp(reader.family[i], name, len))
			return reader_fault("a family twice, or in pieces");
	if (reader.families == FAMILIES_MAX || len == 0 || len >= sizeof(reader.family[0]) ||
	    strspn(name, NAME_CHARACTERS) < len)
		return reader_fault("name of a family");
	snprintf(reader.family[reader.families++], sizeof(reader.family[0]), "%.*s", (int)len,
		 name);
	reader.unit[0] = '\0';
	reader.help = reader.samples = false;
	return true;
}

/* "# TYPE NAME TYPE", "# UNIT NAME UNIT", "# HELP NAME TEXT" */
static bool metadata_read(const char *line)
{
	const char *name = line + 7, *space = strchr(name, ' '), *value = space ? space + 1 : NULL;
	const char *now;

	if (!value || !*value)
		return reader_fault("metadata without a value");
	if (!strncmp(line, "# TYPE ", 7)) {
		if (strcmp(value, "counter") != 0 && strcmp(value, "gauge") != 0)
			return reader_fault("type that the older format lacks");
		snprintf(reader.type, sizeof(reader.type), "%s", value);
		return family_start(name, (size_t)(space - name));
	}
	now = reader.families ? reader.family[reader.families - 1] : "";
	if (strlen(now) != (size_t)(space - name) || strncmp(now, name, strlen(now)) != 0)
		return reader_fault("metadata of another family");
	if (reader.samples)
		return reader_fault("metadata after samples");
	if (!strncmp(line, "# HELP ", 7)) {
		if (reader.help || strpbrk(value, "\\\""))
			return reader_fault("HELP twice, or not escaped");
		reader.help = true;
		return true;
	}
	if (strncmp(line, "# UNIT ", 7) != 0 || reader.unit[0])
		return reader_fault("comment, or UNIT twice");
	snprintf(reader.unit, sizeof(reader.unit), "_%s", value);
	if (strlen(now) < strlen(reader.unit) ||
	    strcmp(now + strlen(now) - strlen(reader.unit), reader.unit) != 0)
		return reader_fault("UNIT is not the suffix of the name");
	return true;
}

/* Read '{name="value",...}' and return what follows, or NULL. */
static const char *labels_read(const char *at)
{
	do {
		size_t len = strspn(++at, NAME_CHARACTERS);

		at += len;
		if (!len || *at++ != '=' || *at++ != '"')
			return NULL;
		for (; *at != '"'; at++) {
			if (*at == '\\' && !strchr("\\\"n", *++at))
				return NULL;
			if (!*at)
				return NULL;
		}
		at++;
	} while (*at == ',');
	return *at == '}' ? at + 1 : NULL;
}

static bool sample_read(const char *line)
{
	const char *now = reader.families ? reader.family[reader.families - 1] : "", *at, *value;
	const bool counter = !strcmp(reader.type, "counter");
	char *end;

	if (!*now || strncmp(line, now, strlen(now)) != 0)
		return reader_fault("sample outside of its family");
	if (!reader.help)
		return reader_fault("family without HELP");
	at = line + strlen(now);
	if (counter && strncmp(at, "_total", 6) != 0)
		return reader_fault("counter without _total");
	at += counter ? 6 : 0;
	if (*at == '{')
		at = labels_read(at);
	if (!at || *at != ' ')
		return reader_fault("labels");
	value = at + 1;
	for (size_t i = 0; i < reader.count; i++)
		if (!strncmp(reader.series[i], line, (size_t)(value - line)))
			return reader_fault("a series twice");
	if (reader.count == SAMPLES_MAX)
		return reader_fault("too many series");
	reader.series[reader.count++] = strdup(line);
	reader.samples = true;
	if (!*value || strspn(value, "-0123456789.") != strlen(value) ||
	    (strtod(value, &end) < 0 && counter) || *end)
		return reader_fault("value");
	return true;
}

/* Whether @text is OpenMetrics; otherwise reader.fault says why not. */
static bool text_is_valid(const char *text)
{
	char line[1024];

	for (size_t i = 0; i < reader.count; i++)
		free(reader.series[i]);
	memset(&reader, 0, sizeof(reader));
	for (;;) {
		size_t len = strcspn(text, "\n");

		if (text[len] != '\n' || len == 0 || len >= sizeof(line))
			return reader_fault("line that is empty, too long or not ended");
		memcpy(line, text, len);
		line[len] = '\0';
		text += len + 1;
		if (!strcmp(line, "# EOF"))
			return *text ? reader_fault("text after EOF") : true;
		if (!(*line == '#' ? metadata_read(line) : sample_read(line)))
			return false;
	}
}

/* The value of the series, or "" */
static const char *series_value(const char *series)
{
	for (size_t i = 0; i < reader.count; i++)
		if (!strncmp(reader.series[i], series, strlen(series)) &&
		    reader.series[i][strlen(series)] == ' ')
			return reader.series[i] + strlen(series) + 1;
	return "";
}

static void reader_is_strict(void **state)
{
	static const char *const wrong[] = {
		"",
		"# EOF",
		"# EOF\n\n",
		"\n# EOF\n",
		"# TYPE a gauge\n# HELP a b\na 1\n",
		"# TYPE a stateset\n# HELP a b\na 1\n# EOF\n",
		"# TYPE a gauge\na 1\n# EOF\n",
		"a 1\n# EOF\n",
		"# TYPE a gauge\n# HELP b b\na 1\n# EOF\n",
		"# TYPE a gauge\n# HELP a b\nb 1\n# EOF\n",
		"# TYPE a counter\n# HELP a b\na 1\n# EOF\n",
		"# TYPE a counter\n# HELP a b\na_total -1\n# EOF\n",
		"# TYPE a gauge\n# HELP a b\na x\n# EOF\n",
		"# TYPE a gauge\n# HELP a b\na \n# EOF\n",
		"# TYPE a gauge\n# HELP a b\na 1\na 1\n# EOF\n",
		"# TYPE a gauge\n# HELP a b\na{b=\"\\t\"} 1\n# EOF\n",
		"# TYPE a gauge\n# HELP a b\na{b=\"} 1\n# EOF\n",
		"# TYPE a gauge\n# HELP a b\na{b=c} 1\n# EOF\n",
		"# TYPE a gauge\n# HELP a b\\\na 1\n# EOF\n",
		"# TYPE a gauge\n# UNIT a seconds\n# HELP a b\na 1\n# EOF\n",
		"# TYPE a gauge\n# HELP a b\na 1\n# TYPE a gauge\n# HELP a b\na{b=\"c\"} 1\n# EOF\n",
		"# TYPE a gauge\n# HELP a b\na 1\n# HELP a b\n# EOF\n",
		"# a comment that is long\n# EOF\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (text_is_valid(wrong[i]))
			fail_msg("accepted: %s", wrong[i]);
	assert_true(text_is_valid("# TYPE a_s gauge\n# UNIT a_s s\n# HELP a_s b\n"
				  "a_s{c=\"\\\"\\\\\\n\",d=\"\"} -1.5\n# EOF\n"));
}

/* --- the tests ------------------------------------------------------------------------------- */

static void metrics_valid(const struct status *status, int64_t now, enum metrics_daemon daemon)
{
	struct bytes out = BYTES_INIT;
	struct error e = ERROR_INIT;

	metrics_print(status, now, daemon, &out);
	assert_int_equal(bytes_check(&out, &e), 0);
	if (!text_is_valid(bytes_text(&out)))
		fail_msg("%s: %s", reader.fault, bytes_text(&out));
	bytes_free(&out);
}

static void values(void **state)
{
	static const struct {
		const char *series, *value;
	} wanted[] = {
		{ "realmkey_up", "1" },
		{ "realmkey_ready", "1" },
		{ "realmkey_status_age_seconds", "10.000" },
		{ "realmkey_uptime_seconds", "32440.000" },
		{ "realmkey_ear_expiry_seconds", "260.000" },
		{ "realmkey_passes_total", "19" },
		{ "realmkey_failures_total{kind=\"network\"}", "2" },
		{ "realmkey_failures_total{kind=\"policy\"}", "7" },
		{ "realmkey_failures_total{kind=\"tls\"}", "0" },
		{ "realmkey_secret_required{name=\"database\"}", "1" },
		{ "realmkey_secret_required{name=\"tls\"}", "0" },
		{ "realmkey_secret_age_seconds{name=\"database\"}", "40.000" },
		{ "realmkey_secret_age_seconds{name=\"tls\"}", "" },
		{ "realmkey_secret_content_age_seconds{name=\"database\"}", "21640.000" },
		{ "realmkey_secret_next_refresh_seconds{name=\"database\"}", "3560.000" },
		{ "realmkey_secret_failure_age_seconds{name=\"tls\"}", "40.000" },
		{ "realmkey_secret_changes_total{name=\"database\"}", "3" },
		{ "realmkey_secret_attempts_total{name=\"tls\"}", "7" },
		{ "realmkey_secret_failures_total{name=\"database\"}", "2" },
		{ "realmkey_secret_consecutive_failures{name=\"tls\"}", "7" },
		{ "realmkey_secret_state{name=\"database\",state=\"delivered\"}", "1" },
		{ "realmkey_secret_state{name=\"database\",state=\"missing\"}", "0" },
		{ "realmkey_secret_state{name=\"tls\",state=\"missing\"}", "1" },
		{ "realmkey_secret_state{name=\"tls\",state=\"stale\"}", "0" },
		{ "realmkey_secret_state{name=\"tls\",state=\"removed\"}", "0" },
	};

	(void)state;
	metrics_valid(&world_status, world_status.now + 10000, METRICS_RUNNING);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_string_equal(series_value(wanted[i].series), wanted[i].value);
	/* Late, and expired. */
	metrics_valid(&world_status, 12 * HOUR, METRICS_STOPPED);
	assert_string_equal(series_value("realmkey_up"), "0");
	assert_string_equal(series_value("realmkey_ear_expiry_seconds"), "-6900.000");
	assert_string_equal(series_value("realmkey_secret_next_refresh_seconds{name=\"database\"}"),
			    "-3600.000");
}

static void no_status(void **state)
{
	const struct status none = STATUS_INIT;

	(void)state;
	metrics_valid(&none, HOUR, METRICS_STOPPED);
	assert_string_equal(series_value("realmkey_up"), "0");
	assert_string_equal(series_value("realmkey_ready"), "0");
	assert_string_equal(series_value("realmkey_uptime_seconds"), "");
	metrics_valid(&none, HOUR, METRICS_UNKNOWN);
	assert_string_equal(series_value("realmkey_up"), "");
}

static void names_are_escaped(void **state)
{
	struct status_secret secret = { .name = (char *)"a\"b\\c\nd}", .state = STATUS_STALE };
	const struct status status = { .secret = &secret, .count = 1 };

	(void)state;
	metrics_valid(&status, HOUR, METRICS_RUNNING);
	assert_string_equal(
		series_value("realmkey_secret_state{name=\"a\\\"b\\\\c\\nd}\",state=\"stale\"}"),
		"1");
}

static void large_numbers(void **state)
{
	struct status_secret secret = { .name = (char *)"a",
					.attempts = UINT64_MAX,
					.success = INT64_MAX,
					.failed = UINT32_MAX };
	const struct status status = { .secret = &secret, .count = 1, .passes = UINT64_MAX };

	(void)state;
	metrics_valid(&status, 0, METRICS_RUNNING);
	assert_string_equal(series_value("realmkey_passes_total"), "18446744073709551615");
	assert_string_equal(series_value("realmkey_secret_consecutive_failures{name=\"a\"}"),
			    "4294967295");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader_is_strict), cmocka_unit_test(values),
		cmocka_unit_test(no_status),	    cmocka_unit_test(names_are_escaped),
		cmocka_unit_test(large_numbers),
	};
	int ret = cmocka_run_group_tests(tests, NULL, NULL);

	for (size_t i = 0; i < reader.count; i++)
		free(reader.series[i]);
	return ret;
}
