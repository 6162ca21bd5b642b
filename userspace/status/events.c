// SPDX-License-Identifier: Apache-2.0
#include "events.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"

/* A secret that is not in the configuration. */
static const struct status_secret nothing = { .state = STATUS_MISSING };

static bool secret_there(const struct status_secret *s)
{
	return s->state == STATUS_DELIVERED || s->state == STATUS_STALE;
}

static bool is_delivered(const struct status_secret *old, const struct status_secret *new)
{
	return status_is_good(new) && !status_is_good(old);
}

static bool is_changed(const struct status_secret *old, const struct status_secret *new)
{
	return secret_there(old) && secret_there(new) && new->changed > old->changed;
}

static bool is_stale(const struct status_secret *old, const struct status_secret *new)
{
	return new->state == STATUS_STALE && old->state != STATUS_STALE;
}

static bool is_removed(const struct status_secret *old, const struct status_secret *new)
{
	return secret_there(old) && !secret_there(new);
}

/* Not by the number of failures: a keeper that was started again counts from 0. */
static bool is_failed(const struct status_secret *old, const struct status_secret *new)
{
	return new->failed_at > old->failed_at;
}

/* In the order in which events of one secret are printed. */
static const struct {
	const char *name;
	bool (*happened)(const struct status_secret *old, const struct status_secret *new);
	bool failure;
} types[] = {
	{ "failed", is_failed, true },	      { "changed", is_changed, false },
	{ "delivered", is_delivered, false }, { "stale", is_stale, false },
	{ "removed", is_removed, false },
};

/* Append @event, which is released. */
static int event_append(json_t *event, struct bytes *out, size_t *lines, struct error *e)
{
	int ret = event ? json_compact(event, out, e) : error_set_memory(e);

	json_decref(event);
	bytes_append_text(out, "\n");
	(*lines)++;
	return ret;
}

static int secret_events(const struct status_secret *old, const struct status_secret *new,
			 int64_t time, struct bytes *out, size_t *lines, struct error *e)
{
	const struct status_secret *named = new->name ? new : old;
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < ARRAY_SIZE(types); i++) {
		const bool failure = types[i].failure;
		const char *kind = failure ? status_kind_name(new->kind) : NULL;

		if (types[i].happened(old, new))
			ret = event_append(json_pack("{s:s, s:I, s:s, s:s*, s:I, s:s*, s:s*}",
						     "event", types[i].name, "time",
						     (json_int_t)time, "name", named->name, "file",
						     status_file(named), "version",
						     (json_int_t)named->version, "kind", kind,
						     "error", failure ? new->error : NULL),
					   out, lines, e);
	}
	return ret;
}

static bool name_selected(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return true;
	return count == 0;
}

int events_print(const struct status *old, const struct status *new, const char *const *name,
		 size_t count, struct bytes *out, size_t *lines, struct error *e)
{
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < old->count; i++)
		if (!status_find(new, old->secret[i].name) &&
		    name_selected(old->secret[i].name, name, count))
			ret = secret_events(&old->secret[i], &nothing, new->now, out, lines, e);
	for (size_t i = 0; ret == 0 && i < new->count; i++) {
		const struct status_secret *before = status_find(old, new->secret[i].name);

		if (name_selected(new->secret[i].name, name, count))
			ret = secret_events(before ? before : &nothing, &new->secret[i], new->now,
					    out, lines, e);
	}
	if (ret == 0 && count == 0 && new->ready != old->ready)
		ret = event_append(json_pack("{s:s, s:I}", "event",
					     new->ready ? "ready" : "not-ready", "time",
					     (json_int_t) new->now),
				   out, lines, e);
	return ret == 0 ? bytes_check(out, e) : -1;
}
