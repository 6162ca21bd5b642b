// SPDX-License-Identifier: Apache-2.0
#include "systemd.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"

#define SERVICE	  "org.freedesktop.systemd1"
#define MANAGER	  "/org/freedesktop/systemd1"
#define UNITS	  "/org/freedesktop/systemd1/unit"
#define SECOND_US UINT64_C(1000000)

struct systemd {
	sd_bus *bus;
};

/* --- errors ---------------------------------------------------------------------------------- */

/* Errors after which the same request fails again, until a person acts. @advice may be NULL. */
static const struct {
	const char *name, *advice;
} permanent[] = {
	{ SERVICE ".NoSuchUnit", NULL },
	{ SERVICE ".LoadFailed", NULL },
	{ SERVICE ".BadUnitSetting", NULL },
	{ SERVICE ".UnitMasked", NULL },
	{ SERVICE ".OnlyByDependency", NULL },
	{ SERVICE ".JobTypeNotApplicable",
	  "without ExecReload= in the unit, use `restart` or `signal` in place of `reload`" },
	{ SERVICE ".ShuttingDown", NULL },
	{ SD_BUS_ERROR_ACCESS_DENIED, NULL },
	{ SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, NULL },
	{ SD_BUS_ERROR_INVALID_ARGS, NULL },
	{ SD_BUS_ERROR_UNKNOWN_METHOD, NULL },
	{ SD_BUS_ERROR_UNKNOWN_OBJECT, NULL },
};

/* Set @e from @error, or from @result, a negative errno, if that has no name. */
static int call_failed(const sd_bus_error *error, int result, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(permanent); i++) {
		if (!sd_bus_error_has_name(error, permanent[i].name))
			continue;
		error_set(e, ERROR_DELIVERY, "systemd: %s", error->message);
		return permanent[i].advice ? error_append(e, "; %s", permanent[i].advice) : -1;
	}
	return error_set_transient(e, ERROR_DELIVERY, "systemd: %s",
				   error->message ? error->message : strerror(-result));
}

/* --- the connection -------------------------------------------------------------------------- */

/* Wait until the other end has said that it is a D-Bus peer. libsystemd would wait for 90 seconds. */
static int connection_begin(sd_bus *bus)
{
	const int64_t end = clock_boot_ms() + SYSTEMD_WAIT_S * INT64_C(1000);
	int r = sd_bus_start(bus);

	while (r >= 0) {
		const int64_t left = end - clock_boot_ms();

		r = sd_bus_is_ready(bus);
		if (r != 0)
			break;
		if (left <= 0)
			return -ETIMEDOUT;
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, (uint64_t)left * 1000);
	}
	return r;
}

/* As systemctl does: the directory of the socket is root's, but an option can name another. */
static int connection_check(sd_bus *bus)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);
	const int fd = sd_bus_get_fd(bus);

	if (fd < 0)
		return fd;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	return peer.uid == 0 || peer.uid == geteuid() ? 0 : -EPERM;
}

static int connection_open(sd_bus *bus, const char *path)
{
	char *address = NULL;
	int r = asprintf(&address, "unix:path=%s", path) < 0 ? -ENOMEM : 0;

	if (r == 0)
		r = sd_bus_set_address(bus, address);
	free(address);
	if (r >= 0)
		r = sd_bus_set_method_call_timeout(bus, SYSTEMD_WAIT_S * SECOND_US);
	if (r >= 0)
		r = connection_begin(bus);
	return r < 0 ? r : connection_check(bus);
}

struct systemd *systemd_open(const char *path, struct error *e)
{
	struct systemd *systemd = calloc(1, sizeof(*systemd));
	int r;

	if (!systemd) {
		error_set_memory(e);
		return NULL;
	}
	r = sd_bus_new(&systemd->bus);
	if (r >= 0)
		r = connection_open(systemd->bus, path);
	if (r >= 0)
		return systemd;
	error_set_transient(e, ERROR_DELIVERY, "cannot connect to systemd: %s", strerror(-r));
	systemd_close(systemd);
	return NULL;
}

void systemd_close(struct systemd *systemd)
{
	if (!systemd)
		return;
	sd_bus_close_unref(systemd->bus);
	free(systemd);
}

/* --- units ----------------------------------------------------------------------------------- */

/* The property @name of @unit, which systemd loads for that. */
static int unit_property(sd_bus *bus, const char *unit, const char *name, char **value,
			 struct error *e)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	char *path = NULL;
	int r = sd_bus_path_encode(UNITS, unit, &path);

	if (r >= 0)
		r = sd_bus_get_property_string(bus, SERVICE, path, SERVICE ".Unit", name, &error,
					       value);
	r = r < 0 ? call_failed(&error, r, e) : 0;
	sd_bus_error_free(&error);
	free(path);
	return r;
}

static bool state_runs(const char *state)
{
	static const char *const runs[] = { "active", "activating", "reloading", "refreshing" };

	for (size_t i = 0; i < ARRAY_SIZE(runs); i++)
		if (!strcmp(state, runs[i]))
			return true;
	return false;
}

/* Whether @unit runs, or is about to: 1 or 0. That there is no such unit is an error. */
static int unit_runs(sd_bus *bus, const char *unit, struct error *e)
{
	char *active = NULL, *load = NULL;
	int ret = unit_property(bus, unit, "ActiveState", &active, e);

	if (active && state_runs(active))
		ret = 1;
	else if (active)
		ret = unit_property(bus, unit, "LoadState", &load, e);
	if (load && !strcmp(load, "not-found"))
		ret = error_set(e, ERROR_DELIVERY, "systemd has no such unit");
	free(active);
	free(load);
	return ret;
}

/* --- actions --------------------------------------------------------------------------------- */

static int action_call(sd_bus *bus, const struct config_hook *hook, sd_bus_error *error)
{
	switch (hook->action) {
	case CONFIG_RELOAD:
		return sd_bus_call_method(bus, SERVICE, MANAGER, SERVICE ".Manager", "ReloadUnit",
					  error, NULL, "ss", hook->unit, "replace");
	case CONFIG_RESTART:
		return sd_bus_call_method(bus, SERVICE, MANAGER, SERVICE ".Manager",
					  "TryRestartUnit", error, NULL, "ss", hook->unit,
					  "replace");
	case CONFIG_SIGNAL:
		return sd_bus_call_method(bus, SERVICE, MANAGER, SERVICE ".Manager", "KillUnit",
					  error, NULL, "ssi", hook->unit, "main",
					  (int32_t)hook->signal);
	}
	return -EINVAL;
}

int systemd_act(struct systemd *systemd, const struct config_hook *hook, struct error *e)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int r, ret = unit_runs(systemd->bus, hook->unit, e);

	if (ret <= 0)
		return ret;
	r = action_call(systemd->bus, hook, &error);
	if (r < 0 && sd_bus_error_has_name(&error, SERVICE ".NoSuchProcess"))
		ret = 0;
	else if (r < 0)
		ret = call_failed(&error, r, e);
	sd_bus_error_free(&error);
	return ret;
}
