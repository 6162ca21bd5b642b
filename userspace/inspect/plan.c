// SPDX-License-Identifier: Apache-2.0
#include "plan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "config/settings.h"
#include "status/status.h"

enum action {
	ACTION_NONE,
	ACTION_ADD,    /* the file is not there: the secret is requested */
	ACTION_FETCH,  /* the file is there, from another resource */
	ACTION_CHANGE, /* the file is made anew from its content */
	ACTION_REMOVE,
};

static const char *const action_names[] = {
	[ACTION_NONE] = "keep",	    [ACTION_ADD] = "add",	[ACTION_FETCH] = "fetch",
	[ACTION_CHANGE] = "change", [ACTION_REMOVE] = "remove",
};

struct plan {
	int keyring; /* -1: there is none */
	struct settings settings;
	struct status status;
	bool json;
	struct bytes text;
	json_t *list; /* if json */
	unsigned int changes, unchanged;
};

/* --- what is there --------------------------------------------------------------------------- */

/* The keeper is confined, but its names must not lead this process, which is root, out of the
 * keyring. */
static int keyring_file(const struct plan *plan, const char *name, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, plan->keyring, name, &how, sizeof(how));
}

static bool keyring_stat(const struct plan *plan, const char *name, struct stat *st)
{
	int fd = keyring_file(plan, name, O_PATH);
	bool found = fd >= 0 && fstat(fd, st) == 0 && S_ISREG(st->st_mode);

	if (fd >= 0)
		close(fd);
	return found;
}

static int status_read(struct plan *plan, struct error *e)
{
	struct bytes text = BYTES_INIT;
	int fd = keyring_file(plan, STATUS_FILE, O_RDONLY | O_NONBLOCK), ret;

	if (fd < 0 && (errno == ENOENT || errno == EBADF)) /* no keeper has published anything */
		return 0;
	if (fd < 0)
		return error_set_errno(e, ERROR_SYSTEM, "%s", STATUS_FILE);
	ret = io_read_all(fd, STATUS_MAX, STATUS_FILE, &text, e);
	if (ret == 0)
		ret = status_decode(text.data, text.len, &plan->status, e);
	close(fd);
	bytes_free(&text);
	return ret;
}

/* --- what differs ---------------------------------------------------------------------------- */

static int plan_add(struct plan *plan, enum action action, const char *name, const char *file,
		    const char *resource, const char *reason, struct error *e)
{
	json_t *change;

	plan->changes += action != ACTION_NONE;
	plan->unchanged += action == ACTION_NONE;
	if (action == ACTION_NONE)
		return 0;
	if (!plan->json) {
		bytes_printf(&plan->text, "%-6s  %s  %s%s%s\n", action_names[action], name, file,
			     *reason ? ": " : "", reason);
		return bytes_check(&plan->text, e);
	}
	change = json_pack("{s:s, s:s, s:s, s:s, s:s}", "action", action_names[action], "name",
			   name, "file", file, "resource", resource, "reason", reason);
	if (!change || json_array_append_new(plan->list, change) < 0)
		return error_set_memory(e);
	return 0;
}

/* What an earlier keeper published about @file, or NULL. */
static const struct status_secret *record_find(const struct status *status, const char *file)
{
	for (size_t i = 0; i < status->count; i++)
		if (!strcmp(status->secret[i].file, file))
			return &status->secret[i];
	return NULL;
}

