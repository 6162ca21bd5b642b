// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/log.h"
#include "sinks/message.h"
#include "sinks/varlink.h"

#define CREDENTIALS_SOCKET "/run/realmkey/credentials.sock"

/* WatchdogSec of realmkeyd.service. */
#define WATCHDOG_DEFAULT_S 300

struct count {
	unsigned int errors, warnings;
};

static bool needs_keys(const struct config_secret *secret)
{
	return secret->key != CONFIG_KEY_NONE;
}

static bool needs_hooks(const struct config_secret *secret)
{
	return secret->hooks > 0;
}

static bool needs_credentials(const struct config_secret *secret)
{
	return secret->credentials || secret->volumes;
}

static bool needs_api(const struct config_secret *secret)
{
	return secret->allows > 0;
}

static void check_report(void *context, bool warning, const char *text)
{
	struct count *count = context;

	count->errors += !warning;
	count->warnings += warning;
	printf("%s: %s\n", warning ? "warning" : "error", text);
}

/* A socket of another program, and the keys of a secret that need it. */
static const struct {
	const char *path, *unit, *keys;
	bool (*needed)(const struct config_secret *secret);
} sockets[] = {
	{ SINKS_KEYS_SOCKET, "realmkey-keys.socket", "key", needs_keys },
	{ SINKS_HOOKS_SOCKET, "realmkey-hooks.socket", "reload, restart or signal", needs_hooks },
	{ CREDENTIALS_SOCKET, "realmkey-credentials.socket", "credential or crypttab",
	  needs_credentials },
	{ VARLINK_SOCKET, "realmkey-api.socket", "allow", needs_api },
};

/* Warn of each socket that does not exist, at the first secret that needs it. */
static void sockets_check(const struct config *config, struct count *count)
{
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++) {
		const struct config_secret *secret = config->secret;
		const struct config_secret *end = secret + config->count;
		struct error e = ERROR_INIT;

		while (secret < end && !sockets[i].needed(secret))
			secret++;
		if (secret == end || stat(sockets[i].path, &st) == 0)
			continue;
		error_set(&e, ERROR_CONFIG,
			  "%s:%d: [secret %s] %s: there is no socket %s; start or enable %s",
			  secret->place.file, secret->place.line, secret->name, sockets[i].keys,
			  sockets[i].path, sockets[i].unit);
		check_report(count, true, e.text);
	}
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
	else
		sockets_check(&settings->config, &count);
	printf("%s: %u error%s, %u warning%s\n", config, count.errors, count.errors == 1 ? "" : "s",
	       count.warnings, count.warnings == 1 ? "" : "s");
	if (fflush(stdout) != 0) {
		log_line(LOG_LEVEL_ERROR, "cannot write to standard output");
		code = code ? code : 1;
	}
	return code;
}
