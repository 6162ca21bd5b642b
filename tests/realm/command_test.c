// SPDX-License-Identifier: Apache-2.0
/* Tests commands that end, that are killed, and that cannot be started. TAP. */
#include "command.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

static int tests;

static void ok(bool good, const char *text)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, text);
}

static int status_of(char *const argv[])
{
	struct command command = COMMAND_NONE;

	if (command_start(&command, argv))
		return -1;
	poll(&(struct pollfd){ .fd = command.pidfd, .events = POLLIN }, 1, -1);
	return command_end(&command, 0);
}

/* A command may be killed before it has called setsid(). */
static bool ended_at_once(void)
{
	char *const argv[] = { "sleep", "1000", NULL };

	for (int i = 0; i < 200; i++) {
		struct command command = COMMAND_NONE;

		if (command_start(&command, argv) ||
		    command_end(&command, SIGKILL) != 128 + SIGKILL)
			return false;
	}
	return true;
}

int main(void)
{
	char *const fails[] = { "sh", "-c", "exit 7", NULL };
	char *const missing[] = { "/nonexistent", NULL };

	alarm(60); /* the test would wait for a command that does not end */
	ok(status_of(fails) == 7, "a command's status is its own");
	ok(status_of(missing) == 127, "the status of a program that does not exist is 127");
	ok(ended_at_once(), "a command that is killed as soon as it was started has ended");
	printf("1..%d\n", tests);
	return 0;
}
