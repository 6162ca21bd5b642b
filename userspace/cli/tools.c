// SPDX-License-Identifier: Apache-2.0
/*
 * realmkey is two programs. The one that users start has the commands that are used again and again in a realm; the
 * loader would spend a fifth of their time on the libraries of the other ones. For those it executes realmkey-tools,
 * which is the same program with all commands and with netlink. This file stands for what only realmkey-tools has.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "rsi/rsi_device.h"

#define NAME	  "realmkey-tools"
#define PATH_SIZE 4096

/* In a build folder it is where realmkey itself is, and otherwise where it is installed. */
static void tools_path(char path[PATH_SIZE])
{
	ssize_t len = readlink("/proc/self/exe", path, PATH_SIZE - sizeof(NAME));
	char *end = NULL;

	if (len > 0) {
		path[len] = '\0';
		end = strrchr(path, '/');
	}
	if (end)
		strcpy(end + 1, NAME);
	if (!end || access(path, X_OK) < 0)
		snprintf(path, PATH_SIZE, "%s", TOOLS_PATH);
}

/* Returns only if it fails. */
static int tools_execute(struct error *e)
{
	char path[PATH_SIZE];

	tools_path(path);
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
