/* SPDX-License-Identifier: Apache-2.0 */
/* route: which handler answers a request, and which requests require an administrator. */
#ifndef TRUSTEED_ROUTE_H
#define TRUSTEED_ROUTE_H

#include "trustee.h"
#include "trusteed/http/http.h"

/* What an HTTP server with the state @t serves; @t must outlive it. */
struct http_service route_service(struct trustee *t);

#endif
