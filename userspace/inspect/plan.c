// SPDX-License-Identifier: Apache-2.0
#include "plan.h"

#include <dirent.h>
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
#include "sinks/served.h"
#include "status/status.h"

#define DEPTH_MAX 64 /* of directories in the keyring */

enum action {
	ACTION_NONE,
	ACTION_ADD,    /* it is not there: the secret is requested */
	ACTION_FETCH,  /* it is there, from another resource */
	ACTION_CHANGE, /* the file is made anew from its content */
	ACTION_REMOVE,
};

static const char *const action_names[] = {
	[ACTION_NONE] = "keep",	    [ACTION_ADD] = "add",	[ACTION_FETCH] = "fetch",
	[ACTION_CHANGE] = "change", [ACTION_REMOVE] = "remove",
};

/* What is added, changed or removed. */
enum sink {
	SINK_FILE,
	SINK_KEY,
	SINK_SERVED,
};

struct change {
	enum action action;
	const char *name; /* of the section */
	enum sink sink;
	const char *what;     /* the path of the file, or TYPE:NAME of the key */
	const char *resource; /* "" for a template */
	const char *reason;
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

static int change_encode(const struct change *change, json_t *list, struct error *e)
{
	static const char *const members[] = {
		[SINK_FILE] = "file",
		[SINK_KEY] = "key",
		[SINK_SERVED] = "served",
	};
	json_t *what = change->sink == SINK_SERVED ? json_true() : json_string(change->what);
	json_t *object = json_pack("{s:s, s:s, s:o, s:s, s:s}", "action",
				   action_names[change->action], "name", change->name,
				   members[change->sink], what, "resource", change->resource,
				   "reason", change->reason);

	if (!object || json_array_append_new(list, object) < 0)
		return error_set_memory(e);
	return 0;
}

static int plan_add(struct plan *plan, const struct change *change, struct error *e)
{
	static const char *const before[] = {
		[SINK_FILE] = "",
		[SINK_KEY] = "key ",
		[SINK_SERVED] = "served",
	};

	if (change->action == ACTION_NONE)
		return 0;
	plan->changes++;
	if (plan->json)
		return change_encode(change, plan->list, e);
	bytes_printf(&plan->text, "%-6s  %s  %s%s%s%s\n", action_names[change->action],
		     change->name, before[change->sink],
		     change->sink == SINK_SERVED ? "" : change->what, *change->reason ? ": " : "",
		     change->reason);
	return bytes_check(&plan->text, e);
}

/* What an earlier keeper published about the secret @name, or the own file @file of any secret, or NULL. */
static const struct status_secret *record_find(const struct status *status, const char *name,
					       const char *file)
{
	for (size_t i = 0; file && i < status->count; i++)
		if (status->secret[i].file && !strcmp(status->secret[i].file, file))
			return &status->secret[i];
	return file ? NULL : status_find(status, name);
}

/* True if @record is of another resource than that of @secret; then @change is to fetch it. */
static bool resource_differs(const struct config_secret *secret, const struct status_secret *record,
			     char reason[ERROR_TEXT_MAX], struct change *change)
{
	if (!record || !strcmp(record->resource, secret->resource))
		return false;
	change->action = ACTION_FETCH;
	snprintf(reason, ERROR_TEXT_MAX, "resource %.300s -> %.300s", record->resource,
		 secret->resource);
	return true;
}

static int file_compare(struct plan *plan, size_t number, struct error *e)
{
	const struct config_file *file = &plan->settings.config.file[number];
	const struct settings_file *owner = &plan->settings.file[number];
	const struct config_secret *secret = file->secret == CONFIG_NO_SECRET ?
						     NULL :
						     &plan->settings.config.secret[file->secret];
	char reason[ERROR_TEXT_MAX] = "";
	struct change change = {
		.name = file->name,
		.what = file->path,
		.resource = secret ? secret->resource : "",
		.reason = reason,
	};
	struct stat st;
	size_t len;

	if (!keyring_stat(plan, file->path, &st)) {
		change.action = ACTION_ADD;
	} else if (!secret || !config_file_is_own(file) ||
		   !resource_differs(secret, record_find(&plan->status, file->name, file->path),
				     reason, &change)) {
		if ((st.st_mode & 07777) != file->mode)
			snprintf(reason, sizeof(reason), "mode %04o -> %04o",
				 (unsigned int)st.st_mode & 07777, file->mode);
		len = strlen(reason);
		if (st.st_uid != owner->uid || st.st_gid != owner->gid)
			snprintf(reason + len, sizeof(reason) - len, "%sowner %u:%u -> %u:%u",
				 len ? ", " : "", st.st_uid, st.st_gid, owner->uid, owner->gid);
		if (*reason)
			change.action = ACTION_CHANGE;
	}
	return plan_add(plan, &change, e);
}

static int key_compare(struct plan *plan, const struct config_secret *secret, struct error *e)
{
	const struct status_secret *record = status_find(&plan->status, secret->name);
	char reason[ERROR_TEXT_MAX] = "", key[CONFIG_KEY_TEXT_MAX];
	struct change change = {
		.name = secret->name,
		.sink = SINK_KEY,
		.what = key,
		.resource = secret->resource,
		.reason = reason,
	};

	if (!secret->key)
		return 0;
	config_key_text(secret, key);
	if (!record || !record->key || strcmp(record->key, key) != 0)
		change.action = ACTION_ADD;
	else
		resource_differs(secret, record, reason, &change);
	return plan_add(plan, &change, e);
}

static bool is_served(const struct plan *plan, const char *name)
{
	char path[sizeof(SERVED_PREFIX) + SERVED_NAME_MAX];
	struct stat st;

	snprintf(path, sizeof(path), SERVED_PREFIX "%s", name);
	return keyring_stat(plan, path, &st);
}

static int served_compare(struct plan *plan, const struct config_secret *secret, struct error *e)
{
	char reason[ERROR_TEXT_MAX] = "";
	struct change change = {
		.name = secret->name,
		.sink = SINK_SERVED,
		.resource = secret->resource,
		.reason = reason,
	};

	if (!config_secret_is_served(secret))
		return 0;
	if (!is_served(plan, secret->name))
		change.action = ACTION_ADD;
	else
		resource_differs(secret, status_find(&plan->status, secret->name), reason, &change);
	return plan_add(plan, &change, e);
}

static bool file_is_configured(const struct config *config, const char *file)
{
	for (size_t i = 0; i < config->files; i++)
		if (!strcmp(config->file[i].path, file))
			return true;
	return false;
}

static bool secret_is_configured(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->count; i++)
		if (!strcmp(config->secret[i].name, name))
			return true;
	return false;
}

