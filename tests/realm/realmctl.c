// SPDX-License-Identifier: Apache-2.0
/* The host's counterpart of the agent: runs a command in a realm as if it ran here. */
#include "frame.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define STATUS_TIMEOUT	 124
#define STATUS_FAILED	 125
#define HELLO_AGAIN_MS	 250
#define CONNECT_AGAIN_MS 50

struct client {
	const char *socket;
	int64_t deadline;	 /* milliseconds of the monotonic clock */
	bool stdin_wanted;	 /* pass standard input on */
	bool stdin_open;	 /* standard input has not ended yet */
	const char *stdin_name;	 /* the file's name, for put */
	const char *stdout_file; /* where the command's output goes, not opened yet */
	int fd;
	struct frame_buffer buffer;
	uint8_t out[FRAME_HEADER + FRAME_MAX]; /* the frame being sent */
	size_t out_start, out_end;
};

static _Noreturn void __attribute__((format(printf, 2, 3))) die(int status, const char *format, ...)
{
	va_list args;

	fputs("realmctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(status);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Returns the milliseconds to wait, at most @limit. If the deadline has passed, the program ends. */
static int client_time_left(const struct client *client, int limit)
{
	int64_t left = client->deadline - now_ms();

	if (left <= 0)
		die(STATUS_TIMEOUT, "timed out");
	return left < limit ? (int)left : limit;
}

/* --- frames ------------------------------------------------------------------------------------ */

static void client_connect(struct client *client)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(client->socket) >= sizeof(address.sun_path))
		die(STATUS_FAILED, "--socket %s: the path is too long", client->socket);
	strcpy(address.sun_path, client->socket);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* EAGAIN: another realmctl is being served. The others: the machine is only starting. */
	while (connect(client->fd, (struct sockaddr *)&address, sizeof(address))) {
		if (errno != EAGAIN && errno != ENOENT && errno != ECONNREFUSED)
			die(STATUS_FAILED, "%s: %s", client->socket, strerror(errno));
		poll(NULL, 0, client_time_left(client, CONNECT_AGAIN_MS));
	}
}

static void client_frame(struct client *client, enum frame_type type, const void *payload,
			 size_t length)
{
	frame_header(client->out, type, (uint32_t)length);
	if (length)
		memcpy(client->out + FRAME_HEADER, payload, length);
	client->out_start = 0;
	client->out_end = FRAME_HEADER + length;
}

static bool client_sending(const struct client *client)
{
	return client->out_start < client->out_end;
}

