/* SPDX-License-Identifier: Apache-2.0 */
/*
 * local: what the commands about realmkeyd's secrets share: the keyring, the status that realmkeyd publishes in it,
 * its control socket, and durations.
 */
#ifndef REALMKEY_LOCAL_H
#define REALMKEY_LOCAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/args.h"
#include "base/bytes.h"
#include "base/error.h"
#include "status/status.h"

/* The exit status if realmkeyd does not run, or has not published a status since boot. */
#define LOCAL_EXIT_ABSENT 14

/* The first member of each command's struct of options. */
struct local_options {
	const char *keyring; /* NULL: the default */
};

extern const struct args_option local_options[]; /* keyring */

/* The keyring that @options name. */
const char *local_keyring(const struct local_options *options);

/* The directory of the keyring, to open files in: a descriptor, or -1 with errno. */
int local_directory(const char *keyring);

enum local_found {
	LOCAL_FOUND,
	LOCAL_ABSENT, /* there is none; the error says so */
};

/* Read the status in @keyring. Returns an enum local_found, or -1. */
int local_status_read(const char *keyring, struct status *status, struct error *e);
/* Connect to the control socket in @keyring. Sets *@fd unless it returns LOCAL_ABSENT or -1. */
int local_connect(const char *keyring, int *fd, struct error *e);

enum local_daemon {
	LOCAL_RUNS,
	LOCAL_STOPPED,
	LOCAL_HIDDEN, /* this user may not know */
};

/* Whether realmkeyd runs. */
enum local_daemon local_probe(const char *keyring);

/* Print the error and return the exit status: LOCAL_EXIT_ABSENT if @found is LOCAL_ABSENT. */
int local_fail(const char *name, int found, const struct error *e);

/* Read a duration: "90", "90s", "5m", "1h", "2d", to milliseconds. An ERROR_USAGE begins with @what. */
int local_duration(const char *text, const char *what, int64_t *ms, struct error *e);

#endif
