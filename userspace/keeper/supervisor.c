// SPDX-License-Identifier: Apache-2.0
#include "supervisor.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "listen.h"
#include "notify.h"
#include "privilege.h"
#include "secrets/retry.h"
#include "sandbox/idle.h"

#define IDLE_MS	    1000
#define WAIT_MAX_MS INT64_C(3600000)
#define HEALTHY_MS  INT64_C(300000) /* a keeper that ran for so long is not one that cannot run */
#define REPORTS_MAX 16 /* that are read at a time, so that no keeper can keep us from all else */

enum reload {
	RELOAD_NONE,
	RELOAD_STOPPING, /* the keeper with the old settings */
	RELOAD_STARTING, /* one with the new settings */
};

struct supervisor {
	const struct supervisor_options *options;
	struct settings settings, next; /* next: of a reload, until it has taken effect */
	struct child child;
	struct listener listener;
	struct notify notify;
	int signals;
	bool over, stopping;
	int code; /* the exit status */

	enum reload reload;
	bool reload_wanted;
	uint32_t reload_last; /* the last request that the present reload answers */
	struct bytes said;    /* what the configuration reader has reported, in lines */

	bool confined;
	bool ready; /* the service manager knows that the service has started */
	char status[CHANNEL_TEXT_MAX];

	unsigned int failures; /* of keepers, in succession */
	int64_t restart;       /* when to start a keeper, if there is none */

	int64_t watchdog; /* interval, 0: none */
	int64_t watchdog_due;
	uint32_t ping; /* id of the last one */
	bool pinged;   /* and it was not answered yet */
};

/* In milliseconds. The service manager uses this clock, and it does not matter here that it stops while the realm
 * is suspended. */
static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* --- the service manager --------------------------------------------------------------------- */

static void status_set(struct supervisor *s, const char *text)
{
	snprintf(s->status, sizeof(s->status), "%s", text);
	log_line(LOG_LEVEL_DEBUG, "%s", text);
}

/* With @lines for it, each with a newline. */
static void manager_notify(struct supervisor *s, const char *lines)
{
	notify_status(&s->notify, lines, s->status);
}

static void watchdog_serve(struct supervisor *s, int64_t now)
{
	struct channel_command ping = { .type = CHANNEL_PING };
	struct error e = ERROR_INIT;

	if (!s->watchdog || now < s->watchdog_due)
		return;
	s->watchdog_due = now + s->watchdog;
	/* Only a keeper that answers is alive. Starting and stopping one takes a bounded time. */
	if (s->child.state != CHILD_RUNNING) {
		notify_send(&s->notify, "WATCHDOG=1");
	} else if (!s->pinged) {
		ping.id = ++s->ping;
		s->pinged = channel_send_command(s->child.channel, &ping, &e) == 0;
	}
}

/* --- the keeper ------------------------------------------------------------------------------ */

static int keeper_begin(struct supervisor *s, const struct settings *settings, struct error *e)
{
	s->pinged = false;
	return child_start(&s->child, s->options->child, settings, &s->options->keeper, now_ms(),
			   e);
}

/* Decide when to start the next one. */
static void keeper_plan(struct supervisor *s, const char *reason)
{
	const struct error e = { .kind = ERROR_SYSTEM };
	const int64_t now = now_ms();
	char text[sizeof(s->status)];

	if (s->child.started && now - s->child.started >= HEALTHY_MS)
		s->failures = 0;
	s->restart = retry_due(&e, ++s->failures, now, clock_jitter());
	snprintf(text, sizeof(text), "%.*s; starting another keeper in %" PRId64 " ms",
		 (int)sizeof(text) - 64, reason, s->restart - now);
	log_line(LOG_LEVEL_WARNING, "%s", text);
	status_set(s, text);
	manager_notify(s, "");
}

static void keeper_restart(struct supervisor *s)
{
	struct error e = ERROR_INIT;

	if (keeper_begin(s, &s->settings, &e) < 0)
		keeper_plan(s, e.text);
}

static bool courier_is_program(const struct supervisor *s)
{
	const char *courier = s->options->keeper.courier;
	struct stat st;

	return !courier || stat(courier, &st) < 0 || !S_ISSOCK(st.st_mode);
}

/* --- reload ---------------------------------------------------------------------------------- */

