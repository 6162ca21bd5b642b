/* SPDX-License-Identifier: Apache-2.0 */
/* names: what the configuration names outside of Realmkey: units, credentials, volumes, keys, signals. Each function
 * returns what is wrong with @text, as the end of a sentence about it, or NULL. */
#ifndef REALMKEY_NAMES_H
#define REALMKEY_NAMES_H

#include "config.h"

/* Bytes of unit and credential together, and of a volume: systemd binds its socket to an address of 107 bytes that
 * contains them, and 24 or 29 other ones. */
#define NAMES_CREDENTIAL_MAX 83
#define NAMES_VOLUME_MAX     78

enum names_units {
	NAMES_ANY,   /* every type of unit */
	NAMES_LOADS, /* types with LoadCredential= */
	NAMES_RUNS,  /* types with processes */
};

/* A unit that can run: not a template. */
const char *names_unit_fault(const char *text, enum names_units units);
const char *names_credential_fault(const char *text);
const char *names_volume_fault(const char *text);
/* The description of a key. */
const char *names_key_fault(enum config_key_type type, const char *text);
/* The number of a signal: HUP, SIGHUP or 1; 0: there is none called @text. */
int names_signal(const char *text);

#endif
