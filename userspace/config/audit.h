/* SPDX-License-Identifier: Apache-2.0 */
/* audit: what can be wrong with settings that were read: for `realmkeyd --check`. A daemon that starts
 * does not look for it, because the courier parses certificates, in a process that has no secret. */
#ifndef REALMKEY_AUDIT_H
#define REALMKEY_AUDIT_H

#include "settings.h"

/* For the files of this folder. */
struct audit {
	const struct settings *settings;
	struct ossl_lib_ctx_st *library; /* with all algorithms, because a key may be of any type */
	config_report *report;
	void *context;
	unsigned int errors;
};

/* Report what is wrong at @place. */
void audit_report(struct audit *a, bool warning, const struct config_place *place,
		  const char *format, ...) __attribute__((format(printf, 4, 5)));
/* audit_units.c: report units of @secret that do not exist. */
void audit_units(struct audit *a, const struct config_secret *secret);

/* Report certificates that cannot be parsed or used (errors), and what works but is probably a mistake
 * (warnings): certificates that have expired by the wall clock, files and modes that expose a secret, a
 * time-out that is too long for the service manager, units that do not exist. @settings may be incomplete. @watchdog is the time
 * in seconds after which the service manager kills a process that does not answer, or 0. Returns the number
 * of errors. */
unsigned int settings_audit(const struct settings *settings, unsigned int watchdog,
			    config_report *report, void *context);

#endif
