// SPDX-License-Identifier: Apache-2.0
/*
 * realmkeyd: attests this realm to a KBS and keeps its secrets in a keyring in memory. It is two
 * processes: the supervisor, which starts here, stays root and never sees a byte from the network, and
 * the keeper, which handles everything secret. The courier is the process with the network.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/args.h"
#include "base/log.h"
#include "inspect/check.h"
#include "inspect/plan.h"
#include "secrets/journal.h"
#include "keyring/keyring.h"
#include "notify.h"
#include "serve.h"
#include "sinks/message.h"
#include "supervisor.h"

struct options {
	const char *config, *courier, *keyring, *keys, *hooks, *log_format;
	bool once, verbose, check, online, plan, json;
};

static const struct args_option own[] = {
	SETTINGS_OPTION(struct options),
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
	{ .name = "keys",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, keys),
	  .value = "SOCKET",
	  .help = "where realmkey-keys listens (default " SINKS_KEYS_SOCKET ")" },
	{ .name = "hooks",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, hooks),
	  .value = "SOCKET",
	  .help = "where realmkey-hooks listens (default " SINKS_HOOKS_SOCKET ")" },
	{ .name = "log-format",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, log_format),
	  .value = "FORMAT",
	  .help = "auto (the default: the journal, or text), text, or json" },
	LOG_VERBOSE_OPTION(struct options),
	{ 0 },
};

static const struct args_option *const tables[] = { own, NULL };

static const struct args_spec spec = {
	.name = "realmkeyd",
	.operands = "",
	.about = "Gets this realm's secrets from a Key Broker Service and keeps them in a file\n"
		 "system in memory, each with its own owner and mode.",
	.options = tables,
	.notes = "On SIGHUP it reads the configuration again, and requests the missing secrets.\n"
		 "See realmkeyd(8) and realmkeyd.conf(5).",
};

static struct {
	enum journal_format format;
	bool debug;
} logging;

/* What the starting process or a look-up of users left open could become a way out. */
static void descriptors_close(void)
{
	journal_close();
	closefrom(STDERR_FILENO + 1);
	journal_open(logging.format, logging.debug, LOG_JOURNAL);
}

/* Returns 0, or an exit status after it has logged each error. */
static int settings_load(struct settings *settings, const char *path)
{
	struct error e = ERROR_INIT;
	bool reported = false;

	if (settings_read(settings, path, settings_log, &reported, &e) == 0)
		return 0;
	return reported ? error_exit_code(&e) : log_failure(&e);
}

/* Without a supervisor. It notifies by itself, through a socket that is connected before it is confined. */
static int once_run(const struct settings *settings, const struct keeper_options *keeper)
{
	struct notify notify = NOTIFY_INIT;
	int code;

	notify_open(&notify, getenv("NOTIFY_SOCKET"));
	code = keeper_once(settings, keeper);
	if (code == 0)
		notify_send(&notify, "READY=1");
	notify_close(&notify);
	return code;
}

/* In a child of the supervisor, whose descriptors are closed. */
static void child_run(const struct settings *settings, const struct keeper_options *options,
		      int channel)
{
	journal_open(logging.format, logging.debug, LOG_JOURNAL);
	keeper_child(settings, options, channel);
}

static int daemon_run(const struct options *options)
{
	const struct supervisor_options supervisor = {
		.config = options->config ? options->config : SETTINGS_PATH,
		.keeper = { .courier = options->courier,
			    .keyring = options->keyring ? options->keyring : KEYRING_PATH,
			    .keys = options->keys,
			    .hooks = options->hooks },
		.child = child_run,
	};
	struct settings settings = SETTINGS_INIT;
	int code = settings_load(&settings, supervisor.config);

	if (code == 0) {
		descriptors_close();
		code = options->once ? once_run(&settings, &supervisor.keeper) :
				       supervisor_run(&supervisor, &settings);
	}
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
		return log_failure(&e);
	}
	descriptors_close();
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
	if (outcome != ARGS_RUN ||
	    (options.log_format &&
	     journal_format_read(options.log_format, &logging.format, &e) < 0))
		return log_failure(&e);
	logging.debug = options.verbose;
	journal_open(logging.format, logging.debug, LOG_JOURNAL);
	if (options.check || options.plan || options.online || options.json)
		return inspect_main(&options);
	return daemon_run(&options);
}
