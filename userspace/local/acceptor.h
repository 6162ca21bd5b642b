/* SPDX-License-Identifier: Apache-2.0 */
/* acceptor: the process that accepts connections, identifies their clients, decides, waits and logs. It never sees a value:
 * it has the reader write it. */
#ifndef REALMKEY_ACCEPTOR_H
#define REALMKEY_ACCEPTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "clients.h"
#include "config/settings.h"
#include "watch.h"

#define ACCEPTOR_REQUEST_MS 5000  /* for a program to send its request, and between two requests */
#define ACCEPTOR_ANSWER_MS  10000 /* for a program to read an answer */
#define ACCEPTOR_LOOK_MS \
	100 /* between two looks for a secret that a client waits for, without a status */
#define ACCEPTOR_STOP_MS 10000 /* to fail connections before it ends */

#define ACCEPTOR_DIGEST_SIZE (2 * SETTINGS_DIGEST_SIZE + 1)

struct acceptor {
	int credentials, api; /* listening sockets; -1: none */
	int channel;	      /* to the reader; -1: it has ended */
	int notify;	      /* connected to the service manager; -1: there is none */
	int signals;	      /* signalfd: SIGTERM, SIGINT, SIGHUP; -1: none */
	const char *config;   /* absolute path */
	struct settings settings;
	char digest[ACCEPTOR_DIGEST_SIZE]; /* hex of settings.text_digest */
	struct watch watch;
	struct clients clients;
	bool leave;   /* after SIGHUP: it ends when it has no client */
	int64_t stop; /* until then, connections are failed; 0: it does not end */
};

/* Read the configuration at a->config into a->settings, before the process is confined, and after each change. If
 * that fails, the previous one stays. */
int acceptor_configure(struct acceptor *a, struct error *e);
/* Fail the connection @fd of systemd, which an earlier process has left. */
void acceptor_adopt(struct acceptor *a, int fd);
/* Serve until SIGTERM, or after SIGHUP until there is no client. -1 if the reader has ended, or if a changed configuration
 * cannot be read: a new process can. In each
 * case, the connections of systemd have been failed before. */
int acceptor_serve(struct acceptor *a, struct error *e);

#endif
