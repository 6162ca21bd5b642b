/* SPDX-License-Identifier: Apache-2.0 */
/* faultctl: sends one command to the control socket of a hes. tests/realm/fault uses it. */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "hes_fault.h"

#define EXIT_USAGE 2
#define TIMEOUT	   10 /* seconds, of each read and write */

static void usage(FILE *file)
{
	fputs("usage: faultctl SOCKET WORD...   send a command to the hes with that control socket\n"
	      "       faultctl --list           list the faults\n"
	      "Exit status: 0 done; 1 refused, or no answer; 2 wrong usage.\n",
	      file);
}

static void list(void)
{
	char usage_text[64];

	for (int i = 0; i < HES_FAULTS; i++) {
		const struct hes_fault_info *info = &hes_fault_info[i];

		snprintf(usage_text, sizeof(usage_text), "%s %s", info->name, info->argument);
		printf("  %-22s %s\n", usage_text, info->text);
	}
}

static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval timeout = { .tv_sec = TIMEOUT };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		errx(EXIT_FAILURE, "%s: too long for a socket's path", path);
	strcpy(address.sun_path, path);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) != 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		err(EXIT_FAILURE, "%s: cannot connect to hes", path);
	return fd;
}

static void command_send(int fd, char **words)
{
	char line[HES_FAULT_LINE + 1];
	size_t size = 0;

	for (; *words; words++) {
		if (strpbrk(*words, " \n"))
			errx(EXIT_FAILURE, "'%s': a word has no space and no newline", *words);
		size += (size_t)snprintf(line + size, sizeof(line) - size, "%s%s", size ? " " : "",
					 *words);
		if (size >= HES_FAULT_LINE)
			errx(EXIT_FAILURE, "the command is too long");
	}
	line[size++] = '\n';
	if (send(fd, line, size, MSG_NOSIGNAL) != (ssize_t)size)
		err(EXIT_FAILURE, "cannot send the command");
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t room = 0;
	FILE *stream;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "--list"))) {
		if (argv[1][2] == 'h')
			usage(stdout);
		else
			list();
		return EXIT_SUCCESS;
	}
	if (argc < 3) {
		usage(stderr);
		return EXIT_USAGE;
	}
	stream = fdopen(dial(argv[1]), "r");
	if (!stream)
		err(EXIT_FAILURE, "cannot read from the socket");
	command_send(fileno(stream), argv + 2);
	while (getline(&line, &room, stream) > 0) {
		if (!strcmp(line, "ok\n"))
			exit(EXIT_SUCCESS);
		if (!strncmp(line, "error: ", 7)) {
			fprintf(stderr, "fault: %s", line + 7);
			exit(EXIT_FAILURE);
		}
		fputs(line, stdout);
	}
	errx(EXIT_FAILURE, "%s: no answer from hes", argv[1]);
}
