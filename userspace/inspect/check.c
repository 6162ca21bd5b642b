// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

/* WatchdogSec of realmkeyd.service. */
#define WATCHDOG_DEFAULT_S 300

struct count {
	unsigned int errors, warnings;
};

static void check_report(void *context, bool warning, const char *text)
{
	struct count *count = context;

	count->errors += !warning;
	count->warnings += warning;
	printf("%s: %s\n", warning ? "warning" : "error", text);
}

/* What the service manager allows this service, in seconds; 0: unknown, or no limit. */
static unsigned int watchdog_seconds(void)
{
	const char *text = getenv("WATCHDOG_USEC");

	return text ? (unsigned int)(strtoull(text, NULL, 10) / 1000000) : WATCHDOG_DEFAULT_S;
}

int check_run(const char *config, struct settings *settings)
{
	struct error e = ERROR_INIT;
	struct count count = { 0 };
	int code = 0;

	if (settings_check(settings, config, watchdog_seconds(), check_report, &count, &e) < 0)
		code = error_exit_code(&e);
	printf("%s: %u error%s, %u warning%s\n", config, count.errors, count.errors == 1 ? "" : "s",
	       count.warnings, count.warnings == 1 ? "" : "s");
	if (fflush(stdout) != 0) {
		log_line(LOG_LEVEL_ERROR, "cannot write to standard output");
		code = code ? code : 1;
	}
	return code;
}
