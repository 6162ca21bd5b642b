// SPDX-License-Identifier: Apache-2.0
#include <openssl/rand.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/io.h"
#include "base/json.h"
#include "cca/cca_print.h"
#include "cca/cca_verify.h"
#include "cli.h"
#include "rsi/rsi.h"

struct options {
	struct cli_kbs kbs;	/* for --source */
	const char *challenge, *anchors, *raw;
	bool json;
};

static const struct args_option challenge_option[] = {
	{ .name = "challenge", .type = ARGS_TEXT, .offset = offsetof(struct options, challenge),
	  .value = "HEX", .help = "the challenge, up to 64 bytes, padded with zeros" },
	{ 0 },
};

static const struct args_option json_option[] = {
	{ .name = "json", .type = ARGS_FLAG, .offset = offsetof(struct options, json),
	  .help = "print JSON" },
	{ 0 },
};

static const struct args_option raw_option[] = {
	{ .name = "raw", .type = ARGS_TEXT, .offset = offsetof(struct options, raw),
	  .value = "FILE", .help = "write the token itself to FILE (- is standard output), and show "
	  "only what it covers" },
	{ 0 },
};

static const struct args_option anchors_option[] = {
	{ .name = "anchors", .type = ARGS_TEXT, .offset = offsetof(struct options, anchors),
	  .value = "PATH",
	  .help = "trust anchors: a JWK, a store, or a directory of them (needed)" },
	{ 0 },
};

/* --- shared ----------------------------------------------------------------------------------- */

/* Up to 64 bytes of hexadecimal text into @challenge, zeros after them. */
static int challenge_read(const char *text, uint8_t challenge[RSI_CHALLENGE_SIZE],
			  struct error *e)
{
	struct bytes raw = BYTES_INIT;
	int ret = decode_hex(text, strlen(text), "--challenge", &raw, e);

	memset(challenge, 0, RSI_CHALLENGE_SIZE);
	if (ret < 0)
		e->kind = ERROR_USAGE;
	else if (raw.len > RSI_CHALLENGE_SIZE)
		ret = error_set(e, ERROR_USAGE, "--challenge: %zu bytes, more than %d", raw.len,
				RSI_CHALLENGE_SIZE);
	else if (raw.len)
		memcpy(challenge, raw.data, raw.len);
	bytes_free(&raw);
	return ret;
}

/* What the RMM signed, and what only this realm's kernel can tell of it. */
struct signed_token {
	struct bytes raw;
	uint64_t records;	/* of the event log that its registers account for */
};

/* @kind: what it is when @raw is no token. */
static int token_decode(const struct bytes *raw, const char *what, enum error_kind kind,
			struct cca_token *token, struct error *e)
{
	struct cca_verdict verdict;

	if (cca_token_decode(raw->data, raw->len, token, &verdict, e) == 0)
		return 0;
	error_reclassify(e, ERROR_ATTESTATION, kind);
	return error_add(e, "%s", what);
}

static int records_set(json_t *object, uint64_t records)
{
	return json_object_set_new(object, "log-records", json_integer((json_int_t)records));
}

static int records_print(uint64_t records, struct bytes *out)
{
	return bytes_printf(out, "covers %llu records of the event log\n",
			    (unsigned long long)records);
}

/* @records: of the event log, NULL if nobody knows. */
static int token_output(const struct cca_token *token, const uint64_t *records, bool json,
			struct error *e)
{
	struct bytes text = BYTES_INIT;
	json_t *value = NULL;
	int ret;

	if (json) {
		value = cca_token_json(token, e);
		if (!value)
			return -1;
		ret = records && records_set(value, *records) < 0 ? error_set_memory(e) :
								    cli_output_json(value, e);
	} else {
		cca_token_print(token, &text);
		if (records)
			records_print(*records, &text);
		ret = bytes_check(&text, e) < 0 ? -1 : cli_output(&text, e);
	}
	json_decref(value);
	bytes_free(&text);
	return ret;
}

/* --- token ------------------------------------------------------------------------------------ */

static const struct args_option *const get_tables[] = {
	challenge_option, cli_source_option, raw_option, json_option, NULL,
};

