// SPDX-License-Identifier: Apache-2.0
/*
 * realmkeyd: proves this realm to a KBS and keeps its secrets in a keyring in memory. The network
 * is the courier's; everything secret is here.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#ifdef REALMKEY_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "backoff.h"
#include "base/args.h"
#include "base/io.h"
#include "base/log.h"
#include "confine.h"
#include "keeper.h"

struct options {
	const char *config, *courier, *keyring;
	bool once, verbose;
};

static const struct args_option own[] = {
	{ .name = "config", .type = ARGS_TEXT, .offset = offsetof(struct options, config),
	  .value = "FILE", .help = "the configuration (/etc/realmkey/realmkeyd.conf)" },
	{ .name = "once", .type = ARGS_FLAG, .offset = offsetof(struct options, once),
	  .help = "try for each secret once, and exit" },
	{ .name = "keyring", .type = ARGS_TEXT, .offset = offsetof(struct options, keyring),
	  .value = "DIR", .help = "where the keyring is mounted (" KEYRING_PATH ")" },
	{ .name = "courier", .type = ARGS_TEXT, .offset = offsetof(struct options, courier),
	  .value = "PROGRAM", .help = "another realmkey-courier than the installed one" },
	{ .name = "verbose", .type = ARGS_FLAG, .offset = offsetof(struct options, verbose),
	  .help = "log more" },
	{ 0 },
};

static const struct args_option *const tables[] = { own, NULL };

static const struct args_spec spec = {
	.name = "realmkeyd",
	.operands = "",
	.about = "Gets this realm's secrets from a Key Broker Service and keeps them in a file\n"
		 "system in memory, each with its own owner and mode.",
	.options = tables,
	.notes = "SIGHUP asks again for what is missing. realmkeyd(8), realmkeyd.conf(5).",
};

/* The keyring stays, the courier goes with its socket, and the kernel clears what was locked. */
static void terminate(int signal)
{
	(void)signal;
	_exit(0);
}

/* To end the daemon is no failure; to interrupt --once is one, which the signal itself tells. */
static void signals_set(sigset_t *awaited, bool once)
{
	struct sigaction action = { .sa_handler = once ? SIG_DFL : terminate };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(awaited);
	sigaddset(awaited, SIGHUP);
	sigprocmask(SIG_BLOCK, awaited, NULL);
}

static void manager_tell(const struct keeper *keeper)
{
	char status[ERROR_TEXT_MAX + 128];

	keeper_status(keeper, status, sizeof(status));
#ifdef REALMKEY_SYSTEMD
	sd_notifyf(0, "%sSTATUS=%s", keeper_ready(keeper) ? "READY=1\n" : "", status);
#endif
	log_line(LOG_LEVEL_DEBUG, "%s", status);
}

/* Wait for SIGHUP, at most as long as the next try may take to come. True when it was SIGHUP. */
static bool wait_for_more(const struct keeper *keeper, const sigset_t *awaited,
			  unsigned int failures)
{
	struct timespec wait;
	uint32_t random, ms;
	int signal;

	if (!keeper_retry(keeper)) {
		do
			signal = sigwaitinfo(awaited, NULL);
		while (signal < 0 && errno == EINTR);
		return true;
	}
	/* Only jitter: without random numbers it is merely less polite. */
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = UINT32_MAX;
	ms = backoff_ms(failures, random);
	log_line(LOG_LEVEL_INFO, "trying again in %u ms", ms);
	wait = (struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
	return sigtimedwait(awaited, NULL, &wait) == SIGHUP;
}

/* Returns only when nothing more can be got by this process. */
static const struct error *serve(struct keeper *keeper, const sigset_t *awaited)
{
	static const struct error lost = {
		.kind = ERROR_PROTOCOL, .text = "the courier is gone; to be started again",
	};
	enum keeper_pass pass = KEEPER_ALL;
	unsigned int failures = 0;

	for (;;) {
		keeper_run(keeper, pass);
		manager_tell(keeper);
		if (keeper_lost(keeper))
			return &lost;
		failures = keeper_retry(keeper) ? failures + 1 : 0;
		pass = wait_for_more(keeper, awaited, failures) ? KEEPER_ALL : KEEPER_TRANSIENT;
		if (pass == KEEPER_ALL)
			failures = 0;
	}
}

static int fail(const struct error *e)
{
	log_line(LOG_LEVEL_ERROR, "%s", e->text);
	return error_exit_code(e);
}

static int run(const struct options *options, struct keeper *keeper)
{
	const char *config = options->config ? options->config : "/etc/realmkey/realmkeyd.conf";
	const char *keyring = options->keyring ? options->keyring : KEYRING_PATH;
	struct error e = ERROR_INIT;
	const struct error *failure;
	sigset_t awaited;

	signals_set(&awaited, options->once);
	if (keeper_configure(keeper, config, &e) < 0 || confine_begin(&e) < 0 ||
	    keeper_start(keeper, options->courier, keyring, &e) < 0 ||
	    confine_finish(keyring, &e) < 0)
		return fail(&e);
	if (!options->once)
		return fail(serve(keeper, &awaited));
	keeper_run(keeper, KEEPER_ALL);
	manager_tell(keeper);
	failure = keeper_failure(keeper);
	return failure ? error_exit_code(failure) : 0;
}

static int help(void)
{
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	int ret = args_help(&spec, &text) < 0 ? error_set_memory(&e) : 0;

	if (ret == 0)
		ret = io_write_full(STDOUT_FILENO, text.data, text.len, &e);
	bytes_free(&text);
	return ret < 0 ? fail(&e) : 0;
}

int main(int argc, char **argv)
{
	struct keeper keeper = KEEPER_INIT;
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	int outcome, code;

	log_set(log_to_stderr);
	outcome = args_parse(&spec, argc, argv, &options, NULL, &e);
	if (outcome == ARGS_HELP)
		return help();
	if (outcome == ARGS_VERSION)
		return puts("realmkeyd " REALMKEY_VERSION) < 0;
	if (outcome < 0)
		return fail(&e);
	log_show_debug(options.verbose);
	code = run(&options, &keeper);
	keeper_stop(&keeper);
	return code;
}
