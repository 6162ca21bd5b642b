// SPDX-License-Identifier: Apache-2.0
#include "status/status.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "cli/cli.h"
#include "local.h"
#include "status/events.h"
#include "status/metrics.h"
#include "watch_status.h"

#define NAMES_MAX 256
#define COLUMNS	  7

struct options {
	struct local_options local;
	const char *output;
	unsigned int count; /* of events; 0: no end */
	bool json, metrics, follow;
};

static const struct args_option own[] = {
	CLI_JSON_OPTION(struct options, "print JSON"),
	{ .name = "metrics",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, metrics),
	  .help = "print OpenMetrics text" },
	{ .name = "output",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, output),
	  .value = "FILE",
	  .help = "write the metrics to FILE, atomically, with mode 0644" },
	{ .name = "follow",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, follow),
	  .help = "print one JSON object per line whenever something changes" },
	{ .name = "count",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct options, count),
	  .value = "N",
	  .help = "with --follow: exit after N lines (default: never)",
	  .min = 1,
	  .max = INT_MAX },
	{ 0 },
};

static const struct args_option *const tables[] = { own, local_options, NULL };

static const struct args_spec spec = {
	.name = "realmkey status",
	.operands = "[NAME]...",
	.operands_max = NAMES_MAX,
	.about = "Prints what realmkeyd reports about each secret: whether it is in the keyring,\n"
		 "for how long its content has been the same, when the KBS confirmed it, when\n"
		 "the next request is due, its path, and the last error.",
	.options = tables,
	.notes = "Exit status: 0 each required secret, or each NAME, is there and not stale;\n"
		 "otherwise that of the first failure, or 10 if none is known; 2 no such secret;\n"
		 "14 realmkeyd has not started since boot. With --metrics: 0 if they were written.",
};

/* What is printed. */
struct report {
	const struct options *options;
	const char *command, *keyring;
	const char *name[NAMES_MAX];
	size_t count; /* of the names; 0: all secrets */
	int64_t now;
	enum local_daemon daemon;
	struct status status;
};

static bool report_selects(const struct report *report, const struct status_secret *secret)
{
	for (size_t i = 0; i < report->count; i++)
		if (!strcmp(report->name[i], secret->name))
			return true;
	return report->count == 0;
}

/* --- the table ------------------------------------------------------------------------------- */

static const char *const daemon_words[] = {
	[LOCAL_RUNS] = "running",
	[LOCAL_STOPPED] = "stopped",
	[LOCAL_HIDDEN] = "unknown",
};

/* The text of each column of one row, one after the other, each followed by a NUL. */
struct row {
	struct bytes text;
	size_t start[COLUMNS];
};

static void cell_end(struct row *row, size_t column)
{
	bytes_append(&row->text, "", 1);
	if (column + 1 < COLUMNS)
		row->start[column + 1] = row->text.len;
}

static void cell_text(struct row *row, size_t column, const char *text)
{
	bytes_append_text(&row->text, text);
	cell_end(row, column);
}

/* A duration, or "-" if it is not @known. */
static void cell_duration(struct row *row, size_t column, bool known, int64_t ms)
{
	if (known)
		clock_duration_print(ms, &row->text);
	else
		bytes_append_text(&row->text, "-");
	cell_end(row, column);
}

static const char *row_cell(const struct row *row, size_t column)
{
	return row->text.failed ? "" : bytes_text(&row->text) + row->start[column];
}

static void row_fill(struct row *row, const struct report *report,
		     const struct status_secret *secret)
{
	static const char *const head[COLUMNS] = { "NAME",	"STATE", "REQUIRED", "UNCHANGED",
						   "CONFIRMED", "NEXT",	 "PATH" };

	for (size_t i = 0; !secret && i < COLUMNS; i++)
		cell_text(row, i, head[i]);
	if (!secret)
		return;
	cell_text(row, 0, secret->name);
	cell_text(row, 1, secret->incomplete ? "incomplete" : status_state_name(secret->state));
	cell_text(row, 2, secret->required ? "yes" : "no");
	cell_duration(row, 3, secret->changed, report->now - secret->changed);
	cell_duration(row, 4, secret->success, report->now - secret->success);
	cell_duration(row, 5, secret->next, secret->next - report->now);
	if (status_file(secret))
		bytes_printf(&row->text, "%s/%s", report->keyring, status_file(secret));
	else
		bytes_append_text(&row->text, "-");
	cell_end(row, 6);
}

