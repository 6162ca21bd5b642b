// SPDX-License-Identifier: Apache-2.0
/* The keys that name where a secret goes besides its file, and the sections [file] and [local]. */
#include "config_test.h"

#include <signal.h>

#include "vector.h"

static void every_sink_is_read(void **state)
{
	const struct config_secret *secret;

	(void)state;
	parses(KBS SECRET "owner = postgres\nkey = logon:realmkey:db\n"
			  "credential = postgresql@17-main.service nginx.service:db\n"
			  "crypttab = data swap\n"
			  "allow = uid:app gid:db unit:backup.service container:web.service\n"
			  "reload = nginx.service\nrestart = app.service b.service\n"
			  "signal = haproxy.service USR2 x.scope 1\n");
	assert_string_equal(bytes_text(&reported), "");
	secret = &config.secret[0];
	assert_null(secret->file);
	assert_int_equal(config.files, 0);
	assert_int_equal(secret->key, CONFIG_KEY_LOGON);
	assert_string_equal(secret->key_name, "realmkey:db");
	assert_int_equal(secret->key_place.line, 6);
	assert_int_equal(secret->credentials, 2);
	assert_string_equal(secret->credential[0].unit, "postgresql@17-main.service");
	assert_string_equal(secret->credential[0].id, "a");
	assert_string_equal(secret->credential[1].unit, "nginx.service");
	assert_string_equal(secret->credential[1].id, "db");
	assert_int_equal(secret->volumes, 2);
	assert_string_equal(secret->volume[1], "swap");
	assert_int_equal(secret->allows, 4);
	assert_int_equal(secret->allow[0].kind, CONFIG_PEER_UID);
	assert_string_equal(secret->allow[0].name, "app");
	assert_int_equal(secret->allow[1].kind, CONFIG_PEER_GID);
	assert_int_equal(secret->allow[2].kind, CONFIG_PEER_UNIT);
	assert_int_equal(secret->allow[3].kind, CONFIG_PEER_CONTAINER);
	assert_string_equal(secret->allow[3].name, "web.service");
	assert_int_equal(secret->hooks, 5);
	assert_int_equal(secret->hook[0].action, CONFIG_RELOAD);
	assert_string_equal(secret->hook[0].unit, "nginx.service");
	assert_int_equal(secret->hook[2].action, CONFIG_RESTART);
	assert_string_equal(secret->hook[2].unit, "b.service");
	assert_int_equal(secret->hook[3].action, CONFIG_SIGNAL);
	assert_string_equal(secret->hook[3].unit, "haproxy.service");
	assert_int_equal(secret->hook[3].signal, SIGUSR2);
	assert_int_equal(secret->hook[4].signal, SIGHUP);
	assert_int_equal(config.local_wait, 60000);
}

/* The name of the secret is its file only if it has no other sink. */
static void the_file_is_optional(void **state)
{
	static const char *const sinks[] = { "key = user:x\n", "credential = a.service\n",
					     "crypttab = v\n", "allow = uid:0\n" };
	char text[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sinks); i++) {
		snprintf(text, sizeof(text), KBS SECRET "%s", sinks[i]);
		parses(text);
		assert_null(config.secret[0].file);
		snprintf(text, sizeof(text), KBS SECRET "%sfile = f\n", sinks[i]);
		parses(text);
		assert_string_equal(config.secret[0].file, "f");
		assert_int_equal(config.files, 1);
	}
	parses(KBS SECRET "reload = a.service\n");
	assert_string_equal(config.secret[0].file, "a");
	parses(KBS SECRET "file =\n");
	assert_null(config.secret[0].file);
	/* Without a file, a name need not be one. */
	parses(KBS "[secret .a]\nresource = r/t/a\nkey = user:x\n");
}