static void configuration_report(void *context, bool warning, const char *text)
{
	struct supervisor *s = context;

	log_line(warning ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, "%s", text);
	bytes_printf(&s->said, "%s%s%s", s->said.len ? "\n" : "", warning ? "warning: " : "", text);
}

static void reload_end(struct supervisor *s, int code, const char *text)
{
	char status[sizeof(s->status)];

	s->reload = RELOAD_NONE;
	settings_free(&s->next);
	s->next = (struct settings)SETTINGS_INIT;
	if (code) {
		snprintf(status, sizeof(status), "reload failed, the old configuration stays: %.*s",
			 (int)sizeof(status) - 64, text);
		status[strcspn(status, "\n")] = '\0';
		log_line(LOG_LEVEL_ERROR, "reload failed; the old configuration stays");
		status_set(s, status);
	} else {
		log_line(LOG_LEVEL_INFO, "the configuration was read again");
	}
	manager_notify(s, s->ready ? "READY=1\n" : "");
	listen_answer_all(&s->listener, CONTROL_RELOAD, s->reload_last, code, text);
	bytes_clear(&s->said);
}

/* The new keeper did not start, or did not even begin. */
static void reload_fail(struct supervisor *s, int code, const char *reason)
{
	bytes_printf(&s->said, "%s%s", s->said.len ? "\n" : "", reason);
	reload_end(s, code ? code : 1, bytes_text(&s->said));
	keeper_restart(s);
}

static void reload_start(struct supervisor *s)
{
	struct error e = ERROR_INIT;

	s->reload = RELOAD_STARTING;
	if (keeper_begin(s, &s->next, &e) < 0)
		reload_fail(s, error_exit_code(&e), e.text);
}

/* What is missing, stale or due is requested again. */
static void reload_unchanged(struct supervisor *s)
{
	const struct channel_command refresh = { .type = CHANNEL_REFRESH, .secret = CHANNEL_ALL };
	struct error e = ERROR_INIT;

	if (s->child.state == CHILD_RUNNING)
		(void)channel_send_command(s->child.channel, &refresh, &e);
	s->restart = 0;
	reload_end(s, 0, bytes_text(&s->said));
}

static void reload_begin(struct supervisor *s)
{
	struct error e = ERROR_INIT;
	char lines[64];
	struct timespec now;

	s->reload_wanted = false;
	s->reload_last = s->listener.last;
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\n",
		 now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000);
	if (s->ready)
		manager_notify(s, lines);
	bytes_clear(&s->said);
	if (settings_read(&s->next, s->options->config, configuration_report, s, &e) < 0) {
		if (!s->said.len)
			configuration_report(s, false, e.text);
		reload_end(s, error_exit_code(&e), bytes_text(&s->said));
	} else if (!memcmp(s->next.digest, s->settings.digest, sizeof(s->next.digest))) {
		reload_unchanged(s);
	} else if (s->child.state == CHILD_NONE) {
		reload_start(s);
	} else {
		s->reload = RELOAD_STOPPING;
		child_stop(&s->child, now_ms());
	}
}

static void reload_succeed(struct supervisor *s)
{
	struct settings old = s->settings;

	s->settings = s->next;
	s->next = old;
	s->failures = 0;
	reload_end(s, 0, bytes_text(&s->said));
}

/* --- what the keeper does -------------------------------------------------------------------- */

static void supervisor_end(struct supervisor *s, int code, const char *reason)
{
	s->over = true;
	s->code = code;
	status_set(s, reason);
	manager_notify(s, "");
}

static void keeper_started(struct supervisor *s)
{
	struct error e = ERROR_INIT;

	if (!s->confined && privilege_give_up(courier_is_program(s), &e) < 0) {
		supervisor_end(s, log_failure(&e), e.text);
		return;
	}
	s->confined = true;
	/* Secrets are delivered without it, too. */
	if (listen_open(&s->listener, s->options->keeper.keyring, &e) < 0)
		log_line(LOG_LEVEL_ERROR, "%s", e.text);
	if (s->reload == RELOAD_STARTING)
		reload_succeed(s);
}

