// SPDX-License-Identifier: Apache-2.0
/*
 * The supervisor with a keeper that only says what this test needs: the name of its first secret decides. The
 * supervisor runs in a process of its own, and this one takes the place of the service manager, of an
 * operator, and of the clients.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor_clients.h"
#include "supervisor_manager.h"
#include "base/io.h"
#include "base/log.h"
#include "keeper/listen.h"
#include "keeper/supervisor.h"

static char directory[] = "/tmp/test_supervisor.XXXXXX";
static char conf[64];
static pid_t supervisor;
static bool mute; /* the keeper does not answer CHANNEL_PING */
static bool watchdog;

/* --- the keeper ------------------------------------------------------------------------------ */

static void say(int channel, enum channel_type type, uint32_t id, bool ready, int code,
		const char *text)
{
	struct error e = ERROR_INIT;

	if (channel_send_report(channel, type, id, ready, code, text, &e) < 0)
		_exit(0);
}

static void command_obey(int channel, const struct settings *settings,
			 const struct channel_command *command)
{
	char text[128];

	if (command->type == CHANNEL_PING) {
		if (!mute)
			say(channel, CHANNEL_PONG, command->id, true, 0, "");
		return;
	}
	snprintf(text, sizeof(text), "%s %d %u of %s", settings->config.secret[0].name,
		 command->secret, command->now, settings->config.secret[0].resource);
	say(channel, CHANNEL_DONE, command->id, true, 9, text);
	snprintf(text, sizeof(text), "refreshed by %d", (int)getpid());
	say(channel, CHANNEL_STATE, 0, true, 0, text);
}

