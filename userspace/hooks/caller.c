// SPDX-License-Identifier: Apache-2.0
#include "caller.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "sandbox/idle.h"
#include "systemd.h"

/* Read what is there. Returns 1, 0 at the end, or -1. */
static int numbers_read(int receiver, struct plan *plan, struct error *e)
{
	uint32_t number;
	ssize_t got;

	while ((got = read(receiver, &number, sizeof(number))) == (ssize_t)sizeof(number))
		if (!plan_changed(plan, number, clock_boot_ms()))
			return error_set(e, ERROR_PROTOCOL, "the receiver has sent the number %u",
					 number);
	if (got == 0)
		return 0;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	return error_set_errno(e, ERROR_SYSTEM, "cannot read from the receiver");
}

static void action_failed(struct plan_action *action, const struct error *e)
{
	const char *verb = plan_verb(action->hook), *unit = action->hook->unit;
	int64_t wait;

	if (!e->transient) {
		plan_done(action);
		log_line(LOG_LEVEL_ERROR, "cannot %s %s: %s", verb, unit, e->text);
		return;
	}
	wait = plan_failed(action, clock_boot_ms(), clock_jitter());
	if (wait < 0)
		log_line(LOG_LEVEL_ERROR, "cannot %s %s: %s; given up after %u tries", verb, unit,
			 e->text, PLAN_TRIES);
	else
		log_line(LOG_LEVEL_WARNING, "cannot %s %s: %s; trying again in %.1f s", verb, unit,
			 e->text, (double)wait / 1000);
}

static void action_run(struct plan_action *action, struct systemd *systemd)
{
	const char *verb = plan_verb(action->hook), *unit = action->hook->unit;
	struct error e = ERROR_INIT;
	int ret = systemd_act(systemd, action->hook, &e);

	if (ret < 0) {
		action_failed(action, &e);
		return;
	}
	plan_done(action);
	if (ret > 0)
		log_line(LOG_LEVEL_INFO, "%s %s: systemd has accepted it", verb, unit);
	else
		log_line(LOG_LEVEL_DEBUG, "%s %s: nothing to do, it does not run", verb, unit);
}

/* Do what is due, over one connection. */
static void actions_run(struct plan *plan, const char *path)
{
	const int64_t now = clock_boot_ms();
	struct plan_action *action = plan_due(plan, now);
	struct error e = ERROR_INIT;
	struct systemd *systemd;

	if (!action)
		return;
	systemd = systemd_open(path, &e);
	/* One that fails becomes due later than now. */
	for (; action; action = plan_due(plan, now)) {
		if (systemd)
			action_run(action, systemd);
		else
			action_failed(action, &e);
	}
	systemd_close(systemd);
	idle_release();
}

int caller_run(int receiver, const char *systemd, struct plan *plan, struct error *e)
{
	struct pollfd p = { .fd = receiver, .events = POLLIN };
	int ret = 1;

	while (ret > 0 || plan_wait(plan, 0) >= 0) {
		if (poll(&p, 1, (int)plan_wait(plan, clock_boot_ms())) < 0 && errno != EINTR)
			return error_set_errno(e, ERROR_SYSTEM, "poll");
		if (ret > 0)
			ret = numbers_read(receiver, plan, e);
		if (ret < 0)
			return -1;
		if (ret == 0)
			p.fd = -1; /* it is at its end, which would wake us */
		actions_run(plan, systemd);
	}
	return 0;
}
