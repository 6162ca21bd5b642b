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
#include "base/clock.h"
#include "base/log.h"
#include "confine.h"
#include "keeper.h"
#include "notify.h"
#include "retry.h"
#include "sandbox/idle.h"

#define SLICE_MS 30000

struct options {
	const char *config, *courier, *keyring;
	bool once, verbose;
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

/* The keyring stays mounted, the courier exits because its socket closes, and the kernel clears
 * locked memory. */
static void terminate(int signal)
{
	(void)signal;
	_exit(0);
}

/* SIGTERM is a clean exit for the daemon, but it must kill --once, so that its caller sees the
 * signal. */
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

static void manager_notify(const struct keeper *keeper, const struct notify *notify)
{
	char status[ERROR_TEXT_MAX + 128], text[sizeof(status) + 32];

	keeper_status(keeper, status, sizeof(status));
	snprintf(text, sizeof(text), "%sSTATUS=%s", keeper_ready(keeper) ? "READY=1\n" : "",
		 status);
	notify_send(notify, text);
	log_line(LOG_LEVEL_DEBUG, "%s", status);
}

/* Random only as jitter; without random bytes wait as long as possible. */
static uint32_t random_number(void)
{
	uint32_t random;

	return getrandom(&random, sizeof(random), GRND_NONBLOCK) == sizeof(random) ? random :
										     UINT32_MAX;
}

/* Wait for SIGHUP, at most until @due on the boot clock. Returns true if SIGHUP came. */
static bool hangup_wait(int64_t due, const sigset_t *awaited)
{
	int64_t left = due - clock_boot_ms();

	if (due != RETRY_NEVER)
		log_line(LOG_LEVEL_INFO, "trying again in %lld ms",
			 (long long)(left > 0 ? left : 0));
	if (left > 0)
		idle_release();
	/* In slices, because the time-out of the system call stops while the realm is suspended. */
	for (; left > 0; left = due - clock_boot_ms()) {
		int64_t ms = left < SLICE_MS ? left : SLICE_MS;
		struct timespec wait = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

		if (sigtimedwait(awaited, NULL, due == RETRY_NEVER ? NULL : &wait) == SIGHUP)
			return true;
	}
	return false;
}

/* Returns only when this process can get no further secret. */
static const struct error *keeper_serve(struct keeper *keeper, const struct notify *notify,
					const sigset_t *awaited)
{
	static const struct error lost = {
		.kind = ERROR_PROTOCOL,
		.text = "courier exited; restart realmkeyd",
	};

	for (;;) {
		keeper_run(keeper, clock_boot_ms());
		manager_notify(keeper, notify);
		if (keeper_lost(keeper))
			return &lost;
		keeper_plan(keeper, clock_boot_ms(), random_number());
		if (hangup_wait(keeper_next(keeper), awaited))
			keeper_hurry(keeper);
	}
}

static int keeper_fail(const struct error *e)
{
	log_line(LOG_LEVEL_ERROR, "%s", e->text);
	return error_exit_code(e);
}

/* A user other than root fails at locking memory, opening the realm or making the keyring. */
static int start_fail(bool root, const struct error *e)
{
	log_line(LOG_LEVEL_ERROR, "%s%s", e->text,
		 root ? "" : "; realmkeyd was not started as root: run it as root");
	return error_exit_code(e);
}

static int keeper_main(const struct options *options, struct keeper *keeper)
{
	const bool root = geteuid() == 0; /* confine_finish() changes that */
	const char *config = options->config ? options->config : "/etc/realmkey/realmkeyd.conf";
	const char *keyring = options->keyring ? options->keyring : KEYRING_PATH;
	struct notify notify = NOTIFY_INIT;
	struct error e = ERROR_INIT;
	const struct error *failure;
	sigset_t awaited;

	signals_set(&awaited, options->once);
	if (keeper_configure(keeper, config, &e) < 0)
		return start_fail(root, &e);
	/* What the starting process or a look-up of users left open could become a way out. */
	closefrom(STDERR_FILENO + 1);
	if (confine_begin(&e) < 0 || keeper_start(keeper, options->courier, keyring, &e) < 0)
		return start_fail(root, &e);
	notify_open(&notify, getenv("NOTIFY_SOCKET"));
	if (confine_finish(keeper->keyring.dir, &keeper->identity, &e) < 0)
		return start_fail(root, &e);
	if (!options->once)
		return keeper_fail(keeper_serve(keeper, &notify, &awaited));
	keeper_run(keeper, clock_boot_ms());
	manager_notify(keeper, &notify);
	failure = keeper_failure(keeper);
	return failure ? error_exit_code(failure) : 0;
}

int main(int argc, char **argv)
{
	struct keeper keeper = KEEPER_INIT;
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	int outcome, code;

	log_set(log_to_stderr);
	outcome = args_parse(&spec, argc, argv, &options, NULL, &e);
	if (outcome > ARGS_RUN &&
	    args_answer(&spec, outcome, "realmkeyd " REALMKEY_VERSION, &e) == 0)
		return 0;
	if (outcome != ARGS_RUN)
		return keeper_fail(&e);
	log_show_debug(options.verbose);
	code = keeper_main(&options, &keeper);
	keeper_stop(&keeper);
	return code;
}
