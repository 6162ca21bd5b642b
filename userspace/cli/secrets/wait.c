// SPDX-License-Identifier: Apache-2.0
#include "wait.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "local.h"
#include "watch_status.h"

#define PROGRESS_MS 1000
#define PROBE_MS    5000
#define NAMED_MAX   3 /* in a message */

static bool secret_is_there(const struct status_secret *secret)
{
	return (secret->state == STATUS_DELIVERED || secret->state == STATUS_STALE) &&
	       !secret->incomplete;
}

/* The secrets to wait for that are missing: how many there are, and the first few, for a message. */
struct missing {
	size_t count;
	const struct status_secret *secret[NAMED_MAX];
};

static void missing_add(struct missing *missing, const struct status_secret *secret)
{
	if (missing->count < NAMED_MAX)
		missing->secret[missing->count] = secret;
	missing->count++;
}

/* Returns -1 if there is no secret with one of the names. */
static int missing_find(const struct wait *wait, const struct status *status,
			struct missing *missing, struct error *e)
{
	*missing = (struct missing){ 0 };
	for (size_t i = 0; i < wait->count; i++) {
		const struct status_secret *secret = status_find(status, wait->name[i]);

		if (!secret)
			return error_set(e, ERROR_USAGE, "no secret '%s' in the configuration",
					 wait->name[i]);
		if (!secret_is_there(secret))
			missing_add(missing, secret);
	}
	if (wait->count || status->ready)
		return 0;
	for (size_t i = 0; i < status->count; i++)
		if (status->secret[i].required && !status_is_good(&status->secret[i]))
			missing_add(missing, &status->secret[i]);
	/* It is not ready for a reason that the secrets do not show. */
	if (!missing->count)
		missing->count = 1;
	return 0;
}

static void missing_print(const struct missing *missing, struct bytes *out)
{
	size_t named = 0;

	for (; named < NAMED_MAX && named < missing->count && missing->secret[named]; named++) {
		const struct status_secret *secret = missing->secret[named];

		bytes_printf(out, "%s%s", named ? ", " : "", secret->name);
		if (secret->error)
			bytes_printf(out, " (%s)", secret->error);
	}
	if (!named)
		bytes_append_text(out, "realmkeyd");
	else if (missing->count > named)
		bytes_printf(out, " and %zu more", missing->count - named);
}

/* On a terminal: what is missing, whenever that has changed. */
static void progress_show(const struct wait *wait, const struct bytes *text, struct bytes *shown)
{
	char line[ERROR_TEXT_MAX];

	if (!isatty(STDERR_FILENO) || bytes_equal(text->data, text->len, shown->data, shown->len))
		return;
	snprintf(line, sizeof(line), "waiting for %s", bytes_text(text));
	error_text_clean(line);
	cli_warn(wait->command, line);
	bytes_set(shown, text->data, text->len);
}

static int timed_out(const struct missing *missing, const struct bytes *text, bool stopped,
		     struct error *e)
{
	const struct status_secret *first = missing->secret[0];
	enum error_kind kind = first && first->kind != ERROR_NONE ? first->kind : ERROR_DELIVERY;

	return error_set(e, kind, "still waiting for %s when the time was over%s", bytes_text(text),
			 stopped ? "; realmkeyd is not running" : "");
}

bool wait_gives_up(bool stopped, int64_t now, int64_t *since)
{
	if (!stopped)
		*since = 0;
	else if (!*since)
		*since = now;
	return stopped && now - *since >= WAIT_ABSENT_MS;
}

struct state {
	const struct wait *wait;
	int64_t began, probed, since;
	struct bytes missing, shown; /* texts */
};

