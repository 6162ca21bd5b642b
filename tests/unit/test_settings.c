// SPDX-License-Identifier: Apache-2.0
/* The configuration with the files and users that it names. */
#include "settings_test.h"

/* --- drop-ins -------------------------------------------------------------------------------- */

static void drop_ins_are_read_in_order(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path_of("conf.d"), 0700), 0);
	file_write("conf.d/20.conf", "[kbs]\nurl = https://two\ntimeout = 20\n");
	file_write("conf.d/10.conf", "[kbs]\nurl = https://one\ninsecure = yes\n"
				     "[secret b]\nresource = r/t/b\n");
	file_write("conf.d/30.conf~", "nonsense\n");
	file_write("conf.d/.40.conf", "nonsense\n");
	reads(KBS "timeout = 10\n[refresh]\ninterval = 5m\n" SECRET);
	assert_string_equal(settings.config.url[0], "https://two");
	assert_int_equal(settings.config.urls, 1);
	assert_int_equal(settings.config.timeout, 20);
	assert_true(settings.config.insecure);
	assert_int_equal(settings.config.count, 2);
	assert_string_equal(settings.config.secret[1].name, "b");
	assert_string_equal(settings.config.secret[1].place.file, path_of("conf.d/10.conf"));
	assert_int_equal(settings.config.secret[1].place.line, 4);
	/* The section [refresh] of the first file counts in the second one, too. */
	assert_int_equal(settings.config.secret[1].refresh, 300000);
}

static void errors_name_the_drop_in(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path_of("conf.d"), 0700), 0);
	file_write("conf.d/a.conf", "\n" SECRET "file = b\n[kbs]\ncolour = blue\n[kbs]\n");
	refuses(KBS SECRET, "E @/conf.d/a.conf:2: [secret a]: already given in @/conf:3\n"
			    "E @/conf.d/a.conf:6: [kbs] colour: unknown key\n"
			    "E @/conf.d/a.conf:7: [kbs]: already given in line 5\n");
}

/* A file of 65 is refused, not ignored. */
static void the_number_of_files_is_limited(void **state)
{
	char name[32];

	(void)state;
	assert_int_equal(mkdir(path_of("conf.d"), 0700), 0);
	for (int i = 1; i < CONFIG_FILES_MAX; i++) {
		snprintf(name, sizeof(name), "conf.d/%02d.conf", i);
		file_write(name, "");
	}
	reads(KBS SECRET);
	file_write("conf.d/x.conf", "");
	refuses(KBS SECRET, "E @/conf.d/x.conf: more than 64 files of configuration\n");
}

/* --- what is named --------------------------------------------------------------------------- */

static void files_and_owners_are_read(void **state)
{
	(void)state;
	file_write("ca1.pem", "one");
	file_write("ca2.pem", "two");
	file_write("cert.pem", "certificate");
	file_write("key.pem", "key");
	file_write("proxy", "user:pass:word\r\n");
	reads("[kbs]\nurl = https://a https://b\nca = @/ca1.pem @/ca2.pem\ncertificate = @/cert.pem\n"
	      "key = @/key.pem\nproxy = http://proxy:3128/\nproxy_credentials = @/proxy\n"
	      "[secret a]\nresource = r/t/a\nowner = 1000\ngroup = root\n"
	      "[secret b]\nresource = r/t/b\nowner = root\ngroup = 7\n");
	assert_string_equal(bytes_text(&settings.ca[0]), "one");
	assert_string_equal(bytes_text(&settings.ca[1]), "two");
	assert_string_equal(bytes_text(&settings.certificate), "certificate");
	assert_string_equal(bytes_text(&settings.key), "key");
	assert_string_equal(bytes_text(&settings.proxy_credentials), "user:pass:word");
	assert_string_equal(settings.config.proxy, "http://proxy:3128");
	assert_true(settings.key.locked && settings.proxy_credentials.locked);
	assert_int_equal(settings.secret[0].uid, 1000);
	assert_int_equal(settings.secret[0].gid, 0);
	assert_int_equal(settings.secret[1].uid, 0);
	assert_int_equal(settings.secret[1].gid, 7);
}

