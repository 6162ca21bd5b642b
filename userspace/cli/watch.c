// SPDX-License-Identifier: Apache-2.0
#include <limits.h>
#include <stddef.h>

#include "base/encode.h"
#include "base/json.h"
#include "cli.h"
#include "event/event_log.h"
#include "rsi/rsi.h"

struct options {
	unsigned int count;	/* 0: no end */
	bool json;
};

static const struct args_option own[] = {
	{ .name = "count", .type = ARGS_NUMBER, .offset = offsetof(struct options, count),
	  .value = "N", .help = "end after so many extensions (never)", .min = 1, .max = INT_MAX },
	{ .name = "json", .type = ARGS_FLAG, .offset = offsetof(struct options, json),
	  .help = "print one JSON object a line" },
	{ 0 },
};

static const struct args_option *const tables[] = { own, NULL };

static const struct args_spec spec = {
	.name = "realmkey watch",
	.operands = "",
	.about = "Prints each extension of a measurement register as it happens, whoever makes it: its\n"
		 "position in the event log, register, event type and digest.",
	.options = tables,
	.notes = "It listens by generic netlink. What a burst drowned, and records that are no extensions,\n"
		 "show as a gap in the positions; realmkey log has them all. It ends with status 13 when\n"
		 "the module is unloaded.",
};

static int notice_line(const struct rsi_notice *notice, struct bytes *out)
{
	const char *type = event_type_name(notice->type);
	char name[24];

	if (bytes_printf(out, "%5llu %-5s ", (unsigned long long)notice->seq,
			 event_register_name(notice->index, name)) < 0 ||
	    (type ? bytes_append_text(out, type) : bytes_printf(out, "0x%08x", notice->type)) < 0 ||
	    bytes_append_text(out, " ") < 0 ||
	    encode_hex(notice->digest, notice->size, out) < 0)
		return -1;
	return bytes_append_text(out, "\n");
}

static int notice_json(const struct rsi_notice *notice, struct bytes *out, struct error *e)
{
	struct bytes hex = BYTES_INIT;
	json_t *value = NULL;
	int ret = -1;

	if (encode_hex(notice->digest, notice->size, &hex) == 0)
		value = json_pack("{s:I, s:I, s:I, s:s*, s:s}", "seq", (json_int_t)notice->seq,
				  "index", (json_int_t)notice->index, "event-type",
				  (json_int_t)notice->type, "event-type-name",
				  event_type_name(notice->type), "digest", bytes_text(&hex));
	if (!value)
		error_set_memory(e);
	else if (json_compact(value, out, e) == 0)
		ret = bytes_append_text(out, "\n") < 0 ? error_set_memory(e) : 0;
	json_decref(value);
	bytes_free(&hex);
	return ret;
}

static int notice_output(const struct rsi_notice *notice, bool json, struct error *e)
{
	struct bytes out = BYTES_INIT;
	int ret = json ? notice_json(notice, &out, e) :
		  notice_line(notice, &out) < 0 ? error_set_memory(e) : 0;

	if (ret == 0)
		ret = cli_output(&out, e);
	bytes_free(&out);
	return ret;
}

static int watch_run(struct rsi_watch *watch, const struct options *options, struct error *e)
{
	struct rsi_notice notice;

	for (unsigned int n = 0; !options->count || n < options->count; n++)
		if (rsi_watch_next(watch, &notice, e) < 0 ||
		    notice_output(&notice, options->json, e) < 0)
			return -1;
	return 0;
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