static void keeper(const struct settings *settings, const struct keeper_options *options,
		   int channel)
{
	char name[32] = "";
	struct pollfd p = { .fd = channel, .events = POLLIN };
	struct channel_command command;
	struct error e = ERROR_INIT;
	char text[64];
	sigset_t none;
	int ret = 0;

	strncat(name, settings->config.secret[0].name, sizeof(name) - 1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (options->supervisor != getppid() || strcmp(options->keyring, directory) != 0)
		_exit(77);
	if (!strncmp(name, "fails", 5)) {
		say(channel, CHANNEL_FAILED, 0, false, atoi(name + 5), "cannot\nstart");
		_exit(atoi(name + 5));
	}
	say(channel, CHANNEL_STARTED, 0, false, 0, "started");
	if (!strcmp(name, "hostile"))
		say(channel, CHANNEL_STATE, 0, false, 0, "x\nREADY=1\nMAINPID=1");
	if (!strcmp(name, "malformed"))
		(void)!send(channel, "x", 1, 0);
	if (settings->proxy_credentials.len)
		say(channel, CHANNEL_STATE, 0, false, 0, bytes_text(&settings->proxy_credentials));
	snprintf(text, sizeof(text), "%s runs as %d", name, (int)getpid());
	say(channel, CHANNEL_STATE, 0, strcmp(name, "waiting") != 0 && strcmp(name, "hostile") != 0,
	    0, text);
	if (!strcmp(name, "stale")) {
		say(channel, CHANNEL_STALE, 0, true, 9, "a secret is stale");
		_exit(9);
	}
	while (ret >= 0 && poll(&p, 1, -1) >= 0) {
		ret = channel_receive_command(channel, &command, &e);
		if (ret > 0)
			command_obey(channel, settings, &command);
	}
	_exit(0);
}

/* --- the operator ---------------------------------------------------------------------------- */

/* The supervisor may read the file at the same time. */
static void configure(const char *text)
{
	struct error e = ERROR_INIT;
	char template[sizeof(conf) + 8];

	snprintf(template, sizeof(template), "%s.XXXXXX", conf);
	assert_int_equal(io_replace_file(conf, template, 0600, text, strlen(text), &e), 0);
}

static void configure_keeper(const char *name)
{
	char text[256];

	snprintf(text, sizeof(text), "[kbs]\nurl = https://kbs\n[secret %s]\nresource = r/t/a\n",
		 name);
	configure(text);
}

static _Noreturn void supervisor_child_run(void)
{
	const struct supervisor_options options = {
		.config = conf,
		.keeper = { .keyring = directory },
		.child = keeper,
	};
	struct settings settings = SETTINGS_INIT;
	struct error e = ERROR_INIT;
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (watchdog) {
		setenv("WATCHDOG_USEC", "200000", 1);
		setenv("WATCHDOG_PID", pid, 1);
	}
	log_set(log_to_stderr);
	if (settings_read(&settings, conf, NULL, NULL, &e) < 0)
		_exit(99);
	_exit(supervisor_run(&options, &settings));
}

static void supervise(const char *name)
{
	configure_keeper(name);
	supervisor = fork();
	assert_true(supervisor >= 0);
	if (supervisor == 0)
		supervisor_child_run();
}

static int supervisor_ends(void)
{
	int status = -1;

	for (int i = 0; i < PATIENCE_MS / 10; i++) {
		if (waitpid(supervisor, &status, WNOHANG) == supervisor) {
			supervisor = 0;
			assert_true(WIFEXITED(status));
			return WEXITSTATUS(status);
		}
		usleep(10000);
	}
	fail_msg("the supervisor does not end");
	return -1;
}

static void stop(void)
{
	assert_int_equal(kill(supervisor, SIGTERM), 0);
	manager_hears("STOPPING=1");
	assert_int_equal(supervisor_ends(), 0);
}

/* --- tests ----------------------------------------------------------------------------------- */

static void it_starts_and_stops(void **state)
{
	struct stat st;

	(void)state;
	supervise("good");
	manager_hears("READY=1\nSTATUS=good runs as ");
	assert_int_equal(stat(control, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_uid, geteuid());
	stop();
	assert_int_equal(stat(control, &st), -1);
}

/* They are in locked memory, which a fork wipes. */
static void a_keeper_gets_the_credentials(void **state)
{
	struct error e = ERROR_INIT;
	char path[64], text[256];

	(void)state;
	snprintf(path, sizeof(path), "%s/credentials", directory);
	assert_int_equal(io_write_file(path, 0600, "user:pass", 9, &e), 0);
	supervise("good");
	manager_hears_keeper("good");
	snprintf(text, sizeof(text),
		 "[kbs]\nurl = https://kbs\nproxy = http://127.0.0.1:1\n"
		 "proxy_credentials = %s\n[secret proxied]\nresource = r/t/a\n",
		 path);
	configure(text);
	asked("reload", "0 ");
	manager_hears("STATUS=user:pass");
	manager_hears_keeper("proxied");
	stop();
	unlink(path);
}

static void requests_are_answered(void **state)
{
	int fd;

	(void)state;
	supervise("good");
	manager_hears_keeper("good");
	asked("refresh due", "9 good -1 0 of r/t/a");
	asked("refresh now good", "9 good 0 1 of r/t/a");
	asked("refresh now bad", "2 no secret 'bad' in the configuration");
	asked("restart", "12 request: neither refresh nor reload");
	asked("reload", "0 ");
	/* One who sends two requests gets no answer. */
	fd = client_open();
	assert_int_equal(send(fd, "x", 0, MSG_NOSIGNAL), 0);
	assert_string_equal(client_answer(fd), "");
	stop();
}

static void clients_are_bounded(void **state)
{
	int idle[LISTEN_CLIENTS];

	(void)state;
	supervise("good");
	manager_hears_keeper("good");
	for (size_t i = 0; i < LISTEN_CLIENTS; i++)
		idle[i] = client_open();
	assert_string_equal(client_answer(client_open()),
			    "1 realmkeyd has too many requests already; try again later");
	/* Each has bounded time for its request. */
	for (size_t i = 0; i < LISTEN_CLIENTS; i++)
		assert_string_equal(client_answer(idle[i]), "1 no request came");
	asked("reload", "0 ");
	stop();
}

static void other_users_are_refused(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	if (geteuid() != 0) {
		print_message("# only root can become another user\n");
		skip();
	}
	supervise("good");
	manager_hears_keeper("good");
	pid = fork();
	if (pid == 0) {
		struct sockaddr_un to = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

		strcpy(to.sun_path, control);
		_exit(setuid(1001) || !connect(fd, (struct sockaddr *)&to, sizeof(to)) ||
		      errno != EACCES);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* Even if someone changes the mode. */
	assert_int_equal(chmod(control, 0666), 0);
	pid = fork();
	if (pid == 0)
		_exit(setuid(1001) || strcmp(client_answer(client_open()),
					     "2 only root may send requests to realmkeyd") != 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	stop();
}

/* The text of a keeper may quote a hostile KBS. */
static void a_keeper_cannot_forge_notifications(void **state)
{
	(void)state;
	supervise("hostile");
	manager_hears("STATUS=x");
	assert_string_equal(last, "STATUS=x?READY=1?MAINPID=1");
	stop();
}

static void what_does_not_go_away_ends_the_service(void **state)
{
	(void)state;
	for (int code = 2; code <= 4; code++) {
		char name[16];

		snprintf(name, sizeof(name), "fails%d", code);
		supervise(name);
		manager_hears("STATUS=cannot?start");
		assert_int_equal(supervisor_ends(), code);
	}
}

/* Not even after the service has started. */
static void a_stale_secret_ends_the_service(void **state)
{
	(void)state;
	supervise("stale");
	manager_hears_keeper("stale");
	manager_hears("STATUS=a secret is stale");
	assert_int_equal(supervisor_ends(), 9);
}

static void other_failures_are_tried_again(void **state)
{
	(void)state;
	supervise("fails10");
	manager_hears("STATUS=cannot?start; starting another keeper in ");
	manager_hears("STATUS=cannot?start; starting another keeper in ");
	/* Without a keeper there is no socket yet, but signals. */
	configure_keeper("good");
	assert_int_equal(kill(supervisor, SIGHUP), 0);
	manager_hears_keeper("good");
	stop();
}

static void a_keeper_that_dies_is_replaced(void **state)
{
	pid_t first, second;

	(void)state;
	supervise("good");
	first = manager_hears_keeper("good");
	assert_int_equal(kill(first, SIGKILL), 0);
	manager_hears("STATUS=keeper: killed by signal 9 (Killed); starting another keeper in ");
	second = manager_hears_keeper("good");
	assert_int_not_equal(first, second);
	asked("refresh due", "9 good -1 0 of r/t/a");
	stop();
}

static void a_keeper_that_sends_nonsense_is_replaced(void **state)
{
	(void)state;
	supervise("malformed");
	manager_hears("STATUS=channel: packet of 1 bytes, not ");
	assert_non_null(strstr(last, "; starting another keeper in "));
	stop();
}

static void a_reload_changes_all_or_nothing(void **state)
{
	pid_t first, second;
	const char *answer;

	(void)state;
	supervise("good");
	first = manager_hears_keeper("good");
	/* Each error is in the answer. */
	configure("[kbs]\nurl = https://kbs\ncolour = blue\n[secret a]\nmode = 99\n");
	answer = ask("reload");
	assert_memory_equal(answer, "3 ", 2);
	assert_non_null(strstr(answer, ":3: [kbs] colour: unknown key\n"));
	assert_non_null(strstr(answer, ":5: [secret a] mode: "));
	manager_hears("RELOADING=1\nMONOTONIC_USEC=");
	manager_hears("READY=1\nSTATUS=reload failed, the old configuration stays: ");
	/* The same keeper serves the old one, which a reload without a change leaves alone. */
	configure_keeper("good");
	asked("reload", "0 ");
	manager_hears("STATUS=refreshed by ");
	assert_int_equal(atoi(last + strlen("STATUS=refreshed by ")), first);
	/* Another one for another configuration. */
	configure_keeper("better");
	asked("reload", "0 ");
	manager_hears("RELOADING=1\n");
	manager_hears("READY=1\n");
	second = manager_hears_keeper("better");
	assert_int_not_equal(first, second);
	asked("refresh now better", "9 better 0 1 of r/t/a");
	assert_int_equal(kill(first, 0), -1);
	stop();
}

static void a_new_keeper_that_does_not_start_is_undone(void **state)
{
	(void)state;
	supervise("good");
	manager_hears_keeper("good");
	for (int code = 3; code <= 5; code += 2) {
		char name[16], wanted[64];

		snprintf(name, sizeof(name), "fails%d", code);
		snprintf(wanted, sizeof(wanted), "%d cannot?start", code);
		configure_keeper(name);
		asked("reload", wanted);
		manager_hears(
			"READY=1\nSTATUS=reload failed, the old configuration stays: cannot?start");
		manager_hears_keeper("good");
	}
	asked("refresh due", "9 good -1 0 of r/t/a");
	stop();
}

static void requests_during_a_reload_wait_for_the_next(void **state)
{
	bool heard = false;
	int fd[LISTEN_CLIENTS];

	(void)state;
	supervise("good");
	manager_hears_keeper("good");
	configure_keeper("better");
	for (size_t i = 0; i < LISTEN_CLIENTS; i++) {
		fd[i] = client_open();
		assert_int_equal(send(fd[i], "reload", 6, 0), 6);
		if (i == 3)
			configure_keeper("best");
	}
	for (size_t i = 0; i < LISTEN_CLIENTS; i++) {
		heard |= manager_reads(fd[i], "STATUS=best runs as ");
		assert_string_equal(client_answer(fd[i]), "0 ");
	}
	if (!heard)
		manager_hears_keeper("best");
	stop();
}

static void a_service_that_is_not_ready_stays_so(void **state)
{
	(void)state;
	supervise("waiting");
	manager_hears_keeper("waiting");
	asked("reload", "0 ");
	assert_int_equal(kill(supervisor, SIGTERM), 0);
	do {
		assert_true(notification(PATIENCE_MS));
		if (strncmp(last, "STATUS=refreshed", 16)) /* that one is ready */
			assert_null(strstr(last, "RELOADING"));
	} while (!strstr(last, "STOPPING"));
	assert_int_equal(supervisor_ends(), 0);
}

static void only_a_keeper_that_answers_is_alive(void **state)
{
	int beats = 0;

	(void)state;
	watchdog = true;
	supervise("good");
	manager_hears_keeper("good");
	manager_hears("WATCHDOG=1");
	manager_hears("WATCHDOG=1");
	stop();
	mute = true;
	supervise("good");
	manager_hears_keeper("good");
	while (notification(1000))
		beats += !strcmp(last, "WATCHDOG=1");
	assert_int_equal(beats, 0);
	stop();
}

static void a_keeper_ends_with_its_supervisor(void **state)
{
	pid_t pid;

	(void)state;
	supervise("good");
	pid = manager_hears_keeper("good");
	assert_int_equal(kill(supervisor, SIGKILL), 0);
	assert_int_equal(waitpid(supervisor, NULL, 0), supervisor);
	supervisor = 0;
	for (int i = 0; kill(pid, 0) == 0; i++) {
		assert_true(i < PATIENCE_MS / 10);
		usleep(10000);
	}
	/* What it left does not hinder the next one. */
	supervise("good");
	manager_hears_keeper("good");
	asked("reload", "0 ");
	stop();
}

/* --- the group ------------------------------------------------------------------------------- */

static int group_setup(void **state)
{
	(void)state;
	if (!mkdtemp(directory) || chmod(directory, 0755))
		return -1;
	snprintf(conf, sizeof(conf), "%s/conf", directory);
	snprintf(control, sizeof(control), "%s/" CONTROL_FILE, directory);
	return manager_open(directory);
}

static int setup(void **state)
{
	(void)state;
	watchdog = mute = false;
	while (notification(0))
		;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (supervisor > 0) {
		kill(supervisor, SIGKILL);
		waitpid(supervisor, NULL, 0);
	}
	supervisor = 0;
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	unlink(conf);
	unlink(control);
	unlink(manager.sun_path);
	return rmdir(directory);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_starts_and_stops),
		TEST(a_keeper_gets_the_credentials),
		TEST(requests_are_answered),
		TEST(clients_are_bounded),
		TEST(other_users_are_refused),
		TEST(a_keeper_cannot_forge_notifications),
		TEST(what_does_not_go_away_ends_the_service),
		TEST(a_stale_secret_ends_the_service),
		TEST(other_failures_are_tried_again),
		TEST(a_keeper_that_dies_is_replaced),
		TEST(a_keeper_that_sends_nonsense_is_replaced),
		TEST(a_reload_changes_all_or_nothing),
		TEST(a_new_keeper_that_does_not_start_is_undone),
		TEST(requests_during_a_reload_wait_for_the_next),
		TEST(a_service_that_is_not_ready_stays_so),
		TEST(only_a_keeper_that_answers_is_alive),
		TEST(a_keeper_ends_with_its_supervisor),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
