/* SPDX-License-Identifier: Apache-2.0 */
/* secrets_world: a keyring with a status and a control socket, without a realmkeyd, for the tests of the commands about
 * its secrets. The keyring is the directory scratch("keyring"). */
#ifndef SECRETS_WORLD_H
#define SECRETS_WORLD_H

#include "cli_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "status/control.h"
#include "status/status.h"

/* Publish @status, as the keeper does: by a rename. */
static inline void world_publish(const struct status *status)
{
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;

	assert_int_equal(status_encode(status, &text, &e), 0);
	scratch_write("status.new", text.data, text.len);
	assert_int_equal(rename(scratch("status.new"), scratch("keyring/" STATUS_FILE)), 0);
	bytes_free(&text);
}

/* Two secrets, of which the one that is required has @state. */
static inline void world_publish_state(enum status_state state, enum error_kind kind)
{
	const int64_t now = clock_boot_ms();
	struct status_secret secret[] = {
		{ .name = (char *)"database",
		  .file = (char *)"db/password",
		  .resource = (char *)"default/db/password",
		  .required = true,
		  .state = state,
		  .success = state == STATUS_MISSING ? 0 : now - 61000,
		  .changed = state == STATUS_MISSING ? 0 : now - 3600000,
		  .next = now + 90000,
		  .version = state != STATUS_MISSING,
		  .attempts = 3,
		  .failures = kind ? 2 : 0,
		  .failed = kind ? 1 : 0,
		  .kind = kind,
		  .failed_at = kind ? now - 5000 : 0,
		  .error = kind ? (char *)"it did not work" : NULL },
		{ .name = (char *)"extra",
		  .file = (char *)"extra",
		  .resource = (char *)"default/x/y",
		  .state = STATUS_MISSING },
	};
	const struct status status = {
		.now = now,
		.started = now > 7200000 ? now - 7200000 : 1,
		.ready = state == STATUS_DELIVERED,
		.url = (char *)"https://kbs.example",
		.secret = secret,
		.count = 2,
	};

	world_publish(&status);
}

static inline int world_listen(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", scratch("keyring/" CONTROL_FILE));
	unlink(at.sun_path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

/* A process that accepts one connection, checks that it gets @wanted, sends @answer unless that is NULL, and exits. */
static inline pid_t world_serve(const char *wanted, const char *answer)
{
	int listener = world_listen(), fd;
	char got[CONTROL_REQUEST_MAX + 1] = "";
	pid_t pid = fork();
	ssize_t len;

	assert_true(pid >= 0);
	if (pid > 0) {
		close(listener);
		return pid;
	}
	fd = accept(listener, NULL, NULL);
	len = recv(fd, got, sizeof(got) - 1, 0);
	if (len <= 0 || strcmp(got, wanted) != 0) {
		fprintf(stderr, "control socket: got '%s', not '%s'\n", got, wanted);
		_exit(1);
	}
	if (answer && send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
		_exit(2);
	_exit(0);
}

static inline void world_served(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* For each test: an empty keyring. */
static inline int world_begin(void **state)
{
	(void)state;
	unlink(scratch("keyring/" STATUS_FILE));
	unlink(scratch("keyring/" CONTROL_FILE));
	return 0;
}

static inline int world_make(void **state)
{
	(void)state;
	if (!mkdtemp(scratch_directory))
		return -1;
	return mkdir(scratch("keyring"), 0755);
}

static inline int world_remove(void **state)
{
	char command[128];

	world_begin(state);
	cli_free();
	snprintf(command, sizeof(command), "rm -r '%s'", scratch_directory);
	return system(command);
}

#endif
