// SPDX-License-Identifier: Apache-2.0
#include "serve.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "channel.h"
#include "privilege.h"
#include "secrets/confine.h"
#include "secrets/keeper.h"
#include "secrets/publish.h"
#include "sandbox/idle.h"

#define REQUESTS_MAX 8 /* that wait for the end of a pass; the supervisor has no more */

struct server {
	struct keeper keeper;
	int channel;
	int timer; /* on the boot clock, so that it runs on while the realm is suspended */
	struct channel_command request[REQUESTS_MAX];
	size_t requests;
	bool over; /* the supervisor is gone */
};

/* A user other than root fails at locking memory, opening the realm or making the keyring. */
static int keeper_begin(struct keeper *keeper, const struct settings *settings,
			const struct keeper_options *options, struct error *e)
{
	const bool root = geteuid() == 0; /* confine_finish() changes that */

	keeper->keys_path = options->keys;
	keeper->hooks_path = options->hooks;
	if (confine_begin(e) == 0 &&
	    keeper_start(keeper, settings, options->courier, options->keyring, clock_boot_ms(),
			 e) == 0 &&
	    confine_finish(keeper->keyring.dir, &keeper->identity, options->supervisor, e) == 0 &&
	    keyring_settle(&keeper->keyring, e) == 0)
		return 0;
	return privilege_explain(root, e);
}

/* --- one pass -------------------------------------------------------------------------------- */

/* The error of the first required secret that could not be requested, although an old one may be in the keyring; NULL if
 * there is none. */
static const struct error *once_failure(const struct keeper *keeper)
{
	for (size_t i = 0; i < keeper->settings->config.count; i++) {
		const struct keeper_secret *secret = &keeper->secret[i];

		if (secret->config->required && secret->error.kind != ERROR_NONE)
			return &secret->error;
	}
	return NULL;
}

int keeper_once(const struct settings *settings, const struct keeper_options *options)
{
	struct keeper keeper = KEEPER_INIT;
	struct error e = ERROR_INIT;
	const struct error *failure = &e;
	int code;

	if (keeper_begin(&keeper, settings, options, &e) == 0) {
		keeper_hurry(&keeper, -1, true);
		keeper_run(&keeper, clock_boot_ms());
		keeper_plan(&keeper, clock_boot_ms(), clock_jitter());
		keeper_publish(&keeper, clock_boot_ms());
		/* No later wake-up removes old generations. */
		keyring_tidy(&keeper.keyring, INT64_MAX);
		failure = once_failure(&keeper);
	} else {
		log_line(LOG_LEVEL_ERROR, "%s", e.text);
	}
	code = failure ? error_exit_code(failure) : 0;
	keeper_stop(&keeper); /* frees the errors of its secrets */
	return code;
}

/* --- the supervisor -------------------------------------------------------------------------- */

static void report(struct server *s, enum channel_type type, uint32_t id, int code,
		   const char *text)
{
	struct error e = ERROR_INIT;

	if (channel_send_report(s->channel, type, id, keeper_ready(&s->keeper), code, text, &e) < 0)
		s->over = true;
}

static void report_state(struct server *s, enum channel_type type)
{
	char text[CHANNEL_TEXT_MAX];

	keeper_status(&s->keeper, text, sizeof(text));
	report(s, type, 0, 0, text);
}

/* Append the name of a secret to the list @text. */
static void missing_add(char text[CHANNEL_TEXT_MAX], const char *name)
{
	const size_t len = strlen(text);

	snprintf(text + len, CHANNEL_TEXT_MAX - len, "%s%s",
		 len ? ", " : "optional, and not at the KBS: ", name);
}

/* Answer a request after the pass: with the first of its secrets that failed. An optional secret that the KBS does not have
 * failed only if the request names it. */
static void report_done(struct server *s, const struct channel_command *command)
{
	const struct keeper *keeper = &s->keeper;
	char text[CHANNEL_TEXT_MAX] = "";
	int code = 0;

	for (size_t i = 0; code == 0 && i < keeper->settings->config.count; i++) {
		const struct keeper_secret *secret = &keeper->secret[i];
		const char *name = secret->config->name;

		if ((command->secret >= 0 && (size_t)command->secret != i) ||
		    secret->error.kind == ERROR_NONE)
			continue;
		if (command->secret < 0 && !secret->config->required &&
		    secret->error.kind == ERROR_NOT_FOUND) {
			missing_add(text, name);
			continue;
		}
		code = error_exit_code(&secret->error);
		snprintf(text, sizeof(text), "%s: %s", name, secret->error.text);
	}
	report(s, CHANNEL_DONE, command->id, code, text);
}

static void command_obey(struct server *s, const struct channel_command *command)
{
	if (command->type == CHANNEL_PING) {
		report(s, CHANNEL_PONG, command->id, 0, "");
	} else if (command->type == CHANNEL_REFRESH && s->requests < REQUESTS_MAX) {
		keeper_hurry(&s->keeper, command->secret, command->now);
		s->request[s->requests++] = *command;
	} else {
		s->over = true;
	}
}

