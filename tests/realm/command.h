/* SPDX-License-Identifier: Apache-2.0 */
/* A command that the agent runs: a session of its own, with pipes at its standard streams. */
#ifndef REALM_COMMAND_H
#define REALM_COMMAND_H

#include <sys/types.h>

/* The agent's ends of the pipes do not block. A descriptor is -1 where there is none. */
struct command {
	pid_t pid; /* 0: none */
	int pidfd; /* readable once the command has ended */
	int in, out, err;
};

#define COMMAND_NONE { .pidfd = -1, .in = -1, .out = -1, .err = -1 }

/*
 * command_start - run argv[0], found along PATH, with argv
 *
 * If it cannot be executed, this is the command's own failure: a line on its standard error, and
 * status 127 if there is no such program, else 126. Returns 0, or -1 with errno if nothing was
 * started.
 */
int command_start(struct command *command, char *const argv[]);

/* command_close - close one of the command's streams, if open */
void command_close(int *fd);

/*
 * command_end - reap a command that has ended
 * @signal: if not 0, first sent to the command and to all that its session still runs
 *
 * Returns the command's status as $? would show it. @command is COMMAND_NONE afterwards.
 */
int command_end(struct command *command, int signal);

#endif