static void what_has_no_effect(void **state)
{
	(void)state;
	parses(KBS SECRET "mode = 0440\ngroup = 1\nowner = 2\nkey = user:x\n");
	assert_string_equal(
		bytes_text(&reported),
		"W c:5: [secret a] mode: has no effect, because the secret has no file\n"
		"W c:6: [secret a] group: has no effect, because the secret has no file\n");
	parses(KBS SECRET "owner = 2\nallow = uid:0\n");
	assert_string_equal(bytes_text(&reported),
			    "W c:5: [secret a] owner: has no effect, because "
			    "the secret has no file and no key\n");
	parses(KBS SECRET "mode = 0440\ngroup = 1\nowner = 2\nkey = user:x\nfile = f\n");
	assert_string_equal(bytes_text(&reported), "");
}

static void keys(void **state)
{
	static const struct fault faults[] = {
		{ KBS SECRET "key = \n",
		  "c:5: [secret a] key: '' is not TYPE:DESCRIPTION with one of the types user, "
		  "logon, big_key" },
		{ KBS SECRET "key = keyring:x\n",
		  "c:5: [secret a] key: 'keyring:x' is not TYPE:DESCRIPTION with one of the types "
		  "user, logon, big_key" },
		{ KBS SECRET "key = user\n",
		  "c:5: [secret a] key: 'user' is not TYPE:DESCRIPTION with one of the types user, "
		  "logon, big_key" },
		{ KBS SECRET "key = user:\n",
		  "c:5: [secret a] key: 'user:' has an empty description" },
		{ KBS SECRET "key = user:a b\n",
		  "c:5: [secret a] key: 'user:a b' has a description with other characters than "
		  "printable ASCII without space" },
		{ KBS SECRET "key = user:\xc3\n",
		  "c:5: [secret a] key: 'user:?' has a description with other characters than "
		  "printable ASCII without space" },
		{ KBS SECRET "key = logon:db\n",
		  "c:5: [secret a] key: 'logon:db' needs a description SERVICE:NAME, because logon "
		  "keys belong to a service" },
		{ KBS SECRET "key = logon::db\n",
		  "c:5: [secret a] key: 'logon::db' needs a description SERVICE:NAME, because "
		  "logon keys belong to a service" },
		{ KBS SECRET "key = logon:db:\n",
		  "c:5: [secret a] key: 'logon:db:' needs a description SERVICE:NAME, because "
		  "logon keys belong to a service" },
		{ KBS SECRET "key = user:x\nkey_fallback = yes\n",
		  "c:6: [secret a] key_fallback: is for keys of the type big_key only" },
		{ KBS SECRET "key_fallback = yes\n",
		  "c:5: [secret a] key_fallback: is for keys of the type big_key only" },
		{ KBS SECRET "key = user:x\nkey = user:y\n", "c:6: [secret a] key: given twice" },
	};
	char text[512];

	(void)state;
	REFUSES_EACH(faults);
	parses(KBS SECRET "key = big_key:a/b:c%d\nkey_fallback = yes\n");
	assert_int_equal(config.secret[0].key, CONFIG_KEY_BIG);
	assert_string_equal(config.secret[0].key_name, "a/b:c%d");
	assert_true(config.secret[0].key_fallback);
	snprintf(text, sizeof(text), KBS SECRET "key = user:%0255d\n", 1);
	parses(text);
	snprintf(text, sizeof(text), KBS SECRET "key = user:%0256d\n", 1);
	assert_int_equal(parse_bytes(text, strlen(text)), -1);
	assert_non_null(strstr(error.text, "' has a description of more than 255 bytes"));
}