/* Remove the key and the served copy that @record has and @secret, which may be NULL, has not. */
static int sinks_remove(struct plan *plan, const struct config_secret *secret,
			const struct status_secret *record, struct error *e)
{
	char key[CONFIG_KEY_TEXT_MAX] = "";
	struct change change = {
		.action = ACTION_REMOVE,
		.name = record->name,
		.sink = SINK_KEY,
		.what = record->key,
		.resource = record->resource,
		.reason = "",
	};

	if (secret)
		config_key_text(secret, key);
	if (record->key && strcmp(record->key, key) != 0 && plan_add(plan, &change, e) < 0)
		return -1;
	change.sink = SINK_SERVED;
	if (is_served(plan, record->name) && !(secret && config_secret_is_served(secret)))
		return plan_add(plan, &change, e);
	return 0;
}

static int record_remove(struct plan *plan, const struct status_secret *record, struct error *e)
{
	const struct config *config = &plan->settings.config;
	const struct change change = {
		.action = ACTION_REMOVE,
		.name = record->name,
		.what = record->file,
		.resource = record->resource,
		.reason = "",
	};
	struct stat st;

	if (record->file && !file_is_configured(config, record->file) &&
	    keyring_stat(plan, record->file, &st) && plan_add(plan, &change, e) < 0)
		return -1;
	return secret_is_configured(config, record->name) ? 0 : sinks_remove(plan, NULL, record, e);
}

/* --- files of sections [file NAME], of which nothing is published ---------------------------- */

static bool file_is_recorded(const struct status *status, const char *file)
{
	return record_find(status, NULL, file) != NULL;
}

static int left_compare(struct plan *plan, const char *path, struct error *e)
{
	const struct change change = {
		.action = ACTION_REMOVE,
		.name = "-",
		.what = path,
		.resource = "",
		.reason = "",
	};
	struct stat st;

	if (file_is_configured(&plan->settings.config, path) ||
	    file_is_recorded(&plan->status, path) || !keyring_stat(plan, path, &st))
		return 0;
	return plan_add(plan, &change, e);
}

/* Look for files below the directory @path of the keyring, "." for itself. */
static int left_find(struct plan *plan, const char *path, unsigned int depth, struct error *e)
{
	int fd = keyring_file(plan, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK), ret = 0;
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct bytes below = BYTES_INIT;
	const struct dirent *entry;

	if (!stream) { /* not a directory, or gone */
		if (fd >= 0)
			close(fd);
		return depth ? left_compare(plan, path, e) : 0;
	}
	while (ret == 0 && depth < DEPTH_MAX && (entry = readdir(stream))) {
		if (*entry->d_name == '.')
			continue;
		bytes_clear(&below);
		if (depth)
			bytes_printf(&below, "%s/", path);
		bytes_append_text(&below, entry->d_name);
		ret = bytes_check(&below, e);
		if (ret == 0)
			ret = left_find(plan, bytes_text(&below), depth + 1, e);
	}
	closedir(stream);
	bytes_free(&below);
	return ret;
}

/* The own file of the secret is @file, if it has one. */
static int secret_compare(struct plan *plan, const struct config_secret *secret, size_t file,
			  struct error *e)
{
	const struct status_secret *record = status_find(&plan->status, secret->name);
	unsigned int changes = plan->changes;

	if (secret->file && file_compare(plan, file, e) < 0)
		return -1;
	if (key_compare(plan, secret, e) < 0 || served_compare(plan, secret, e) < 0)
		return -1;
	if (record && sinks_remove(plan, secret, record, e) < 0)
		return -1;
	plan->unchanged += changes == plan->changes;
	return 0;
}

static int plan_make(struct plan *plan, struct error *e)
{
	const struct config *config = &plan->settings.config;
	size_t file = 0;
	int ret = 0;

	for (size_t i = 0; i < config->count && ret == 0; i++) {
		ret = secret_compare(plan, &config->secret[i], file, e);
		/* The files of the secrets come first, in the same order. */
		file += config->secret[i].file != NULL;
	}
	for (; file < config->files && ret == 0; file++)
		ret = file_compare(plan, file, e);
	for (size_t i = 0; i < plan->status.count && ret == 0; i++)
		ret = record_remove(plan, &plan->status.secret[i], e);
	return ret == 0 && plan->keyring >= 0 ? left_find(plan, ".", 0, e) : ret;
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

static int plan_do(struct plan *plan, const char *config, bool *reported, struct error *e)
{
	if (settings_read(&plan->settings, config, settings_log, reported, e) < 0)
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
