// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "nearly_full.h"
#include "device.h"
#include "eventlog.h"
#include "module.h"
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOG_MAX "/sys/module/" MODULE "/parameters/log_max"

uint64_t nearly_full_size(void)
{
	struct cca_rsi_config config;
	struct eventlog log;

	if (!device_config(&config) || !eventlog_read(&log, &config))
		return 0;
	eventlog_free(&log);
	return log.used;
}

int nearly_full_fill(uint64_t limit, void (*each)(void))
{
	static const uint8_t digest[CCA_RSI_DIGEST_MAX];
	int writer = device_open(O_WRONLY), count = 0;

	while (count >= 0 && nearly_full_size() <= limit - limit / 8) {
		count = device_extend(writer, 4, digest) == 0 ? count + 1 : -1;
		if (each)
			each();
	}
	close(writer);
	return count;
}

bool nearly_full_raise(uint64_t limit)
{
	int fd = open(LOG_MAX, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && dprintf(fd, "%llu", (unsigned long long)limit) > 0;

	close(fd);
	return good;
}
