/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hes: the bench's hardware enforced security block. It holds the platform's keys and signs the
 * tokens that test RMMs ask for over a unix socket. One process serves several machines.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "hash.h"
#include "hes_keys.h"
#include "hes_token.h"
#include "layout.h"

#define CLIENTS		8
#define EXIT_USAGE	2

struct client {
	int fd;			/* -1: free */
	bool broken;		/* inside a run of bytes that are no frame */
	uint32_t answered[LAYOUT_MAX_VCPUS];	/* number of the request last answered to each REC */
	struct channel_reader reader;
};

struct server {
	struct hes_keys keys;
	enum hes_layout layout;
	struct sockaddr_un address;
	int fd;			/* listens */
	struct client clients[CLIENTS];
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = signal;
}

static void usage(FILE *file)
{
	fputs("usage: hes --keys DIR [--socket PATH] [--token 399|907]\n"
	      "Signs CCA tokens for test RMMs with keys of its own; they vouch for nothing.\n"
	      "\n"
	      "  --socket PATH   listen here (QEMU: -chardev socket,path=PATH,reconnect-ms=500);\n"
	      "                  without it the keys are made, and that is all\n"
	      "  --keys DIR      cpak.pem and rak.pem, made at first use; hes writes cpak.pub.jwk and\n"
	      "                  anchors.json for verifiers beside them\n"
	      "  --token TAG     layout of the tokens: 399 (default) or 907\n"
	      "  --help          this text\n"
	      "Exit status: 0 stopped by a signal, or keys made; 1 failure, 2 wrong usage.\n", file);
}

static void client_close(struct client *c)
{
	close(c->fd);
	c->fd = -1;
}

/* Never blocks: a peer that does not read is dropped, and may connect again. */
static bool client_send(struct client *c, const void *bytes, size_t size)
{
	return send(c->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size;
}

static bool answer_send(struct client *c, enum channel_type type, const void *payload, size_t size)
{
	const struct channel_header *request = &c->reader.header;
	struct channel_header header = channel_header_make(type, request->rec, request->seq, payload,
							   (uint32_t)size);

	return client_send(c, &header, sizeof(header)) && (!size || client_send(c, payload, size));
}

/* The client's reader holds a whole frame. Returns false when the client is to be dropped. */
static bool frame_serve(struct server *s, struct client *c)
{
	const struct channel_header *h = &c->reader.header;
	struct channel_request request;
	uint8_t token[CHANNEL_PAYLOAD_MAX];
	const char *fault;
	size_t size;

	if (h->type != CHANNEL_TOKEN_REQUEST || h->size != sizeof(request) ||
	    h->rec >= LAYOUT_MAX_VCPUS) {
		warnx("frame of type %u and %u bytes dropped: not a token request", h->type, h->size);
		return true;
	}
	if (c->answered[h->rec] == h->seq) {
		warnx("REC %u, request %u: repeated, the answer is on its way", h->rec, h->seq);
		return true;
	}
	c->answered[h->rec] = h->seq;
	memcpy(&request, c->reader.payload, sizeof(request));
	fault = hes_token_make(&s->keys, s->layout, &request, token, &size);
	if (fault) {
		warnx("REC %u, request %u: %s", h->rec, h->seq, fault);
		return answer_send(c, CHANNEL_REFUSAL, NULL, 0);
	}
	warnx("REC %u, request %u: token of %zu bytes, tag %d, %s", h->rec, h->seq, size, s->layout,
	      hash_name((enum hash_algo)request.hash_algo));
	return answer_send(c, CHANNEL_TOKEN, token, size);
}

static bool byte_serve(struct server *s, struct client *c, uint8_t byte)
{
	enum channel_state state = channel_feed(&c->reader, byte);

	if (state == CHANNEL_FRAME) {
		c->broken = false;
		return frame_serve(s, c);
	}
	if (state == CHANNEL_BAD && !c->broken) {
		warnx("bytes dropped: not a frame, or a damaged one");
		c->broken = true;
	}
	return true;
}

static void client_serve(struct server *s, struct client *c)
{
	uint8_t buffer[4096];
	ssize_t got = recv(c->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
	bool ok = got > 0;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	for (ssize_t i = 0; ok && i < got; i++)
		ok = byte_serve(s, c, buffer[i]);
	if (ok)
		return;
	warnx(got > 0 ? "machine dropped: it does not read its answers" : "machine gone");
	client_close(c);
}

static void client_accept(struct server *s)
{
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	for (int i = 0; i < CLIENTS; i++) {
		if (s->clients[i].fd >= 0)
			continue;
		s->clients[i] = (struct client){ .fd = fd };
		warnx("machine connected");
		return;
	}
	warnx("machine turned away: %d are connected", CLIENTS);
	close(fd);
}

static bool address_in_use(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool used = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;

	if (fd >= 0)
		close(fd);
	return used;
}

static bool server_listen(struct server *s, const char *path)
{
	s->address.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(s->address.sun_path)) {
		warnx("%s: too long for a socket's path", path);
		return false;
	}
	strcpy(s->address.sun_path, path);
	if (address_in_use(&s->address)) {
		warnx("%s: another hes listens here", path);
		return false;
	}
	unlink(path);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&s->address, sizeof(s->address)) != 0 ||
	    chmod(path, 0600) != 0 || listen(s->fd, CLIENTS) != 0) {
		warn("%s", path);
		return false;
	}
	return true;
}

