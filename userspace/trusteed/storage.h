/* SPDX-License-Identifier: Apache-2.0 */
/* storage: where resources are kept, and the handlers of POST and DELETE resource/REPOSITORY/TYPE/TAG. */
#ifndef TRUSTEED_STORAGE_H
#define TRUSTEED_STORAGE_H

#include "trustee.h"
#include "trusteed/http/reply.h"
#include "trusteed/http/request.h"

/* Each segment must be short enough for a file name. */
#define STORAGE_PATH_MAX 240

struct storage_name {
	char path[STORAGE_PATH_MAX];			    /* repository/type/tag */
	char file[STORAGE_PATH_MAX + sizeof("resources/")]; /* in the store */
};

/* Read @rest, what follows "resource/" in the path of a request. If that is no name of a resource, -1 with a refusal
 * as @reply. */
int storage_name(const char *rest, struct storage_name *name, struct reply *reply);

void storage_put(struct trustee *t, const struct request *request, const char *rest,
		 struct reply *reply);
void storage_delete(struct trustee *t, const struct request *request, const char *rest,
		    struct reply *reply);

#endif
