// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <openssl/evp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/io.h"
#include "cli.h"
#include "event/event_log.h"
#include "rsi/rsi.h"

struct options {
	struct cli_kbs kbs;	/* for --source */
	const char *type, *event, *event_file;
};

static const struct args_option own[] = {
	{ .name = "event-type", .type = ARGS_TEXT, .offset = offsetof(struct options, type),
	  .value = "TYPE", .help = "TCG event type in the log, by name or number (EV_IPL)" },
	{ .name = "event", .type = ARGS_TEXT, .offset = offsetof(struct options, event),
	  .value = "TEXT", .help = "what the log shall say of it, at most 4096 bytes (nothing)" },
	{ .name = "event-file", .type = ARGS_TEXT, .offset = offsetof(struct options, event_file),
	  .value = "FILE", .help = "the same as bytes, from a file (- is standard input)" },
	{ 0 },
};

static const struct args_option *const tables[] = { cli_source_option, own, NULL };

static const struct args_spec spec = {
	.name = "realmkey extend",
	.operands = "INDEX FILE",
	.operands_min = 2,
	.operands_max = 2,
	.about = "Extends a measurement register (1 to 4: REM0 to REM3) with the digest of FILE\n"
		 "(- is standard input) in the realm's hash algorithm: REM becomes\n"
		 "H(REM || H(FILE)). There is no way back. The event log keeps a record of it\n"
		 "(realmkey log).",
	.options = tables,
};

/* --- what is measured ------------------------------------------------------------------------- */

/* The digest of what @fd still has to say. */
static int digest_fd(int fd, EVP_MD_CTX *context, const char *what, struct error *e)
{
	uint8_t block[16384];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0) {
		if (EVP_DigestUpdate(context, block, (size_t)n) != 1)
			return error_set(e, ERROR_SYSTEM, "digest");
	}
	return n < 0 ? error_set_errno(e, ERROR_INPUT, "%s", what) : 0;
}

static int digest_file(const char *path, const char *hash, uint8_t digest[RSI_DIGEST_MAX],
		       struct error *e)
{
	bool standard = !strcmp(path, "-");
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	const EVP_MD *md = hash ? EVP_get_digestbyname(hash) : NULL;
	int ret = -1;

	if (fd < 0)
		error_set_errno(e, ERROR_INPUT, "%s", path);
	else if (!md || !context || EVP_DigestInit_ex(context, md, NULL) != 1)
		error_set(e, ERROR_SYSTEM, "no %s here", hash ? hash : "hash algorithm");
	else
		ret = digest_fd(fd, context, path, e);
	if (ret == 0 && EVP_DigestFinal_ex(context, digest, NULL) != 1)
		ret = error_set(e, ERROR_SYSTEM, "digest");
	EVP_MD_CTX_free(context);
	if (!standard && fd >= 0)
		close(fd);
	return ret;
}

/* What the log shall say, at most @max bytes. */
static int event_read(const struct options *options, size_t max, struct bytes *event,
		      struct error *e)
{
	const char *text = options->event ? options->event : "";

	if (options->event_file)
		return io_read_file(options->event_file, max, event, e) < 0 ?
		       error_add(e, "--event-file") : 0;
	if (strlen(text) > max)
		return error_set(e, ERROR_USAGE, "--event: %zu bytes, more than %zu", strlen(text),
				 max);
	return bytes_append_text(event, text) < 0 ? error_set_memory(e) : 0;
}

/* --- what is told ----------------------------------------------------------------------------- */

/* What was done, and cannot be undone. */
struct extension {
	unsigned int index;
	struct rsi_config config;
	uint8_t digest[RSI_DIGEST_MAX];
	uint64_t seq;
};

static int done_output(const struct extension *x, struct error *e)
{
	struct bytes text = BYTES_INIT;
	bool lost = bytes_printf(&text, "REM%u extended with %s:", x->index - 1,
				 rsi_hash_name(x->config.hash_algo)) < 0 ||
		    encode_hex(x->digest, x->config.digest_size, &text) < 0 ||
		    bytes_printf(&text, "\nrecord %llu\n", (unsigned long long)x->seq) < 0;

	return cli_output_text(lost ? -1 : 0, &text, e);
}