static int secret_compare(struct plan *plan, size_t i, struct error *e)
{
	const struct config_secret *secret = &plan->settings.config.secret[i];
	const struct settings_secret *owner = &plan->settings.secret[i];
	const struct status_secret *record = record_find(&plan->status, secret->file);
	enum action action = ACTION_NONE;
	char reason[ERROR_TEXT_MAX] = "";
	struct stat st;
	size_t len;

	if (!keyring_stat(plan, secret->file, &st)) {
		action = ACTION_ADD;
	} else if (record && strcmp(record->resource, secret->resource) != 0) {
		action = ACTION_FETCH;
		snprintf(reason, sizeof(reason), "resource %.300s -> %.300s", record->resource,
			 secret->resource);
	} else {
		if ((st.st_mode & 07777) != secret->mode)
			snprintf(reason, sizeof(reason), "mode %04o -> %04o",
				 (unsigned int)st.st_mode & 07777, secret->mode);
		len = strlen(reason);
		if (st.st_uid != owner->uid || st.st_gid != owner->gid)
			snprintf(reason + len, sizeof(reason) - len, "%sowner %u:%u -> %u:%u",
				 len ? ", " : "", st.st_uid, st.st_gid, owner->uid, owner->gid);
		if (*reason)
			action = ACTION_CHANGE;
	}
	return plan_add(plan, action, secret->name, secret->file, secret->resource, reason, e);
}

static bool file_is_configured(const struct config *config, const char *file)
{
	for (size_t i = 0; i < config->count; i++)
		if (!strcmp(config->secret[i].file, file))
			return true;
	return false;
}

static int plan_make(struct plan *plan, struct error *e)
{
	const struct config *config = &plan->settings.config;
	int ret = 0;

	for (size_t i = 0; i < config->count && ret == 0; i++)
		ret = secret_compare(plan, i, e);
	for (size_t i = 0; i < plan->status.count && ret == 0; i++) {
		const struct status_secret *record = &plan->status.secret[i];
		struct stat st;

		if (!file_is_configured(config, record->file) &&
		    keyring_stat(plan, record->file, &st))
			ret = plan_add(plan, ACTION_REMOVE, record->name, record->file,
				       record->resource, "", e);
	}
	return ret;
}

/* --- all ------------------------------------------------------------------------------------- */

static int plan_finish(struct plan *plan, struct error *e)
{
	json_t *all;
	int ret;

	if (!plan->json) {
		bytes_printf(&plan->text, "%u change%s, %u secret%s unchanged\n", plan->changes,
			     plan->changes == 1 ? "" : "s", plan->unchanged,
			     plan->unchanged == 1 ? "" : "s");
		return bytes_check(&plan->text, e);
	}
	all = json_pack("{s:O, s:i}", "changes", plan->list, "unchanged", (int)plan->unchanged);
	if (!all)
		return error_set_memory(e);
	ret = json_pretty(all, &plan->text, e);
	json_decref(all);
	return ret;
}

static void report_log(void *reported, bool warning, const char *text)
{
	log_line(warning ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, "%s", text);
	*(bool *)reported |= !warning;
}

static int plan_do(struct plan *plan, const char *config, bool *reported, struct error *e)
{
	if (settings_read(&plan->settings, config, report_log, reported, e) < 0)
		return -1;
	if (plan->json && !plan->list)
		return error_set_memory(e);
	if (status_read(plan, e) < 0 || plan_make(plan, e) < 0 || plan_finish(plan, e) < 0)
		return -1;
	return io_write_full(STDOUT_FILENO, plan->text.data, plan->text.len, e);
}

int plan_run(const char *config, const char *keyring, bool json)
{
	struct plan plan = {
		.keyring = open(keyring, O_PATH | O_DIRECTORY | O_CLOEXEC),
		.settings = SETTINGS_INIT,
		.json = json,
		.list = json ? json_array() : NULL,
	};
	struct error e = ERROR_INIT;
	bool reported = false;
	int code = 0;

	if (plan_do(&plan, config, &reported, &e) < 0) {
		if (!reported)
			log_line(LOG_LEVEL_ERROR, "%s", e.text);
		code = error_exit_code(&e);
	}
	if (plan.keyring >= 0)
		close(plan.keyring);
	json_decref(plan.list);
	bytes_free(&plan.text);
	status_free(&plan.status);
	settings_free(&plan.settings);
	return code;
}
