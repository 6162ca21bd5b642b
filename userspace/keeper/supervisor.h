/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor: the process of realmkeyd that stays root, and never sees a byte from the network. It
 * starts the keeper and starts another when that has ended, reads the configuration again on a reload,
 * serves the control socket, and speaks with the service manager.
 *
 * A reload changes all or nothing. The new configuration is read completely first; an error changes nothing. If it is
 * another one, the keeper is stopped, and a new one takes over the keyring. If that one does not start, the old
 * configuration is used again.
 */
#ifndef REALMKEY_SUPERVISOR_H
#define REALMKEY_SUPERVISOR_H

#include "child.h"
#include "config/settings.h"
#include "serve.h"

struct supervisor_options {
	const char *config;	      /* the file, for reloads */
	struct keeper_options keeper; /* its supervisor is set by child_start() */
	child_function *child;
};

/* Serve until SIGTERM, or until a keeper fails to start for a reason that does not go away. Takes over
 * @settings, which were read from @options->config. Returns an exit status. */
int supervisor_run(const struct supervisor_options *options, struct settings *settings);

#endif