static void units(void **state)
{
	static const struct fault faults[] = {
		{ KBS SECRET "credential =\n", "c:5: [secret a] credential: is empty" },
		{ KBS SECRET "credential = nginx\n",
		  "c:5: [secret a] credential: 'nginx' has no suffix of a unit, such as .service" },
		{ KBS SECRET "credential = nginx.conf\n",
		  "c:5: [secret a] credential: 'nginx.conf' has no suffix of a unit, such as "
		  ".service" },
		{ KBS SECRET "credential = nginx:db.service\n",
		  "c:5: [secret a] credential: 'nginx' has no suffix of a unit, such as .service" },
		{ KBS SECRET "credential = .service\n",
		  "c:5: [secret a] credential: '.service' has no name before its suffix or '@'" },
		{ KBS SECRET "credential = @a.service\n",
		  "c:5: [secret a] credential: '@a.service' has no name before its suffix or '@'" },
		{ KBS SECRET "credential = a@.service\n",
		  "c:5: [secret a] credential: 'a@.service' is a template; name its instances, such "
		  "as NAME@INSTANCE.service" },
		{ KBS SECRET "credential = a/b.service\n",
		  "c:5: [secret a] credential: 'a/b.service' contains a character that is not "
		  "allowed in the name of a unit" },
		{ KBS SECRET "credential = a.timer\n",
		  "c:5: [secret a] credential: 'a.timer' is a unit without LoadCredential=, which "
		  ".service, .socket, .mount and .swap have" },
		{ KBS SECRET "allow = unit:a.target\n",
		  "c:5: [secret a] allow: 'unit:a.target' is a unit without processes, which "
		  ".service, .scope, .socket, .mount and .swap have" },
		{ KBS SECRET "reload = a\n",
		  "c:5: [secret a] reload: 'a' has no suffix of a unit, such as .service" },
		{ KBS SECRET "restart = a.service a.service\n",
		  "c:5: [secret a] restart: 'a.service' is given twice" },
	};
	char text[512];

	(void)state;
	REFUSES_EACH(faults);
	parses(KBS SECRET "credential = a:b-\\x2d_.c@d@e:f.mount:id\n"
			  "reload = a.slice\nrestart = a.target a.timer a.path\n");
	assert_string_equal(config.secret[0].credential[0].unit, "a:b-\\x2d_.c@d@e:f.mount");
	assert_string_equal(config.secret[0].credential[0].id, "id");
	snprintf(text, sizeof(text), KBS SECRET "reload = %0247d.service\n", 1);
	parses(text);
	snprintf(text, sizeof(text), KBS SECRET "reload = %0248d.service\n", 1);
	assert_int_equal(parse_bytes(text, strlen(text)), -1);
	assert_non_null(strstr(error.text, "' has more than 255 bytes"));
}

static void credentials_and_volumes(void **state)
{
	static const struct fault faults[] = {
		{ KBS SECRET "credential = a.service:\n",
		  "c:5: [secret a] credential: the ID '' of a credential is empty" },
		{ KBS SECRET "credential = a.service:..\n",
		  "c:5: [secret a] credential: the ID '..' of a credential is not the name of a "
		  "file" },
		{ KBS SECRET "credential = a.service:x/y\n",
		  "c:5: [secret a] credential: the ID 'x/y' of a credential is not the name of a "
		  "file" },
		{ KBS SECRET "credential = a.service:\xff\n",
		  "c:5: [secret a] credential: the ID '?' of a credential contains a character "
		  "other than printable ASCII" },
		{ KBS "[secret ..]\nresource = r/t/a\ncredential = a.service\n",
		  "c:5: [secret ..] credential: the ID '..' of a credential is not the name of a "
		  "file" },
		{ KBS SECRET "credential = a.service a.service:a\n",
		  "c:5: [secret a] credential: 'a.service:a' is already given in [secret a]" },
		{ KBS SECRET "credential = b.service a.service:x\n"
			     "[secret b]\nresource = r/t/b\ncredential = b.service a.service:x\n",
		  "c:8: [secret b] credential: 'a.service:x' is already given in [secret a]" },
		{ KBS SECRET "crypttab = a/b\n",
		  "c:5: [secret a] crypttab: 'a/b' is not the name of a file" },
		{ KBS SECRET "crypttab =\n", "c:5: [secret a] crypttab: is empty" },
		{ KBS SECRET "crypttab = v w v\n",
		  "c:5: [secret a] crypttab: 'v' is already given in [secret a]" },
		{ KBS SECRET "crypttab = v\n[secret b]\nresource = r/t/b\ncrypttab = v\n",
		  "c:8: [secret b] crypttab: 'v' is already given in [secret a]" },
	};
	char text[512];

	(void)state;
	REFUSES_EACH(faults);
	/* The most that fit into an address of systemd. */
	snprintf(text, sizeof(text),
		 KBS SECRET "credential = %065d.service:%010d\ncrypttab = %078d\n", 1, 2, 3);
	parses(text);
	snprintf(text, sizeof(text), KBS SECRET "credential = %066d.service:%010d\n", 1, 2);
	assert_int_equal(parse_bytes(text, strlen(text)), -1);
	assert_non_null(strstr(error.text, "has more than 83 bytes without the ':', too many for "
					   "systemd to ask for it"));
	snprintf(text, sizeof(text), KBS SECRET "crypttab = %079d\n", 1);
	assert_int_equal(parse_bytes(text, strlen(text)), -1);
	assert_non_null(strstr(error.text, "' has more than 78 bytes, too many for "
					   "systemd-cryptsetup to ask for it"));
}

