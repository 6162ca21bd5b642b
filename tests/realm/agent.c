// SPDX-License-Identifier: Apache-2.0
/*
 * The agent runs commands in the realm for realmctl, one at a time, over a virtio-serial port. Each
 * new connection ends what the previous one has left running.
 */
#include "command.h"
#include "frame.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PORT_NAME	"realm.agent"
#define PORT_WAIT_MS	3000
#define ARGS_MAX	256
#define TEXT(number)	TEXT_OF(number)
#define TEXT_OF(number) #number
#define PIPE_SIZE	65536

struct agent {
	int port;
	struct frame_buffer buffer;
	struct command command;
	const uint8_t *input; /* what is left of a STDIN frame; points into the buffer */
	size_t input_length;
};

/* --- the port ------------------------------------------------------------------------------- */

static bool port_is_ours(const char *name_file)
{
	char name[64] = "";
	FILE *f = fopen(name_file, "re");
	bool ours;

	if (!f)
		return false;
	ours = fgets(name, sizeof(name), f) && strcmp(name, PORT_NAME "\n") == 0;
	fclose(f);
	return ours;
}

/* /sys/class/virtio-ports/vport1p1/name holds the name of the port /dev/vport1p1. */
static int port_find(void)
{
	char device[64], *directory;
	glob_t found;
	int fd = -1;

	if (glob("/sys/class/virtio-ports/*/name", 0, NULL, &found))
		return -1;
	for (size_t i = 0; i < found.gl_pathc && fd < 0; i++) {
		if (!port_is_ours(found.gl_pathv[i]))
			continue;
		*strrchr(found.gl_pathv[i], '/') = '\0';
		directory = strrchr(found.gl_pathv[i], '/');
		snprintf(device, sizeof(device), "/dev%s", directory);
		fd = open(device, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	}
	globfree(&found);
	return fd;
}

static int port_wait(void)
{
	int fd = port_find();

	for (int ms = 0; fd < 0 && ms < PORT_WAIT_MS; ms += 20) {
		usleep(20000);
		fd = port_find();
	}
	return fd;
}

static bool port_connected(int port)
{
	struct pollfd p = { .fd = port, .events = POLLOUT };

	return poll(&p, 1, 0) >= 0 && !(p.revents & POLLHUP);
}

/* The port sends SIGIO, which is blocked, when realmctl connects or disconnects. */
static void port_wait_connected(int port)
{
	const struct timespec second = { .tv_sec = 1 };
	sigset_t sigio;

	sigemptyset(&sigio);
	sigaddset(&sigio, SIGIO);
	while (!port_connected(port))
		sigtimedwait(&sigio, NULL, &second);
}

static void port_watch(int port)
{
	sigset_t sigio;

	sigemptyset(&sigio);
	sigaddset(&sigio, SIGIO);
	sigprocmask(SIG_BLOCK, &sigio, NULL);
	fcntl(port, F_SETOWN, getpid());
	fcntl(port, F_SETFL, fcntl(port, F_GETFL) | O_ASYNC);
}

/* Gives up when realmctl has disconnected: the main loop will notice that too. */
static void port_write(int port, const uint8_t *data, size_t length)
{
	struct pollfd p = { .fd = port, .events = POLLOUT };
	ssize_t n;

	while (length > 0) {
		n = write(port, data, length);
		if (n > 0) {
			data += n;
			length -= (size_t)n;
		} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
			return;
		} else if (poll(&p, 1, -1) > 0 && (p.revents & POLLHUP)) {
			return;
		}
	}
}

static void port_send(int port, enum frame_type type, const void *payload, size_t length)
{
	uint8_t frame[FRAME_HEADER + FRAME_MAX];

	frame_header(frame, type, (uint32_t)length);
	memcpy(frame + FRAME_HEADER, payload, length);
	port_write(port, frame, FRAME_HEADER + length);
}

static void port_send_status(int port, int status)
{
	const uint8_t payload[4] = { (uint8_t)status };

	port_send(port, FRAME_EXIT, payload, sizeof(payload));
}

/* --- the command's streams ------------------------------------------------------------------- */

/* Passes on some of what a stream holds. Returns false if it holds nothing now. */
static bool agent_output(struct agent *agent, int *fd, enum frame_type type)
{
	uint8_t data[FRAME_MAX];
	ssize_t n = *fd < 0 ? 0 : read(*fd, data, sizeof(data));

	if (n > 0)
		port_send(agent->port, type, data, (size_t)n);
	else if (n == 0 || errno != EAGAIN)
		command_close(fd);
	return n > 0;
}

/*
 * Passes on what the command has left in a pipe, and no more: a child in the background may keep the
 * pipe open, or never stop writing.
 */
static void agent_drain(struct agent *agent, int *fd, enum frame_type type)
{
	for (int i = 0; i < PIPE_SIZE / FRAME_MAX + 1 && agent_output(agent, fd, type); i++)
		;
}

static void agent_input(struct agent *agent)
{
	ssize_t n = write(agent->command.in, agent->input, agent->input_length);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0) { /* the command has closed its standard input: drop the rest */
		command_close(&agent->command.in);
		agent->input_length = 0;
		return;
	}
	agent->input += n;
	agent->input_length -= (size_t)n;
}

