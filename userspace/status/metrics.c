// SPDX-License-Identifier: Apache-2.0
#include "metrics.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>

#define PREFIX "realmkey_"

/* A family with one sample, or one for each secret. Times are in milliseconds on the boot clock. */
struct family {
	const char *name; /* without PREFIX and suffixes */
	enum type {
		SINCE, /* gauge: how long ago; absent if never */
		UNTIL, /* gauge: in how long; absent if never */
		COUNT, /* counter, uint64_t */
		VALUE, /* gauge, unsigned int */
		TRUTH, /* gauge, bool */
	} type;
	size_t offset; /* of the member */
	const char *help;
};

#define FAMILIES_END { NULL, SINCE, 0, NULL }

static const struct family status_families[] = {
	{ "ready", TRUTH, offsetof(struct status, ready),
	  "Whether each required secret is in the keyring." },
	{ "status_age", SINCE, offsetof(struct status, now),
	  "Time since realmkeyd wrote the status that these metrics are from." },
	{ "uptime", SINCE, offsetof(struct status, started),
	  "Time since the keeper of realmkeyd started." },
	{ "ear_expiry", UNTIL, offsetof(struct status, ear_until),
	  "Time until the attestation result (EAR) expires; negative after that." },
	{ "passes", COUNT, offsetof(struct status, passes), "Passes over the secrets." },
	FAMILIES_END,
};

static const struct family secret_families[] = {
	{ "secret_required", TRUTH, offsetof(struct status_secret, required),
	  "Whether realmkeyd is ready only with this secret." },
	{ "secret_age", SINCE, offsetof(struct status_secret, success),
	  "Time since the KBS confirmed the value of the secret last." },
	{ "secret_content_age", SINCE, offsetof(struct status_secret, changed),
	  "Time since the content of the secret changed last." },
	{ "secret_next_refresh", UNTIL, offsetof(struct status_secret, next),
	  "Time until the next request for the secret; negative if it is late." },
	{ "secret_failure_age", SINCE, offsetof(struct status_secret, failed_at),
	  "Time since a request for the secret failed last." },
	{ "secret_changes", COUNT, offsetof(struct status_secret, version),
	  "How often the content of the secret changed." },
	{ "secret_attempts", COUNT, offsetof(struct status_secret, attempts),
	  "Requests for the secret." },
	{ "secret_failures", COUNT, offsetof(struct status_secret, failures),
	  "Requests for the secret that failed." },
	{ "secret_consecutive_failures", VALUE, offsetof(struct status_secret, failed),
	  "Requests for the secret that failed since the last success." },
	FAMILIES_END,
};

static bool family_is_time(const struct family *family)
{
	return family->type == SINCE || family->type == UNTIL;
}

static void family_begin(const char *name, bool counter, bool seconds, const char *help,
			 struct bytes *out)
{
	const char *unit = seconds ? "_seconds" : "";

	bytes_printf(out, "# TYPE " PREFIX "%s%s %s\n", name, unit, counter ? "counter" : "gauge");
	if (seconds)
		bytes_printf(out, "# UNIT " PREFIX "%s%s seconds\n", name, unit);
	bytes_printf(out, "# HELP " PREFIX "%s%s %s\n", name, unit, help);
}

/* Append a label; its value is escaped as the specification says. */
static void label_append(struct bytes *out, const char *name, const char *value)
{
	bytes_printf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			bytes_append_text(out, "\\n");
		else
			bytes_printf(out, "%s%c", *value == '"' || *value == '\\' ? "\\" : "",
				     *value);
	}
	bytes_append_text(out, "\"");
}

static void time_append(int64_t ms, struct bytes *out)
{
	bytes_printf(out, " %.3f\n", (double)ms / 1000);
}

/* Append the value of the member at @field, and the end of the line. */
static void value_append(const struct family *family, const void *field, int64_t now,
			 struct bytes *out)
{
	switch (family->type) {
	case SINCE:
		time_append(now - *(const int64_t *)field, out);
		break;
	case UNTIL:
		time_append(*(const int64_t *)field - now, out);
		break;
	case COUNT:
		bytes_printf(out, " %" PRIu64 "\n", *(const uint64_t *)field);
		break;
	case VALUE:
		bytes_printf(out, " %u\n", *(const unsigned int *)field);
		break;
	case TRUTH:
		bytes_printf(out, " %d\n", *(const bool *)field);
		break;
	}
}

/* Append one sample of the struct at @source: of the secret @name unless that is NULL. */
static void sample_append(const struct family *family, const char *name, const void *source,
			  int64_t now, struct bytes *out)
{
	const void *field = (const char *)source + family->offset;

	if (family_is_time(family) && *(const int64_t *)field == 0)
		return;
	bytes_printf(out, PREFIX "%s%s", family->name,
		     family_is_time(family) ? "_seconds" :
		     family->type == COUNT  ? "_total" :
					      "");
	if (name) {
		bytes_append_text(out, "{");
		label_append(out, "name", name);
		bytes_append_text(out, "}");
	}
	value_append(family, field, now, out);
}

static void family_print(const struct family *family, struct bytes *out)
{
	family_begin(family->name, family->type == COUNT, family_is_time(family), family->help,
		     out);
}

static void failures_print(const struct status *status, struct bytes *out)
{
	family_begin("failures", true, false, "Requests that failed, by the kind of failure.", out);
	for (int i = ERROR_NONE + 1; i < (int)STATUS_KINDS; i++) {
		bytes_append_text(out, PREFIX "failures_total{");
		label_append(out, "kind", status_kind_name((enum error_kind)i));
		bytes_printf(out, "} %" PRIu64 "\n", status->failures[i]);
	}
}

/* A gauge for each state, because the older format has no state sets. */
static void states_print(const struct status *status, struct bytes *out)
{
	family_begin("secret_state", false, false, "1 for the state that the secret is in.", out);
	for (size_t i = 0; i < status->count; i++) {
		for (int k = 0; k < (int)STATUS_STATES; k++) {
			bytes_append_text(out, PREFIX "secret_state{");
			label_append(out, "name", status->secret[i].name);
			bytes_append_text(out, ",");
			label_append(out, "state", status_state_name((enum status_state)k));
			bytes_printf(out, "} %d\n", status->secret[i].state == (unsigned int)k);
		}
	}
}

void metrics_print(const struct status *status, int64_t now, enum metrics_daemon daemon,
		   struct bytes *out)
{
	if (daemon != METRICS_UNKNOWN) {
		family_begin("up", false, false, "Whether realmkeyd runs.", out);
		bytes_printf(out, PREFIX "up %d\n", daemon == METRICS_RUNNING);
	}
	for (const struct family *family = status_families; family->name; family++) {
		family_print(family, out);
		sample_append(family, NULL, status, now, out);
	}
	failures_print(status, out);
	for (const struct family *family = secret_families; family->name; family++) {
		family_print(family, out);
		for (size_t i = 0; i < status->count; i++)
			sample_append(family, status->secret[i].name, &status->secret[i], now, out);
	}
	states_print(status, out);
	bytes_append_text(out, "# EOF\n");
}