static void keeper_reported(struct supervisor *s, const struct channel_report *report)
{
	const bool starting = s->child.state == CHILD_STARTING;

	child_reported(&s->child, report, now_ms());
	if (report->type == CHANNEL_PONG && s->pinged && report->id == s->ping) {
		s->pinged = false;
		notify_send(&s->notify, "WATCHDOG=1");
	} else if (report->type == CHANNEL_DONE) {
		listen_answer(&s->listener, CONTROL_REFRESH, report->id, (int)report->code,
			      report->text);
	} else if (report->type == CHANNEL_STARTED || report->type == CHANNEL_STATE) {
		const bool ready = report->ready && !s->ready;

		status_set(s, report->text);
		if (starting && s->child.state == CHILD_RUNNING)
			keeper_started(s);
		s->ready |= ready;
		manager_notify(s, ready ? "READY=1\n" : "");
	}
}

static void reports_read(struct supervisor *s)
{
	struct channel_report report;
	struct error e = ERROR_INIT;
	int ret = 1;

	for (int i = 0; ret > 0 && i < REPORTS_MAX && s->child.channel >= 0; i++) {
		ret = channel_receive_report(s->child.channel, &report, &e);
		if (ret > 0)
			keeper_reported(s, &report);
	}
	if (ret >= 0)
		return;
	if (e.kind == ERROR_PROTOCOL) {
		log_line(LOG_LEVEL_ERROR, "%s", e.text);
		child_kill(&s->child, e.text);
	} else {
		child_hang_up(&s->child, now_ms());
	}
}

/* A reload stops a keeper and judges the start of the next one; otherwise a keeper that has ended is replaced,
 * unless the next one would end in the same way. */
static void keeper_ended(struct supervisor *s)
{
	const struct child *child = &s->child;

	listen_answer_all(&s->listener, CONTROL_REFRESH, s->listener.last, 1,
			  child->reason[0] ? child->reason : "the keeper was stopped; try again");
	if (s->stopping) {
		s->over = true;
	} else if (s->reload == RELOAD_STOPPING) {
		reload_start(s);
	} else if (s->reload == RELOAD_STARTING) {
		reload_fail(s, child->code, child->reason);
	} else if (child->permanent || (geteuid() != 0 && !child->started)) {
		supervisor_end(s, child->code, child->reason);
	} else {
		keeper_plan(s, child->reason);
	}
}

/* --- requests -------------------------------------------------------------------------------- */

/* The number of the secret in the configuration, CHANNEL_ALL for no name, or less if there is none. */
static int secret_find(const struct supervisor *s, const char *name)
{
	const struct config *config = &s->settings.config;

	if (!name[0])
		return CHANNEL_ALL;
	for (size_t i = 0; i < config->count; i++)
		if (!strcmp(config->secret[i].name, name))
			return (int)i;
	return CHANNEL_ALL - 1;
}

static void refresh_serve(struct supervisor *s, uint32_t id, const struct control_request *request)
{
	const struct channel_command command = {
		.type = CHANNEL_REFRESH,
		.id = id,
		.secret = secret_find(s, request->name),
		.now = request->now,
	};
	char text[CHANNEL_TEXT_MAX + 64];
	struct error e = ERROR_INIT;
	int code = 1;

	if (command.secret < CHANNEL_ALL) {
		code = 2;
		snprintf(text, sizeof(text), "no secret '%s' in the configuration", request->name);
	} else if (s->child.state != CHILD_RUNNING) {
		snprintf(text, sizeof(text), "no keeper is running: %s", s->status);
	} else if (channel_send_command(s->child.channel, &command, &e) < 0) {
		snprintf(text, sizeof(text), "%s", e.text);
	} else {
		return; /* CHANNEL_DONE answers it */
	}
	listen_answer(&s->listener, CONTROL_REFRESH, id, code, text);
}

static void request_serve(void *context, uint32_t id, const struct control_request *request)
{
	struct supervisor *s = context;

	if (request->verb == CONTROL_REFRESH)
		refresh_serve(s, id, request);
	else
		s->reload_wanted = true;
}

static void supervisor_stop(struct supervisor *s)
{
	static const char text[] = "realmkeyd is stopping";

	s->stopping = true;
	status_set(s, "stopping");
	manager_notify(s, "STOPPING=1\n");
	listen_answer_all(&s->listener, CONTROL_RELOAD, s->listener.last, 1, text);
	listen_answer_all(&s->listener, CONTROL_REFRESH, s->listener.last, 1, text);
	if (s->child.state == CHILD_NONE)
		s->over = true;
	else
		child_stop(&s->child, now_ms());
}

