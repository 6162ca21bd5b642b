// SPDX-License-Identifier: Apache-2.0
/*
 * realmkeyd: attests this realm to a KBS and keeps its secrets in a keyring in memory. This process
 * handles everything secret; the courier is the process with the network.
 */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/args.h"
#include "base/log.h"
#include "inspect/check.h"
#include "inspect/plan.h"
#include "keyring/keyring.h"
#include "serve.h"

#define SLICE_MS 30000

struct options {
	const char *config, *courier, *keyring;
	bool once, verbose, check, online, plan, json;
};

static const struct args_option own[] = {
	{ .name = "config",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, config),
	  .value = "FILE",
	  .help = "configuration file (default /etc/realmkey/realmkeyd.conf)" },
	{ .name = "once",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, once),
	  .help = "request each secret once, then exit" },
	{ .name = "check",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, check),
	  .help = "report each error and warning of the configuration, and exit" },
	{ .name = "online",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, online),
	  .help = "with --check: attest too, and request each secret without delivering it" },
	{ .name = "plan",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, plan),
	  .help = "print what a reload would change in the keyring, and exit" },
	{ .name = "json",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, json),
	  .help = "with --plan: print JSON" },
	{ .name = "keyring",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, keyring),
	  .value = "DIR",
	  .help = "mount point of the keyring (default " KEYRING_PATH ")" },
	{ .name = "courier",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, courier),
	  .value = "PROGRAM",
	  .help = "start PROGRAM instead of the installed realmkey-courier, or "
		  "connect to it if it is a socket" },
	{ .name = "verbose",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, verbose),
	  .help = "log debug messages too" },
	{ 0 },
};

static const struct args_option *const tables[] = { own, NULL };

static const struct args_spec spec = {
	.name = "realmkeyd",
	.operands = "",
	.about = "Gets this realm's secrets from a Key Broker Service and keeps them in a file\n"
		 "system in memory, each with its own owner and mode.",
	.options = tables,
	.notes = "On SIGHUP it requests the missing secrets again. See realmkeyd(8) and\n"
		 "realmkeyd.conf(5).",
};

static int keeper_fail(const struct error *e)
{
	log_line(LOG_LEVEL_ERROR, "%s", e->text);
	return error_exit_code(e);
}

static int keeper_main(const struct options *options)
{
	const struct keeper_options keeper = {
		.courier = options->courier,
		.keyring = options->keyring ? options->keyring : KEYRING_PATH,
	};
	struct settings settings = SETTINGS_INIT;
	struct error e = ERROR_INIT;
	int code;

	if (settings_read(&settings, options->config ? options->config : SETTINGS_PATH, NULL, NULL,
			  &e) < 0)
		return keeper_fail(&e);
	/* What the starting process or a look-up of users left open could become a way out. */
	closefrom(STDERR_FILENO + 1);
	code = keeper_once(&settings, &keeper);
	settings_free(&settings);
	return code;
}

/* Look at the configuration, and change nothing. */
static int inspect_main(const struct options *options)
{
	const struct keeper_options keeper = { .courier = options->courier };
	const char *config = options->config ? options->config : SETTINGS_PATH;
	const char *keyring = options->keyring ? options->keyring : KEYRING_PATH;
	struct settings settings = SETTINGS_INIT;
	struct error e = ERROR_INIT;
	int code;

	if (options->check + options->plan + options->once != 1 ||
	    (options->online && !options->check) || (options->json && !options->plan)) {
		error_set(&e, ERROR_USAGE,
			  "use one of --check [--online], --plan [--json] and --once");
		return keeper_fail(&e);
	}
	closefrom(STDERR_FILENO + 1);
	if (options->plan)
		return plan_run(config, keyring, options->json);
	code = check_run(config, &settings);
	if (!code && options->online)
		code = keeper_ask(&settings, &keeper);
	settings_free(&settings);
	return code;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	int outcome;

	log_set(log_to_stderr);
	outcome = args_parse(&spec, argc, argv, &options, NULL, &e);
	if (outcome > ARGS_RUN &&
	    args_answer(&spec, outcome, "realmkeyd " REALMKEY_VERSION, &e) == 0)
		return 0;
	if (outcome != ARGS_RUN)
		return keeper_fail(&e);
	log_show_debug(options.verbose);
	if (options.check || options.plan || options.online || options.json)
		return inspect_main(&options);
	return keeper_main(&options);
}
