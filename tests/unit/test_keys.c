// SPDX-License-Identifier: Apache-2.0
/* The parts of realmkey-keys that need no key, and what a confined one cannot do. tests/cli/part-keys.py has the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "keys/confine.h"
#include "keys/keyctl.h"
#include "keys/list.h"

/* --- text of the kernel ----------------------------------------------------------------------- */

static void test_descriptions(void **state)
{
	static struct keyctl_description d;
	static char text[KEYCTL_DESCRIPTION_SIZE + 32];

	(void)state;
	assert_true(keyctl_description_parse("user;0;65534;0b3f0000;a;b c", &d));
	assert_string_equal(d.type, "user");
	assert_int_equal(d.uid, 0);
	assert_int_equal(d.gid, 65534);
	assert_int_equal(d.permissions, 0x0b3f0000);
	assert_string_equal(d.text, "a;b c");
	assert_true(keyctl_description_parse("keyring;4294967295;-1;0;", &d));
	assert_int_equal(d.uid, UINT32_MAX);
	assert_string_equal(d.text, "");
	for (const char *const *bad = (const char *const[]){ "", "user", "user;0;0", "user;0;0;x;a",
							     "user;0;0;3f", ";0;0;3f;a", NULL };
	     *bad; bad++)
		if (keyctl_description_parse(*bad, &d))
			fail_msg("'%s' was accepted", *bad);
	strcpy(text, "user;0;0;3f;");
	memset(text + strlen(text), 'x', KEYCTL_DESCRIPTION_SIZE - 1);
	assert_true(keyctl_description_parse(text, &d));
	strcat(text, "x");
	assert_false(keyctl_description_parse(text, &d));
}

static void test_expiry(void **state)
{
	static const char text[] =
		"0103d169 I--Q---     4 perm 1f3f0000     0 65534 keyring   _uid.0: 2\n"
		"06f1dda4 I--Q---     1  59m 0b3f0000     0     0 logon     db: 64\n"
		"ef06f1da I--Q---     1 expd 0b3f0000     0     0 logon     db: 64\n";
	char expiry[LIST_EXPIRY_SIZE];

	(void)state;
	list_expiry(text, 0x0103d169, expiry);
	assert_string_equal(expiry, "perm");
	list_expiry(text, 0x06f1dda4, expiry);
	assert_string_equal(expiry, "59m");
	list_expiry(text, (keyctl_id)0xef06f1daU, expiry);
	assert_string_equal(expiry, "expd");
	list_expiry(text, 1, expiry);
	assert_string_equal(expiry, "-");
	list_expiry("", 1, expiry);
	assert_string_equal(expiry, "-");
}

