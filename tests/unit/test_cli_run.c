// SPDX-License-Identifier: Apache-2.0
/* realmkey run: programs get secrets from a keyring of the test's. The program is the one of this build, except for the
 * log, of which the test takes the place. */
#include "secrets_world.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <syslog.h>

#include "cli/cli.h"
#include "cli/secrets/local.h"

#define KEYRING "--keyring", scratch("keyring")
#define INSIST	"--environment-is-readable-in-proc"
#define SECRET	"sesame\nopen"

static int log_fd = -1;

static void log_keep(int priority, const char *format, va_list args)
{
	dprintf(log_fd, "<%d>", priority);
	vdprintf(log_fd, format, args);
	dprintf(log_fd, "\n");
}

/* In place of the one of libc, by the linker. An optimised build calls the second one. */
__attribute__((format(printf, 2, 3))) void __wrap_syslog(int priority, const char *format, ...);
void __wrap_syslog(int priority, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_keep(priority, format, args);
	va_end(args);
}

__attribute__((format(printf, 3, 4))) void __wrap___syslog_chk(int priority, int flag,
							       const char *format, ...);
void __wrap___syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list args;

	(void)flag;
	va_start(args, format);
	log_keep(priority, format, args);
	va_end(args);
}

/* A secret "database" in a directory, and one, "extra", beside it. */
static int secrets_deliver(void **state)
{
	world_begin(state);
	mkdir(scratch("keyring/db"), 0755);
	scratch_write("keyring/db/password", SECRET, strlen(SECRET));
	scratch_write("keyring/extra", "a\0b", 3);
	world_publish_state(STATUS_DELIVERED, ERROR_NONE);
	return 0;
}

static void as_descriptor(void **state)
{
	(void)state;
	CLI("run", KEYRING, "--secret", "database=fd:5", "--", "sh", "-c", "cat <&5");
	cli_went_well();
	assert_string_equal(bytes_text(&cli.out), SECRET);
	CLI("run", KEYRING, "--secret=database=fd:0", "cat");
	cli_went_well();
	assert_string_equal(bytes_text(&cli.out), SECRET);
	/* Twice, and next to others. */
	CLI("run", KEYRING, "--secret", "database=fd:63", "--secret", "database=fd:3", "--", "bash",
	    "-c", "cat <&3; cat /dev/fd/63");
	cli_went_well();
	assert_string_equal(bytes_text(&cli.out), SECRET SECRET);
}

static void as_path(void **state)
{
	char wanted[256];

	(void)state;
	snprintf(wanted, sizeof(wanted), "%s/db/password\n", scratch("keyring"));
	CLI("run", KEYRING, "--secret", "database=file:PGPASSFILE", "--", "printenv", "PGPASSFILE");
	cli_went_well();
	assert_string_equal(bytes_text(&cli.out), wanted);
	/* It is absolute, because the program may change its directory. */
	assert_int_equal(chdir(scratch_directory), 0);
	CLI("run", "--keyring", "keyring", "--secret", "database=file:F", "--", "printenv", "F");
	cli_went_well();
	assert_string_equal(bytes_text(&cli.out), wanted);
	assert_int_equal(chdir("/"), 0);
}

static void as_value(void **state)
{
	(void)state;
	CLI("run", KEYRING, "--secret", "database=env:PASS", "--", "printenv", "PASS");
	cli_refused(2, "run",
		    "--secret database=env:PASS: every process of the same user can read");
	assert_non_null(strstr(bytes_text(&cli.err), "or add --environment-is-readable-in-proc"));
	CLI("run", KEYRING, INSIST, "--secret", "database=env:PASS", "--", "printenv", "PASS");
	cli_went_well();
	assert_string_equal(bytes_text(&cli.out), SECRET "\n");
	/* It replaces a variable, and leaves those with a similar name. */
	setenv("PASS", "old", 1);
	setenv("PASSWORD", "other", 1);
	CLI("run", KEYRING, INSIST, "--secret", "database=env:PASS", "--", "sh", "-c",
	    "env | grep -c ^PASS=; echo $PASSWORD");
	cli_went_well();
	assert_string_equal(bytes_text(&cli.out), "1\nother\n");
	/* A variable cannot contain NUL. */
	CLI("run", KEYRING, INSIST, "--secret", "database=env:A", "--", "true");
	cli_went_well();
	scratch_write("keyring/db/password", "a\0b", 3);
	CLI("run", KEYRING, INSIST, "--secret", "database=env:A", "--", "true");
	cli_refused(12, "run", "secret database: it contains NUL");
}

/* The program inherits the descriptors that it was promised and no other one. */
/* What @command prints without realmkey: nohup, for one, changes what a program inherits. */
static void print_alone(const char *command, char *text, size_t size)
{
	FILE *printed = popen(command, "r");

	assert_non_null(printed);
	text[fread(text, 1, size - 1, printed)] = '\0';
	pclose(printed);
	assert_true(*text);
}

