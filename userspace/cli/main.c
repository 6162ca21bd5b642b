// SPDX-License-Identifier: Apache-2.0
/* realmkey: handles the evidence, results and secrets of a realm by hand, and configures a KBS. */
#include <signal.h>
#include <string.h>

#include "base/crypto.h"
#include "sandbox/sandbox.h"
#include "cli.h"

static const struct cli_entry commands[] = {
	{ "attest", command_attest, "attest this realm and print the result (EAR)" },
	{ "get-resource", command_get_resource, "get a secret from a KBS and print it" },
	{ "verify", command_verify, "check an EAR and explain it" },
	{ "token", command_token, "get, show or verify CCA tokens" },
	{ "config", command_config, "print what the RMM reports about itself and this realm" },
	{ "measurements", command_measurements, "print RIM and REMs" },
	{ "extend", command_extend, "extend a REM with the digest of a file" },
	{ "log", command_log, "print the event log, replay it against the registers" },
	{ "watch", command_watch, "print extensions as they happen" },
	{ "rim", command_rim, "print the RIM as a reference value" },
	{ "status", command_status, "print what realmkeyd reports about its secrets" },
	{ "wait", command_wait, "wait until realmkeyd has delivered secrets" },
	{ "run", command_run, "run a program with secrets" },
	{ "get", command_get_secret, "get a secret through realmkey-local, and print it" },
	{ "refresh", command_refresh, "have realmkeyd request secrets from the KBS" },
	{ "reload", command_reload, "have realmkeyd read its configuration again" },
	{ "plan", command_plan, "print what a reload would change" },
	{ "admin", command_admin, "configure a KBS: resources, reference values, policy" },
	{ 0 },
};

char **cli_argv;

int main(int argc, char **argv)
{
	const struct cli_entry *entry = cli_find(commands, argc, argv);
	struct error e = ERROR_INIT;

	cli_argv = argv;
	/* This process handles secrets, but an ordinary user may lock only little memory. */
	if (sandbox_no_dump(&e) < 0 || crypto_prepare(&e) < 0)
		return cli_fail(NULL, &e);
	/* The program that these execute would inherit this, and could not change its user or AppArmor profile. */
	if ((!entry || (entry->run != command_run && entry->run != command_plan)) &&
	    sandbox_no_new_privs(&e) < 0)
		return cli_fail(NULL, &e);
	bytes_lock_optional(true);
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && !strcmp(argv[1], "--version"))
		return cli_output_line(NULL, "realmkey " REALMKEY_VERSION);
	return cli_dispatch(commands, "realmkey", argc, argv);
}
