// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "cli.h"

struct options {
	struct cli_kbs kbs;
	const char *tee_key_file;
};

static const struct args_option own[] = {
	{ .name = "tee-key-file",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, tee_key_file),
	  .value = "PEM",
	  .help = "encrypt secrets to this private key (default: a new one)" },
	{ 0 },
};

static const struct args_option *const tables[] = {
	cli_kbs_options,
	cli_source_option,
	own,
	NULL,
};

static const struct args_spec spec = {
	.name = "realmkey attest",
	.operands = "",
	.about = "Attests this realm to a KBS and prints the result, an EAR as a signed JWT. With\n"
		 "--tee-key-file, `get-resource --attestation-token` can use it later.",
	.options = tables,
	.notes = "To make a key:\n"
		 "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out tee.pem",
};

static int attest(const struct options *options, struct error *e)
{
	struct session s = SESSION_INIT;
	int ret = -1;

	if (cli_kbs_check(&options->kbs, e) < 0)
		return -1;
	if (cli_session_start(&s, &options->kbs, options->tee_key_file, true, e) < 0 ||
	    session_attest(&s, e) < 0)
		goto out;
	bytes_append_text(&s.ear, "\n");
	ret = cli_output(&s.ear, e);
out:
	session_close(&s);
	return ret;
}

int command_attest(int argc, char **argv)
{
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	int code;

	if (!cli_parse(&spec, argc, argv, &options, NULL, &code))
		return code;
	return attest(&options, &e) < 0 ? cli_fail(argv[0], &e) : 0;
}