static void client_send_some(struct client *client)
{
	size_t left = client->out_end - client->out_start;
	ssize_t n = send(client->fd, client->out + client->out_start, left, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		die(STATUS_FAILED, "the connection to the realm broke off: %s", strerror(errno));
	if (n > 0)
		client->out_start += (size_t)n;
}

/* Reads what has been received. Returns false at the end of the connection. */
static bool client_receive(struct client *client)
{
	size_t room;
	uint8_t *at = frame_room(&client->buffer, &room);
	ssize_t n = read(client->fd, at, room);

	if (n > 0)
		client->buffer.end += (size_t)n;
	return n > 0 || (n < 0 && errno == EAGAIN);
}

/* Waits once, for the socket and standard input, at most @limit ms. True: the latter is ready. */
static bool client_poll(struct client *client, int limit)
{
	const bool sending = client_sending(client);
	struct pollfd fds[] = {
		{ .fd = client->fd, .events = (short)(POLLIN | (sending ? POLLOUT : 0)) },
		{ .fd = client->stdin_open && !sending ? STDIN_FILENO : -1, .events = POLLIN },
	};

	if (poll(fds, 2, client_time_left(client, limit)) < 0)
		return false;
	if (fds[0].revents & POLLOUT)
		client_send_some(client);
	if ((fds[0].revents & (POLLIN | POLLHUP)) && !client_receive(client))
		die(STATUS_FAILED, "the connection to the realm ended");
	return fds[1].revents != 0;
}

static void client_send(struct client *client, enum frame_type type, const void *payload,
			size_t length)
{
	client_frame(client, type, payload, length);
	while (client_sending(client))
		client_poll(client, HELLO_AGAIN_MS);
}

static bool client_answered(struct client *client, const uint8_t *cookie, size_t length)
{
	struct frame frame;

	while (frame_next(&client->buffer, &frame)) {
		if (frame.type == FRAME_HELLO && frame.length == length &&
		    memcmp(frame.payload, cookie, length) == 0)
			return true;
	}
	return false;
}

/*
 * Repeats HELLO until the agent answers: it may not be running yet. An answer to an earlier
 * connection has another cookie.
 */
static void client_hello(struct client *client)
{
	uint8_t cookie[16];

	if (getrandom(cookie, sizeof(cookie), 0) != sizeof(cookie))
		die(STATUS_FAILED, "cannot get random bytes: %s", strerror(errno));
	do {
		client_send(client, FRAME_HELLO, cookie, sizeof(cookie));
		client_poll(client, HELLO_AGAIN_MS);
	} while (!client_answered(client, cookie, sizeof(cookie)));
}

/* --- verbs ------------------------------------------------------------------------------------- */

static void write_whole(int fd, const uint8_t *data, size_t length)
{
	ssize_t n;

	for (; length > 0; data += n, length -= (size_t)n) {
		n = write(fd, data, length);
		if (n < 0)
			die(STATUS_FAILED, "cannot write the command's output: %s",
			    strerror(errno));
	}
}

static void client_stdin(struct client *client)
{
	uint8_t data[FRAME_MAX];
	ssize_t n = read(STDIN_FILENO, data, sizeof(data));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0)
		die(STATUS_FAILED, "%s: %s", client->stdin_name, strerror(errno));
	client->stdin_open = n > 0;
	if (n > 0)
		client_frame(client, FRAME_STDIN, data, (size_t)n);
	else
		client_frame(client, FRAME_STDIN_END, NULL, 0);
}

static void redirect(int fd, const char *file, int flags)
{
	int opened = open(file, flags | O_CLOEXEC, 0666);

	if (opened < 0 || dup2(opened, fd) < 0)
		die(STATUS_FAILED, "%s: %s", file, strerror(errno));
}

/* The file is opened, and so emptied, only when there is output: a command that fails may have none. */
static void client_stdout(struct client *client, const uint8_t *data, size_t length)
{
	if (client->stdout_file)
		redirect(STDOUT_FILENO, client->stdout_file, O_WRONLY | O_CREAT | O_TRUNC);
	client->stdout_file = NULL;
	write_whole(STDOUT_FILENO, data, length);
}

static int client_exit(struct client *client, int status)
{
	if (status == 0)
		client_stdout(client, NULL, 0);
	return status;
}

/* Passes the streams on until the command has ended. Returns its status. */
static int client_streams(struct client *client)
{
	struct frame frame;

	for (;;) {
		while (frame_next(&client->buffer, &frame)) {
			if (frame.type == FRAME_STDOUT)
				client_stdout(client, frame.payload, frame.length);
			else if (frame.type == FRAME_STDERR)
				write_whole(STDERR_FILENO, frame.payload, frame.length);
			else if (frame.type == FRAME_EXIT && frame.length == 4)
				return client_exit(client, frame.payload[0]);
		}
		if (client_poll(client, 1000))
			client_stdin(client);
	}
}

static int client_exec(struct client *client, char **argv)
{
	char args[FRAME_MAX];
	size_t length = 0, n;

	for (; *argv; argv++) {
		n = strlen(*argv) + 1;
		if (n > sizeof(args) - length)
			die(STATUS_FAILED, "the command is longer than %d bytes", FRAME_MAX);
		memcpy(args + length, *argv, n);
		length += n;
	}
	client_send(client, FRAME_EXEC, args, length);
	client->stdin_open = client->stdin_wanted;
	if (!client->stdin_wanted)
		client_send(client, FRAME_STDIN_END, NULL, 0);
	return client_streams(client);
}

static int verb_exec(struct client *client, char **args)
{
	return client_exec(client, args);
}

