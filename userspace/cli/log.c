// SPDX-License-Identifier: Apache-2.0
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "base/hash.h"
#include "base/io.h"
#include "base/realm.h"
#include "cca/cca_token.h"
#include "cli.h"
#include "event/event_print.h"
#include "rsi/rsi.h"

#define TRIES	    16 /* to read log and registers of one moment, while other programs extend */
#define MISFITS_MAX 16 /* misfits at which fitting_records() cuts the log */

struct options {
	struct cli_kbs kbs; /* for --source */
	const char *token;
	unsigned int records; /* 0: all */
	bool replay, json;
};

static const struct args_option own[] = {
	{ .name = "replay",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, replay),
	  .help = "replay the log and compare the result with this realm's registers" },
	{ .name = "token",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, token),
	  .value = "TOKEN",
	  .help = "compare with the registers in this CCA token instead" },
	{ .name = "records",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct options, records),
	  .value = "N",
	  .help = "print or replay only the first N records; realmkey token "
		  "prints how many a token covers",
	  .min = 1,
	  .max = INT_MAX },
	CLI_JSON_OPTION(struct options, "print JSON"),
	{ 0 },
};

static const struct args_option *const tables[] = { cli_source_option, own, NULL };

static const struct args_spec spec = {
	.name = "realmkey log",
	.operands = "[FILE]",
	.operands_max = 1,
	.about = "Prints the event log of this realm, or the one in FILE (- is standard input):\n"
		 "the measurements that extended the registers, record by record. With --replay\n"
		 "it then prints which registers fit, and the first record that does not; the\n"
		 "exit status is 7 if one does not fit.",
	.options = tables,
	.notes = "A gap is a change of a register that the log does not explain: before the log\n"
		 "began (base), or by a program that keeps no log (foreign). Records marked boot\n"
		 "are firmware's; they may explain a register from zero on. This command does\n"
		 "not verify a token; realmkey token verify does.",
};

/* A log, and the registers to compare its replay with. */
struct input {
	struct bytes raw;
	const struct hash *hash; /* of the registers; NULL if it is not one of ours */
	uint8_t value[REALM_REGISTERS][HASH_SIZE_MAX];
};

/* --- this realm ------------------------------------------------------------------------------ */

static int realm_read_registers(struct rsi *rsi, struct input *in, struct error *e)
{
	struct rsi_config config;
	size_t size;

	if (rsi_config_get(rsi, &config, e) < 0)
		return -1;
	in->hash = config.hash;
	for (unsigned int i = 0; i < REALM_REGISTERS; i++)
		if (rsi_measurement_get(rsi, i, in->value[i], &size, e) < 0)
			return -1;
	return 0;
}

/* Read log and registers. Registers that are read between two equal logs are those of that log. */
static int realm_read(struct rsi *rsi, struct input *in, struct error *e)
{
	struct bytes again = BYTES_INIT;
	bool same = false;
	int ret = rsi_log_get(rsi, &in->raw, e);

	for (int i = 0; ret == 0 && !same && i < TRIES; i++) {
		bytes_clear(&again);
		ret = realm_read_registers(rsi, in, e) < 0 ? -1 : rsi_log_get(rsi, &again, e);
		same = bytes_equal(in->raw.data, in->raw.len, again.data, again.len);
		bytes_swap(&in->raw, &again);
	}
	if (ret == 0 && !same)
		ret = error_set_transient(e, ERROR_SYSTEM, "log keeps changing, cannot compare");
	bytes_free(&again);
	return ret;
}

/* Read the log of this realm unless @file is given, and the registers if they are needed. */
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
		ret = realm_read_registers(rsi, in, e);
	else
		ret = registers ? realm_read(rsi, in, e) : rsi_log_get(rsi, &in->raw, e);
	rsi_close(rsi);
	return ret;
}

/* --- a token --------------------------------------------------------------------------------- */

