// SPDX-License-Identifier: Apache-2.0
#include "storage.h"

#include <stdio.h>
#include <string.h>

#include "jose/jwe.h"
#include "kbs/kbs.h"

int storage_name(const char *rest, struct storage_name *name, struct reply *reply)
{
	struct error e = ERROR_INIT;
	char cause[ERROR_TEXT_MAX];

	/* A colon is refused here, because kbs_resource_path() would accept "kbs:///". */
	if (strchr(rest, ':') || kbs_resource_path(rest, name->path, sizeof(name->path), &e) < 0) {
		snprintf(cause, sizeof(cause), "Request path resource/%.200s is invalid", rest);
		reply_refuse(reply, REPLY_REQUEST_PATH, cause);
		return -1;
	}
	snprintf(name->file, sizeof(name->file), "resources/%s", name->path);
	return 0;
}

void storage_put(struct trustee *t, const struct request *request, const char *rest,
		 struct reply *reply)
{
	struct storage_name name;
	struct error e = ERROR_INIT;

	if (storage_name(rest, &name, reply) < 0)
		return;
	if (request->len > JWE_PLAINTEXT_MAX)
		reply_refuse(reply, REPLY_TOO_LARGE, "a resource has at most 1 MiB");
	else if (store_write(&t->store, name.file, request->body, request->len, &e) < 0)
		reply_fail(reply, REPLY_INTERNAL, &e);
}

void storage_delete(struct trustee *t, const struct request *request, const char *rest,
		    struct reply *reply)
{
	struct storage_name name;
	struct error e = ERROR_INIT;
	int removed;

	(void)request;
	if (storage_name(rest, &name, reply) < 0)
		return;
	removed = store_remove(&t->store, name.file, &e);
	if (removed < 0)
		reply_fail(reply, REPLY_INTERNAL, &e);
	else if (removed == 0)
		reply_refuse(reply, REPLY_RESOURCE_NOT_FOUND, name.path);
}