static const struct args_spec get_spec = {
	.name = "realmkey token",
	.operands = "",
	.about = "Has this realm's RMM sign a CCA token over a challenge (a random one), and\n"
		 "shows it, and how many records of the event log it covers.\n"
		 "\n"
		 "realmkey token show FILE     shows any token\n"
		 "realmkey token verify FILE   judges any token",
	.options = get_tables,
};

static int token_fetch(const struct options *options, struct signed_token *token,
		       struct error *e)
{
	uint8_t challenge[RSI_CHALLENGE_SIZE];
	struct rsi *rsi;
	int ret;

	if (options->challenge ? challenge_read(options->challenge, challenge, e) < 0 :
				 RAND_bytes(challenge, sizeof(challenge)) != 1)
		return options->challenge ? -1 : error_set(e, ERROR_SYSTEM, "no random numbers");
	rsi = rsi_open(options->kbs.source, e);
	ret = rsi ? rsi_token_get(rsi, challenge, &token->raw, &token->records, e) : -1;
	rsi_close(rsi);
	return ret;
}

static int records_output(uint64_t records, bool json, struct error *e)
{
	struct bytes text = BYTES_INIT;
	json_t *value;
	int ret;

	if (!json)
		return cli_output_text(records_print(records, &text), &text, e);
	value = json_object();
	ret = records_set(value, records) < 0 ? error_set_memory(e) : cli_output_json(value, e);
	json_decref(value);
	return ret;
}

/* The token where it is wanted, and unless that is standard output, what is not in it there. */
static int raw_output(const struct options *options, const struct signed_token *token,
		      struct error *e)
{
	const struct bytes *raw = &token->raw;

	if (!strcmp(options->raw, "-"))
		return cli_output(raw, e);
	if (io_write_file(options->raw, 0644, raw->data, raw->len, e) < 0)
		return -1;
	return records_output(token->records, options->json, e);
}

static int get(const struct options *options, struct error *e)
{
	struct signed_token fetched = { .raw = BYTES_INIT };
	struct cca_token token = CCA_TOKEN_INIT;
	int ret = token_fetch(options, &fetched, e);

	if (ret == 0 && options->raw) {
		ret = raw_output(options, &fetched, e);
	} else if (ret == 0) {
		ret = token_decode(&fetched.raw, "this realm's token", ERROR_ATTESTATION, &token,
				   e);
		if (ret == 0)
			ret = token_output(&token, &fetched.records, options->json, e);
	}
	cca_token_free(&token);
	bytes_free(&fetched.raw);
	return ret;
}

static int command_get(int argc, char **argv)
{
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	int code;

	if (!cli_parse(&get_spec, argc, argv, &options, NULL, &code))
		return code;
	return get(&options, &e) < 0 ? cli_fail("token", &e) : 0;
}

/* --- token show ------------------------------------------------------------------------------- */

static const struct args_option *const show_tables[] = { json_option, NULL };

static const struct args_spec show_spec = {
	.name = "realmkey token show",
	.operands = "FILE",
	.operands_min = 1,
	.operands_max = 1,
	.about = "Shows the claims of a CCA token (- is standard input) without judging them.",
	.options = show_tables,
};

static int command_show(int argc, char **argv)
{
	struct cca_token token = CCA_TOKEN_INIT;
	struct bytes raw = BYTES_INIT;
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	const char *file;
	int code, ret = -1;

	if (!cli_parse(&show_spec, argc, argv, &options, &file, &code))
		return code;
	if (io_read_file(file, CCA_TOKEN_MAX, &raw, &e) == 0 &&
	    token_decode(&raw, file, ERROR_INPUT, &token, &e) == 0)
		ret = token_output(&token, NULL, options.json, &e);
	cca_token_free(&token);
	bytes_free(&raw);
	return ret < 0 ? cli_fail("token show", &e) : 0;
}

/* --- token verify ----------------------------------------------------------------------------- */

static const struct args_option *const verify_tables[] = {
	anchors_option, challenge_option, json_option, NULL,
};

