// SPDX-License-Identifier: Apache-2.0
/* realmkey: a realm's evidence, results and secrets by hand; and what an operator tells a KBS. */
#include <signal.h>
#include <string.h>

#include "base/crypto.h"
#include "base/sandbox.h"
#include "cli.h"

static const struct cli_entry commands[] = {
	{ "attest", command_attest, "attest this realm, print the result (EAR)" },
	{ "get-resource", command_get_resource, "get a secret of the KBS, print it" },
	{ "verify", command_verify, "check an EAR and explain it" },
	{ "token", command_token, "get, show or judge CCA tokens" },
	{ "measurements", command_measurements, "print RIM and REMs" },
	{ "extend", command_extend, "extend a REM with a file's digest" },
	{ "log", command_log, "print the event log, replay it against the registers" },
	{ "watch", command_watch, "print extensions as they happen" },
	{ "rim", command_rim, "print the RIM as a reference value wants it" },
	{ "admin", command_admin, "tell a KBS: resources, reference values, policy" },
	{ 0 },
};

int main(int argc, char **argv)
{
	struct error e = ERROR_INIT;

	/* Secrets pass through here, and an ordinary user may lock little memory. */
	if (sandbox_no_dump(&e) < 0 || sandbox_no_new_privs(&e) < 0 || crypto_prepare(&e) < 0)
		return cli_fail(NULL, &e);
	bytes_lock_optional(true);
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && !strcmp(argv[1], "--version"))
		return cli_output_line(NULL, "realmkey " REALMKEY_VERSION);
	return cli_dispatch(commands, "realmkey", argc, argv);
}
