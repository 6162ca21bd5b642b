// SPDX-License-Identifier: Apache-2.0
/* Whether the units that the configuration names exist. A unit that does not may come later, so this is a warning. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audit.h"
#include "base/array.h"

/* The directories of systemd.unit(5). */
static const char unit_path[] =
	"/etc/systemd/system.control:/run/systemd/system.control:/run/systemd/transient:"
	"/run/systemd/generator.early:/etc/systemd/system:/etc/systemd/system.attached:"
	"/run/systemd/system:/run/systemd/system.attached:/run/systemd/generator:"
	"/usr/local/lib/systemd/system:/usr/lib/systemd/system:/lib/systemd/system:"
	"/run/systemd/generator.late";

/* True if there is a file "@prefix @suffix" in one of the directories. A link to nowhere counts: it is an alias, or
 * masks the unit. */
static bool unit_file_exists(const char *prefix, size_t len, const char *suffix)
{
	/* As for systemd itself. */
	const char *path = getenv("SYSTEMD_UNIT_PATH");
	struct bytes file = BYTES_INIT;
	bool found = false;
	struct stat st;

	for (path = path ? path : unit_path; *path && !found; path += *path == ':') {
		size_t directory = strcspn(path, ":");

		bytes_clear(&file);
		bytes_printf(&file, "%.*s/%.*s%s", (int)directory, path, (int)len, prefix, suffix);
		found = fstatat(AT_FDCWD, bytes_text(&file), &st, AT_SYMLINK_NOFOLLOW) == 0;
		path += directory;
	}
	bytes_free(&file);
	return found;
}

static bool unit_exists(const char *unit)
{
	static const char *const without_file[] = { ".scope", ".slice", ".device" };
	const char *at = strchr(unit, '@'), *dot = strrchr(unit, '.');

	for (size_t i = 0; i < ARRAY_SIZE(without_file); i++)
		if (!strcmp(dot, without_file[i]))
			return true;
	if (unit_file_exists(unit, strlen(unit), ""))
		return true;
	return at && unit_file_exists(unit, (size_t)(at - unit) + 1, dot);
}

static void audit_unit(struct audit *a, const struct config_secret *secret, const char *key,
		       const struct config_place *place, const char *unit)
{
	if (unit && !unit_exists(unit))
		audit_report(a, true, place,
			     "[secret %s] %s: systemd has no unit %s on this machine", secret->name,
			     key, unit);
}

void audit_units(struct audit *a, const struct config_secret *secret)
{
	const struct {
		const char *key;
		const struct config_place *place;
	} hooks[] = {
		[CONFIG_RELOAD] = { "reload", &secret->reload_place },
		[CONFIG_RESTART] = { "restart", &secret->restart_place },
		[CONFIG_SIGNAL] = { "signal", &secret->signal_place },
	};

	for (size_t i = 0; i < secret->credentials; i++)
		audit_unit(a, secret, "credential", &secret->credential_place,
			   secret->credential[i].unit);
	for (size_t i = 0; i < secret->allows; i++)
		if (secret->allow[i].kind == CONFIG_PEER_UNIT ||
		    secret->allow[i].kind == CONFIG_PEER_CONTAINER)
			audit_unit(a, secret, "allow", &secret->allow_place, secret->allow[i].name);
	for (size_t i = 0; i < secret->hooks; i++)
		audit_unit(a, secret, hooks[secret->hook[i].action].key,
			   hooks[secret->hook[i].action].place, secret->hook[i].unit);
}