/* Errors of the text, of files and of users together. */
static void all_errors_are_reported(void **state)
{
	(void)state;
	file_write("empty", "");
	file_write("proxy", "no colon\n");
	refuses("[kbs]\nurl = https://kbs\nca = @/none\ncertificate = @/empty\nkey = @/none\n"
		"proxy = http://proxy:1\nproxy_credentials = @/proxy\ncolour = blue\n"
		"[secret a]\nresource = r/t/a\nmode = 8\nowner = no-such-user\n"
		"group = 4294967295\n",
		"E @/conf:8: [kbs] colour: unknown key\n"
		"E @/conf:11: [secret a] mode: '8' is not an octal mode from 0 to 0777\n"
		"E @/conf:3: [kbs] ca: @/none: No such file or directory\n"
		"E @/conf:4: [kbs] certificate: @/empty: is empty\n"
		"E @/conf:5: [kbs] key: @/none: No such file or directory\n"
		"E @/conf:7: [kbs] proxy_credentials: @/proxy: is not USER:PASSWORD\n"
		"E @/conf:12: [secret a] owner: no user 'no-such-user'\n"
		"E @/conf:13: [secret a] group: no group '4294967295'\n");
	assert_non_null(strstr(error.text, "colour: unknown key"));
	file_write("proxy", "a:b\nc:d\n");
	refuses(KBS "proxy = http://proxy:1\nproxy_credentials = @/proxy\n" SECRET,
		"E @/conf:4: [kbs] proxy_credentials: @/proxy: has a control character\n");
}

static void no_configuration(void **state)
{
	(void)state;
	assert_int_equal(settings_again(), -1);
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_string_equal(bytes_text(&reported), "E @/conf: No such file or directory\n");
	assert_int_equal(settings_read(&settings, directory, NULL, NULL, &error), -1);
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, ": Is a directory"));
}

/* --- sinks ----------------------------------------------------------------------------------- */

static void sinks_are_resolved(void **state)
{
	(void)state;
	file_write("app.env", "A={{ a }}\nB={{ b | base64 }}\n");
	reads(KBS "[secret a]\nresource = r/t/a\nowner = 5\n"
		  "allow = uid:7 gid:8 unit:a.service uid:root\nfile = a\n"
		  "[secret b]\nresource = r/t/b\nfile =\n"
		  "[file env]\ntemplate = @/app.env\nowner = 9\ngroup = 10\n"
		  "[file copy]\nsecret = a\nowner = 11\n");
	assert_int_equal(settings.secret[0].allow[0], 7);
	assert_int_equal(settings.secret[0].allow[1], 8);
	assert_int_equal(settings.secret[0].allow[2], 0);
	assert_int_equal(settings.secret[0].allow[3], 0);
	assert_null(settings.secret[1].allow);
	assert_int_equal(settings.config.files, 3);
	assert_int_equal(settings.file[0].uid, 5);
	assert_int_equal(settings.file[1].uid, 9);
	assert_int_equal(settings.file[1].gid, 10);
	assert_int_equal(settings.file[2].uid, 11);
	assert_int_equal(settings.file[0].template.count, 0);
	assert_true(template_uses(&settings.file[1].template, 0));
	assert_true(template_uses(&settings.file[1].template, 1));
}

static void faults_of_sinks(void **state)
{
	(void)state;
	refuses(KBS SECRET "allow = uid:no-such-user gid:no-such-group\n"
			   "[file f]\nsecret = a\nowner = no-such-user\ngroup = no-such-group\n",
		"E @/conf:5: [secret a] allow: no user 'no-such-user'\n"
		"E @/conf:5: [secret a] allow: no group 'no-such-group'\n"
		"E @/conf:8: [file f] owner: no user 'no-such-user'\n"
		"E @/conf:9: [file f] group: no group 'no-such-group'\n");
	file_write("t", "{{ a }} {{ nobody }}\n");
	refuses(KBS SECRET "[file f]\ntemplate = @/none\n[file g]\ntemplate = @/t\n",
		"E @/conf:6: [file f] template: @/none: No such file or directory\n"
		"E @/conf:8: [file g] template: @/t: line 1, column 12: no secret is called nobody\n");
	file_write("t", "{{ a }}\n");
	refuses(KBS SECRET "file =\n[secret b]\nresource = r/t/b\nfile =\nreload = x.service\n"
			   "[file g]\ntemplate = @/t\n",
		"E @/conf:6: [secret b] file: is empty, but the secret has neither key, credential, "
		"crypttab nor allow, and no section [file NAME] contains it\n");
}

