// SPDX-License-Identifier: Apache-2.0
/* Commands that end, that are ended, and that cannot be started. TAP. */
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

/* Whoever ends a command at once may come before it has made its session. */
static bool ended_at_once(void)
{
	char *const argv[] = { "sleep", "1000", NULL };

	for (int i = 0; i < 200; i++) {
		struct command command = COMMAND_NONE;

		if (command_start(&command, argv) || command_end(&command, SIGKILL) != 128 + SIGKILL)
			return false;
	}
	return true;
}

int main(void)
{
	char *const fails[] = { "sh", "-c", "exit 7", NULL };
	char *const missing[] = { "/nonexistent", NULL };

	alarm(60);	/* a command that does not end would be waited for */
	ok(status_of(fails) == 7, "a command's status is its own");
	ok(status_of(missing) == 127, "that of a program which is not there is 127");
	ok(ended_at_once(), "a command that is ended as soon as it was started is gone");
	printf("1..%d\n", tests);
	return 0;
}
