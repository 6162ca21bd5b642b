// SPDX-License-Identifier: Apache-2.0
#include "retry.h"

#include <stddef.h>

#include "base/array.h"

#define SECOND 1000U
#define MINUTE (60 * SECOND)

/* Milliseconds. The wait is random between @least and a bound, which is @first and doubles with each
 * further failure up to @max. All 0: there is no further try. */
struct pace {
	uint32_t least, first, max;
};

/* The least wait prevents a busy loop. */
static const struct pace backoff = { SECOND / 10, SECOND, 5 * MINUTE };
/* Each try may extend a register, and the event log is finite. */
static const struct pace slow = { SECOND / 10, SECOND, 60 * MINUTE };
/* Each try is a new attestation, and ends in the same way until an operator acts. */
static const struct pace seldom = { 5 * MINUTE, 10 * MINUTE, 10 * MINUTE };
static const struct pace never = { 0, 0, 0 };

static const struct rule {
	const struct pace *pace;
	bool common; /* the cause is this realm or the KBS, not one secret */
} rules[] = {
	[ERROR_NONE] = { &backoff, false },  [ERROR_SYSTEM] = { &backoff, false },
	[ERROR_USAGE] = { &never, false },   [ERROR_CONFIG] = { &never, false },
	[ERROR_NO_REALM] = { &never, true }, [ERROR_NETWORK] = { &backoff, false },
	[ERROR_TLS] = { &backoff, true },    [ERROR_ATTESTATION] = { &backoff, false },
	[ERROR_POLICY] = { &seldom, false }, [ERROR_NOT_FOUND] = { &backoff, false },
	[ERROR_DELIVERY] = { &slow, false }, [ERROR_PROTOCOL] = { &backoff, false },
	[ERROR_INPUT] = { &backoff, false }, [ERROR_NO_DRIVER] = { &never, true },
};

static const struct rule *rule_find(enum error_kind kind)
{
	return &rules[(size_t)kind < ARRAY_SIZE(rules) ? kind : ERROR_SYSTEM];
}

bool retry_is_common(enum error_kind kind)
{
	return rule_find(kind)->common;
}

/* A KBS that is busy says how long it will be. It cannot keep this realm away for longer than we would stay
 * away by ourselves. */
static uint32_t asked(const struct error *e, const struct pace *pace)
{
	return e->wait < pace->max / SECOND ? e->wait * SECOND : pace->max;
}

int64_t retry_due(const struct error *e, unsigned int failures, int64_t now, uint32_t random)
{
	const struct pace *pace = rule_find(e->kind)->pace;
	uint64_t bound;

	if (pace == &seldom && e->transient) /* not a denial by the KBS's policy */
		pace = &backoff;
	bound = pace->first;
	if (!bound)
		return RETRY_NEVER;
	while (failures-- > 1 && bound < pace->max)
		bound *= 2;
	if (bound > pace->max)
		bound = pace->max;
	return now + asked(e, pace) +
	       (int64_t)(pace->least + ((bound - pace->least) * random >> 32));
}