static void peers(void **state)
{
	static const struct fault faults[] = {
		{ KBS SECRET "allow =\n", "c:5: [secret a] allow: is empty" },
		{ KBS SECRET "allow = app\n",
		  "c:5: [secret a] allow: 'app' is not one of uid:USER, gid:GROUP, unit:UNIT, "
		  "container:UNIT" },
		{ KBS SECRET "allow = uid:\n",
		  "c:5: [secret a] allow: 'uid:' is not one of uid:USER, gid:GROUP, unit:UNIT, "
		  "container:UNIT" },
		{ KBS SECRET "allow = unit:a.service container:web\n",
		  "c:5: [secret a] allow: 'container:web' has no suffix of a unit, such as "
		  ".service" },
		{ KBS SECRET "allow = uid:1 gid:1 uid:1\n",
		  "c:5: [secret a] allow: 'uid:1' is given twice" },
	};

	(void)state;
	REFUSES_EACH(faults);
}

static void signals(void **state)
{
	static const struct {
		const char *text;
		int number;
	} good[] = {
		{ "HUP", SIGHUP }, { "SIGHUP", SIGHUP },   { "USR2", SIGUSR2 },
		{ "9", SIGKILL },  { "SIGKILL", SIGKILL }, { "31", 31 },
	};
	static const char *const wrong[] = { "hup", "SIG", "0", "32", "-1", "SIGSIGHUP", "HUPP" };
	static const struct fault faults[] = {
		{ KBS SECRET "signal =\n", "c:5: [secret a] signal: is empty" },
		{ KBS SECRET "signal = a.service\n",
		  "c:5: [secret a] signal: 'a.service' has no signal after it" },
		{ KBS SECRET "signal = a.service HUP b.service\n",
		  "c:5: [secret a] signal: 'b.service' has no signal after it" },
		{ KBS SECRET "signal = HUP a.service\n",
		  "c:5: [secret a] signal: 'HUP' has no suffix of a unit, such as .service" },
		{ KBS SECRET "signal = a.service HUP a.service USR1\n",
		  "c:5: [secret a] signal: 'a.service' is given twice" },
	};
	char text[128], reason[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		snprintf(text, sizeof(text), KBS SECRET "signal = a.service %s\n", good[i].text);
		parses(text);
		assert_int_equal(config.secret[0].hook[0].signal, good[i].number);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		snprintf(text, sizeof(text), KBS SECRET "signal = a.service %s\n", wrong[i]);
		snprintf(reason, sizeof(reason),
			 "c:5: [secret a] signal: '%s' is not a signal, such as HUP, USR1 or a "
			 "number from 1 to 31",
			 wrong[i]);
		refuses(text, reason);
	}
	REFUSES_EACH(faults);
}

/* All hooks of a secret together, and each of the other lists, have at most 32 elements. */
static void lists_are_bounded(void **state)
{
	static const struct {
		const char *key, *word, *last;
	} lists[] = {
		{ "credential", "u%d.service ", "" },
		{ "crypttab", "v%d ", "" },
		{ "allow", "uid:%d ", "" },
		{ "reload", "u%d.service ", "" },
		{ "restart", "u%d.service ", "" },
		{ "signal", "u%d.service HUP ", "" },
		{ "restart", "u%d.service ", "reload = x.service" },
	};
	struct bytes text = BYTES_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		for (int count = 32; count <= 33; count++) {
			bytes_clear(&text);
			bytes_printf(&text, KBS SECRET "%s = ", lists[i].key);
			for (int k = *lists[i].last ? 1 : 0; k < count; k++) {
				const char *mark = strchr(lists[i].word, '%');

				bytes_printf(&text, "%.*s%d%s", (int)(mark - lists[i].word),
					     lists[i].word, k, mark + 2);
			}
			bytes_printf(&text, "\n%s\n", lists[i].last);
			if (count == 32) {
				parses(bytes_text(&text));
				continue;
			}
			assert_int_equal(parse_bytes(text.data, text.len), -1);
			assert_non_null(strstr(error.text, ": more than 32 are given"));
		}
	}
	bytes_free(&text);
}

