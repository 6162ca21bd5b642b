// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdio.h>

#include "base/encode.h"
#include "base/io.h"
#include "cli.h"
#include "jose/jwt.h"
#include "kbs/denial.h"
#include "kbs/kbs.h"

struct options {
	struct cli_kbs kbs;
	const char *path, *token, *tee_key_file, *output;
	bool base64;
};

static const struct args_option own[] = {
	{ .name = "path",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, path),
	  .value = "A/B/C",
	  .help = "the resource: repository/type/tag (required); a query, such as ?version=2, may "
		  "follow" },
	{ .name = "attestation-token",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, token),
	  .value = "EAR",
	  .help = "use this EAR instead of attesting; requires --tee-key-file" },
	{ .name = "tee-key-file",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, tee_key_file),
	  .value = "PEM",
	  .help = "the private key that the EAR names (default: a new one)" },
	{ .name = "base64",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, base64),
	  .help = "print base64 and a newline, as other tools do" },
	{ .name = "output",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, output),
	  .value = "FILE",
	  .help = "write to FILE, atomically, with mode 0600 (- is standard output)" },
	{ 0 },
};

static const struct args_option *const tables[] = {
	own,
	cli_kbs_options,
	cli_source_option,
	NULL,
};

static const struct args_spec spec = {
	.name = "realmkey get-resource",
	.operands = "",
	.about = "Gets a secret from a KBS, and writes it to standard output, byte for byte, once\n"
		 "all of it is decrypted. After a denial, standard error says what to do.",
	.options = tables,
	.notes = "Exit status: 5 network, 6 TLS, 7 attestation refused, 8 denied by policy,\n"
		 "9 not found; realmkey(1) has them all.",
};

static int command_check(const struct options *options, struct error *e)
{
	char path[KBS_REQUEST_SIZE];

	if (!options->path)
		return error_set(e, ERROR_USAGE, "--path is required");
	if (options->token && !options->tee_key_file)
		return error_set(e, ERROR_USAGE,
				 "--attestation-token needs --tee-key-file, the key it names");
	if (kbs_resource_request(options->path, path, sizeof(path), e) < 0)
		return -1;
	return cli_kbs_check(&options->kbs, e);
}

static int session_prepare(struct session *s, const struct options *options, struct error *e)
{
	if (options->token && cli_read_token(options->token, JWT_MAX, &s->ear, e) < 0)
		return -1;
	s->ear_given = options->token;
	return cli_session_start(s, &options->kbs, options->tee_key_file, !options->token, e);
}

static int secret_output(const struct options *options, struct bytes *secret, struct error *e)
{
	struct bytes text = BYTES_LOCKED_INIT;
	int ret = 0;

	if (options->base64) {
		encode_base64(ENCODE_BASE64, secret->data, secret->len, &text);
		bytes_append_text(&text, "\n");
		ret = bytes_check(&text, e);
		bytes_swap(secret, &text);
	}
	if (ret == 0)
		ret = options->output ?
			      io_write_file(options->output, 0600, secret->data, secret->len, e) :
			      cli_output(secret, e);
	bytes_free(&text);
	return ret;
}

static int get_resource(const struct options *options, struct error *e)
{
	struct bytes secret = BYTES_LOCKED_INIT, text = BYTES_INIT;
	struct error unexplained = ERROR_INIT;
	struct denial_kbs kbs = { 0 };
	struct session s = SESSION_INIT;
	int ret = -1;

	if (command_check(options, e) < 0)
		return -1;
	if (session_prepare(&s, options, e) < 0)
		goto out;
	ret = session_get(&s, options->path, &secret, e);
	if (ret == 0)
		ret = secret_output(options, &secret, e);
	if (ret < 0 && e->kind == ERROR_POLICY && s.ear.len) {
		cli_kbs_used(&options->kbs, s.courier.server, &kbs);
		if (denial_explain(&s.ear, &s.token, &kbs, &text, &unexplained) == 0)
			fputs(bytes_text(&text), stderr);
	}
out:
	bytes_free(&secret);
	bytes_free(&text);
	session_close(&s);
	return ret;
}

int command_get_resource(int argc, char **argv)
{
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	int code;

	if (!cli_parse(&spec, argc, argv, &options, NULL, &code))
		return code;
	return get_resource(&options, &e) < 0 ? cli_fail(argv[0], &e) : 0;
}