/* One look. Returns 1 if nothing is missing, 0 to go on, or -1; *@found is LOCAL_ABSENT if realmkeyd does not run. */
static int wait_look(struct state *s, struct status *status, int *found, struct error *e)
{
	const struct wait *wait = s->wait;
	struct missing missing = { .count = 1 };
	const int64_t now = clock_boot_ms();
	bool gives_up = false;

	*found = local_status_read(wait->keyring, status, e);
	if (*found < 0)
		return -1;
	if (*found == LOCAL_FOUND && missing_find(wait, status, &missing, e) < 0)
		return -1;
	if (!missing.count)
		return 1;
	bytes_clear(&s->missing);
	missing_print(&missing, &s->missing);
	if (bytes_check(&s->missing, e) < 0)
		return -1;
	if (now - s->probed >= PROBE_MS) {
		s->probed = now;
		gives_up = wait_gives_up(local_probe(wait->keyring) == LOCAL_STOPPED, now,
					 &s->since);
	}
	*found = s->since ? LOCAL_ABSENT : LOCAL_FOUND;
	if (gives_up)
		return error_set(e, ERROR_SYSTEM,
				 "%s: no realmkeyd has run for %d s (systemctl status realmkeyd)",
				 wait->keyring, WAIT_ABSENT_MS / 1000);
	if (now - s->began >= wait->timeout)
		return timed_out(&missing, &s->missing, s->since, e);
	if (now - s->began >= PROGRESS_MS)
		progress_show(wait, &s->missing, &s->shown);
	return 0;
}

static int64_t wait_left(const struct state *s)
{
	const int64_t gone = clock_boot_ms() - s->began;
	int64_t left = s->wait->timeout - gone;

	/* The first look after a second shows what is missing. */
	if (gone < PROGRESS_MS && left > PROGRESS_MS - gone)
		left = PROGRESS_MS - gone;
	return left;
}

int wait_secrets(const struct wait *wait, struct status *status, struct error *e)
{
	struct state s = { .wait = wait, .began = clock_boot_ms(), .probed = -PROBE_MS };
	struct watch_status watch;
	int ret, found;

	watch_status_open(&watch, wait->keyring);
	for (;;) {
		watch_status_arm(&watch);
		ret = wait_look(&s, status, &found, e);
		if (ret > 0)
			break;
		status_free(status);
		if (ret < 0)
			break;
		watch_status_wait(&watch, wait_left(&s));
	}
	watch_status_close(&watch);
	bytes_free(&s.missing);
	bytes_free(&s.shown);
	return ret > 0 ? LOCAL_FOUND : found == LOCAL_ABSENT ? LOCAL_ABSENT : -1;
}

/* --- the command ----------------------------------------------------------------------------- */

#define NAMES_MAX 256

struct options {
	struct local_options local;
	const char *timeout;
};

static const struct args_option own[] = {
	{ .name = "timeout",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, timeout),
	  .value = "DURATION",
	  .help = "fail after this time, 90s or 5m (default: never)" },
	{ 0 },
};

static const struct args_option *const tables[] = { own, local_options, NULL };

static const struct args_spec spec = {
	.name = "realmkey wait",
	.operands = "[NAME]...",
	.operands_max = NAMES_MAX,
	.about = "Waits until realmkeyd has delivered each secret NAME, by default each that is\n"
		 "required. It returns at once if they are in the keyring, also while realmkeyd\n"
		 "restarts.",
	.options = tables,
	.notes = "Exit status: 0 they are there; 2 no such secret in the configuration; 14 no\n"
		 "realmkeyd runs; after a time-out that of the first missing secret's failure, or\n"
		 "10 if none is known. realmkey(1) has them all.",
};

int command_wait(int argc, char **argv)
{
	const char *names[NAMES_MAX];
	struct options options = { 0 };
	struct wait wait = { .command = argv[0], .name = names, .timeout = WAIT_FOREVER };
	struct status status = STATUS_INIT;
	struct error e = ERROR_INIT;
	int code, found;

	if (!cli_parse(&spec, argc, argv, &options, names, &code))
		return code;
	if (options.timeout && local_duration(options.timeout, "--timeout", &wait.timeout, &e) < 0)
		return cli_fail(argv[0], &e);
	while (wait.count < NAMES_MAX && names[wait.count])
		wait.count++;
	wait.keyring = local_keyring(&options.local);
	found = wait_secrets(&wait, &status, &e);
	status_free(&status);
	return found == LOCAL_FOUND ? 0 : local_fail(argv[0], found, &e);
}
