// SPDX-License-Identifier: Apache-2.0
/*
 * realmkey-hooks: when a secret has changed, has systemd do what the configuration says: reload or restart a unit, or
 * signal its main process. It is two processes for each connection of a keeper: the receiver, which reads
 * what the keeper sends, and the caller, which talks to systemd. Neither sees a secret.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/args.h"
#include "base/log.h"
#include "caller.h"
#include "config/settings.h"
#include "confine.h"
#include "plan.h"
#include "receiver.h"
#include "sinks/server.h"
#include "systemd.h"

struct options {
	const char *config, *socket, *systemd;
	bool verbose;
};

static const struct args_option own[] = {
	SETTINGS_OPTION(struct options),
	SINKS_SOCKET_OPTION(struct options),
	{ .name = "systemd",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, systemd),
	  .value = "PATH",
	  .help = "socket of systemd (default " SYSTEMD_SOCKET ")" },
	LOG_VERBOSE_OPTION(struct options),
	{ 0 },
};

static const struct args_option *const tables[] = { own, NULL };

static const struct args_spec spec = {
	.name = "realmkey-hooks",
	.operands = "",
	.about = "Reloads, restarts or signals units of systemd when secrets have changed, as\n"
		 "the keys reload, restart and signal of realmkeyd's configuration say.",
	.options = tables,
	.notes = "systemd starts it when realmkeyd connects to realmkey-hooks.socket.\n"
		 "See realmkey-hooks(8) and realmkeyd.conf(5).",
};

/* --- descriptors ----------------------------------------------------------------------------- */

#define KEEP_FD (STDERR_FILENO + 1) /* the first that a process keeps */

/* Give @fd the number @as, and close all descriptors after it. */
static int descriptor_last(int fd, int as, struct error *e)
{
	if (fd != as && dup3(fd, as, O_CLOEXEC) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "dup3");
	closefrom(as + 1);
	return 0;
}

/* --- processes ------------------------------------------------------------------------------- */

/* Not exit(): libraries may then make system calls that the sandbox forbids. */
static _Noreturn void receiver_main(int keeper, int pipe_end, const struct settings *settings,
				    pid_t parent)
{
	struct error e = ERROR_INIT;
	/* The lowest free number is above both only if one is moved out of the way first. */
	int caller = fcntl(pipe_end, F_DUPFD_CLOEXEC, KEEP_FD + 2);
	int connection = fcntl(keeper, F_DUPFD_CLOEXEC, KEEP_FD + 2);

	if (caller < 0 || connection < 0)
		error_set_errno(&e, ERROR_SYSTEM, "fcntl");
	else if (dup3(connection, KEEP_FD, O_CLOEXEC) < 0)
		error_set_errno(&e, ERROR_SYSTEM, "dup3");
	else if (descriptor_last(caller, KEEP_FD + 1, &e) == 0 &&
		 confine_receiver(parent, &e) == 0 &&
		 receiver_run(KEEP_FD, KEEP_FD + 1, settings, &e) == 0)
		_exit(0);
	_exit(log_failure(&e));
}

/* Returns the exit status. */
static int caller_main(int pipe_end, const char *path, struct plan *plan)
{
	struct error e = ERROR_INIT;
	const char *systemd;

	if (descriptor_last(pipe_end, KEEP_FD, &e) < 0)
		return log_failure(&e);
	systemd = confine_caller(path, &e);
	if (!systemd || caller_run(KEEP_FD, systemd, plan, &e) < 0)
		return log_failure(&e);
	return 0;
}

static int child_status(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	if (WIFSIGNALED(status))
		log_line(LOG_LEVEL_ERROR, "the receiver was killed by signal %d", WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int connection_serve(int keeper, const struct settings *settings, const char *systemd)
{
	const pid_t self = getpid();
	struct plan plan = PLAN_INIT;
	struct error e = ERROR_INIT;
	int ends[2], code;
	pid_t child;

	if (plan_make(&plan, &settings->config, &e) < 0)
		return log_failure(&e);
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0 || (child = fork()) < 0) {
		error_set_errno(&e, ERROR_SYSTEM, "cannot start the receiver");
		return log_failure(&e);
	}
	if (child == 0)
		receiver_main(keeper, ends[1], settings, self);
	code = caller_main(ends[0], systemd, &plan);
	/* If this process failed, the other ends with it. */
	return code ? code : child_status(child);
}

int main(int argc, char **argv)
{
	struct options options = { .config = SETTINGS_PATH, .systemd = SYSTEMD_SOCKET };
	struct settings settings = SETTINGS_INIT;
	struct error e = ERROR_INIT;
	bool reported = false;
	int outcome, keeper;

	log_set(log_to_stderr);
	outcome = args_parse(&spec, argc, argv, &options, NULL, &e);
	if (outcome > ARGS_RUN &&
	    args_answer(&spec, outcome, "realmkey-hooks " REALMKEY_VERSION, &e) == 0)
		return 0;
	if (outcome != ARGS_RUN)
		return log_failure(&e);
	log_show_debug(options.verbose);
	signal(SIGPIPE, SIG_IGN);
	keeper = sinks_accept(options.socket, &e);
	if (keeper < 0)
		return log_failure(&e);
	/* After that, so that each connection has the present configuration. */
	if (settings_read_text(&settings, options.config, settings_log_errors, &reported, &e) < 0)
		return reported ? error_exit_code(&e) : log_failure(&e);
	_exit(connection_serve(keeper, &settings, options.systemd));
}