static void rows_print(const struct row *row, size_t count, struct bytes *out)
{
	size_t width[COLUMNS] = { 0 };

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < COLUMNS; k++)
			if (strlen(row_cell(&row[i], k)) > width[k])
				width[k] = strlen(row_cell(&row[i], k));
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k + 1 < COLUMNS; k++)
			bytes_printf(out, "%-*s  ", (int)width[k], row_cell(&row[i], k));
		bytes_printf(out, "%s\n", row_cell(&row[i], COLUMNS - 1));
	}
}

static void head_print(const struct report *report, struct bytes *out)
{
	const struct status *status = &report->status;

	bytes_printf(out, "realmkeyd: %s, %s", daemon_words[report->daemon],
		     status->ready ? "ready" : "not ready");
	if (report->daemon != LOCAL_RUNS) {
		bytes_append_text(out, ", as of ");
		clock_duration_print(report->now - status->now, out);
		bytes_append_text(out, " ago");
	}
	if (status->url)
		bytes_printf(out, "; KBS %s", status->url);
	if (status->ear_until > report->now) {
		bytes_append_text(out, "; EAR expires in ");
		clock_duration_print(status->ear_until - report->now, out);
	}
	bytes_append_text(out, "\n");
}

static void errors_print(const struct report *report, struct bytes *out)
{
	for (size_t i = 0; i < report->status.count; i++) {
		const struct status_secret *secret = &report->status.secret[i];

		if (!secret->error || !report_selects(report, secret))
			continue;
		bytes_printf(out, "%s: ", secret->name);
		clock_duration_print(report->now - secret->failed_at, out);
		bytes_printf(out, " ago: %s\n", secret->error);
	}
}

static int table_print(const struct report *report, struct bytes *out, struct error *e)
{
	struct row *row = calloc(report->status.count + 1, sizeof(*row));
	size_t rows = 1;
	int ret = 0;

	if (!row)
		return error_set_memory(e);
	row_fill(&row[0], report, NULL);
	for (size_t i = 0; i < report->status.count; i++)
		if (report_selects(report, &report->status.secret[i]))
			row_fill(&row[rows++], report, &report->status.secret[i]);
	head_print(report, out);
	rows_print(row, rows, out);
	errors_print(report, out);
	for (size_t i = 0; i < rows; i++) {
		if (ret == 0)
			ret = bytes_check(&row[i].text, e);
		bytes_free(&row[i].text);
	}
	free(row);
	return ret;
}

/* --- JSON ------------------------------------------------------------------------------------ */

/* Seconds, or null. */
static json_t *seconds_pack(bool known, int64_t ms)
{
	return known ? json_real((double)ms / 1000) : json_null();
}

static json_t *failure_pack(const struct report *report, const struct status_secret *secret)
{
	if (!secret->failed_at)
		return json_null();
	return json_pack("{s:o, s:s?, s:s?}", "age",
			 seconds_pack(true, report->now - secret->failed_at), "kind",
			 secret->kind == ERROR_NONE ? NULL : status_kind_name(secret->kind), "text",
			 secret->error);
}

/* A file of the keyring, or null. */
static json_t *path_pack(const struct report *report, const char *file)
{
	return file ? json_sprintf("%s/%s", report->keyring, file) : json_null();
}

static json_t *paths_pack(const struct report *report, const struct status_secret *secret)
{
	json_t *paths = json_array();

	for (size_t i = 0; i < secret->file_count; i++) {
		if (json_array_append_new(paths, path_pack(report, secret->files[i])) < 0) {
			json_decref(paths);
			return NULL;
		}
	}
	return paths;
}

static bool secret_is_complete(const struct status_secret *secret)
{
	return (secret->state == STATUS_DELIVERED || secret->state == STATUS_STALE) &&
	       !secret->incomplete;
}