/* Obey what the supervisor has sent. */
static void commands_obey(void *context)
{
	struct channel_command command;
	struct server *s = context;
	struct error e = ERROR_INIT;
	int ret;

	while (!s->over && (ret = channel_receive_command(s->channel, &command, &e)) != 0) {
		if (ret < 0)
			s->over = true;
		else
			command_obey(s, &command);
	}
}

/* --- waiting --------------------------------------------------------------------------------- */

static void timer_set(const struct server *s, int64_t due)
{
	struct itimerspec at = { 0 };

	if (due != RETRY_NEVER) {
		at.it_value.tv_sec = due / 1000;
		at.it_value.tv_nsec = due % 1000 * 1000000 + 1; /* 0 would mean never */
	}
	timerfd_settime(s->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

/* Wait until @due on the boot clock, or until the supervisor sends a request. */
static void server_wait(struct server *s, int64_t due)
{
	struct pollfd p[] = { { .fd = s->channel, .events = POLLIN },
			      { .fd = s->timer, .events = POLLIN } };

	if (due > clock_boot_ms())
		idle_release();
	timer_set(s, due);
	while (!s->over && !s->requests && clock_boot_ms() < due) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			s->over = true;
		commands_obey(s);
	}
}

/* Old generations of the keyring end by time, too. */
static int64_t server_next(struct server *s)
{
	const int64_t next = keeper_next(&s->keeper);
	const int64_t tidy = keyring_tidy(&s->keeper.keyring, clock_boot_ms());

	return tidy < next ? tidy : next;
}

/* The supervisor handles the signals of the service. It blocks them, and a keeper that it forks inherits that. */
static void terminate(int signal)
{
	(void)signal;
	_exit(0);
}

static void signals_set(void)
{
	const struct sigaction end = { .sa_handler = terminate };
	sigset_t none;

	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* --- the process ----------------------------------------------------------------------------- */

static _Noreturn void server_fail(struct server *s, enum channel_type type, const struct error *e)
{
	const int code = log_failure(e);

	report(s, type, 0, code, e->text);
	_exit(code);
}

/* One that became stale without an error is never requested. */
static _Noreturn void server_fail_stale(struct server *s, const struct error *cause)
{
	struct error e = *cause;

	if (e.kind == ERROR_NONE)
		error_set(&e, ERROR_DELIVERY, "a secret is stale");
	server_fail(s, CHANNEL_STALE, &e);
}

/* This process can make no connection. The next one can. */
static _Noreturn void server_fail_keys(struct server *s)
{
	struct error e = s->keeper.keys_error;

	error_reclassify(&e, ERROR_ANY, ERROR_DELIVERY);
	error_add(&e, "a kernel key is due, and needs a new connection");
	server_fail(s, CHANNEL_FAILED, &e);
}

/* For people who wait for what failed. */
static void server_log_plan(const struct keeper *keeper)
{
	int64_t due = RETRY_NEVER;

	for (size_t i = 0; i < keeper->settings->config.count; i++)
		if (keeper->secret[i].error.kind != ERROR_NONE && keeper->secret[i].due < due)
			due = keeper->secret[i].due;
	if (due != RETRY_NEVER)
		log_line(LOG_LEVEL_INFO, "trying again in %lld ms",
			 (long long)(due - clock_boot_ms()));
}

static void server_pass(struct server *s)
{
	static const struct error lost = {
		.kind = ERROR_PROTOCOL,
		.text = "courier exited",
	};
	const size_t answered = s->requests;
	const struct error *stale;

	if (keeper_needs_keys(&s->keeper, clock_boot_ms()))
		server_fail_keys(s);
	keeper_run(&s->keeper, clock_boot_ms());
	stale = keeper_age(&s->keeper, clock_boot_ms());
	keeper_plan(&s->keeper, clock_boot_ms(), clock_jitter());
	server_log_plan(&s->keeper);
	keeper_publish(&s->keeper, clock_boot_ms());
	report_state(s, CHANNEL_STATE);
	if (keeper_lost(&s->keeper))
		server_fail(s, CHANNEL_FAILED, &lost);
	if (stale)
		server_fail_stale(s, stale);
	for (size_t i = 0; i < answered; i++)
		report_done(s, &s->request[i]);
	s->requests -= answered;
	memmove(s->request, s->request + answered, s->requests * sizeof(s->request[0]));
}

_Noreturn void keeper_child(const struct settings *settings, const struct keeper_options *options,
			    int channel)
{
	struct server s = { .keeper = KEEPER_INIT, .channel = channel };
	struct error e = ERROR_INIT;

	signals_set();
	s.timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s.timer < 0)
		error_set_errno(&e, ERROR_SYSTEM, "cannot make a timer");
	else
		keeper_begin(&s.keeper, settings, options, &e);
	if (e.kind != ERROR_NONE) {
		const int code = log_failure(&e);

		(void)channel_send_report(channel, CHANNEL_FAILED, 0, false, code, e.text,
					  &(struct error)ERROR_INIT);
		_exit(code);
	}
	s.keeper.between = commands_obey;
	s.keeper.context = &s;
	report_state(&s, CHANNEL_STARTED);
	keeper_publish(&s.keeper, clock_boot_ms());
	while (!s.over) {
		if (s.requests || keeper_next(&s.keeper) <= clock_boot_ms())
			server_pass(&s);
		server_wait(&s, server_next(&s));
	}
	_exit(0);
}
