// SPDX-License-Identifier: Apache-2.0
#include "backoff.h"

uint32_t backoff_ms(unsigned int failures, uint32_t random)
{
	uint64_t bound = BACKOFF_FIRST_MS, wait;

	while (failures-- > 1 && bound < BACKOFF_MAX_MS)
		bound *= 2;
	if (bound > BACKOFF_MAX_MS)
		bound = BACKOFF_MAX_MS;
	wait = bound * random >> 32;
	return wait < BACKOFF_LEAST_MS ? BACKOFF_LEAST_MS : (uint32_t)wait;
}
