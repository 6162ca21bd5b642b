/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics: a status as OpenMetrics text (version 1.0). Only counters and gauges are used, so that a reader of the older
 * Prometheus text format 0.0.4 accepts it too: the textfile collector of node_exporter is one. All times are ages,
 * because the host controls the wall clock.
 */
#ifndef REALMKEY_METRICS_H
#define REALMKEY_METRICS_H

#include <stdint.h>

#include "base/bytes.h"
#include "status.h"

enum metrics_daemon { METRICS_STOPPED, METRICS_RUNNING, METRICS_UNKNOWN };

/* Append the metrics of @status at @now on the boot clock. Without a status, pass an empty one. */
void metrics_print(const struct status *status, int64_t now, enum metrics_daemon daemon,
		   struct bytes *out);

#endif
