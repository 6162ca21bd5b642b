/* SPDX-License-Identifier: Apache-2.0 */
/*
 * courier: the keeper's end of the courier: it starts the process, sends a message and waits for
 * the answer. An answer is bytes from a hostile network, and only message.c decodes it.
 */
#ifndef REALMKEY_COURIER_H
#define REALMKEY_COURIER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/error.h"
#include "failover.h"
#include "message.h"

struct courier {
	int fd;		       /* our end of the socketpair; -1 if the courier does not run */
	pid_t pid;	       /* 0: a service manager started it */
	unsigned int patience; /* seconds to wait for an answer; exceeds the courier's own limit */
	int64_t deadline;      /* boot clock, ms: of the answer that is awaited */
	unsigned int wait;     /* seconds that the KBS asks to wait with its last answer, or 0 */
	size_t servers;	       /* how many KBSs there are */
	size_t server;	       /* the index of that which answered last */
	bool failed;	       /* the last message: another KBS may be better (failover.h) */
};

/* The descriptor of the socketpair in the courier. */
#define COURIER_FD 3

#define COURIER_INIT { .fd = -1 }

/* A KBS. */
struct courier_server {
	const char *url; /* as url_parse() returned it */
	const void *ca;	 /* PEM, or NULL for the system's certificates */
	size_t ca_len;	 /* bytes */
};

struct courier_target {
	/* In the order in which they are to be tried; at least one. */
	struct courier_server server[FAILOVER_SERVERS_MAX];
	size_t servers;
	const char *proxy; /* http://HOST:PORT, as url_parse() returned it, or NULL */
	/* Contents of files, each NULL or empty if there is none: "USER:PASSWORD" for the proxy, and the
	 * certificate and the key that the client shows to the KBSs (PEM). */
	const struct bytes *proxy_credentials, *certificate, *key;
	unsigned int timeout; /* seconds for one request; 0 means 60 */
	bool insecure;	      /* http:// and vsock:// are allowed */
};

/*
 * Start realmkey-courier and send it @target, which is not needed afterwards. @program is the
 * program, or NULL for the installed one. It starts with an empty environment and no open file but
 * its end of the socketpair: standard error is /dev/null, because the log and the terminal of the
 * keeper are not for a process that strangers can reach. It reports errors in messages.
 *
 * If @program is a Unix socket, connect to it instead: a service manager then starts the courier.
 *
 * The courier is confined when this returns 0.
 */
int courier_start(struct courier *courier, const char *program, const struct courier_target *target,
		  struct error *e);
/* The same in two steps, between which the courier starts and the caller can do something else. */
int courier_begin(struct courier *courier, const char *program, const struct courier_target *target,
		  struct error *e);
int courier_ready(struct courier *courier, struct error *e);
void courier_stop(struct courier *courier);

/* Send @m and wait for ANSWER or FAILURE. @status and @body receive the HTTP answer; a FAILURE
 * becomes the error (ERROR_NETWORK, ERROR_TLS and others). If the courier exited, sends an
 * unexpected message or does not answer in time, this is an ERROR_PROTOCOL; the courier is then
 * stopped, and further calls fail. */
int courier_call(struct courier *courier, const struct message *m, int *status, struct bytes *body,
		 struct error *e);
/* The same in two steps. After courier_send() has returned 0, the answer must be received next. */
int courier_send(struct courier *courier, const struct message *m, struct error *e);
int courier_receive(struct courier *courier, int *status, struct bytes *body, struct error *e);

#endif
