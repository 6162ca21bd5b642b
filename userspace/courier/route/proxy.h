/* SPDX-License-Identifier: Apache-2.0 */
/* proxy: what is said to an HTTP proxy, CONNECT (RFC 9110 section 9.3.6), and what its answers mean. No
 * I/O. */
#ifndef REALMKEY_COURIER_PROXY_H
#define REALMKEY_COURIER_PROXY_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"
#include "kbs/url.h"

/* Append the request for a tunnel to @to. @authorization is a whole header line without its end, or empty. */
int proxy_request(const struct url_parts *to, const struct bytes *authorization, struct bytes *out,
		  struct error *e);

/* The meaning of the @status of an answer: 0 if the tunnel is there. @given: credentials were sent. */
int proxy_answer(int status, bool given, struct error *e);

#endif
