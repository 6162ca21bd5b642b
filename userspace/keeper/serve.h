/* SPDX-License-Identifier: Apache-2.0 */
/* serve: the keeper as a process: it starts, confines itself, and makes passes. */
#ifndef REALMKEY_SERVE_H
#define REALMKEY_SERVE_H

#include <sys/types.h>

#include "config/settings.h"

struct keeper_options {
	const char *courier;	  /* program or socket; NULL: the installed program */
	const char *keyring;	  /* mount point */
	const char *keys, *hooks; /* sockets; NULL: those of systemd's units */
	pid_t supervisor;	  /* the process that called fork(), for keeper_child() */
};

/* For a child of the supervisor: serve @channel (channel.h) until the supervisor closes it or this keeper can get no
 * further secret. @settings must stay valid. */
_Noreturn void keeper_child(const struct settings *settings, const struct keeper_options *options,
			    int channel);
/* Request each secret once. Returns an exit status. */
int keeper_once(const struct settings *settings, const struct keeper_options *options);
/* Attest and request each secret, confined as the keeper is, and print what the KBS said; nothing is
 * delivered (online.c). Returns the exit status for the first required secret that was refused, or 0. */
int keeper_ask(const struct settings *settings, const struct keeper_options *options);

#endif