static json_t *secret_pack(const struct report *report, const struct status_secret *secret)
{
	return json_pack(
		"{s:s, s:o, s:o, s:s?, s:s, s:b, s:s, s:b, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:o}",
		"name", secret->name, "path", path_pack(report, status_file(secret)), "paths",
		paths_pack(report, secret), "key", secret->key, "resource", secret->resource,
		"required", secret->required, "state", status_state_name(secret->state), "complete",
		secret_is_complete(secret), "age",
		seconds_pack(secret->changed, report->now - secret->changed), "last-success",
		seconds_pack(secret->success, report->now - secret->success), "next-refresh",
		seconds_pack(secret->next, secret->next - report->now), "version",
		(json_int_t)secret->version, "attempts", (json_int_t)secret->attempts, "failures",
		(json_int_t)secret->failures, "consecutive-failures", (json_int_t)secret->failed,
		"last-error", failure_pack(report, secret));
}

static json_t *failures_pack(const struct status *status)
{
	json_t *failures = json_object();

	for (int i = ERROR_NONE + 1; i < (int)STATUS_KINDS; i++) {
		json_t *count = json_integer((json_int_t)status->failures[i]);

		if (json_object_set_new(failures, status_kind_name((enum error_kind)i), count) <
		    0) {
			json_decref(failures);
			return NULL;
		}
	}
	return failures;
}

static json_t *secrets_pack(const struct report *report)
{
	json_t *secrets = json_array();

	for (size_t i = 0; i < report->status.count; i++) {
		const struct status_secret *secret = &report->status.secret[i];

		if (report_selects(report, secret) &&
		    json_array_append_new(secrets, secret_pack(report, secret)) < 0) {
			json_decref(secrets);
			return NULL;
		}
	}
	return secrets;
}

static int report_json(const struct report *report, struct bytes *out, struct error *e)
{
	const struct status *status = &report->status;
	json_t *value = json_pack("{s:s, s:b, s:s?, s:o, s:o, s:o, s:I, s:o, s:o}", "daemon",
				  daemon_words[report->daemon], "ready", status->ready, "kbs",
				  status->url, "status-age",
				  seconds_pack(true, report->now - status->now), "uptime",
				  seconds_pack(status->started, report->now - status->started),
				  "ear-expiry",
				  seconds_pack(status->ear_until, status->ear_until - report->now),
				  "passes", (json_int_t)status->passes, "failures",
				  failures_pack(status), "secrets", secrets_pack(report));
	int ret = value ? json_pretty(value, out, e) : error_set_memory(e);

	json_decref(value);
	return ret;
}

/* --- metrics --------------------------------------------------------------------------------- */

/* A textfile of node_exporter: always complete, and readable for it. */
static int metrics_write(const char *path, const struct bytes *text, struct error *e)
{
	struct bytes temporary = BYTES_INIT;
	int ret;

	bytes_printf(&temporary, "%s.XXXXXX", path);
	ret = bytes_check(&temporary, e);
	if (ret == 0)
		ret = io_replace_file(path, bytes_text(&temporary), 0644, text->data, text->len, e);
	bytes_free(&temporary);
	return ret;
}

static int report_metrics(const struct report *report, struct error *e)
{
	static const enum metrics_daemon daemons[] = {
		[LOCAL_RUNS] = METRICS_RUNNING,
		[LOCAL_STOPPED] = METRICS_STOPPED,
		[LOCAL_HIDDEN] = METRICS_UNKNOWN,
	};
	struct bytes text = BYTES_INIT;
	int ret;

	metrics_print(&report->status, report->now, daemons[report->daemon], &text);
	ret = bytes_check(&text, e);
	if (ret == 0)
		ret = report->options->output ? metrics_write(report->options->output, &text, e) :
						cli_output(&text, e);
	bytes_free(&text);
	return ret;
}

/* --- follow ---------------------------------------------------------------------------------- */

/* Print what changed since @old, which then becomes the status that is read. */
static int follow_step(const struct report *report, struct status *old, size_t *lines,
		       struct error *e)
{
	struct bytes out = BYTES_INIT;
	struct status new = STATUS_INIT;
	int ret = local_status_read(report->keyring, &new, e);