/* A keyring of an owner has one key of a type and description. */
static void keys_of_one_owner(void **state)
{
	static const struct {
		const char *one, *other;
		bool clash;
	} pairs[] = {
		{ "key = user:x", "key = user:x\nowner = 0", true },
		{ "key = logon:x:y\nowner = root", "key = logon:x:y", true },
		{ "key = user:x", "key = user:x\nowner = 1", false },
		{ "key = user:x:y", "key = logon:x:y", false },
		{ "key = user:x", "key = user:X", false },
		{ "key = big_key:x", "key = user:x", false },
		{ "key = big_key:x\nkey_fallback = yes", "key = user:x", true },
		{ "key = user:x", "key = big_key:x\nkey_fallback = yes", true },
		{ "key = big_key:x\nkey_fallback = yes", "key = big_key:x", true },
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		snprintf(text, sizeof(text), KBS SECRET "%s\n[secret b]\nresource = r/t/b\n%s\n",
			 pairs[i].one, pairs[i].other);
		if (!pairs[i].clash) {
			reads(text);
			continue;
		}
		file_write("conf", text);
		assert_int_equal(settings_again(), -1);
		assert_non_null(strstr(error.text, ": [secret b] key: '"));
		assert_non_null(
			strstr(error.text,
			       "' is already the key of [secret a], which has the same owner"));
	}
}

/* For programs that need neither certificates nor templates, and may not be able to read them. */
static void the_text_alone(void **state)
{
	static const char text[] = KBS "ca = @/ca.pem\n" SECRET
				       "file =\nowner = 3\nkey = user:x\nallow = uid:4\n"
				       "[file f]\ntemplate = @/t\nowner = 5\n";
	uint8_t whole[SETTINGS_DIGEST_SIZE], none[SETTINGS_DIGEST_SIZE] = { 0 };

	(void)state;
	file_write("ca.pem", "one");
	file_write("t", "{{ a }}\n");
	reads(text);
	memcpy(whole, settings.text_digest, sizeof(whole));
	assert_memory_not_equal(whole, none, sizeof(whole));
	unlink(path_of("ca.pem"));
	unlink(path_of("t"));
	settings_free(&settings);
	assert_int_equal(settings_read_text(&settings, path_of("conf"), NULL, NULL, &error), 0);
	assert_memory_equal(settings.text_digest, whole, sizeof(whole));
	assert_memory_equal(settings.digest, none, sizeof(none));
	assert_int_equal(settings.secret[0].uid, 3);
	assert_int_equal(settings.secret[0].allow[0], 4);
	assert_int_equal(settings.file[0].uid, 5);
	assert_int_equal(settings.file[0].template.count, 0);
	/* The same text at another path, and another text. */
	file_write("conf2", text);
	settings_free(&settings);
	assert_int_equal(settings_read_text(&settings, path_of("conf2"), NULL, NULL, &error), 0);
	assert_memory_equal(settings.text_digest, whole, sizeof(whole));
	settings_free(&settings);
	file_write("conf", KBS SECRET "#\n");
	assert_int_equal(settings_read_text(&settings, path_of("conf"), NULL, NULL, &error), 0);
	assert_memory_not_equal(settings.text_digest, whole, sizeof(whole));
	file_write("conf", KBS SECRET "key = user:x y\n");
	settings_free(&settings);
	assert_int_equal(settings_read_text(&settings, path_of("conf"), NULL, NULL, &error), -1);
	assert_null(settings.secret);
}