static void signals_read(struct supervisor *s)
{
	struct signalfd_siginfo signal;

	while (read(s->signals, &signal, sizeof(signal)) == sizeof(signal)) {
		if (signal.ssi_signo == SIGHUP)
			s->reload_wanted = true;
		else if (signal.ssi_signo != SIGCHLD && !s->stopping)
			supervisor_stop(s);
	}
}

/* --- the loop -------------------------------------------------------------------------------- */

enum { POLL_SIGNALS, POLL_CHANNEL, POLL_LISTEN, POLL_ALL = POLL_LISTEN + LISTEN_POLL };

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t supervisor_until(const struct supervisor *s)
{
	int64_t until = earliest(listen_until(&s->listener), now_ms() + WAIT_MAX_MS);

	if (s->watchdog)
		until = earliest(until, s->watchdog_due);
	return earliest(until, s->child.state == CHILD_NONE ? s->restart : s->child.until);
}

static void supervisor_wait(const struct supervisor *s, struct pollfd p[POLL_ALL])
{
	int64_t left = supervisor_until(s) - now_ms();

	p[POLL_SIGNALS] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
	p[POLL_CHANNEL] = (struct pollfd){ .fd = s->child.channel, .events = POLLIN };
	listen_poll(&s->listener, &p[POLL_LISTEN]);
	if (left > IDLE_MS)
		idle_release();
	if (poll(p, POLL_ALL, left > 0 ? (int)left : 0) < 0)
		memset(p, 0, sizeof(*p) * POLL_ALL); /* interrupted, or out of memory */
}

/* Reports before the end of the keeper, because they say why it has ended. */
static void supervisor_step(struct supervisor *s, const struct pollfd p[POLL_ALL])
{
	int64_t now;

	signals_read(s);
	reports_read(s);
	if (child_reap(&s->child))
		keeper_ended(s);
	now = now_ms();
	if (s->child.state != CHILD_NONE && s->child.until <= now)
		child_late(&s->child);
	listen_serve(&s->listener, &p[POLL_LISTEN], now, request_serve, s);
	if (s->stopping || s->over)
		return;
	if (s->reload_wanted && s->reload == RELOAD_NONE && s->child.state != CHILD_STARTING)
		reload_begin(s);
	if (s->child.state == CHILD_NONE && s->restart <= now)
		keeper_restart(s);
	watchdog_serve(s, now);
}

static int signals_open(struct supervisor *s, struct error *e)
{
	sigset_t handled;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&handled);
	sigaddset(&handled, SIGHUP);
	sigaddset(&handled, SIGTERM);
	sigaddset(&handled, SIGINT);
	sigaddset(&handled, SIGCHLD);
	sigprocmask(SIG_BLOCK, &handled, NULL);
	s->signals = signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals < 0 ? error_set_errno(e, ERROR_SYSTEM, "signalfd") : 0;
}

int supervisor_run(const struct supervisor_options *options, struct settings *settings)
{
	struct supervisor s = {
		.options = options,
		.settings = *settings,
		.next = SETTINGS_INIT,
		.child = CHILD_INIT,
		.notify = NOTIFY_INIT,
		.said = BYTES_INIT,
		.status = "starting",
	};
	struct pollfd p[POLL_ALL] = { 0 };
	struct error e = ERROR_INIT;

	*settings = (struct settings)SETTINGS_INIT;
	listen_init(&s.listener);
	if (signals_open(&s, &e) < 0 || privilege_begin(&e) < 0) {
		privilege_explain(geteuid() == 0, &e);
		s.code = log_failure(&e);
		s.over = true;
	}
	notify_open(&s.notify, getenv("NOTIFY_SOCKET"));
	s.watchdog = notify_watchdog_ms();
	while (!s.over) {
		supervisor_step(&s, p);
		if (!s.over)
			supervisor_wait(&s, p);
	}
	listen_remove(&s.listener);
	notify_close(&s.notify);
	if (s.signals >= 0)
		close(s.signals);
	settings_free(&s.settings);
	bytes_free(&s.said);
	return s.code;
}