static void test_errors(void **state)
{
	static const struct {
		int error;
		enum error_kind kind;
		const char *text;
	} rows[] = {
		{ EDQUOT, ERROR_DELIVERY,
		  "key: the quota of keys is used up: raise kernel.keys.root_maxbytes (or root_maxkeys)" },
		{ EKEYREVOKED, ERROR_DELIVERY,
		  "key: the key or its keyring was revoked; restart realmkeyd" },
		{ EKEYEXPIRED, ERROR_DELIVERY,
		  "key: the key or its keyring has expired; restart realmkeyd" },
		{ ENOKEY, ERROR_DELIVERY,
		  "key: the key or its keyring is gone; restart realmkeyd" },
		{ EPERM, ERROR_DELIVERY, "key: Operation not permitted" },
		{ ENOMEM, ERROR_SYSTEM, "key: Cannot allocate memory" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error e = ERROR_INIT;

		errno = rows[i].error;
		assert_int_equal(keyctl_error(&e, "key"), -1);
		assert_int_equal(e.kind, rows[i].kind);
		assert_string_equal(e.text, rows[i].text);
	}
}

/* --- the confinement -------------------------------------------------------------------------- */

static char name[] = "user", text[] = "test_keys";

static long open_file(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static long make_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED ?
		       -1 :
		       0;
}

static long make_process(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static long signal_parent(void)
{
	return kill(getppid(), 0);
}

static long read_key(void)
{
	return syscall(SYS_keyctl, KEYCTL_READ, (long)KEY_SPEC_PROCESS_KEYRING, text, 4L, 0L);
}

static long describe_key(void)
{
	return syscall(SYS_keyctl, KEYCTL_DESCRIBE, (long)KEY_SPEC_USER_KEYRING, text, 4L, 0L);
}

static long update_key(void)
{
	return syscall(SYS_keyctl, KEYCTL_UPDATE, (long)KEY_SPEC_USER_KEYRING, text, 4L, 0L);
}

static long chown_key(void)
{
	return syscall(SYS_keyctl, KEYCTL_CHOWN, (long)KEY_SPEC_PROCESS_KEYRING, 1L, 1L, 0L);
}

static long join_session(void)
{
	return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0L, 0L, 0L, 0L);
}

static long session_of_parent(void)
{
	return syscall(SYS_keyctl, KEYCTL_SESSION_TO_PARENT, 0L, 0L, 0L, 0L);
}

static long clear_user(void)
{
	return syscall(SYS_keyctl, KEYCTL_CLEAR, (long)KEY_SPEC_USER_KEYRING, 0L, 0L, 0L);
}

static long add_to_user(void)
{
	return syscall(SYS_add_key, name, text, text, 4L, (long)KEY_SPEC_USER_KEYRING);
}

static long add_to_session(void)
{
	return syscall(SYS_add_key, name, text, text, 4L, (long)KEY_SPEC_SESSION_KEYRING);
}

static long execute(void)
{
	return execl("/bin/true", "true", NULL);
}

static long request(void)
{
	return syscall(SYS_request_key, name, text, text, 0L, 0L);
}

static long become_user(void)
{
	return syscall(SYS_setresuid, 1L, 1L, 1L);
}

#define WORKS	  0 /* exit status of the child */
#define FORBIDDEN 1
#define OTHERWISE 2
#define KILLED	  3

/* What a confined process can do. */
static long make_key(void)
{
	keyctl_id key = keyctl_add(name, text, text, 4, KEY_SPEC_PROCESS_KEYRING);

	if (key < 0 || keyctl_setperm(key, KEYCTL_USER(KEYCTL_ALL)) < 0 ||
	    keyctl_set_timeout(key, 10) < 0 ||
	    keyctl_search(KEY_SPEC_PROCESS_KEYRING, name, text) != key || keyctl_revoke(key) < 0 ||
	    keyctl_unlink(key, KEY_SPEC_PROCESS_KEYRING) < 0)
		return -1;
	return keyctl_clear(KEY_SPEC_PROCESS_KEYRING);
}

static const struct {
	const char *name;
	long (*call)(void);
	int wanted;
} calls[] = {
	{ "make_key", make_key, WORKS },
	{ "open", open_file, FORBIDDEN },
	{ "socket", make_socket, FORBIDDEN },
	{ "mmap", map_code, FORBIDDEN },
	{ "clone", make_process, FORBIDDEN },
	{ "kill", signal_parent, FORBIDDEN },
	{ "KEYCTL_READ", read_key, FORBIDDEN },
	{ "KEYCTL_DESCRIBE", describe_key, FORBIDDEN },
	{ "KEYCTL_UPDATE", update_key, FORBIDDEN },
	{ "KEYCTL_CHOWN", chown_key, FORBIDDEN },
	{ "KEYCTL_JOIN_SESSION_KEYRING", join_session, FORBIDDEN },
	{ "KEYCTL_SESSION_TO_PARENT", session_of_parent, FORBIDDEN },
	{ "KEYCTL_CLEAR", clear_user, FORBIDDEN },
	{ "add_key to the user keyring", add_to_user, FORBIDDEN },
	{ "add_key to the session keyring", add_to_session, FORBIDDEN },
	{ "execve", execute, KILLED },
	{ "request_key", request, KILLED },
	{ "setresuid", become_user, KILLED },
};

static int outcome_of(long (*call)(void))
{
	struct error e = ERROR_INIT;
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		long result;

		if (confine_begin(&e) < 0 || confine_keys(&e) < 0)
			_exit(OTHERWISE);
		errno = 0;
		result = call();
		_exit(result >= 0 ? WORKS : errno == EPERM ? FORBIDDEN : OTHERWISE);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? KILLED : OTHERWISE;
	return WEXITSTATUS(status);
}

static void test_confinement(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		int outcome = outcome_of(calls[i].call);

		if (outcome != calls[i].wanted)
			fail_msg("%s: %d instead of %d", calls[i].name, outcome, calls[i].wanted);
	}
}

/* Without the confinement these calls have another result, so it is what refuses them. */
static void test_without(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		pid_t child = calls[i].wanted == FORBIDDEN ? fork() : 0;
		int status;

		if (calls[i].wanted != FORBIDDEN)
			continue;
		assert_true(child >= 0);
		if (child == 0) {
			long result;

			/* Away from the keyrings of this machine's users. */
			keyctl_join_session();
			if (calls[i].call == clear_user || calls[i].call == add_to_user)
				_exit(0);
			errno = 0;
			result = calls[i].call();
			_exit(result < 0 && errno == EPERM);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		/* A child of the child, by make_process(), exits too. */
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			fail_msg("%s is refused without a filter", calls[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptions), cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_errors),	     cmocka_unit_test(test_confinement),
		cmocka_unit_test(test_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
