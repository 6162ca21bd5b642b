// SPDX-License-Identifier: Apache-2.0
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "base/io.h"
#include "cca/cca_token.h"
#include "cli.h"
#include "event/event_print.h"
#include "rsi/rsi.h"

#define TRIES 16	/* for a log and registers of one moment, while others extend */
#define BLAMED_MAX 16	/* records that begin_fits() takes for the first too many */

struct options {
	struct cli_kbs kbs;	/* for --source */
	const char *token;
	unsigned int records;	/* 0: all */
	bool replay, json;
};

static const struct args_option own[] = {
	{ .name = "replay", .type = ARGS_FLAG, .offset = offsetof(struct options, replay),
	  .help = "replay the log and compare with this realm's registers" },
	{ .name = "token", .type = ARGS_TEXT, .offset = offsetof(struct options, token),
	  .value = "TOKEN", .help = "compare with the registers in this CCA token instead" },
	{ .name = "records", .type = ARGS_NUMBER, .offset = offsetof(struct options, records),
	  .value = "N", .help = "print or replay only the first N records, as many as the token "
	  "covers (realmkey token tells)", .min = 1, .max = INT_MAX },
	{ .name = "json", .type = ARGS_FLAG, .offset = offsetof(struct options, json),
	  .help = "print JSON" },
	{ 0 },
};

static const struct args_option *const tables[] = { cli_source_option, own, NULL };

static const struct args_spec spec = {
	.name = "realmkey log",
	.operands = "[FILE]",
	.operands_max = 1,
	.about = "Prints this realm's event log, or that in FILE (- is standard input): what was measured into\n"
		 "the registers, record by record. With --replay it ends with the registers that do or do not\n"
		 "fit, and the first record that does not; the exit status is then 7.",
	.options = tables,
	.notes = "A gap is a value that came about outside the log: before it began (base), or by somebody\n"
		 "who keeps no log (foreign). A token is not judged here: realmkey token verify.",
};

/* What to replay, and what it shall lead to. */
struct input {
	struct bytes raw;
	const struct hash *hash;
	uint8_t value[REALM_REGISTERS][HASH_SIZE_MAX];
};

/* --- this realm ------------------------------------------------------------------------------- */

static int registers_read(struct rsi *rsi, struct input *in, struct error *e)
{
	struct rsi_config config;
	size_t size;

	if (rsi_config_get(rsi, &config, e) < 0)
		return -1;
	in->hash = hash_by_number(config.hash_algo);
	for (unsigned int i = 0; i < REALM_REGISTERS; i++)
		if (rsi_measurement_get(rsi, i, in->value[i], &size, e) < 0)
			return -1;
	return 0;
}

/* Registers read between two equal logs are those that the log accounts for. */
static int realm_read(struct rsi *rsi, struct input *in, struct error *e)
{
	struct bytes again = BYTES_INIT;
	bool same = false;
	int ret = rsi_log_get(rsi, &in->raw, e);

	for (int i = 0; ret == 0 && !same && i < TRIES; i++) {
		bytes_clear(&again);
		ret = registers_read(rsi, in, e) < 0 ? -1 : rsi_log_get(rsi, &again, e);
		same = bytes_equal(in->raw.data, in->raw.len, again.data, again.len);
		bytes_swap(&in->raw, &again);
	}
	if (ret == 0 && !same)
		ret = error_set_transient(e, ERROR_SYSTEM, "the log grows too fast to be compared");
	bytes_free(&again);
	return ret;
}

/* The log of this realm unless @file is one, and the registers if they are wanted. */
static int realm_input(const struct options *options, const char *file, struct input *in,
		       struct error *e)
{
	bool registers = options->replay && !options->token;
	struct rsi *rsi;
	int ret;

	if (file && !registers)
		return 0;
	rsi = rsi_open(options->kbs.source, e);
	if (!rsi)
		return -1;
	if (file)
		ret = registers_read(rsi, in, e);
	else
		ret = registers ? realm_read(rsi, in, e) : rsi_log_get(rsi, &in->raw, e);
	rsi_close(rsi);
	return ret;
}

/* --- a token ---------------------------------------------------------------------------------- */

static int register_take(const struct cbor_slice *claim, uint8_t value[HASH_SIZE_MAX])
{
	if (claim->len > HASH_SIZE_MAX)
		return -1;
	memcpy(value, claim->data, claim->len);
	return 0;
}

static int token_registers(const struct cca_token *token, const char *path, struct input *in,
			   struct error *e)
{
	in->hash = hash_by_name(token->realm.hash_algorithm);
	if (!in->hash || register_take(&token->realm.rim, in->value[0]) < 0)
		return error_set(e, ERROR_INPUT, "%s: hash algorithm '%s'", path,
				 token->realm.hash_algorithm);
	for (int i = 0; i < REALM_REMS; i++)
		if (register_take(&token->realm.rem[i], in->value[i + 1]) < 0)
			return error_set(e, ERROR_INPUT, "%s: REM%d is too long", path, i);
	return 0;
}

