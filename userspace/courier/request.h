/* SPDX-License-Identifier: Apache-2.0 */
/* request: a keeper's message as an HTTP request. No I/O. */
#ifndef REALMKEY_COURIER_REQUEST_H
#define REALMKEY_COURIER_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "kbs/message.h"

struct request {
	const char *method;		/* static */
	struct bytes path;		/* text, begins with '/' */
	struct bytes authorization;	/* a whole header line, or empty */
	const uint8_t *body;		/* borrowed from the message; NULL when it has none */
	size_t len;
};

#define REQUEST_INIT { 0 }

/* Fill @r from AUTH, ATTEST, RESOURCE or ADMIN. ERROR_PROTOCOL for any other message, and for a
 * method, path or bearer token that could become more than one line or leave /kbs/v0/. Free @r in
 * any case. */
int request_from_message(const struct message *m, struct request *r, struct error *e);
void request_free(struct request *r);

#endif