	/* Nothing changes while there is no status: a realmkeyd that starts again takes over the keyring. */
	if (ret != LOCAL_FOUND)
		return ret < 0 ? -1 : 0;
	ret = events_print(old, &new, report->name, report->count, &out, lines, e);
	if (ret == 0)
		ret = cli_output(&out, e);
	bytes_free(&out);
	status_free(old);
	*old = new;
	return ret;
}

/* Returns only after an error, or the number of lines that --count names. */
static int follow(const struct report *report, struct error *e)
{
	const unsigned int count = report->options->count;
	struct watch_status watch;
	struct status old;
	size_t lines = 0;
	int ret;

	watch_status_open(&watch, report->keyring);
	watch_status_arm(&watch);
	ret = local_status_read(report->keyring, &old, e) < 0 ? -1 : 0;
	while (ret == 0 && (!count || lines < count)) {
		watch_status_wait(&watch, INT_MAX);
		watch_status_arm(&watch);
		ret = follow_step(report, &old, &lines, e);
	}
	status_free(&old);
	watch_status_close(&watch);
	return ret;
}

/* --- the command ----------------------------------------------------------------------------- */

static int options_check(const struct options *options, size_t names, struct error *e)
{
	if (options->json + options->metrics + options->follow > 1)
		return error_set(e, ERROR_USAGE,
				 "--json, --metrics and --follow exclude each other");
	if (options->output && !options->metrics)
		return error_set(e, ERROR_USAGE, "--output needs --metrics");
	if (options->count && !options->follow)
		return error_set(e, ERROR_USAGE, "--count needs --follow");
	if (options->metrics && names)
		return error_set(e, ERROR_USAGE, "--metrics accepts no NAME");
	return 0;
}

/* The exit status for the secrets that are selected, or required if none is named. */
static int report_code(const struct report *report)
{
	struct error e = { .kind = ERROR_DELIVERY };

	for (size_t i = 0; i < report->status.count; i++) {
		const struct status_secret *secret = &report->status.secret[i];

		if (status_is_good(secret) || !report_selects(report, secret) ||
		    (!report->count && !secret->required))
			continue;
		if (secret->kind != ERROR_NONE)
			e.kind = secret->kind;
		return error_exit_code(&e);
	}
	return report->count || report->status.ready ? 0 : error_exit_code(&e);
}

/* Print the table or JSON. Returns the exit status, or -1. */
static int report_print(const struct report *report, struct error *e)
{
	struct bytes out = BYTES_INIT;
	int ret;

	for (size_t i = 0; i < report->count; i++)
		if (!status_find(&report->status, report->name[i]))
			return error_set(e, ERROR_USAGE, "no secret '%s' in the configuration",
					 report->name[i]);
	ret = report->options->json ? report_json(report, &out, e) : table_print(report, &out, e);
	if (ret == 0)
		ret = cli_output(&out, e);
	bytes_free(&out);
	return ret == 0 ? report_code(report) : -1;
}

static int report_make(struct report *report, struct error *e)
{
	int found, code;

	report->now = clock_boot_ms();
	report->daemon = local_probe(report->keyring);
	found = local_status_read(report->keyring, &report->status, e);
	if (found < 0 || (found == LOCAL_ABSENT && !report->options->metrics))
		return local_fail(report->command, found, e);
	code = report->options->metrics ? report_metrics(report, e) : report_print(report, e);
	status_free(&report->status);
	return code < 0 ? cli_fail(report->command, e) : code;
}

int command_status(int argc, char **argv)
{
	struct options options = { 0 };
	struct report report = { .options = &options, .command = argv[0] };
	struct error e = ERROR_INIT;
	int code;

	if (!cli_parse(&spec, argc, argv, &options, report.name, &code))
		return code;
	while (report.count < NAMES_MAX && report.name[report.count])
		report.count++;
	report.keyring = local_keyring(&options.local);
	if (options_check(&options, report.count, &e) < 0)
		return cli_fail(argv[0], &e);
	if (!options.follow)
		return report_make(&report, &e);
	return follow(&report, &e) < 0 ? cli_fail(argv[0], &e) : 0;
}