static int token_read_registers(const struct cca_token *token, const char *path, struct input *in,
				struct error *e)
{
	in->hash = hash_by_name(token->realm.hash_algorithm);
	if (!in->hash || token->realm.rim.len > HASH_SIZE_MAX)
		return error_set(e, ERROR_INPUT, "%s: hash algorithm '%s'", path,
				 token->realm.hash_algorithm);
	for (unsigned int i = 0; i < REALM_REGISTERS; i++) {
		const struct cbor_slice *claim = i ? &token->realm.rem[i - 1] : &token->realm.rim;

		if (claim->len > HASH_SIZE_MAX)
			return error_set(e, ERROR_INPUT, "%s: %s is too long", path,
					 realm_register_name(i));
		memcpy(in->value[i], claim->data, claim->len);
	}
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
		ret = token_read_registers(&token, path, in, e);
	} else {
		error_reclassify(e, ERROR_ATTESTATION, ERROR_INPUT);
		error_add(e, "%s", path);
	}
out:
	cca_token_free(&token);
	bytes_free(&raw);
	return ret;
}

/* --- output ---------------------------------------------------------------------------------- */

static int log_output(const struct event_log *log, const struct event_replay *replay, bool json,
		      struct error *e)
{
	struct bytes text = BYTES_INIT;
	json_t *value;
	int ret;

	if (!json) {
		event_print_log(log, &text);
		if (replay)
			event_print_replay(log, replay, &text);
		return cli_output_text(&text, e);
	}
	value = event_print_json(log, replay);
	ret = value ? cli_output_json(value, e) : error_set_memory(e);
	json_decref(value);
	return ret;
}

/* If not all records lead to the registers, set *@count to the number of first records that do, or
 * to 0. */
static int fitting_records(const struct event_log *log, const struct input *in,
			   const struct event_replay *whole, size_t *count, struct error *e)
{
	struct event_replay replay = *whole;
	struct event_log begin = *log;

	/* Cutting once suffices, unless a foreign record hides the records that do not fit before
	 * it. */
	for (int i = 0; !replay.fits && replay.misfit < begin.count && i < MISFITS_MAX; i++) {
		begin.count = replay.misfit;
		if (event_replay_run(&begin, in->value, &replay, e) < 0)
			return -1;
	}
	*count = replay.fits ? begin.count : 0;
	return 0;
}

/* Returns 1 if the log leads to the registers, 0 if it does not, or -1. */
static int log_replay(const struct options *options, const struct input *in,
		      const struct event_log *log, struct error *e)
{
	struct event_replay replay;
	size_t fit = 0;

	if (log->hash != in->hash)
		return error_set(e, ERROR_INPUT, "a log of %s, registers of %s", log->hash->name,
				 in->hash ? in->hash->name : "an unknown algorithm");
	if (event_replay_run(log, in->value, &replay, e) < 0 ||
	    log_output(log, &replay, options->json, e) < 0)
		return -1;
	if (replay.fits)
		return 1;
	/* The log may have grown after the token was made. */
	if (options->token && fitting_records(log, in, &replay, &fit, e) < 0)
		return -1;
	return fit ? error_set(e, ERROR_ATTESTATION,
			       "the token fits the first %zu of %zu records: "
			       "if the log has grown since, use --records %zu",
			       fit, log->count, fit) :
		     0;
}

/* The same as log_replay(); returns 1 if the log is only printed. @what names the log in errors, or
 * is NULL. */
static int log_show(const struct options *options, const struct input *in, const char *what,
		    struct error *e)
{
	struct event_log log = EVENT_LOG_INIT;
	int ret;

	if (event_log_decode(&log, in->raw.data, in->raw.len, e) < 0)
		return what ? error_add(e, "%s", what) : -1;
	if (options->records > log.count) {
		ret = error_set(e, ERROR_INPUT, "--records %u: the log has %zu", options->records,
				log.count);
		goto out;
	}
	if (options->records)
		log.count = options->records;
	if (options->replay)
		ret = log_replay(options, in, &log, e);
	else
		ret = log_output(&log, NULL, options->json, e) < 0 ? -1 : 1;
out:
	event_log_free(&log);
	return ret;
}

static int input_read(const struct options *options, const char *file, struct input *in,
		      struct error *e)
{
	if (options->token && !options->replay)
		return error_set(e, ERROR_USAGE, "--token requires --replay");
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