static int verb_sh(struct client *client, char **args)
{
	char *argv[] = { "/bin/sh", "-c", args[0], NULL };

	return client_exec(client, argv);
}

static int verb_put(struct client *client, char **args)
{
	char *argv[] = { "/bin/sh", "-c", "exec cat >\"$0\"", args[1], NULL };

	redirect(STDIN_FILENO, args[0], O_RDONLY);
	if (read(STDIN_FILENO, NULL, 0) < 0) /* a folder: do not empty the realm's file */
		die(STATUS_FAILED, "%s: %s", args[0], strerror(errno));
	client->stdin_wanted = true;
	client->stdin_name = args[0];
	return client_exec(client, argv);
}

static int verb_get(struct client *client, char **args)
{
	char *argv[] = { "/bin/cat", args[0], NULL };

	client->stdout_file = args[1];
	return client_exec(client, argv);
}

static int verb_wait(struct client *client, char **args)
{
	(void)client;
	(void)args;
	return 0;
}

/* Returns when the machine is off. */
static int verb_poweroff(struct client *client, char **args)
{
	struct pollfd p = { .fd = client->fd, .events = POLLIN };

	(void)args;
	client_send(client, FRAME_POWEROFF, NULL, 0);
	do
		poll(&p, 1, client_time_left(client, 1000));
	while (client_receive(client));
	return 0;
}

static const struct verb {
	const char *name;
	int args_min, args_max;
	int (*run)(struct client *client, char **args);
	const char *help;
} verbs[] = {
	{ "exec", 1, 1 << 20, verb_exec, "exec COMMAND [ARGUMENT...]  run a command" },
	{ "sh", 1, 1, verb_sh, "sh LINE                     run a line of shell" },
	{ "put", 2, 2, verb_put, "put FILE REALM-FILE         copy a file into the realm" },
	{ "get", 2, 2, verb_get, "get REALM-FILE FILE         copy a file out of the realm" },
	{ "wait", 0, 0, verb_wait, "wait                        until the agent answers" },
	{ "poweroff", 0, 0, verb_poweroff,
	  "poweroff                    and wait until the realm is off" },
};

static int usage(FILE *out, int status)
{
	fputs("usage: realmctl --socket PATH [--timeout SECONDS] [--stdin] VERB...\n"
	      "  --timeout SECONDS  for all of it, including the wait for the realm (60)\n"
	      "  --stdin            pass standard input on to the command\n",
	      out);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		fprintf(out, "  %s\n", verbs[i].help);
	fputs("Exit status: the command's (128 + signal if one ended it); 124 timed out; 125 the\n"
	      "command was not run to its end for another reason; 2 wrong usage.\n",
	      out);
	return status;
}

static const struct verb *verb_find(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (argc > 0 && strcmp(verbs[i].name, argv[0]) == 0)
			return argc - 1 >= verbs[i].args_min && argc - 1 <= verbs[i].args_max ?
				       &verbs[i] :
				       NULL;
	}
	return NULL;
}

static int64_t seconds_ms(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds > 0 && seconds < 1e9))
		die(2, "--timeout %s: not a number of seconds", text);
	return (int64_t)(seconds * 1000);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "timeout", required_argument, NULL, 't' },
		{ "stdin", no_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	static struct client client = { .stdin_name = "standard input" };
	int64_t timeout = 60000;
	const struct verb *verb;
	int c;

	while ((c = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		if (c == 's')
			client.socket = optarg;
		else if (c == 't')
			timeout = seconds_ms(optarg);
		else if (c == 'i')
			client.stdin_wanted = true;
		else
			return usage(c == 'h' ? stdout : stderr, c == 'h' ? 0 : 2);
	}
	verb = verb_find(argc - optind, argv + optind);
	if (!verb || !client.socket)
		return usage(stderr, 2);
	client.deadline = now_ms() + timeout;
	signal(SIGPIPE, SIG_IGN);
	client_connect(&client);
	client_hello(&client);
	return verb->run(&client, argv + optind + 1);
}
