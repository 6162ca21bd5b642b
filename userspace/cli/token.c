// SPDX-License-Identifier: Apache-2.0
#include <openssl/rand.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/io.h"
#include "base/json.h"
#include "base/realm.h"
#include "cca/cca_print.h"
#include "cca/cca_verify.h"
#include "cli.h"
#include "rsi/rsi.h"

struct options {
	struct cli_kbs kbs; /* for --source */
	const char *challenge, *anchors, *raw;
	bool json;
};

static const struct args_option challenge_option[] = {
	{ .name = "challenge",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, challenge),
	  .value = "HEX",
	  .help = "the challenge, up to 64 bytes, padded with zeros" },
	{ 0 },
};

static const struct args_option json_option[] = {
	CLI_JSON_OPTION(struct options, "print JSON"),
	{ 0 },
};

static const struct args_option raw_option[] = {
	{ .name = "raw",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, raw),
	  .value = "FILE",
	  .help = "write the token itself to FILE (- is standard output), and print only how many "
		  "records it covers" },
	{ 0 },
};

static const struct args_option anchors_option[] = {
	{ .name = "anchors",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, anchors),
	  .value = "PATH",
	  .help = "trust anchors: a JWK, a store, or a directory of them (required)" },
	{ 0 },
};

/* --- shared ---------------------------------------------------------------------------------- */

/* Read the hexadecimal @text into @challenge, padded with zeros. */
static int challenge_read(const char *text, uint8_t challenge[REALM_CHALLENGE_SIZE],
			  struct error *e)
{
	struct bytes raw = BYTES_INIT;
	int ret = decode_hex(text, strlen(text), "--challenge", &raw, e);

	memset(challenge, 0, REALM_CHALLENGE_SIZE);
	if (ret < 0)
		error_reclassify(e, ERROR_INPUT, ERROR_USAGE);
	else if (raw.len > REALM_CHALLENGE_SIZE)
		ret = error_set(e, ERROR_USAGE, "--challenge: %zu bytes, more than %d", raw.len,
				REALM_CHALLENGE_SIZE);
	else if (raw.len)
		memcpy(challenge, raw.data, raw.len);
	bytes_free(&raw);
	return ret;
}

/* A token that is malformed is an error of @kind. */
static int token_decode(const struct bytes *raw, const char *what, enum error_kind kind,
			struct cca_token *token, struct error *e)
{
	struct cca_verdict verdict;

	if (cca_token_decode(raw->data, raw->len, token, &verdict, e) == 0)
		return 0;
	error_reclassify(e, ERROR_ATTESTATION, kind);
	return error_add(e, "%s", what);
}

/* Print @token unless it is NULL, and @records, the number of records of the event log that its
 * registers account for, unless that is NULL because it is not known. */
static int token_output(const struct cca_token *token, const uint64_t *records, bool json,
			struct error *e)
{
	struct bytes text = BYTES_INIT;
	json_t *value;
	int ret;

	if (!json) {
		if (token)
			cca_token_print(token, &text);
		if (records)
			bytes_printf(&text, "covers %llu records of the event log\n",
				     (unsigned long long)*records);
		return cli_output_text(&text, e);
	}
	value = token ? cca_token_json(token, e) : json_object();
	if (!value)
		return token ? -1 : error_set_memory(e);
	if (records &&
	    json_object_set_new(value, "log-records", json_integer((json_int_t)*records)) < 0)
		ret = error_set_memory(e);
	else
		ret = cli_output_json(value, e);
	json_decref(value);
	return ret;
}

/* --- token get ------------------------------------------------------------------------------- */

static const struct args_option *const get_tables[] = {
	challenge_option, cli_source_option, raw_option, json_option, NULL,
};

static const struct args_spec get_spec = {
	.name = "realmkey token",
	.operands = "",
	.about = "Has this realm's RMM sign a CCA token over a challenge (by default a random\n"
		 "one), and shows it, and how many records of the event log it covers.\n"
		 "\n"
		 "realmkey token show FILE     shows any token\n"
		 "realmkey token verify FILE   verifies any token",
	.options = get_tables,
};

static int token_get(const struct options *options, struct error *e)
{
	uint8_t challenge[REALM_CHALLENGE_SIZE];
	struct cca_token token = CCA_TOKEN_INIT;
	struct bytes raw = BYTES_INIT;
	uint64_t records;
	struct rsi *rsi;
	int ret;

	if (options->challenge) {
		if (challenge_read(options->challenge, challenge, e) < 0)
			return -1;
	} else if (RAND_bytes(challenge, sizeof(challenge)) != 1) {
		return error_set(e, ERROR_SYSTEM, "cannot get random bytes");
	}
	rsi = rsi_open(options->kbs.source, e);
	ret = rsi ? rsi_token_get(rsi, challenge, &raw, &records, e) : -1;
	rsi_close(rsi);
	if (ret < 0)
		goto out;
	if (!options->raw) {
		ret = token_decode(&raw, "this realm's token", ERROR_ATTESTATION, &token, e);
		if (ret == 0)
			ret = token_output(&token, &records, options->json, e);
	} else if (!strcmp(options->raw, "-")) {
		ret = cli_output(&raw, e);
	} else {
		ret = io_write_file(options->raw, 0644, raw.data, raw.len, e);
		if (ret == 0)
			ret = token_output(NULL, &records, options->json, e);
	}
out:
	cca_token_free(&token);
	bytes_free(&raw);
	return ret;
}

