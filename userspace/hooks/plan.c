// SPDX-License-Identifier: Apache-2.0
#include "plan.h"

#include <stdlib.h>
#include <string.h>

static bool hook_equal(const struct config_hook *a, const struct config_hook *b)
{
	return a->action == b->action && a->signal == b->signal && !strcmp(a->unit, b->unit);
}

static struct plan_action *action_find(const struct plan *plan, const struct config_hook *hook)
{
	for (size_t i = 0; i < plan->actions; i++)
		if (hook_equal(plan->action[i].hook, hook))
			return &plan->action[i];
	return NULL;
}

int plan_make(struct plan *plan, const struct config *config, struct error *e)
{
	size_t hooks = 0;

	*plan = (struct plan){ .config = config };
	for (size_t i = 0; i < config->count; i++)
		hooks += config->secret[i].hooks;
	plan->action = calloc(hooks ? hooks : 1, sizeof(*plan->action));
	if (!plan->action)
		return error_set_memory(e);
	for (size_t i = 0; i < config->count; i++) {
		const struct config_secret *secret = &config->secret[i];

		for (size_t j = 0; j < secret->hooks; j++)
			if (!action_find(plan, &secret->hook[j]))
				plan->action[plan->actions++].hook = &secret->hook[j];
	}
	return 0;
}

void plan_free(struct plan *plan)
{
	free(plan->action);
	*plan = (struct plan)PLAN_INIT;
}

/* A change starts the tries again, because the reason of an earlier failure may be gone. */
static void action_want(struct plan_action *action, int64_t now)
{
	if (!action->wanted || action->failures)
		action->first = now;
	action->wanted = true;
	action->failures = 0;
}

/* So that all actions of one pass of the keeper are done together, in the order of the configuration. */
static void action_postpone(struct plan_action *action, int64_t now)
{
	if (!action->wanted || action->failures)
		return;
	action->due = now + PLAN_QUIET;
	if (action->due > action->first + PLAN_LATEST)
		action->due = action->first + PLAN_LATEST;
}

bool plan_changed(struct plan *plan, uint32_t number, int64_t now)
{
	const struct config_secret *secret;

	if (number >= plan->config->count)
		return false;
	secret = &plan->config->secret[number];
	for (size_t i = 0; i < secret->hooks; i++)
		action_want(action_find(plan, &secret->hook[i]), now);
	for (size_t i = 0; i < plan->actions; i++)
		action_postpone(&plan->action[i], now);
	return true;
}

struct plan_action *plan_due(const struct plan *plan, int64_t now)
{
	for (size_t i = 0; i < plan->actions; i++)
		if (plan->action[i].wanted && plan->action[i].due <= now)
			return &plan->action[i];
	return NULL;
}

void plan_done(struct plan_action *action)
{
	action->wanted = false;
	action->failures = 0;
}

int64_t plan_failed(struct plan_action *action, int64_t now, uint32_t random)
{
	uint64_t most;

	if (++action->failures >= PLAN_TRIES) {
		plan_done(action);
		return -1;
	}
	/* Half of it is random. */
	most = (uint64_t)PLAN_RETRY << (action->failures - 1);
	action->due = now + (int64_t)(most / 2 + (most / 2 * random >> 32));
	return action->due - now;
}

int64_t plan_wait(const struct plan *plan, int64_t now)
{
	int64_t wait = -1;

	for (size_t i = 0; i < plan->actions; i++) {
		const struct plan_action *action = &plan->action[i];
		const int64_t left = action->due > now ? action->due - now : 0;

		if (action->wanted && (wait < 0 || left < wait))
			wait = left;
	}
	return wait;
}

const char *plan_verb(const struct config_hook *hook)
{
	static const char *const verb[] = {
		[CONFIG_RELOAD] = "reload",
		[CONFIG_RESTART] = "restart",
		[CONFIG_SIGNAL] = "signal",
	};

	return verb[hook->action];
}