/* --- [file] and [local] ---------------------------------------------------------------------- */

static void further_files(void **state)
{
	(void)state;
	parses(KBS "[file env]\ntemplate = /t/app.env\nfile = app/env\nowner = app\ngroup = 7\n"
		   "mode = 0440\n"
		   "[file copy]\nsecret = b\n" SECRET "mode = 0600\nowner = x\n"
		   "[secret b]\nresource = r/t/b\nkey = user:b\n"
		   "[secret c]\nresource = r/t/c\nfile = d/c\n");
	assert_string_equal(bytes_text(&reported), "");
	assert_int_equal(config.files, 4);
	assert_string_equal(config.file[0].name, "a");
	assert_string_equal(config.file[0].path, "a");
	assert_int_equal(config.file[0].secret, 0);
	assert_null(config.file[0].secret_name);
	assert_null(config.file[0].template);
	assert_int_equal(config.file[0].mode, 0600);
	assert_string_equal(config.file[0].owner, "x");
	assert_int_equal(config.file[0].place.line, 11);
	assert_string_equal(config.file[1].name, "c");
	assert_string_equal(config.file[1].path, "d/c");
	assert_int_equal(config.file[1].secret, 2);
	assert_string_equal(config.file[2].name, "env");
	assert_string_equal(config.file[2].path, "app/env");
	assert_true(config.file[2].secret == CONFIG_NO_SECRET);
	assert_string_equal(config.file[2].template, "/t/app.env");
	assert_string_equal(config.file[2].owner, "app");
	assert_string_equal(config.file[2].group, "7");
	assert_int_equal(config.file[2].mode, 0440);
	assert_int_equal(config.file[2].template_place.line, 4);
	assert_string_equal(config.file[3].name, "copy");
	assert_string_equal(config.file[3].path, "copy");
	assert_int_equal(config.file[3].secret, 1);
	assert_string_equal(config.file[3].secret_name, "b");
	assert_int_equal(config.file[3].mode, 0400);
	assert_null(config.file[3].owner);
}

static void faults_of_files(void **state)
{
	static const struct fault faults[] = {
		{ KBS SECRET "[file]\n", "c:5: [file]: requires a name: [file NAME]" },
		{ KBS SECRET "[file x/y]\n",
		  "c:5: [file x/y]: a name consists of letters, digits, '_', '.' and '-'" },
		{ KBS SECRET "[file f]\n",
		  "c:5: [file f]: has neither secret = NAME nor template = FILE" },
		{ KBS SECRET "[file f]\nsecret = a\ntemplate = /t\n",
		  "c:7: [file f] template: there is also secret; a file has either the one or the "
		  "other" },
		{ KBS SECRET "[file f]\nsecret = b\n",
		  "c:6: [file f] secret: there is no section [secret b]" },
		{ KBS SECRET "[file f]\nsecret =\n", "c:6: [file f] secret: is empty" },
		{ KBS SECRET "[file f]\ntemplate = t\n",
		  "c:6: [file f] template: 't' is not an absolute path" },
		{ KBS SECRET "[file f]\nsecret = a\nfile =\n", "c:7: [file f] file: '' is empty" },
		{ KBS SECRET "[file .f]\nsecret = a\n",
		  "c:5: [file .f] file: missing, and the name '.f' has a component that begins "
		  "with '.'" },
		{ KBS SECRET "[file f]\nsecret = a\n[file f]\n",
		  "c:7: [file f]: already given in line 5" },
		{ KBS SECRET "[file f]\nsecret = a\nfile = a\n",
		  "c:5: [file f] file: 'a' clashes with 'a' of [secret a]" },
		{ KBS "[file f]\nsecret = a\nfile = a/b\n" SECRET,
		  "c:3: [file f] file: 'a/b' clashes with 'a' of [secret a]" },
		{ KBS SECRET "[file f]\nsecret = a\nfile = x\n[file g]\ntemplate = /t\nfile = x\n",
		  "c:8: [file g] file: 'x' clashes with 'x' of [file f]" },
		{ KBS SECRET "[file f]\nsecret = a\nrefresh = 1h\n",
		  "c:7: [file f] refresh: unknown key" },
	};

	(void)state;
	REFUSES_EACH(faults);
	/* A section [file] may have the name of a secret. */
	parses(KBS SECRET "[file a]\nsecret = a\nfile = b\n");
}

