/* SPDX-License-Identifier: Apache-2.0 */
/* answer: the bytes of a reply in HTTP/1.1 (RFC 9112). */
#ifndef TRUSTEED_ANSWER_H
#define TRUSTEED_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "reply.h"

struct answer_form {
	bool headless; /* the request was HEAD: no body, but its length */
	bool recent;   /* the request was HTTP/1.1, and not 1.0 */
	bool keep;     /* another request may follow */
	int64_t now;   /* seconds since 1970 */
};

/* Append @reply to @out. */
void answer_print(const struct reply *reply, const struct answer_form *form, struct bytes *out);
/* Append the informational answer to a client that waits for permission to send its body. */
void answer_continue(struct bytes *out);

#endif
