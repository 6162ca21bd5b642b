/* SPDX-License-Identifier: Apache-2.0 */
/* answer: what the acceptor does for one client. */
#ifndef REALMKEY_ANSWER_H
#define REALMKEY_ANSWER_H

#include "acceptor.h"
#include "handoff.h"

/* A new connection: identify the client. A client of systemd waits for its secret afterwards, or was refused. */
void answer_begin(struct acceptor *a, struct client *client, int64_t now);
/* A program has sent something, or has gone. */
void answer_read(struct acceptor *a, struct client *client, int64_t now);
/* Handle the requests that a program has sent already. */
void answer_next(struct acceptor *a, struct client *client, int64_t now);
/* A client that waits: have the reader send the value, if it is there; or fail, if the time is over. */
void answer_try(struct acceptor *a, struct client *client, int64_t now);
/* The reader says what became of the value. */
void answer_sent(struct acceptor *a, struct client *client, enum handoff_type result, int64_t now);
/* Write what is in the outbox. */
void answer_write(struct acceptor *a, struct client *client, int64_t now);
/* The client has closed its connection. */
void answer_gone(struct acceptor *a, struct client *client);
/* The secret will not come: tell systemd, or the program, and log @reason. */
void answer_fail(struct acceptor *a, struct client *client, const char *reason, int64_t now);

#endif
