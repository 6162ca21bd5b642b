/* SPDX-License-Identifier: Apache-2.0 */
/* resource: the handler of GET resource/REPOSITORY/TYPE/TAG. */
#ifndef TRUSTEED_RESOURCE_H
#define TRUSTEED_RESOURCE_H

#include "trustee.h"
#include "trusteed/http/reply.h"
#include "trusteed/http/request.h"

void resource_get(struct trustee *t, const struct request *request, const char *rest,
		  struct reply *reply);

#endif