static const struct args_spec verify_spec = {
	.name = "realmkey token verify",
	.operands = "FILE",
	.operands_min = 1,
	.operands_max = 1,
	.about = "Judges a CCA token (- is standard input) offline: form, claims, signatures,\n"
		 "binding, freshness (with --challenge) and life cycle. Prints OK and the anchor\n"
		 "that vouched for it, or the first check that failed, E_BINDING for one; the\n"
		 "exit status is then 7.",
	.options = verify_tables,
	.notes = "Whether the realm runs the right software is not judged: compare its RIM.",
};

static int verdict_output(const struct cca_verdict *verdict, const char *anchor, bool fresh,
			  bool json, struct error *e)
{
	struct bytes text = BYTES_INIT;
	json_t *value = NULL;
	int ret;

	if (json) {
		value = json_pack("{s:s, s:s, s:s, s:s, s:b}", "verdict",
				  cca_cause_name(verdict->cause), "detail", verdict->detail,
				  "warning", verdict->warning, "anchor", anchor, "freshness-judged",
				  fresh);
		ret = value ? cli_output_json(value, e) : error_set_memory(e);
		json_decref(value);
		return ret;
	}
	if (verdict->cause == CCA_OK)
		ret = bytes_printf(&text, "OK anchor %s%s\n", anchor,
				   fresh ? "" : "; freshness not judged (no --challenge)");
	else
		ret = bytes_printf(&text, "%s: %s\n", cca_cause_name(verdict->cause),
				   verdict->detail);
	if (ret == 0 && *verdict->warning)
		ret = bytes_printf(&text, "warning: %s\n", verdict->warning);
	return cli_output_text(ret, &text, e);
}

/* 1: accepted, 0: refused (both printed), -1: could not be judged. */
static int judge(const struct options *options, const char *file, struct error *e)
{
	struct cca_anchors anchors = CCA_ANCHORS_INIT;
	struct cca_token token = CCA_TOKEN_INIT;
	const struct cca_anchor *used = NULL;
	struct cca_verdict verdict = CCA_VERDICT_INIT;
	struct error refused = ERROR_INIT;
	uint8_t challenge[RSI_CHALLENGE_SIZE];
	struct bytes raw = BYTES_INIT;
	bool fresh = options->challenge != NULL;
	int ret = -1;

	if (!options->anchors)
		return error_set(e, ERROR_USAGE, "--anchors is needed");
	if (fresh && challenge_read(options->challenge, challenge, e) < 0)
		return -1;
	if (io_read_file(file, CCA_TOKEN_MAX, &raw, e) < 0)
		goto out;
	if (io_each_file(options->anchors, cca_anchors_suffixes, JSON_INPUT_MAX, cca_anchors_use,
			 &anchors, e) < 0)
		goto out;
	if (cca_token_decode(raw.data, raw.len, &token, &verdict, &refused) == 0)
		cca_token_verify(&token, &anchors, fresh ? challenge : NULL, &verdict, &used,
				 &refused);
	if (verdict.cause == CCA_NO_VERDICT) {
		*e = refused;
		goto out;
	}
	ret = verdict_output(&verdict, used ? used->name : "", fresh, options->json, e);
	if (ret == 0)
		ret = verdict.cause == CCA_OK;
out:
	cca_token_free(&token);
	cca_anchors_free(&anchors);
	bytes_free(&raw);
	return ret;
}

static int command_verify_token(int argc, char **argv)
{
	const struct error refused = { .kind = ERROR_ATTESTATION };
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	const char *file;
	int code, ret;

	if (!cli_parse(&verify_spec, argc, argv, &options, &file, &code))
		return code;
	ret = judge(&options, file, &e);
	if (ret < 0)
		return cli_fail("token verify", &e);
	return ret ? 0 : error_exit_code(&refused);
}

int command_token(int argc, char **argv)
{
	static const struct cli_entry table[] = {
		{ "get", command_get, "have the RMM sign a token, show it" },
		{ "show", command_show, "show any token" },
		{ "verify", command_verify_token, "judge any token" },
		{ 0 },
	};

	/* `realmkey token [OPTION...]` is short for `realmkey token get`. */
	if (argc < 2 || argv[1][0] == '-')
		return command_get(argc, argv);
	return cli_dispatch(table, "realmkey token", argc, argv);
}
