// SPDX-License-Identifier: Apache-2.0
/* What the kernel says about the process at the other end of a socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "local/peer/peer_name.h"

static void addresses_name_a_credential_or_a_volume(void **state)
{
	static const struct {
		const char text[108]; /* after the NUL */
		enum peer_wish wish;
		const char *unit, *id;
	} rows[] = {
		{ "adf9d86b6eda275e/unit/nginx.service/db", PEER_WISH_CREDENTIAL, "nginx.service",
		  "db" },
		{ "0/unit/postgresql@17-main.service/a.b_c-d", PEER_WISH_CREDENTIAL,
		  "postgresql@17-main.service", "a.b_c-d" },
		{ "1/unit/a\\x2db.service/x", PEER_WISH_CREDENTIAL, "a\\x2db.service", "x" },
		{ "ff/cryptsetup/data", PEER_WISH_VOLUME, "systemd-cryptsetup@data.service",
		  "data" },
		{ "ff/cryptsetup/my-data.1", PEER_WISH_VOLUME,
		  "systemd-cryptsetup@my\\x2ddata.1.service", "my-data.1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char name[109] = "";
		struct peer_address address;

		memcpy(name + 1, rows[i].text, strlen(rows[i].text));
		assert_true(peer_name_address(name, strlen(rows[i].text) + 1, &address));
		assert_int_equal(address.wish, rows[i].wish);
		assert_string_equal(address.unit, rows[i].unit);
		assert_string_equal(address.id, rows[i].id);
	}
}

/* A text with its NULs, and its length without the last one. */
#define ROW(text) { text, sizeof(text) - 1 }

static void other_addresses_are_refused(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} rows[] = {
		ROW(""),
		ROW("\0"),
		ROW("/run/socket"),
		ROW("/1/unit/a.service/b"), /* a path, not an abstract name */
		ROW("\0/unit/a.service/b"), /* no random number */
		ROW("\0xyz/unit/a.service/b"),
		ROW("\0001/unit/a.service"),
		ROW("\0001/unit/a.service/"),
		ROW("\0001/unit//b"),
		ROW("\0001/unit/a.service/b/c"),
		ROW("\0001/unit/a b.service/c"),
		ROW("\0001/unit/a.service/b\0"),
		ROW("\0001/unit/a.service/b\n"),
		ROW("\0001/cryptsetup/"),
		ROW("\0001/cryptsetup/a/b"),
		ROW("\0001/other/a/b"),
	};
	struct peer_address address;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_false(peer_name_address(rows[i].text, rows[i].len, &address));
}