static int value_output(struct rsi *rsi, const struct extension *x, struct error *e)
{
	uint8_t value[RSI_DIGEST_MAX];
	struct bytes text = BYTES_INIT;
	size_t size;
	bool lost;

	if (rsi_measurement_get(rsi, x->index, value, &size, e) < 0)
		return error_add(e, "REM%u is extended, but was not read again", x->index - 1);
	lost = bytes_append_text(&text, "now ") < 0 || encode_hex(value, size, &text) < 0 ||
	       bytes_append_text(&text, "\n") < 0;
	return cli_output_text(lost ? -1 : 0, &text, e);
}

/* Nothing that fails from here on says that the extension failed, lest somebody make it again. */
static int report(struct rsi *rsi, const struct extension *x, struct error *e)
{
	struct error unread = ERROR_INIT;

	if (done_output(x, e) < 0)
		return error_add(e, "REM%u is extended, record %llu", x->index - 1,
				 (unsigned long long)x->seq);
	if (value_output(rsi, x, &unread) < 0)
		cli_warn("extend", unread.text);
	return 0;
}

/* --- the command ------------------------------------------------------------------------------ */

/* @event: its type is set. */
static int extend(struct rsi *rsi, const struct options *options, const char *const operand[2],
		  struct rsi_event *event, struct error *e)
{
	struct extension x = { .index = (unsigned int)(operand[0][0] - '0') };
	struct bytes data = BYTES_INIT;
	int ret = -1;

	if (rsi_config_get(rsi, &x.config, e) < 0 ||
	    event_read(options, x.config.event_max, &data, e) < 0 ||
	    digest_file(operand[1], rsi_hash_openssl(x.config.hash_algo), x.digest, e) < 0)
		goto out;
	event->data = data.data;
	event->size = data.len;
	if (rsi_measurement_extend(rsi, x.index, x.digest, x.config.digest_size, event, &x.seq,
				   e) == 0)
		ret = report(rsi, &x, e);
out:
	bytes_free(&data);
	return ret;
}

/* What can be wrong with the command line, before anything is read or extended. */
static int command_check(const struct options *options, const char *const operand[2],
			 struct rsi_event *event, struct error *e)
{
	const char *index = operand[0];

	if (strlen(index) != 1 || index[0] < '1' || index[0] > '4')
		return error_set(e, ERROR_USAGE, "INDEX is 1 to 4 (REM0 to REM3), not '%s'", index);
	if (options->event && options->event_file)
		return error_set(e, ERROR_USAGE, "--event and --event-file exclude each other");
	if (options->event_file && !strcmp(options->event_file, "-") && !strcmp(operand[1], "-"))
		return error_set(e, ERROR_USAGE, "FILE and --event-file cannot both be standard "
				 "input");
	event->type = EVENT_TYPE_IPL;
	if (options->type && event_type_parse(options->type, &event->type, e) < 0)
		return error_add(e, "--event-type");
	return 0;
}

/* Help lists the event types, which completion takes from there. */
static bool parse(int argc, char **argv, struct options *options, const char **operand, int *code)
{
	struct bytes notes = BYTES_INIT;
	struct args_spec with_notes = spec;
	bool run;

	bytes_append_text(&notes, "Event types by name:\n");
	event_types_print(&notes);
	if (!notes.failed)
		with_notes.notes = bytes_text(&notes);
	run = cli_parse(&with_notes, argc, argv, options, operand, code);
	bytes_free(&notes);
	return run;
}

int command_extend(int argc, char **argv)
{
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	struct rsi_event event;
	const char *operand[2];
	struct rsi *rsi;
	int code, ret;

	if (!parse(argc, argv, &options, operand, &code))
		return code;
	if (command_check(&options, operand, &event, &e) < 0)
		return cli_fail(argv[0], &e);
	rsi = rsi_open(options.kbs.source, &e);
	ret = rsi ? extend(rsi, &options, operand, &event, &e) : -1;
	rsi_close(rsi);
	return ret < 0 ? cli_fail(argv[0], &e) : 0;
}
