// SPDX-License-Identifier: Apache-2.0
#include <limits.h>
#include <stddef.h>

#include "base/encode.h"
#include "base/json.h"
#include "cli.h"
#include "event/event_log.h"
#include "rsi/rsi_watch.h"

struct options {
	unsigned int count; /* 0: no end */
	bool json;
};

static const struct args_option own[] = {
	{ .name = "count",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct options, count),
	  .value = "N",
	  .help = "exit after N extensions (default: never)",
	  .min = 1,
	  .max = INT_MAX },
	CLI_JSON_OPTION(struct options, "print one JSON object per line"),
	{ 0 },
};

static const struct args_option *const tables[] = { own, NULL };

static const struct args_spec spec = {
	.name = "realmkey watch",
	.operands = "",
	.about = "Prints each extension of a measurement register as it happens: its position in\n"
		 "the event log, register, event type and digest. A line says so when more than\n"
		 "seven eighths of the event log are used.",
	.options = tables,
	.notes = "Notices come by generic netlink. Notices lost in a burst, and records that are\n"
		 "not extensions, show as a gap in the positions; realmkey log has all of them.\n"
		 "The exit status is 13 if the module is unloaded.",
};

static void notice_print(const struct rsi_notice *notice, struct bytes *out)
{
	const char *type = event_type_name(notice->type);
	char name[24];

	if (notice->log_full) {
		bytes_printf(out,
			     "the event log is nearly full: %llu of %llu bytes; raise log_max\n",
			     (unsigned long long)notice->log_used,
			     (unsigned long long)notice->log_limit);
		return;
	}
	bytes_printf(out, "%5llu %-5s ", (unsigned long long)notice->seq,
		     event_register_name(notice->index, name));
	if (type)
		bytes_append_text(out, type);
	else
		bytes_printf(out, "0x%08x", notice->type);
	bytes_append_text(out, " ");
	encode_hex(notice->digest, notice->size, out);
	bytes_append_text(out, "\n");
}

static json_t *notice_pack(const struct rsi_notice *notice)
{
	if (notice->log_full)
		return json_pack("{s:I, s:I}", "log-used", (json_int_t)notice->log_used,
				 "log-limit", (json_int_t)notice->log_limit);
	return json_pack("{s:I, s:I, s:I, s:s*, s:o}", "seq", (json_int_t)notice->seq, "index",
			 (json_int_t)notice->index, "event-type", (json_int_t)notice->type,
			 "event-type-name", event_type_name(notice->type), "digest",
			 json_hex(notice->digest, notice->size));
}

static int notice_json(const struct rsi_notice *notice, struct bytes *out, struct error *e)
{
	json_t *value = notice_pack(notice);
	int ret = value ? json_compact(value, out, e) : error_set_memory(e);

	bytes_append_text(out, "\n");
	json_decref(value);
	return ret;
}

static int watch_run(struct rsi_watch *watch, const struct options *options, struct error *e)
{
	struct bytes out = BYTES_INIT;
	struct rsi_notice notice;
	int ret = 0;

	for (unsigned int n = 0; ret == 0 && (!options->count || n < options->count);) {
		bytes_clear(&out);
		ret = rsi_watch_next(watch, &notice, e);
		if (ret == 0 && options->json)
			ret = notice_json(&notice, &out, e);
		else if (ret == 0)
			notice_print(&notice, &out);
		if (ret == 0)
			ret = cli_output(&out, e);
		if (ret == 0 && !notice.log_full)
			n++;
	}
	bytes_free(&out);
	return ret;
}

int command_watch(int argc, char **argv)
{
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	struct rsi_watch *watch;
	int code, ret;

	if (!cli_parse(&spec, argc, argv, &options, NULL, &code))
		return code;
	watch = rsi_watch_open(&e);
	ret = watch ? watch_run(watch, &options, &e) : -1;
	rsi_watch_close(watch);
	return ret < 0 ? cli_fail(argv[0], &e) : 0;
}
