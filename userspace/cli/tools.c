// SPDX-License-Identifier: Apache-2.0
/*
 * realmkey is two programs. The one that users start has the commands that are used again and again in a realm; the
 * loader would spend a fifth of their time on the libraries of the other ones. For those it executes realmkey-tools,
 * which is the same program with all commands and with netlink. This file stands for what only realmkey-tools has.
 */
#include <unistd.h>

#include "cli.h"
#include "rsi/rsi_device.h"

/* Returns only if it fails. */
static int tools_execute(struct error *e)
{
	char path[CLI_PATH_SIZE];

	cli_program_path("realmkey-tools", TOOLS_PATH, path);
	execv(path, cli_argv);
	return error_set_errno(e, ERROR_SYSTEM, "%s", path);
}

static int command_execute(char **argv)
{
	struct error e = ERROR_INIT;

	tools_execute(&e);
	return cli_fail(argv[0], &e);
}

int command_rim(int argc, char **argv)
{
	(void)argc;
	return command_execute(argv);
}

int command_status(int argc, char **argv)
{
	(void)argc;
	return command_execute(argv);
}

int command_test_policy(int argc, char **argv)
{
	(void)argc;
	return command_execute(argv);
}

int command_watch(int argc, char **argv)
{
	(void)argc;
	return command_execute(argv);
}

/* A command opens its source before it reads or writes anything, so it can start again in the other program. */
static int tools_open(struct rsi *rsi, struct error *e)
{
	(void)rsi;
	return tools_execute(e);
}

static const struct rsi_source source_tools = { .name = "netlink", .open = tools_open };

const struct rsi_source *const rsi_source_list[] = { &rsi_source_device, &source_tools, NULL };
