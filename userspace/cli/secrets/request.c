// SPDX-License-Identifier: Apache-2.0
/* The commands that ask realmkeyd for something, or execute it. */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "local.h"
#include "status/control.h"

#define SLICE_MS 30000
#define FOREVER	 INT64_MAX

struct options {
	struct local_options local;
	const char *timeout, *config;
	bool now, json;
};

static const struct args_option timeout_option[] = {
	{ .name = "timeout",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, timeout),
	  .value = "DURATION",
	  .help = "do not wait longer for the answer, 90s or 5m (default: wait)" },
	{ 0 },
};

/* Receive the answer. In slices, because the time-out of poll() stops while the realm is suspended. */
static int answer_receive(int fd, int64_t timeout, int *code, struct bytes *text, struct error *e)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	const int64_t began = clock_boot_ms();
	char answer[CONTROL_ANSWER_MAX];
	int64_t left = timeout;
	ssize_t len;
	int ready = 0;

	for (; ready == 0 && left > 0; left = timeout - (clock_boot_ms() - began)) {
		ready = poll(&poll_fd, 1, (int)(left < SLICE_MS ? left : SLICE_MS));
		if (ready < 0 && errno == EINTR)
			ready = 0;
	}
	if (ready == 0)
		return error_set_transient(
			e, ERROR_SYSTEM, "realmkeyd has not answered; it goes on with the request");
	len = ready < 0 ? -1 : recv(fd, answer, sizeof(answer), 0);
	if (len < 0)
		return error_set_errno(e, ERROR_SYSTEM, "realmkeyd's answer");
	if (len == 0)
		return error_set(e, ERROR_PROTOCOL,
				 "realmkeyd closed the connection without an answer; see its log");
	return control_answer_decode(answer, (size_t)len, code, text, e);
}

static int request_send(const struct control_request *request, int fd, struct error *e)
{
	struct bytes text = BYTES_INIT;
	int ret = control_request_encode(request, &text, e);

	if (ret == 0 && send(fd, text.data, text.len, MSG_NOSIGNAL) < 0)
		ret = error_set_errno(e, ERROR_SYSTEM, "realmkeyd's control socket");
	bytes_free(&text);
	return ret;
}

/* Print each line of the answer: to standard output if it is a success. */
static void answer_print(const char *command, int code, struct bytes *text)
{
	char *save = NULL;

	for (char *line = text->len ? strtok_r((char *)text->data, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		error_text_clean(line);
		if (code)
			cli_warn(command, line);
		else
			puts(line);
	}
}

static int request(const char *command, const struct options *options,
		   const struct control_request *request)
{
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	int64_t timeout = FOREVER;
	int fd = -1, code = 0, found;

	if (options->timeout && local_duration(options->timeout, "--timeout", &timeout, &e) < 0)
		return cli_fail(command, &e);
	found = local_connect(local_keyring(&options->local), &fd, &e);
	if (found == LOCAL_FOUND && (request_send(request, fd, &e) < 0 ||
				     answer_receive(fd, timeout, &code, &text, &e) < 0))
		found = -1;
	if (fd >= 0)
		close(fd);
	if (found == LOCAL_FOUND)
		answer_print(command, code, &text);
	bytes_free(&text);
	return found == LOCAL_FOUND ? code : local_fail(command, found, &e);
}

static const struct args_option refresh_options[] = {
	{ .name = "now",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, now),
	  .help = "request also what is not due yet" },
	{ 0 },
};

static const struct args_option *const refresh_tables[] = { refresh_options, timeout_option,
							    local_options, NULL };

static const struct args_spec refresh_spec = {
	.name = "realmkey refresh",
	.operands = "[NAME]",
	.operands_max = 1,
	.about = "Has realmkeyd request its secrets, or the secret NAME, from the KBS: those that\n"
		 "are missing, stale or due. It returns after that, and reports what failed.",
	.options = refresh_tables,
	.notes = "Exit status: that of the first failure; 14 no realmkeyd runs.",
};

int command_refresh(int argc, char **argv)
{
	struct control_request refresh = { .verb = CONTROL_REFRESH };
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	const char *name;
	int code;

	if (!cli_parse(&refresh_spec, argc, argv, &options, &name, &code))
		return code;
	if (name && strlen(name) >= sizeof(refresh.name)) {
		error_set(&e, ERROR_USAGE, "'%s' is not the name of a secret", name);
		return cli_fail(argv[0], &e);
	}
	strcpy(refresh.name, name ? name : "");
	refresh.now = options.now;
	return request(argv[0], &options, &refresh);
}

static const struct args_option *const reload_tables[] = { timeout_option, local_options, NULL };

static const struct args_spec reload_spec = {
	.name = "realmkey reload",
	.operands = "",
	.about = "Has realmkeyd read its configuration again. It returns when that has taken\n"
		 "effect. After an error, everything stays as it was, and each error is printed.",
	.options = reload_tables,
	.notes = "Exit status: 3 the configuration is wrong; 14 no realmkeyd runs.",
};

int command_reload(int argc, char **argv)
{
	const struct control_request reload = { .verb = CONTROL_RELOAD };
	struct options options = { 0 };
	int code;

	if (!cli_parse(&reload_spec, argc, argv, &options, NULL, &code))
		return code;
	return request(argv[0], &options, &reload);
}

/* --- plan ------------------------------------------------------------------------------------ */

static const struct args_option plan_options[] = {
	{ .name = "config",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, config),
	  .value = "FILE",
	  .help = "configuration file (default /etc/realmkey/realmkeyd.conf)" },
	CLI_JSON_OPTION(struct options, "print JSON"),
	{ 0 },
};

static const struct args_option *const plan_tables[] = { plan_options, local_options, NULL };

static const struct args_spec plan_spec = {
	.name = "realmkey plan",
	.operands = "",
	.about = "Prints what realmkeyd would change if it read its configuration now. This runs\n"
		 "realmkeyd --plan, which changes nothing.",
	.options = plan_tables,
};

int command_plan(int argc, char **argv)
{
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	char path[CLI_PATH_SIZE];
	const char *words[8] = { "realmkeyd", "--plan" };
	size_t count = 2;
	int code;

	if (!cli_parse(&plan_spec, argc, argv, &options, NULL, &code))
		return code;
	if (options.json)
		words[count++] = "--json";
	if (options.config) {
		words[count++] = "--config";
		words[count++] = options.config;
	}
	if (options.local.keyring) {
		words[count++] = "--keyring";
		words[count++] = options.local.keyring;
	}
	cli_program_path("../keeper/realmkeyd", KEEPER_PATH, path);
	execv(path, (char *const *)words);
	error_set_errno(&e, ERROR_SYSTEM, "%s", path);
	return cli_fail(argv[0], &e);
}
