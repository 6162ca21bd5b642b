/* SPDX-License-Identifier: Apache-2.0 */
/* request: the HTTP request that a message of the keeper asks for. No I/O. */
#ifndef REALMKEY_COURIER_REQUEST_H
#define REALMKEY_COURIER_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "kbs/message.h"

struct request {
	const char *method;	    /* static */
	struct bytes path;	    /* text, begins with '/' */
	struct bytes authorization; /* a whole header line, or empty */
	const uint8_t *body;	    /* borrowed from the message; NULL if there is none */
	size_t len;		    /* of the body, bytes */
};

#define REQUEST_INIT { 0 }

/* Fill @r from AUTH, ATTEST, RESOURCE or ADMIN. Any other message is an ERROR_PROTOCOL, and so is a
 * method, path or bearer token that could become more than one line or lead outside of /kbs/v0/.
 * The caller frees @r in any case. */
int request_from_message(const struct message *m, struct request *r, struct error *e);
void request_free(struct request *r);

#endif
