// SPDX-License-Identifier: Apache-2.0
#include "failover.h"

bool failover_kind(enum error_kind kind)
{
	return kind == ERROR_NETWORK || kind == ERROR_TLS || kind == ERROR_PROTOCOL;
}

bool failover_status(int status)
{
	return status == 408 || status == 429 || (status >= 500 && status <= 599);
}

/* How long @server is avoided from @now on, ms. */
static int64_t left(const struct failover *f, size_t server, int64_t now)
{
	const int64_t until = f->server[server].until;

	return until > now && until - now <= FAILOVER_MAX ? until - now : 0;
}

size_t failover_pick(const struct failover *f, size_t count, int64_t now)
{
	size_t best = 0;

	for (size_t i = 1; i < count; i++)
		if (left(f, i, now) < left(f, best, now))
			best = i;
	return best;
}

size_t failover_current(const struct failover *f, size_t count, int64_t now)
{
	const uint32_t current = f->current;

	return current && current <= count ? current - 1 : failover_pick(f, count, now);
}

void failover_failed(struct failover *f, size_t server, int64_t now, uint32_t random)
{
	int64_t bound = FAILOVER_FIRST;
	uint32_t failures = f->server[server].failures;

	for (uint32_t i = 0; i < failures && bound < FAILOVER_MAX; i++)
		bound *= 2;
	if (bound > FAILOVER_MAX)
		bound = FAILOVER_MAX;
	f->server[server].failures = failures < UINT32_MAX ? failures + 1 : failures;
	f->server[server].until = now + bound / 2 + (bound / 2 * random >> 32);
}

void failover_worked(struct failover *f, size_t server)
{
	f->server[server].failures = 0;
	f->server[server].until = 0;
}