static void the_maximum_of_files(void **state)
{
	struct bytes text = BYTES_INIT;

	(void)state;
	bytes_append_text(&text, KBS);
	for (int i = 0; i < 256; i++)
		bytes_printf(&text, "[secret s%d]\nresource = r/t/s\n[file f%d]\nsecret = s0\n", i,
			     i);
	parses(bytes_text(&text));
	assert_int_equal(config.files, 512);
	assert_string_equal(config.file[255].path, "s255");
	assert_string_equal(config.file[511].path, "f255");
	bytes_append_text(&text, "[file one-more]\n");
	refuses(bytes_text(&text), "c:1027: [file one-more]: more than 256 sections [file NAME]");
	bytes_free(&text);
}

static void the_local_section(void **state)
{
	static const struct fault faults[] = {
		{ KBS SECRET "[local]\nwait = never\n",
		  "c:6: [local] wait: 'never' is not a time from 1s to 1d" },
		{ KBS SECRET "[local]\nwait = 0\n",
		  "c:6: [local] wait: '0' is not a time from 1s to 1d" },
		{ KBS SECRET "[local]\nwait = 86401\n",
		  "c:6: [local] wait: '86401' is not a time from 1s to 1d" },
		{ KBS SECRET "[local]\nx = 1\n", "c:6: [local] x: unknown key" },
	};

	(void)state;
	parses(KBS SECRET "[local]\nwait = 1d\n");
	assert_int_equal(config.local_wait, 86400000);
	assert_int_equal(config.wait_place.line, 6);
	REFUSES_EACH(faults);
}

/* --- the example ----------------------------------------------------------------------------- */

/* The example that is installed, with all its keys: a line "#key = value" or "#[section]" counts, too. */
static void the_example_is_accepted(void **state)
{
	struct bytes text = BYTES_INIT, all = BYTES_INIT;
	char *save = NULL;

	(void)state;
	vector_read("../../userspace/install/realmkeyd.conf", &text);
	for (char *line = strtok_r((char *)text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		size_t word = strspn(line + 1, "abcdefghijklmnopqrstuvwxyz_");
		bool is_key = line[0] == '#' && word && !strncmp(line + 1 + word, " =", 2);

		bytes_printf(&all, "%s\n", line + (is_key || !strncmp(line, "#[", 2)));
	}
	parses(bytes_text(&all));
	assert_string_equal(bytes_text(&reported), "");
	assert_int_equal(config.urls, 1);
	assert_int_equal(config.measure_register, 4);
	assert_int_equal(config.files,
			 config.count); /* one secret has none, and there is one [file] */
	assert_int_equal(config.secret[4].allows, 3);
	assert_int_equal(config.secret[4].hooks, 3);
	bytes_free(&all);
	bytes_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sink_is_read),
		cmocka_unit_test(the_file_is_optional),
		cmocka_unit_test(what_has_no_effect),
		cmocka_unit_test(keys),
		cmocka_unit_test(units),
		cmocka_unit_test(credentials_and_volumes),
		cmocka_unit_test(peers),
		cmocka_unit_test(signals),
		cmocka_unit_test(lists_are_bounded),
		cmocka_unit_test(further_files),
		cmocka_unit_test(faults_of_files),
		cmocka_unit_test(the_maximum_of_files),
		cmocka_unit_test(the_local_section),
		cmocka_unit_test(the_example_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, config_release);
}