static int command_get(int argc, char **argv)
{
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	int code;

	if (!cli_parse(&get_spec, argc, argv, &options, NULL, &code))
		return code;
	return token_get(&options, &e) < 0 ? cli_fail("token", &e) : 0;
}

/* --- token show ------------------------------------------------------------------------------ */

static const struct args_option *const show_tables[] = { json_option, NULL };

static const struct args_spec show_spec = {
	.name = "realmkey token show",
	.operands = "FILE",
	.operands_min = 1,
	.operands_max = 1,
	.about = "Shows the claims of a CCA token (- is standard input) without verifying them.",
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

/* --- token verify ---------------------------------------------------------------------------- */

static const struct args_option *const verify_tables[] = {
	anchors_option,
	challenge_option,
	json_option,
	NULL,
};

static const struct args_spec verify_spec = {
	.name = "realmkey token verify",
	.operands = "FILE",
	.operands_min = 1,
	.operands_max = 1,
	.about = "Verifies a CCA token (- is standard input) offline: form, claims, signatures,\n"
		 "binding, freshness (with --challenge) and life cycle. Prints OK and the trust\n"
		 "anchor, or the first check that failed, for example E_BINDING; the exit status\n"
		 "is then 7.",
	.options = verify_tables,
	.notes = "This does not show whether the realm runs the right software: compare its RIM.",
};

static int verdict_output(const struct cca_verdict *verdict, const struct cca_anchor *used,
			  bool fresh, bool json, struct error *e)
{
	const char *anchor = used ? used->name : "";
	const char *published = used && used->published ? used->published : "";
	struct bytes text = BYTES_INIT;
	json_t *value;
	int ret;

	if (json) {
		value = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "verdict",
				  cca_cause_name(verdict->cause), "detail", verdict->detail,
				  "warning", verdict->warning, "anchor", anchor, "anchor-published",
				  published, "freshness-judged", fresh);
		ret = value ? cli_output_json(value, e) : error_set_memory(e);
		json_decref(value);
		return ret;
	}
	if (verdict->cause == CCA_OK)
		bytes_printf(&text, "OK anchor %s%s\n", anchor,
			     fresh ? "" : "; freshness not judged (no --challenge)");
	else
		bytes_printf(&text, "%s: %s\n", cca_cause_name(verdict->cause), verdict->detail);
	if (*verdict->warning)
		bytes_printf(&text, "warning: %s\n", verdict->warning);
	if (*published)
		bytes_printf(&text,
			     "warning: the anchor is %s; its private key is public, so anyone can "
			     "forge this token\n",
			     published);
	return cli_output_text(&text, e);
}

/* Print the verdict. Returns 1 if the token is accepted, 0 if it is refused, -1 if it cannot be
 * verified. */
static int token_verify(const struct options *options, const char *file, struct error *e)
{
	struct cca_anchors anchors = CCA_ANCHORS_INIT;
	struct cca_token token = CCA_TOKEN_INIT;
	const struct cca_anchor *used = NULL;
	struct cca_verdict verdict = CCA_VERDICT_INIT;
	struct error refused = ERROR_INIT;
	uint8_t challenge[REALM_CHALLENGE_SIZE];
	struct bytes raw = BYTES_INIT;
	bool fresh = options->challenge != NULL;
	int ret = -1;

	if (!options->anchors)
		return error_set(e, ERROR_USAGE, "--anchors is required");
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
	ret = verdict_output(&verdict, used, fresh, options->json, e);
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
	ret = token_verify(&options, file, &e);
	if (ret < 0)
		return cli_fail("token verify", &e);
	return ret ? 0 : error_exit_code(&refused);
}

int command_token(int argc, char **argv)
{
	static const struct cli_entry table[] = {
		{ "get", command_get, "have the RMM sign a token and show it" },
		{ "show", command_show, "show any token" },
		{ "verify", command_verify_token, "verify any token" },
		{ 0 },
	};

	/* `realmkey token [OPTION...]` is short for `realmkey token get`. */
	if (argc < 2 || (argv[1][0] == '-' && !cli_find(table, argc, argv)))
		return command_get(argc, argv);
	return cli_dispatch(table, "realmkey token", argc, argv);
}