static void nothing_else_is_inherited(void **state)
{
	char wanted[256];

	(void)state;
	print_alone("ls /proc/self/fd && echo end", wanted, sizeof(wanted));
	CLI("run", KEYRING, INSIST, "--secret", "database=fd:9", "--secret", "database=env:A",
	    "--secret", "database=file:B", "--", "sh", "-c",
	    "test -e /dev/fd/9 && exec 9<&- && ls /proc/self/fd && echo end");
	cli_went_well();
	assert_string_equal(bytes_text(&cli.out), wanted);
	print_alone("grep SigIgn /proc/self/status", wanted, sizeof(wanted));
	strcat(wanted, "NoNewPrivs:\t0\n0\n");
	CLI("run", KEYRING, "--", "sh", "-c",
	    "grep -E 'NoNewPrivs|SigIgn' /proc/self/status; ulimit -c; kill -s PIPE $$");
	assert_int_equal(cli.code, 128 + SIGPIPE);
	assert_string_equal(bytes_text(&cli.out), wanted);
}

static void exit_statuses(void **state)
{
	(void)state;
	assert_int_equal(CLI("run", KEYRING, "--", "sh", "-c", "exit 42"), 42);
	assert_int_equal(CLI("run", KEYRING, "no-such-program-here"), 127);
	assert_non_null(strstr(bytes_text(&cli.err),
			       "realmkey: run: no-such-program-here: No such file or directory\n"));
	assert_int_equal(CLI("run", KEYRING, "/etc/passwd"), 126);
	/* What follows the program belongs to it. */
	CLI("run", KEYRING, "echo", "--secret", "x=fd:3", "--help");
	cli_went_well();
	assert_string_equal(bytes_text(&cli.out), "--secret x=fd:3 --help\n");
}

static void waits_first(void **state)
{
	(void)state;
	world_publish_state(STATUS_MISSING, ERROR_POLICY);
	CLI("run", KEYRING, "--timeout", "0", "--secret", "database=fd:3", "--", "echo", "run");
	cli_refused(LOCAL_EXIT_ABSENT, "run", "still waiting for database (it did not work)");
	CLI("run", KEYRING, "--timeout", "0", "--", "echo", "run");
	cli_refused(LOCAL_EXIT_ABSENT, "run", "still waiting for database");
	world_publish_state(STATUS_DELIVERED, ERROR_NONE);
	CLI("run", KEYRING, "--secret", "nothing=fd:3", "--", "echo", "run");
	cli_refused(2, "run", "no secret 'nothing' in the configuration");
	unlink(scratch("keyring/db/password"));
	CLI("run", KEYRING, "--secret", "database=fd:3", "--", "echo", "run");
	cli_refused(10, "run", "secret database: db/password: No such file");
	assert_int_equal(symlink("/etc/passwd", scratch("keyring/db/password")), 0);
	CLI("run", KEYRING, "--secret", "database=fd:3", "--", "echo", "run");
	cli_refused(10, "run", "secret database: db/password: ");
	unlink(scratch("keyring/db/password"));
}

/* A keeper that is compromised owns the directories, and says where each secret is. */
static void links_lead_nowhere(void **state)
{
	static const char *const files[] = { "etc/passwd", "d/etc/passwd" };
	struct status_secret secret = { .name = (char *)"a",
					.resource = (char *)"r",
					.state = STATUS_DELIVERED };
	const struct status status = { .secret = &secret, .count = 1 };

	(void)state;
	mkdir(scratch("keyring/d"), 0755);
	assert_int_equal(symlink("/etc", scratch("keyring/d/etc")), 0);
	assert_int_equal(symlink("/etc", scratch("keyring/etc")), 0);
	for (size_t i = 0; i < 2; i++) {
		secret.file = (char *)files[i];
		world_publish(&status);
		CLI("run", KEYRING, "--secret", "a=fd:3", "--", "cat", "/dev/fd/3");
		cli_refused(10, "run", "secret a: ");
		CLI("run", KEYRING, "--secret", "a=file:A", "--", "printenv", "A");
		cli_refused(10, "run", "secret a: ");
	}
	unlink(scratch("keyring/etc"));
}

