// SPDX-License-Identifier: Apache-2.0
/* Which secret a process may have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "local/policy.h"

static struct config_credential credentials[] = { { (char *)"nginx.service", (char *)"db" },
						  { (char *)"postgresql@17-main.service",
						    (char *)"password" } };
static char *volumes[] = { (char *)"data" };
static struct config_allow allows[] = {
	{ CONFIG_PEER_UID, (char *)"app" },
	{ CONFIG_PEER_GID, (char *)"db" },
	{ CONFIG_PEER_UNIT, (char *)"backup.service" },
	{ CONFIG_PEER_CONTAINER, (char *)"web.service" },
};
static unsigned int ids[] = { 1000, 50, 0, 0 };
static struct config_secret secrets[] = {
	{ .name = (char *)"tls", .volume = volumes, .volumes = 1 },
	{ .name = (char *)"db",
	  .credential = credentials,
	  .credentials = 2,
	  .allow = allows,
	  .allows = ARRAY_SIZE(allows) },
};
static struct settings_secret numbers[] = { { .uid = 0 }, { .allow = ids } };
static const struct settings settings = {
	.config = { .secret = secrets, .count = ARRAY_SIZE(secrets) },
	.secret = numbers,
};

static struct peer peer_of(uid_t uid, gid_t gid, const char *unit, bool container)
{
	struct peer peer = { .uid = uid, .gid = gid, .container = container };

	snprintf(peer.cgroup.unit, sizeof(peer.cgroup.unit), "%s", unit);
	return peer;
}

static void credentials_belong_to_units(void **state)
{
	static const struct {
		uid_t uid;
		const char *in; /* the unit of the process */
		bool container;
		const char *address; /* after the NUL */
		size_t number;
		const char *error;
	} rows[] = {
		{ 0, "nginx.service", false, "1/unit/nginx.service/db", 1, NULL },
		{ 0, "postgresql@17-main.service", false,
		  "1/unit/postgresql@17-main.service/password", 1, NULL },
		{ 0, "systemd-cryptsetup@data.service", false, "1/cryptsetup/data", 0, NULL },
		/* an impostor: root, in another unit */
		{ 0, "evil.service", false, "1/unit/nginx.service/db", POLICY_NONE,
		  "it is in evil.service, not in that unit" },
		{ 0, "", false, "1/unit/nginx.service/db", POLICY_NONE,
		  "it is in no unit, not in that unit" },
		{ 0, "evil.service", false, "1/cryptsetup/data", POLICY_NONE,
		  "it is in evil.service, not in that unit" },
		{ 33, "nginx.service", false, "1/unit/nginx.service/db", POLICY_NONE,
		  "it is not root" },
		{ 0, "nginx.service", true, "1/unit/nginx.service/db", POLICY_NONE,
		  "it is in a container" },
		/* not in the configuration */
		{ 0, "nginx.service", false, "1/unit/nginx.service/password", POLICY_NONE,
		  "the configuration has no such credential" },
		{ 0, "evil.service", false, "1/unit/evil.service/db", POLICY_NONE,
		  "the configuration has no such credential" },
		{ 0, "systemd-cryptsetup@root.service", false, "1/cryptsetup/root", POLICY_NONE,
		  "the configuration has no such volume" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct peer peer = peer_of(rows[i].uid, 0, rows[i].in, rows[i].container);
		struct peer_address address;
		struct error e = ERROR_INIT;
		char name[108] = "";

		memcpy(name + 1, rows[i].address, strlen(rows[i].address));
		assert_true(peer_name_address(name, strlen(rows[i].address) + 1, &address));
		assert_int_equal(policy_credential(&settings, &peer, &address, &e), rows[i].number);
		if (rows[i].error)
			assert_string_equal(e.text, rows[i].error);
	}
}

static void programs_are_allowed_one_by_one(void **state)
{
	static const struct {
		uid_t uid;
		gid_t gid, further;
		const char *unit;
		bool container, allowed;
	} rows[] = {
		{ 1000, 1000, 1000, "session-1.scope", false, true },
		{ 1001, 50, 1001, "", false, true },
		{ 1001, 1001, 50, "", false, true },
		{ 1001, 1001, 1001, "backup.service", false, true },
		{ 1001, 1001, 1001, "web.service", false, false },
		{ 1001, 1001, 1001, "web.service", true, true },
		/* the numbers of a container are other ones */
		{ 1000, 50, 50, "backup.service", true, false },
		{ 0, 0, 0, "ssh.service", false, false },
		{ 1001, 1001, 1001, "", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct peer peer = peer_of(rows[i].uid, rows[i].gid, rows[i].unit,
					   rows[i].container);

		peer.group[peer.groups++] = 7;
		peer.group[peer.groups++] = rows[i].further;
		assert_int_equal(policy_find(&settings, "db", &peer),
				 rows[i].allowed ? 1 : POLICY_NONE);
		assert_int_equal(policy_find(&settings, "tls", &peer), POLICY_NONE);
		assert_int_equal(policy_find(&settings, "", &peer), POLICY_NONE);
		assert_int_equal(policy_find(&settings, "nothing", &peer), POLICY_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(credentials_belong_to_units),
		cmocka_unit_test(programs_are_allowed_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
