/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: HTTP and TLS by libmicrohttpd. Bytes go in and out here; what they mean is route's.
 *
 * All requests are answered by one thread of the library's that polls its connections. A handler
 * takes a few milliseconds of arithmetic and waits for nothing, so a pool would gain a single host
 * little, and the state would need locks.
 */
#ifndef TRUSTEED_HTTP_H
#define TRUSTEED_HTTP_H

#include "base/error.h"
#include "listen.h"
#include "tls_files.h"
#include "trusteed/trustee.h"

struct http;

/* Serve @t on the listening socket @fd (taken over when this succeeds), with TLS when @files is not
 * NULL; both must outlive the server. */
struct http *http_start(struct trustee *t, int fd, const struct tls_files *files, struct error *e);
/* End every connection, wait for the thread, close the socket. */
void http_stop(struct http *http);

#endif
