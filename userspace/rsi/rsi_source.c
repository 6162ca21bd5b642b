// SPDX-License-Identifier: Apache-2.0
#include "rsi_source.h"

#include <errno.h>
#include <unistd.h>

#include "base/array.h"

/* How kernels show that they run in a realm: with a device up to 7.3, later with a firmware
 * attribute. */
static const char *const realm_marks[] = {
	"/sys/devices/platform/arm-cca-dev",
	"/sys/firmware/cca/realm_guest",
};

static const struct {
	int error;
	enum error_kind kind;
	const char *text;
} causes[] = {
	{ EACCES, ERROR_SYSTEM, "permission denied; run as root" },
	{ EPERM, ERROR_SYSTEM, "permission denied; run as root" },
	{ EBADF, ERROR_SYSTEM, "not opened for writing; run as root" },
	{ EBUSY, ERROR_NO_DRIVER,
	  "no tokens here: another driver owned configfs-tsm, or reports "
	  "were left in it, when cca_rsi was loaded; unload "
	  "arm_cca_guest, remove the reports, load cca_rsi again" },
	{ ENOSPC, ERROR_SYSTEM, "the event log is full, and nothing is extended without a record" },
	{ EFBIG, ERROR_SYSTEM, "the RMM announced a size that is too large" },
	{ EIO, ERROR_SYSTEM, "the RMM failed, or exceeded its own limits" },
	{ EOPNOTSUPP, ERROR_NO_DRIVER, "the RMM or the module does not support this" },
	{ ENODEV, ERROR_NO_DRIVER, "the module is being unloaded" },
	{ ENOTTY, ERROR_NO_DRIVER, "the module does not know this call" },
};

int rsi_source_error(int error, const char *where, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++)
		if (error == causes[i].error)
			return error_set(e, causes[i].kind, "%s: %s", where, causes[i].text);
	errno = error;
	return error_set_errno(e, ERROR_SYSTEM, "%s", where);
}

int rsi_source_absent(const char *source, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(realm_marks); i++)
		if (access(realm_marks[i], F_OK) == 0)
			return error_set(e, ERROR_NO_DRIVER,
					 "%s%s: this is a realm, but module "
					 "cca_rsi is not loaded (modprobe cca_rsi)",
					 source ? "RSI source " : "RSI", source ? source : "");
	return error_set(e, ERROR_NO_REALM, "this machine is not an Arm CCA realm");
}

int rsi_source_hash(unsigned int number, size_t digest_size, struct rsi_config *config,
		    struct error *e)
{
	config->hash = hash_by_number(number);
	if (!config->hash || config->hash->size != digest_size)
		return error_set(e, ERROR_SYSTEM,
				 "RSI: hash algorithm %u with digests of %zu "
				 "bytes",
				 number, digest_size);
	return 0;
}
