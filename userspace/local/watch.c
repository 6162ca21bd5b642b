// SPDX-License-Identifier: Apache-2.0
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "sinks/served.h"
#include "status/status.h"

int watch_open(struct watch *watch, struct error *e)
{
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->fd < 0)
		return error_set_errno(e, ERROR_SYSTEM, "inotify");
	watch_changed(watch);
	return 0;
}

bool watch_changed(struct watch *watch)
{
	char events[4096] __attribute__((aligned(8)));
	bool changed = watch->id < 0;

	while (read(watch->fd, events, sizeof(events)) > 0)
		changed = true;
	/* realmkeyd replaces the file; the watch is on the old one. The same file has the same watch. */
	if (changed)
		watch->id = inotify_add_watch(watch->fd, STATUS_FILE,
					      IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |
						      IN_MODIFY);
	return changed;
}

bool watch_has(const char *name)
{
	char path[sizeof(SERVED_PREFIX) + SERVED_NAME_MAX];
	struct stat st;

	snprintf(path, sizeof(path), SERVED_PREFIX "%s", name);
	return !strchr(path, '/') && lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

static int status_read(struct status *status, struct error *e)
{
	struct bytes text = BYTES_INIT;
	int fd = open(STATUS_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), ret;

	*status = (struct status)STATUS_INIT;
	if (fd < 0)
		return error_set(e, ERROR_SYSTEM, "realmkeyd has not started since boot");
	ret = io_read_all(fd, STATUS_MAX, STATUS_FILE, &text, e);
	close(fd);
	if (ret == 0)
		ret = status_decode(text.data, text.len, status, e);
	bytes_free(&text);
	return ret;
}

void watch_reason(const char *name, struct bytes *out)
{
	const struct status_secret *secret;
	struct error e = ERROR_INIT;
	struct status status;

	if (status_read(&status, &e) < 0) {
		bytes_append_text(out, e.text);
		return;
	}
	secret = status_find(&status, name);
	if (!secret)
		bytes_append_text(out, "realmkeyd has not read the configuration with this secret "
				       "(realmkey reload)");
	else if (secret->error)
		bytes_printf(out, "%s", secret->error);
	else
		bytes_printf(out, "the secret is %s", status_state_name(secret->state));
	status_free(&status);
}

static bool configuration_is(const char *hex, bool same)
{
	struct error e = ERROR_INIT;
	struct status status;
	bool result = false;

	if (status_read(&status, &e) == 0)
		result = status.configuration && (strcmp(status.configuration, hex) == 0) == same;
	status_free(&status);
	return result;
}

bool watch_other_configuration(const char *hex)
{
	return configuration_is(hex, false);
}

bool watch_same_configuration(const char *hex)
{
	return configuration_is(hex, true);
}