static void units_are_looked_for(void **state)
{
	/* Not by file_write(), because '@' stands for itself. */
	static const char format[] = KBS SECRET "credential = a.service b@x.service c.service\n"
						"allow = unit:d.scope container:e.service uid:0\n"
						"reload = f.service\nrestart = a.service g.slice\n"
						"signal = b@.x.service HUP h.device USR1\n"
						"[file f]\nsecret = a\nmode = 0644\n"
						"[file g]\ntemplate = %s/t\n";
	struct bytes path = BYTES_INIT, text = BYTES_INIT;

	(void)state;
	file_write("t", "{{ a }}\n");
	file_write("a.service", "");
	assert_int_equal(symlink("/dev/null", path_of("b@.service")), 0);
	assert_int_equal(chmod(path_of("t"), 0666), 0);
	bytes_printf(&path, "/nonexistent::%s", directory);
	assert_int_equal(setenv("SYSTEMD_UNIT_PATH", bytes_text(&path), 1), 0);
	bytes_free(&path);
	bytes_printf(&text, format, directory);
	assert_int_equal(io_write_file(path_of("conf"), 0600, text.data, text.len, &error), 0);
	bytes_free(&text);
	assert_int_equal(check_again(0), 0);
	assert_string_equal(
		bytes_text(&reported),
		"W @/conf:12: [file f] mode: 0644 lets every user read the secret\n"
		"W @/conf:14: [file g] template: @/t has mode 0666: other users than its owner can "
		"change it\n"
		"W @/conf:5: [secret a] credential: systemd has no unit c.service on this machine\n"
		"W @/conf:6: [secret a] allow: systemd has no unit e.service on this machine\n"
		"W @/conf:7: [secret a] reload: systemd has no unit f.service on this machine\n");
	unsetenv("SYSTEMD_UNIT_PATH");
	unlink(path_of("b@.service"));
}

/* --- whether something has changed ----------------------------------------------------------- */

static void digest_differs(uint8_t last[SETTINGS_DIGEST_SIZE], bool differs)
{
	if (settings_again())
		fail_msg("%s", error.text);
	assert_int_equal(memcmp(last, settings.digest, SETTINGS_DIGEST_SIZE) != 0, differs);
	memcpy(last, settings.digest, SETTINGS_DIGEST_SIZE);
}

static void the_digest_covers_each_file(void **state)
{
	static const char *const files[] = { "ca.pem", "cert.pem", "key.pem",
					     "proxy",  "t",	   "conf.d/a.conf" };
	uint8_t last[SETTINGS_DIGEST_SIZE] = { 0 };

	(void)state;
	assert_int_equal(mkdir(path_of("conf.d"), 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		file_write(files[i], "#a:b{{a}}");
	file_write("conf.d/a.conf", "#");
	file_write("conf", KBS "ca = @/ca.pem\ncertificate = @/cert.pem\nkey = @/key.pem\n"
			       "proxy = http://proxy:1\nproxy_credentials = @/proxy\n" SECRET
			       "[file f]\ntemplate = @/t\n");
	digest_differs(last, true);
	digest_differs(last, false);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		file_write(files[i], "#a:c{{a}}");
		digest_differs(last, true);
		digest_differs(last, false);
	}
	unlink(path_of("conf.d/a.conf"));
	digest_differs(last, true);
	/* The same bytes in other places. */
	file_write("ca.pem", "#a:c{{a}}#");
	file_write("cert.pem", "a:c{{a}}");
	digest_differs(last, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(drop_ins_are_read_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(errors_name_the_drop_in, setup, teardown),
		cmocka_unit_test_setup_teardown(the_number_of_files_is_limited, setup, teardown),
		cmocka_unit_test_setup_teardown(files_and_owners_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(all_errors_are_reported, setup, teardown),
		cmocka_unit_test_setup_teardown(no_configuration, setup, teardown),
		cmocka_unit_test_setup_teardown(sinks_are_resolved, setup, teardown),
		cmocka_unit_test_setup_teardown(faults_of_sinks, setup, teardown),
		cmocka_unit_test_setup_teardown(keys_of_one_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(the_text_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(units_are_looked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(the_digest_covers_each_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
