// SPDX-License-Identifier: Apache-2.0
/*
 * A realm for tests/perf/client: the functions of rsi.h, in place of rsi.c. As in a realm, another program signs the
 * tokens: the one that $REALM_SIGN names (client_sign), so that its cost is not counted. It runs until this process
 * ends, because the keeper can start none later. Nothing else needs a realm here.
 */
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "cca_builder.h"
#include "rsi/rsi.h"
#include "rsi/rsi_watch.h"

#define TOKEN_MAX 4096

struct rsi {
	int fd;
};

static struct rsi here = { -1 };

const char *const *rsi_sources(void)
{
	static const char *const names[] = { "here", NULL };

	return names;
}

struct rsi *rsi_open(const char *source, struct error *e)
{
	char *program = getenv("REALM_SIGN"), *keys = getenv("REALM_HERE");
	char *argv[] = { program, NULL },
	     *envp[] = { keys ? keys - strlen("REALM_HERE=") : NULL, NULL };
	posix_spawn_file_actions_t actions;
	int pair[2];
	pid_t pid;

	(void)source;
	if (!program || !keys || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ||
	    posix_spawn_file_actions_init(&actions) ||
	    posix_spawn_file_actions_adddup2(&actions, pair[1], STDIN_FILENO) ||
	    posix_spawn_file_actions_adddup2(&actions, pair[1], STDOUT_FILENO) ||
	    posix_spawn(&pid, program, &actions, NULL, argv, envp)) {
		error_set(e, ERROR_NO_REALM, "cannot start $REALM_SIGN with $REALM_HERE");
		return NULL;
	}
	posix_spawn_file_actions_destroy(&actions);
	close(pair[1]);
	here.fd = pair[0];
	return &here;
}

void rsi_close(struct rsi *rsi)
{
	if (rsi)
		close(rsi->fd);
}

const char *rsi_source_name(const struct rsi *rsi)
{
	(void)rsi;
	return "here";
}

int rsi_measurement_get(struct rsi *rsi, unsigned int index, uint8_t value[HASH_SIZE_MAX],
			size_t *size, struct error *e)
{
	(void)rsi, (void)e;
	*size = cca_builder_register(index, value);
	return 0;
}

int rsi_token_get(struct rsi *rsi, const uint8_t challenge[REALM_CHALLENGE_SIZE],
		  struct bytes *token, uint64_t *records, struct error *e)
{
	uint8_t signed_token[TOKEN_MAX];
	ssize_t n, len = 0;

	if (records)
		*records = 0;
	if (io_write_full(rsi->fd, challenge, REALM_CHALLENGE_SIZE, e) < 0)
		return -1;
	/* The signer ends after one token. */
	while ((n = read(rsi->fd, signed_token + len, sizeof(signed_token) - (size_t)len)) > 0)
		len += n;
	if (n < 0 || !len)
		return error_set(e, ERROR_SYSTEM, "no token from $REALM_SIGN");
	bytes_append(token, signed_token, (size_t)len);
	return bytes_check(token, e);
}

/* --- what a get does not call ------------------------------------------------------------------ */

static int absent(struct error *e)
{
	return error_set(e, ERROR_NO_REALM, "there is no realm");
}

int rsi_config_get(struct rsi *rsi, struct rsi_config *config, struct error *e)
{
	(void)rsi, (void)config;
	return absent(e);
}

int rsi_measurement_extend(struct rsi *rsi, unsigned int index, const void *digest, size_t size,
			   const struct rsi_event *event, uint64_t *seq, struct error *e)
{
	(void)rsi, (void)index, (void)digest, (void)size, (void)event, (void)seq;
	return absent(e);
}

int rsi_log_get(struct rsi *rsi, struct bytes *log, struct error *e)
{
	(void)rsi, (void)log;
	return absent(e);
}

struct rsi_watch *rsi_watch_open(struct error *e)
{
	absent(e);
	return NULL;
}

int rsi_watch_next(struct rsi_watch *watch, struct rsi_notice *notice, struct error *e)
{
	(void)watch, (void)notice;
	return absent(e);
}

void rsi_watch_close(struct rsi_watch *watch)
{
	(void)watch;
}
