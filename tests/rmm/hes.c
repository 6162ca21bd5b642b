/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hes: the hardware enforced security block of the bench. It holds the platform's keys and signs
 * the tokens that test RMMs request over a unix socket. One process serves several machines.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "hes_control.h"
#include "hes_machine.h"
#include "hes_socket.h"
#include "hes_token.h"

#define MACHINES   8
#define EXIT_USAGE 2

struct paths {
	const char *keys, *socket, *control;
};

struct server {
	struct hes_signer signer;
	struct hes_machine machine[MACHINES];
	struct hes_control control;
	int fd; /* the listening socket */
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = signal;
}

static void usage(FILE *file)
{
	fputs("usage: hes --keys DIR [--socket PATH [--control PATH]] [--token 399|907]\n"
	      "Signs CCA tokens for test RMMs with its own keys. The keys and tokens prove nothing.\n"
	      "\n"
	      "  --socket PATH   listen here (QEMU: -chardev socket,path=PATH,reconnect-ms=500);\n"
	      "                  without this option, hes only makes the keys\n"
	      "  --control PATH  accept commands to fail here (tests/realm/fault, hes_fault.h)\n"
	      "  --keys DIR      directory of cpak.pem and rak.pem, made at first use; hes also writes\n"
	      "                  cpak.pub.jwk and anchors.json there, for verifiers\n"
	      "  --token TAG     layout of the tokens: 399 (default) or 907\n"
	      "  --help          print this text\n"
	      "Exit status: 0 stopped by a signal, or keys made; 1 failure; 2 wrong usage.\n",
	      file);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void machine_accept(struct server *s)
{
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	for (int i = 0; i < MACHINES; i++) {
		if (s->machine[i].fd >= 0)
			continue;
		hes_machine_open(&s->machine[i], fd);
		warnx("machine connected");
		return;
	}
	warnx("machine refused: %d are connected already", MACHINES);
	close(fd);
}

static void machine_keep(struct hes_machine *machine, bool ok)
{
	if (!ok)
		hes_machine_close(machine);
}

/* Executes one line of the control socket. */
static void line_execute(void *context, const char *line, char *answer)
{
	struct server *s = context;

	if (!hes_fault_execute(&s->signer.faults, line, answer))
		return;
	for (int i = 0; i < MACHINES; i++) {
		if (s->machine[i].fd >= 0)
			machine_keep(&s->machine[i], hes_machine_release(&s->machine[i], now_ms()));
	}
}

/* Returns the time until the next answer is due, or NULL if there is none. */
static const struct timespec *wait_time(const struct server *s, struct timespec *wait)
{
	uint64_t due = HES_NEVER, now = now_ms(), next;

	for (int i = 0; i < MACHINES; i++) {
		next = s->machine[i].fd >= 0 ? hes_machine_due(&s->machine[i]) : HES_NEVER;
		due = next < due ? next : due;
	}
	if (due == HES_NEVER)
		return NULL;
	now = due > now ? due - now : 0;
	wait->tv_sec = (time_t)(now / 1000);
	wait->tv_nsec = (long)(now % 1000) * 1000000;
	return wait;
}

static void machines_serve(struct server *s, const struct pollfd *fds)
{
	uint64_t now = now_ms();

	for (int i = 0; i < MACHINES; i++) {
		struct hes_machine *m = &s->machine[i];

		if (m->fd >= 0 && fds[i].revents)
			machine_keep(m, hes_machine_receive(m, &s->signer, now));
		if (m->fd >= 0)
			machine_keep(m, hes_machine_send(m, now));
	}
}

static short machine_events(const struct hes_machine *machine)
{
	return machine->waits ? POLLIN | POLLOUT : POLLIN;
}

/* @mask: the signal mask while waiting */
static bool server_run(struct server *s, const sigset_t *mask)
{
	struct pollfd fds[MACHINES + 1 + HES_CONTROL_FDS], *control = &fds[MACHINES + 1];
	struct timespec wait;

	while (!stopped) {
		for (int i = 0; i < MACHINES; i++)
			fds[i] = (struct pollfd){ .fd = s->machine[i].fd,
						  .events = machine_events(&s->machine[i]) };
		fds[MACHINES] = (struct pollfd){ .fd = s->fd, .events = POLLIN };
		hes_control_poll(&s->control, control);
		if (ppoll(fds, MACHINES + 1 + HES_CONTROL_FDS, wait_time(s, &wait), mask) < 0) {
			if (errno == EINTR)
				continue;
			warn("cannot wait for sockets");
			return false;
		}
		hes_control_serve(&s->control, control, line_execute, s);
		machines_serve(s, fds);
		if (fds[MACHINES].revents)
			machine_accept(s);
	}
	return true;
}

/* Blocks the signals, except in the mask @waiting for ppoll(): they arrive only while it waits. */
static void signals_setup(sigset_t *waiting)
{
	struct sigaction action = { .sa_handler = stop };
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, waiting);
	sigdelset(waiting, SIGTERM);
	sigdelset(waiting, SIGINT);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

static bool tag_parse(const char *text, uint32_t *tag)
{
	if (!strcmp(text, "399"))
		*tag = HES_TAG_399;
	else if (!strcmp(text, "907"))
		*tag = HES_TAG_907;
	else
		return false;
	return true;
}

static bool options_parse(int argc, char **argv, struct paths *paths, uint32_t *tag)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "keys", required_argument, NULL, 'k' },
		{ "control", required_argument, NULL, 'c' },
		{ "token", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's') {
			paths->socket = optarg;
		} else if (option == 'k') {
			paths->keys = optarg;
		} else if (option == 'c') {
			paths->control = optarg;
		} else if (option == 't') {
			if (!tag_parse(optarg, tag)) {
				warnx("--token %s: not 399 or 907", optarg);
				return false;
			}
		} else if (option == 'h') {
			usage(stdout);
			exit(EXIT_SUCCESS);
		} else {
			return false;
		}
	}
	if (paths->keys && optind == argc && (paths->socket || !paths->control))
		return true;
	warnx("--keys is required, --control requires --socket, and there are no other arguments");
	return false;
}

static bool server_open(struct server *s, const struct paths *paths)
{
	for (int i = 0; i < MACHINES; i++)
		s->machine[i].fd = -1;
	s->control.fd = s->fd = -1;
	if (!hes_control_open(&s->control, paths->control))
		return false;
	s->fd = hes_socket_listen(paths->socket, MACHINES);
	if (s->fd >= 0)
		warnx("listening on %s", paths->socket);
	return s->fd >= 0;
}

static void server_close(struct server *s, const struct paths *paths)
{
	for (int i = 0; i < MACHINES; i++) {
		if (s->machine[i].fd >= 0)
			hes_machine_close(&s->machine[i]);
	}
	if (s->fd >= 0) {
		close(s->fd);
		unlink(paths->socket);
	}
	if (s->control.fd >= 0)
		unlink(paths->control);
	hes_control_close(&s->control);
}

int main(int argc, char **argv)
{
	static struct server server = { .signer.tag = HES_TAG_399 };
	struct paths paths = { 0 };
	sigset_t waiting;
	bool ok;

	if (!options_parse(argc, argv, &paths, &server.signer.tag)) {
		usage(stderr);
		return EXIT_USAGE;
	}
	signals_setup(&waiting);
	ok = hes_keys_open(&server.signer.keys, paths.keys);
	if (ok && paths.socket) {
		ok = server_open(&server, &paths) && server_run(&server, &waiting);
		server_close(&server, &paths);
	}
	hes_keys_close(&server.signer.keys);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