/* @mask: the signals to let in while waiting */
static bool server_run(struct server *s, const sigset_t *mask)
{
	struct pollfd fds[CLIENTS + 1];

	while (!stopped) {
		fds[CLIENTS] = (struct pollfd){ .fd = s->fd, .events = POLLIN };
		for (int i = 0; i < CLIENTS; i++)
			fds[i] = (struct pollfd){ .fd = s->clients[i].fd, .events = POLLIN };
		if (ppoll(fds, CLIENTS + 1, NULL, mask) < 0) {
			if (errno == EINTR)
				continue;
			warn("poll");
			return false;
		}
		for (int i = 0; i < CLIENTS; i++) {
			if (fds[i].revents)
				client_serve(s, &s->clients[i]);
		}
		if (fds[CLIENTS].revents)
			client_accept(s);
	}
	return true;
}

/* Signals arrive only while ppoll() waits. */
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

static bool options_parse(int argc, char **argv, struct server *s, const char **path,
			  const char **keys)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' }, { "keys", required_argument, NULL, 'k' },
		{ "token", required_argument, NULL, 't' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's') {
			*path = optarg;
		} else if (option == 'k') {
			*keys = optarg;
		} else if (option == 't' && (!strcmp(optarg, "399") || !strcmp(optarg, "907"))) {
			s->layout = !strcmp(optarg, "399") ? HES_LAYOUT_399 : HES_LAYOUT_907;
		} else if (option == 'h') {
			usage(stdout);
			exit(EXIT_SUCCESS);
		} else {
			if (option == 't')
				warnx("--token %s: not 399 or 907", optarg);
			return false;
		}
	}
	if (*keys && optind == argc)
		return true;
	warnx("--keys is needed, and nothing but options");
	return false;
}

int main(int argc, char **argv)
{
	static struct server server = { .layout = HES_LAYOUT_399, .fd = -1 };
	const char *path = NULL, *keys = NULL;
	int ret = EXIT_FAILURE;
	sigset_t waiting;

	if (!options_parse(argc, argv, &server, &path, &keys)) {
		usage(stderr);
		return EXIT_USAGE;
	}
	for (int i = 0; i < CLIENTS; i++)
		server.clients[i].fd = -1;
	signals_setup(&waiting);
	if (!hes_keys_open(&server.keys, keys))
		goto out;
	if (!path) {
		ret = EXIT_SUCCESS;
		goto out;
	}
	if (!server_listen(&server, path))
		goto out;
	warnx("listening on %s", path);
	if (server_run(&server, &waiting))
		ret = EXIT_SUCCESS;
	for (int i = 0; i < CLIENTS; i++) {
		if (server.clients[i].fd >= 0)
			client_close(&server.clients[i]);
	}
	close(server.fd);
	unlink(path);
out:
	hes_keys_close(&server.keys);
	return ret;
}