static int token_read(const char *path, struct input *in, struct error *e)
{
	struct cca_token token = CCA_TOKEN_INIT;
	struct bytes raw = BYTES_INIT;
	struct cca_verdict verdict;
	int ret = -1;

	if (io_read_file(path, CCA_TOKEN_MAX, &raw, e) < 0)
		goto out;
	if (cca_token_decode(raw.data, raw.len, &token, &verdict, e) == 0) {
		ret = token_registers(&token, path, in, e);
	} else {
		error_reclassify(e, ERROR_ATTESTATION, ERROR_INPUT);
		error_add(e, "%s", path);
	}
out:
	cca_token_free(&token);
	bytes_free(&raw);
	return ret;
}

/* --- output ----------------------------------------------------------------------------------- */

static int output(const struct event_log *log, const struct event_replay *replay, bool json,
		  struct error *e)
{
	struct bytes text = BYTES_INIT;
	json_t *value = json ? event_print_json(log, replay) : NULL;
	int ret;

	if (json) {
		ret = value ? cli_output_json(value, e) : error_set_memory(e);
	} else {
		event_print_log(log, &text);
		if (replay)
			event_print_replay(log, replay, &text);
		ret = bytes_check(&text, e) < 0 ? -1 : cli_output(&text, e);
	}
	json_decref(value);
	bytes_free(&text);
	return ret;
}

static int records_limit(struct event_log *log, unsigned int records, struct error *e)
{
	if (records > log->count)
		return error_set(e, ERROR_INPUT, "--records %u: the log has %zu", records,
				 log->count);
	if (records)
		log->count = records;
	return 0;
}

/* How many of the first records do lead to the registers, when all do not; 0 for none. */
static size_t begin_fits(const struct event_log *log, const struct input *in,
			 const struct event_replay *whole)
{
	struct event_replay replay = *whole;
	struct event_log begin = *log;
	struct error e = ERROR_INIT;

	/* Once, unless a foreign record hides what is to blame before it. */
	for (int i = 0; !replay.fits && replay.misfit < begin.count && i < BLAMED_MAX; i++) {
		begin.count = replay.misfit;
		if (event_replay_run(&begin, in->value, &replay, &e) < 0)
			return 0;
	}
	return replay.fits ? begin.count : 0;
}

/* The log does not lead to a token: because it went on? 0, or -1 with what to do about it. */
static int token_explain(const struct event_log *log, const struct input *in,
			 const struct event_replay *replay, struct error *e)
{
	size_t fit = begin_fits(log, in, replay);

	if (!fit)
		return 0;
	return error_set(e, ERROR_ATTESTATION, "the token fits the first %zu of %zu records: if "
			 "the log has grown since, use --records %zu", fit, log->count, fit);
}

/* 1: good, 0: does not replay (told), -1: could not be told, or why is in @e. */
static int log_replay(const struct options *options, const struct input *in,
		      const struct event_log *log, struct error *e)
{
	struct event_replay replay;

	if (log->hash != in->hash)
		return error_set(e, ERROR_INPUT, "a log of %s, registers of %s", log->hash->name,
				 in->hash ? in->hash->name : "another algorithm");
	if (event_replay_run(log, in->value, &replay, e) < 0 ||
	    output(log, &replay, options->json, e) < 0)
		return -1;
	if (options->token && !replay.fits && token_explain(log, in, &replay, e) < 0)
		return -1;
	return replay.fits;
}

/* As log_replay(); 1 for a log that is only shown. */
static int log_show(const struct options *options, const struct input *in, const char *what,
		    struct error *e)
{
	struct event_log log = EVENT_LOG_INIT;
	int ret;

	if (event_log_decode(&log, in->raw.data, in->raw.len, e) < 0)
		return what ? error_add(e, "%s", what) : -1;
	if (records_limit(&log, options->records, e) < 0)
		ret = -1;
	else if (options->replay)
		ret = log_replay(options, in, &log, e);
	else
		ret = output(&log, NULL, options->json, e) < 0 ? -1 : 1;
	event_log_free(&log);
	return ret;
}

static int input_read(const struct options *options, const char *file, struct input *in,
		      struct error *e)
{
	if (options->token && !options->replay)
		return error_set(e, ERROR_USAGE, "--token is for --replay");
	if (options->token && token_read(options->token, in, e) < 0)
		return -1;
	if (file && io_read_file(file, EVENT_LOG_MAX, &in->raw, e) < 0)
		return -1;
	return realm_input(options, file, in, e);
}

int command_log(int argc, char **argv)
{
	const struct error refused = { .kind = ERROR_ATTESTATION };
	struct input in = { .raw = BYTES_INIT };
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	const char *file;
	int code, ret;

	if (!cli_parse(&spec, argc, argv, &options, &file, &code))
		return code;
	ret = input_read(&options, file, &in, &e);
	if (ret == 0)
		ret = log_show(&options, &in, file, &e);
	bytes_free(&in.raw);
	if (ret < 0)
		return cli_fail(argv[0], &e);
	return ret ? 0 : error_exit_code(&refused);
}
