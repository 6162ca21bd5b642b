/* SPDX-License-Identifier: Apache-2.0 */
/*
 * courier: the keeper's end of the courier: start it, send one message, wait for its answer. What
 * comes back is bytes from a hostile network; only message.c looks at it.
 */
#ifndef REALMKEY_COURIER_H
#define REALMKEY_COURIER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/error.h"
#include "message.h"

struct courier {
	int fd;			/* our end of the socketpair, -1 when not started */
	pid_t pid;
	unsigned int patience;	/* seconds to wait for an answer, more than its own limit */
};

/* The descriptor on which the courier is spoken to. */
#define COURIER_FD 3

#define COURIER_INIT { .fd = -1 }

struct courier_target {
	const char *url;	/* as kbs_url() returned it */
	const void *ca;		/* PEM, or NULL for the system's roots */
	size_t ca_len;
	unsigned int timeout;	/* seconds for one request; 0 means 60 */
	bool insecure;		/* http:// is allowed */
};

/* Start realmkey-courier (path: @program, or NULL for the installed one) with an empty environment
 * and only its end of the socketpair (as COURIER_FD) and stderr open, and tell it the target. It is
 * confined when this returns. @target need not live longer. */
int courier_start(struct courier *courier, const char *program,
		  const struct courier_target *target, struct error *e);
void courier_stop(struct courier *courier);

/* Send @m, wait for ANSWER or FAILURE. @status and @body get the HTTP answer; a FAILURE becomes the
 * error (ERROR_NETWORK, ERROR_TLS). A courier that died, babbles or is silent for too long is an
 * ERROR_PROTOCOL; it is stopped then, and further calls fail. */
int courier_call(struct courier *courier, const struct message *m, int *status,
		 struct bytes *body, struct error *e);

#endif
