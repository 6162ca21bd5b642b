/* SPDX-License-Identifier: Apache-2.0 */
/* status_test: a status with two secrets, for the tests of what is made from it. */
#ifndef STATUS_TEST_H
#define STATUS_TEST_H

#include "status/status.h"

#define HOUR ((int64_t)3600 * 1000)

/* The text is not owned: do not call status_free(). */
static struct status_secret world_secret[] = {
	{
		.name = (char *)"database",
		.file = (char *)"db/password",
		.files = (char *[]){ (char *)"db/password", (char *)"copy" },
		.file_count = 2,
		.resource = (char *)"default/db/password",
		.key = (char *)"logon:realmkey:db",
		.required = true,
		.state = STATUS_DELIVERED,
		.incomplete = true,
		.success = 10 * HOUR,
		.changed = 4 * HOUR,
		.next = 11 * HOUR,
		.version = 3,
		.attempts = 12,
		.failures = 2,
		.failed_at = 5 * HOUR,
	},
	{
		.name = (char *)"tls",
		.file = (char *)"web/key",
		.resource = (char *)"default/web/key",
		.state = STATUS_MISSING,
		.attempts = 7,
		.failures = 7,
		.failed = 7,
		.kind = ERROR_POLICY,
		.failed_at = 10 * HOUR,
		.error = (char *)"denied: \"executables\" \\ größer",
	},
};

static const struct status world_status = {
	.now = 10 * HOUR + 30 * 1000,
	.started = HOUR,
	.ready = true,
	.url = (char *)"https://kbs.example",
	.configuration = (char *)"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	.ear_until = 10 * HOUR + 300 * 1000,
	.passes = 19,
	.failures = { [ERROR_NETWORK] = 2, [ERROR_POLICY] = 7 },
	.secret = world_secret,
	.count = 2,
};

#endif