static void a_cgroup_names_its_unit(void **state)
{
	static const struct {
		const char *path, *unit, *user_unit;
		bool container;
	} rows[] = {
		{ "/system.slice/nginx.service", "nginx.service", "", false },
		{ "/system.slice/system-postgresql.slice/postgresql@17-main.service",
		  "postgresql@17-main.service", "", false },
		{ "/init.scope", "init.scope", "", false },
		{ "/", "", "", false },
		{ "/a.slice/b.slice", "", "", false },
		/* what is below a unit is its own */
		{ "/system.slice/web.service/system.slice/nginx.service", "web.service", "",
		  false },
		{ "/system.slice/web.service/.control", "web.service", "", false },
		{ "/user.slice/user-7.slice/session-3.scope", "session-3.scope", "", false },
		{ "/user.slice/user-7.slice/user@7.service/app.slice/nginx.service",
		  "user@7.service", "nginx.service", false },
		{ "/user.slice/user-7.slice/user@7.service/app.slice/a.service/user@0.service",
		  "user@7.service", "a.service", false },
		/* a directory that is no unit hides what is below it */
		{ "/made/nginx.service", "", "", false },
		{ "/system.slice/made/nginx.service", "", "", false },
		{ "/system.slice/_cpu.service", "cpu.service", "", false },
		{ "/system.slice/a\\x2db.service", "a\\x2db.service", "", false },
		/* containers */
		{ "/machine.slice/libpod-12ab.scope", "libpod-12ab.scope", "", true },
		{ "/system.slice/web.service/libpod-payload-12ab", "web.service", "", true },
		{ "/system.slice/docker-12ab.scope", "docker-12ab.scope", "", true },
		{ "/docker/12ab", "", "", true },
		{ "/kubepods.slice/kubepods-pod1.slice/cri-containerd-12ab.scope",
		  "cri-containerd-12ab.scope", "", true },
		{ "/kubepods.slice/crio-12ab.scope", "crio-12ab.scope", "", true },
		{ "/machine.slice/systemd-nspawn@a.service/payload", "systemd-nspawn@a.service", "",
		  true },
		{ "/lxc.payload.a/init.scope", "", "", true },
		{ "/user.slice/user-7.slice/user@7.service/user.slice/libpod-1.scope/container",
		  "user@7.service", "libpod-1.scope", true },
		{ "/system.slice/docker-registry.service", "docker-registry.service", "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct peer_cgroup cgroup;
		char text[256];
		int len = snprintf(text, sizeof(text), "1:name=systemd:/x.service\n0::%s\n",
				   rows[i].path);

		assert_true(peer_name_cgroup(text, (size_t)len, &cgroup));
		assert_string_equal(cgroup.unit, rows[i].unit);
		assert_string_equal(cgroup.user_unit, rows[i].user_unit);
		assert_int_equal(cgroup.container, rows[i].container);
	}
}

static void other_cgroups_are_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"1:name=systemd:/system.slice/a.service\n",
		"0::\n",
		"0::system.slice/a.service\n",
		"0::/../a.service\n",
		"0::/system.slice/../a.service\n",
		"0::/system.slice//a.service\n",
		"0::/system.slice/a b.service\n",
		"00::/system.slice/a.service\n",
	};
	static const char deleted[] = "0::/system.slice/a.service (deleted)\n";
	struct peer_cgroup cgroup;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_false(peer_name_cgroup(rows[i], strlen(rows[i]), &cgroup));
		assert_string_equal(cgroup.unit, "");
	}
	/* A cgroup that was removed has no unit. */
	assert_true(peer_name_cgroup(deleted, strlen(deleted), &cgroup));
	assert_string_equal(cgroup.unit, "");
}

static void a_process_has_a_number_in_each_namespace(void **state)
{
	static const struct {
		const char *text;
		size_t count;
	} rows[] = {
		{ "Name:\ta\nNStgid:\t1\t2\t3\nNSpid:\t77\nNSpgid:\t1\t2\n", 1 },
		{ "Name:\ta\nNSpid:\t77\t12\t1\nNSpgid:\t1\n", 3 },
		{ "NSpid:\t4194304", 1 },
		{ "NSpid:\n", 0 },
		{ "Name:\tNSpid: 1\n", 0 },
		{ "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(peer_name_pids(rows[i].text, strlen(rows[i].text)), rows[i].count);
}

static void maps_of_users_are_compared(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "         0          0 4294967295\n", "         0          0 4294967295\n",
		  true },
		{ "         0          0 4294967295\n", "0 0 4294967295\n", true },
		{ "         0          0 4294967295\n", "         0     100000      65536\n",
		  false },
		{ "0 0 12\n", "0 01 2\n", false },
		{ "0 0 1\n", "0 0 1\n1 1 1\n", false },
		{ "", "", false },
		{ "0 0 1\n", "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(peer_name_same_users(rows[i].a, strlen(rows[i].a), rows[i].b,
						      strlen(rows[i].b)),
				 rows[i].same);
		assert_int_equal(peer_name_same_users(rows[i].b, strlen(rows[i].b), rows[i].a,
						      strlen(rows[i].a)),
				 rows[i].same);
	}
}

static void a_volume_has_a_unit(void **state)
{
	char unit[PEER_NAME_MAX], volume[PEER_NAME_MAX];

	(void)state;
	assert_true(peer_name_cryptsetup(".a/b c-d:e_f", unit));
	assert_string_equal(unit, "systemd-cryptsetup@\\x2ea-b\\x20c\\x2dd:e_f.service");
	memset(volume, '-', sizeof(volume) - 1);
	volume[sizeof(volume) - 1] = '\0';
	assert_false(peer_name_cryptsetup(volume, unit));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_name_a_credential_or_a_volume),
		cmocka_unit_test(other_addresses_are_refused),
		cmocka_unit_test(a_cgroup_names_its_unit),
		cmocka_unit_test(other_cgroups_are_refused),
		cmocka_unit_test(a_process_has_a_number_in_each_namespace),
		cmocka_unit_test(maps_of_users_are_compared),
		cmocka_unit_test(a_volume_has_a_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
