/* SPDX-License-Identifier: Apache-2.0 */
/* route: which handler answers a request, and who may call it. */
#ifndef TRUSTEED_ROUTE_H
#define TRUSTEED_ROUTE_H

#include <stdbool.h>

#include "trustee.h"
#include "trusteed/http/reply.h"
#include "trusteed/http/request.h"

/* The largest body of any request. */
#define ROUTE_BODY_MAX ((size_t)2 << 20)

/* Answer @request into the fresh @reply. */
void route_dispatch(struct trustee *t, const struct request *request, struct reply *reply);

/* Whether the body of such a request is a secret. */
bool route_body_is_secret(const char *method, const char *path);

#endif