static void agent_command_over(struct agent *agent)
{
	agent_drain(agent, &agent->command.out, FRAME_STDOUT);
	agent_drain(agent, &agent->command.err, FRAME_STDERR);
	agent->input_length = 0;
	port_send_status(agent->port, command_end(&agent->command, 0));
}

static void agent_abandon(struct agent *agent)
{
	if (agent->command.pid)
		command_end(&agent->command, SIGKILL);
	agent->input_length = 0;
}

/* --- frames ---------------------------------------------------------------------------------- */

static void agent_refuse(struct agent *agent, const char *why)
{
	char line[128];

	snprintf(line, sizeof(line), "agent: %s\n", why);
	port_send(agent->port, FRAME_STDERR, line, strlen(line));
	port_send_status(agent->port, 126);
}

static void agent_exec(struct agent *agent, const struct frame *frame)
{
	char args[FRAME_MAX + 1], *argv[ARGS_MAX + 1];
	size_t n = 0, at = 0;

	memcpy(args, frame->payload, frame->length);
	args[frame->length] = '\0';
	for (; at < frame->length && n < ARGS_MAX; at += strlen(args + at) + 1)
		argv[n++] = args + at;
	argv[n] = NULL;
	agent_abandon(agent);
	if (n == 0)
		agent_refuse(agent, "no command");
	else if (at < frame->length)
		agent_refuse(agent, "a command of more than " TEXT(ARGS_MAX) " arguments");
	else if (command_start(&agent->command, argv))
		agent_refuse(agent, strerror(errno));
}

/* Busybox's poweroff sends PID 1 SIGUSR2, which asks systemd for something else. */
static void machine_poweroff(void)
{
	kill(1, access("/run/systemd/system", F_OK) ? SIGUSR2 : SIGRTMIN + 4);
}

static void agent_frame(struct agent *agent, const struct frame *frame)
{
	switch (frame->type) {
	case FRAME_HELLO:
		agent_abandon(agent);
		port_send(agent->port, FRAME_HELLO, frame->payload, frame->length);
		break;
	case FRAME_EXEC:
		agent_exec(agent, frame);
		break;
	case FRAME_STDIN:
		if (agent->command.in >= 0) {
			agent->input = frame->payload;
			agent->input_length = frame->length;
		}
		break;
	case FRAME_STDIN_END:
		command_close(&agent->command.in);
		break;
	case FRAME_POWEROFF:
		machine_poweroff();
		break;
	default:
		break;
	}
}

/* Input that the command has not read yet stays in the buffer, and the frames after it have to wait. */
static void agent_frames(struct agent *agent)
{
	struct frame frame;

	while (agent->input_length == 0 && frame_next(&agent->buffer, &frame))
		agent_frame(agent, &frame);
}

static void agent_receive(struct agent *agent)
{
	size_t room;
	uint8_t *at = frame_room(&agent->buffer, &room);
	ssize_t n = read(agent->port, at, room);

	if (n > 0)
		agent->buffer.end += (size_t)n;
}

/* --- the loop -------------------------------------------------------------------------------- */

enum { PORT, ENDED, OUT, ERR, IN, WATCHED };

static void agent_poll(struct agent *agent, struct pollfd *fds)
{
	const bool held = agent->input_length > 0;

	fds[PORT] = (struct pollfd){ .fd = agent->port, .events = held ? 0 : POLLIN };
	fds[ENDED] = (struct pollfd){ .fd = agent->command.pidfd, .events = POLLIN };
	fds[OUT] = (struct pollfd){ .fd = agent->command.out, .events = POLLIN };
	fds[ERR] = (struct pollfd){ .fd = agent->command.err, .events = POLLIN };
	fds[IN] = (struct pollfd){ .fd = held ? agent->command.in : -1, .events = POLLOUT };
	while (poll(fds, WATCHED, -1) < 0 && errno == EINTR)
		;
}

static void agent_serve(struct agent *agent)
{
	struct pollfd fds[WATCHED];

	agent_poll(agent, fds);
	if (fds[PORT].revents & POLLHUP) {
		agent_abandon(agent);
		agent->buffer = (struct frame_buffer){ 0 };
		port_wait_connected(agent->port);
		return;
	}
	if (fds[OUT].revents)
		agent_output(agent, &agent->command.out, FRAME_STDOUT);
	if (fds[ERR].revents)
		agent_output(agent, &agent->command.err, FRAME_STDERR);
	if (fds[IN].revents)
		agent_input(agent);
	if (fds[ENDED].revents)
		agent_command_over(agent);
	if (fds[PORT].revents & POLLIN)
		agent_receive(agent);
	agent_frames(agent);
}

int main(void)
{
	static struct agent agent = { .command = COMMAND_NONE };

	agent.port = port_wait();
	if (agent.port < 0)
		return 0; /* a machine without the port needs no agent */
	signal(SIGPIPE, SIG_IGN);
	port_watch(agent.port);
	for (;;)
		agent_serve(&agent);
}
