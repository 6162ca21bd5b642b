/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch: what the acceptor sees of the keyring, which is its current directory: whether a secret is there, and the status
 * that realmkeyd publishes after each change, and touches after each delivery. It may not list the directory, so it watches
 * the status, and looks at the files by name.
 */
#ifndef REALMKEY_WATCH_H
#define REALMKEY_WATCH_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"

struct watch {
	int fd; /* inotify */
	int id; /* of the status; -1: there was none when we last looked */
};

#define WATCH_INIT { .fd = -1, .id = -1 }

int watch_open(struct watch *watch, struct error *e);
/* Read the events, and watch the present status. Returns true if it has changed. */
bool watch_changed(struct watch *watch);

/* True if the value of the secret @name is there. */
bool watch_has(const char *name);
/* Append why the secret @name is not there, for people. */
void watch_reason(const char *name, struct bytes *out);
/* True if the status says that realmkeyd has read a configuration with another digest than @hex. */
bool watch_other_configuration(const char *hex);
/* True if the status names the configuration with the digest @hex. */
bool watch_same_configuration(const char *hex);

#endif