static void usage(void **state)
{
	static const struct {
		const char *secret, *error;
	} wrong[] = {
		{ "database", "not NAME=fd:N, NAME=file:VAR or NAME=env:VAR" },
		{ "=fd:3", "not NAME=fd:N" },
		{ "database=3", "not NAME=fd:N" },
		{ "database=pipe:3", "not fd:N, file:VAR or env:VAR" },
		{ "database=:3", "not fd:N, file:VAR or env:VAR" },
		{ "database=fd:1", "N is not 0, or 3 to 63" },
		{ "database=fd:2", "N is not 0, or 3 to 63" },
		{ "database=fd:64", "N is not 0, or 3 to 63" },
		{ "database=fd:-1", "N is not 0, or 3 to 63" },
		{ "database=fd:", "N is not 0, or 3 to 63" },
		{ "database=fd:3x", "N is not 0, or 3 to 63" },
		{ "database=file:", "VAR is not the name of a variable" },
		{ "database=file:1A", "VAR is not the name of a variable" },
		{ "database=env:A=B", "VAR is not the name of a variable" },
		{ "a123456789b123456789c123456789d123456789e123456789=fd:3", "not NAME=fd:N" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CLI("run", KEYRING, "--secret", wrong[i].secret, "--", "true");
		cli_refused(2, "run", wrong[i].error);
	}
	CLI("run", KEYRING, "--secret", "a=fd:3", "--secret", "b=fd:3", "--", "true");
	cli_refused(2, "run", "--secret b=fd:3: the same place as another secret");
	CLI("run", KEYRING, INSIST, "--secret", "a=file:V", "--secret", "b=env:V", "--", "true");
	cli_refused(2, "run", "--secret b=env:V: the same place as another secret");
	CLI("run", KEYRING);
	cli_refused(2, "run", "a program is missing");
	CLI("run", KEYRING, "--");
	cli_refused(2, "run", "a program is missing");
	CLI("run", "--secret");
	cli_refused(2, "run", "--secret needs a value");
	CLI("run", "--secrets", "a=fd:3", "--", "true");
	cli_refused(2, "run", "unknown option '--secrets'");
	CLI("run", "--help");
	cli_went_well();
	cli_printed("usage: realmkey run");
}

/* A pair of secrets is of one generation, even if the directory is replaced at any moment. */
static void pairs_are_of_one_generation(void **state)
{
	struct status_secret secret[] = {
		{ .name = (char *)"cert", .file = (char *)"web/cert", .resource = (char *)"r" },
		{ .name = (char *)"key", .file = (char *)"web/key", .resource = (char *)"r" },
	};
	const struct status status = { .ready = true, .secret = secret, .count = 2 };
	pid_t pid;

	(void)state;
	secret[0].state = secret[1].state = STATUS_DELIVERED;
	world_publish(&status);
	for (int i = 0; i < 2; i++) {
		char text[2] = { (char)('0' + i), 0 };

		mkdir(scratch(i ? "keyring/.new" : "keyring/web"), 0755);
		scratch_write(i ? "keyring/.new/cert" : "keyring/web/cert", text, 1);
		scratch_write(i ? "keyring/.new/key" : "keyring/web/key", text, 1);
	}
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) /* also if the test fails and ends */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (pid == 0)
		renameat2(AT_FDCWD, scratch("keyring/.new"), AT_FDCWD, scratch("keyring/web"),
			  RENAME_EXCHANGE);
	for (int i = 0; i < 40; i++) {
		CLI("run", KEYRING, "--secret", "cert=fd:3", "--secret", "key=fd:4", "--", "sh",
		    "-c", "cat <&3; cat <&4");
		cli_went_well();
		assert_int_equal(cli.out.len, 2);
		assert_int_equal(cli.out.data[0], cli.out.data[1]);
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Who, what and how are logged, and the value is not. */
static void each_secret_is_logged(void **state)
{
	const char *argv[] = { "run",
			       "--keyring",
			       scratch("keyring"),
			       INSIST,
			       "--secret",
			       "database=env:A",
			       "--secret",
			       "database=fd:3",
			       "--",
			       "tr\x1bue",
			       NULL };
	char log[1024] = "", wanted[1024];
	int fds[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		log_fd = fds[1];
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		_exit(command_run(sizeof(argv) / sizeof(argv[0]) - 1, (char **)argv));
	}
	close(fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 127);
	assert_true(read(fds[0], log, sizeof(log) - 1) > 0);
	close(fds[0]);
	snprintf(wanted, sizeof(wanted),
		 "<5>secret database (db/password) is given to tr?ue, uid %u, as env:A\n"
		 "<5>secret database (db/password) is given to tr?ue, uid %u, as fd:3\n",
		 getuid(), getuid());
	assert_string_equal(log, wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(as_descriptor, secrets_deliver),
		cmocka_unit_test_setup(as_path, secrets_deliver),
		cmocka_unit_test_setup(as_value, secrets_deliver),
		cmocka_unit_test_setup(nothing_else_is_inherited, secrets_deliver),
		cmocka_unit_test_setup(exit_statuses, secrets_deliver),
		cmocka_unit_test_setup(waits_first, secrets_deliver),
		cmocka_unit_test_setup(links_lead_nowhere, secrets_deliver),
		cmocka_unit_test_setup(usage, secrets_deliver),
		cmocka_unit_test_setup(pairs_are_of_one_generation, secrets_deliver),
		cmocka_unit_test_setup(each_secret_is_logged, secrets_deliver),
	};

	return cmocka_run_group_tests(tests, world_make, world_remove);
}
