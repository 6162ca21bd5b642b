/* SPDX-License-Identifier: Apache-2.0 */
/* audit: what can be wrong with settings that were read: for `realmkeyd --check`. A daemon that starts
 * does not look for it, because the courier parses certificates, in a process that has no secret. */
#ifndef REALMKEY_AUDIT_H
#define REALMKEY_AUDIT_H

#include "settings.h"

/* Report certificates that cannot be parsed or used (errors), and what works but is probably a mistake
 * (warnings): certificates that have expired by the wall clock, files and modes that expose a secret, a
 * time-out that is too long for the service manager. @settings may be incomplete. @watchdog is the time
 * in seconds after which the service manager kills a process that does not answer, or 0. Returns the number
 * of errors. */
unsigned int settings_audit(const struct settings *settings, unsigned int watchdog,
			    config_report *report, void *context);

#endif
