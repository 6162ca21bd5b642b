// SPDX-License-Identifier: Apache-2.0
/*
 * realmkey-local: gives secrets of the keyring to systemd, as credentials and keys of volumes, and to programs on this
 * machine. It is two processes: the acceptor, which starts here, knows who asks and decides, and the reader has the values.
 */
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "acceptor.h"
#include "access_log.h"
#include "base/args.h"
#include "base/log.h"
#include "confinement.h"
#include "handoff.h"
#include "peer/peer.h"
#include "reader.h"
#include "sandbox/sandbox.h"
#include "sockets.h"

#define KEYRING_PATH "/run/realmkey/keyring"

struct options {
	const char *credentials, *api, *keyring, *config;
};

static const struct args_option own[] = {
	{ .name = "credentials",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, credentials),
	  .value = "PATH",
	  .help = "listen there for systemd: LoadCredential= and crypttab(5)" },
	{ .name = "api",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, api),
	  .value = "PATH",
	  .help = "listen there for programs" },
	{ .name = "keyring",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, keyring),
	  .value = "DIR",
	  .help = "mount point of the keyring (default " KEYRING_PATH ")" },
	{ .name = "config",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, config),
	  .value = "FILE",
	  .help = "configuration of realmkeyd (default " SETTINGS_PATH ")" },
	{ 0 },
};

static const struct args_option *const tables[] = { own, NULL };

static const struct args_spec spec = {
	.name = "realmkey-local",
	.operands = "",
	.about =
		"Gives the secrets that realmkeyd has delivered to systemd (LoadCredential=, crypttab)\n"
		"and to programs, as its configuration allows. Without --credentials and --api it\n"
		"serves the sockets that systemd passes.",
	.options = tables,
};

/* Tell the service manager that this process is ready. It is connected before the process is confined. */
static int notify_connect(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *address = getenv("NOTIFY_SOCKET");
	const size_t len = address ? strlen(address) : 0;
	int fd;

	if (!len || len >= sizeof(to.sun_path))
		return -1;
	memcpy(to.sun_path, address, len);
	if (*address == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&to,
			       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static void notify_ready(int fd)
{
	static const char ready[] = "READY=1";

	if (fd < 0)
		return;
	if (send(fd, ready, sizeof(ready) - 1, MSG_NOSIGNAL) < 0)
		log_line(LOG_LEVEL_WARNING, "cannot notify the service manager");
}

static int sockets_open(struct acceptor *a, const struct options *options, struct error *e)
{
	struct sockets sockets = SOCKETS_INIT;

	if (options->credentials || options->api) {
		if (options->credentials)
			sockets.credentials = sockets_listen(options->credentials, 0600, e);
		if (options->api && e->kind == ERROR_NONE)
			sockets.api = sockets_listen(options->api, 0666, e);
	} else if (sockets_inherit(&sockets, e) == 0) {
		return error_set(e, ERROR_USAGE,
				 "nothing to listen at: --credentials PATH, --api PATH, or "
				 "realmkey-credentials.socket and realmkey-api.socket of systemd");
	}
	for (size_t i = 0; i < sockets.held_count; i++)
		acceptor_adopt(a, sockets.held[i]);
	a->credentials = sockets.credentials;
	a->api = sockets.api;
	return e->kind == ERROR_NONE ? 0 : -1;
}

/* The other process. It has nothing of this one but its end of the channel, and the keyring as current directory. */
static _Noreturn void reader_run(const struct acceptor *a, int channel)
{
	const struct handoff ready = { .type = HANDOFF_READY };
	struct error e = ERROR_INIT;

	/* The acceptor ends it, by closing the channel. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	close(a->channel);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (a->clients.client[i].state != CLIENT_FREE)
			close(a->clients.client[i].fd);
	if (a->notify >= 0)
		close(a->notify);
	if (a->credentials >= 0)
		close(a->credentials);
	if (a->api >= 0)
		close(a->api);
	if (confinement_reader(&e) < 0) {
		log_line(LOG_LEVEL_ERROR, "reader: %s", e.text);
		_exit(1);
	}
	if (handoff_send(channel, &ready, -1, &e) == 0)
		(void)reader_serve(channel, &e);
	_exit(0);
}

static int reader_start(struct acceptor *a, struct error *e)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "socketpair");
	a->channel = pair[0];
	pid = fork();
	if (pid < 0)
		return error_set_errno(e, ERROR_SYSTEM, "fork");
	if (pid == 0)
		reader_run(a, pair[1]);
	close(pair[1]);
	return 0;
}

/* Wait until it is confined. */
static int reader_wait(const struct acceptor *a, struct error *e)
{
	struct handoff packet;
	const ssize_t n = a->channel < 0 ? -1 : recv(a->channel, &packet, sizeof(packet), 0);

	return n == (ssize_t)sizeof(packet) && packet.type == HANDOFF_READY ?
		       0 :
		       error_set(e, ERROR_SYSTEM, "the reader could not start");
}

static int signals_open(struct acceptor *a, struct error *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "sigprocmask");
	a->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return a->signals < 0 ? error_set_errno(e, ERROR_SYSTEM, "signalfd") : 0;
}

static int local_serve(struct acceptor *a, const struct options *options, struct error *e)
{
	const char *keyring = options->keyring ? options->keyring : KEYRING_PATH;

	a->notify = notify_connect();
	if (acceptor_configure(a, e) < 0 || sockets_open(a, options, e) < 0 || peer_prepare(e) < 0)
		return -1;
	if (chdir(keyring) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "%s: is realmkeyd installed? the keyring",
				       keyring);
	if (reader_start(a, e) < 0 || signals_open(a, e) < 0 || watch_open(&a->watch, e) < 0)
		return -1;
	access_log_open(LOG_JOURNAL);
	if (confinement_acceptor(a->config, e) < 0 || reader_wait(a, e) < 0)
		return -1;
	notify_ready(a->notify);
	return acceptor_serve(a, e);
}

int main(int argc, char **argv)
{
	static struct acceptor a = {
		.credentials = -1,
		.api = -1,
		.channel = -1,
		.notify = -1,
		.signals = -1,
		.watch = WATCH_INIT,
	};
	struct options options = { 0 };
	char config[PATH_MAX];
	struct error e = ERROR_INIT;
	int outcome = args_parse(&spec, argc, argv, &options, NULL, &e), ret;

	log_set(log_to_stderr);
	if (outcome == ARGS_HELP || outcome == ARGS_VERSION) {
		ret = args_answer(&spec, outcome, "realmkey-local " REALMKEY_VERSION, &e);
	} else if (outcome < 0) {
		ret = -1;
	} else if (!realpath(options.config ? options.config : SETTINGS_PATH, config)) {
		ret = error_set_errno(&e, ERROR_CONFIG, "%s",
				      options.config ? options.config : SETTINGS_PATH);
	} else {
		a.config = config;
		signal(SIGPIPE, SIG_IGN);
		ret = local_serve(&a, &options, &e);
	}
	if (ret < 0)
		log_line(LOG_LEVEL_ERROR, "%s", e.text);
	settings_free(&a.settings);
	return ret < 0 ? error_exit_code(&e) : 0;
}
