/* SPDX-License-Identifier: Apache-2.0 */
/*
 * later: an answer that a handler cannot give yet, because another process works for it. The handler
 * puts one into its reply and returns; the server goes on with other requests. What the handler needs
 * of the request it has copied by then: the request is valid only during the call.
 */
#ifndef TRUSTEED_LATER_H
#define TRUSTEED_LATER_H

#include "reply.h"

struct later {
	/* Of the handler, which calls it never: the client is gone, so end the work and free this. */
	void (*cancel)(struct later *later);
	/* Of the server: send @reply, whose contents it takes. The handler calls this once, and then
	 * frees @later; not before its own call for the request has returned. */
	void (*answer)(struct later *later, struct reply *reply);
	void *server; /* the server's own */
};

#endif
