/* SPDX-License-Identifier: Apache-2.0 */
/* plan: which actions follow when secrets have changed, and when each of them is due. No I/O. */
#ifndef REALMKEY_HOOKS_PLAN_H
#define REALMKEY_HOOKS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"

/* All times are milliseconds of one clock. An action is due when no secret has changed for PLAN_QUIET, so that it happens
 * once for all that change together, but at the latest PLAN_LATEST after the first change. */
#define PLAN_QUIET  250
#define PLAN_LATEST 5000
/* How often an action is tried. The wait between two tries is random, at most PLAN_RETRY, and doubles each time. */
#define PLAN_TRIES 6U
#define PLAN_RETRY 1000U

/* Two secrets that name the same action, unit and signal share one. */
struct plan_action {
	const struct config_hook *hook; /* of the configuration */
	bool wanted;
	unsigned int failures; /* since the last change */
	int64_t first,
		due; /* if wanted: the first change that is not acted upon, and when to act */
};

struct plan {
	const struct config *config;
	struct plan_action *action; /* owned; in the order of the configuration */
	size_t actions;
};

#define PLAN_INIT { .action = NULL }

/* @config must live as long as @plan. */
int plan_make(struct plan *plan, const struct config *config, struct error *e);
void plan_free(struct plan *plan);

/* Secret @number has changed. Returns false if there is no such secret. */
bool plan_changed(struct plan *plan, uint32_t number, int64_t now);
/* The next action that is due, or NULL. The caller does it, and then calls one of the two functions below. */
struct plan_action *plan_due(const struct plan *plan, int64_t now);
void plan_done(struct plan_action *action);
/* It has failed. @random is a random number. Returns the time until it is due again, or -1 if it was tried often enough. */
int64_t plan_failed(struct plan_action *action, int64_t now, uint32_t random);
/* The time until an action is due: 0 if one is, -1 if none is wanted. */
int64_t plan_wait(const struct plan *plan, int64_t now);

/* The action as a verb: "reload". */
const char *plan_verb(const struct config_hook *hook);

#endif
