// SPDX-License-Identifier: Apache-2.0
#include "courier.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define TIMEOUT_DEFAULT 60
#define PATIENCE_MARGIN 15	/* seconds: the courier's own limits come first */

/* --- bytes, with a deadline ------------------------------------------------------------------- */

static int wait_ready(int fd, short events, int64_t deadline, struct error *e)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left;
	int ready;

	do {
		left = deadline - clock_boot_ms();
		ready = left > 0 ? poll(&p, 1, (int)left) : 0;
	} while (ready < 0 && errno == EINTR);
	if (ready == 0)
		return error_set(e, ERROR_PROTOCOL, "courier: silent for too long");
	if (ready < 0)
		return error_set_errno(e, ERROR_SYSTEM, "courier: poll");
	return 0;
}

static int send_until(int fd, const uint8_t *data, size_t len, int64_t deadline, struct error *e)
{
	while (len) {
		ssize_t n;

		if (wait_ready(fd, POLLOUT, deadline, e) < 0)
			return -1;
		n = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return error_set_errno(e, ERROR_PROTOCOL, "courier");
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int receive_until(int fd, uint8_t *data, size_t len, int64_t deadline, struct error *e)
{
	while (len) {
		ssize_t n;

		if (wait_ready(fd, POLLIN, deadline, e) < 0)
			return -1;
		n = recv(fd, data, len, MSG_DONTWAIT);
		if (n == 0)
			return error_set(e, ERROR_PROTOCOL, "courier: hung up");
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return error_set_errno(e, ERROR_PROTOCOL, "courier");
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* --- the end of the process ------------------------------------------------------------------- */

#define FAREWELL_MS 2000	/* for a courier that we may not kill */
#define FAREWELL_STEP_MS 20

/* Wait for the process, without end only if its end is certain. Returns its wait status, or 0. */
static int process_reap(pid_t pid, bool certain)
{
	const struct timespec step = { .tv_nsec = FAREWELL_STEP_MS * 1000000L };
	int status = 0, left = FAREWELL_MS / FAREWELL_STEP_MS;
	pid_t reaped;

	for (;;) {
		reaped = waitpid(pid, &status, certain ? 0 : WNOHANG);
		if (reaped == pid)
			return status;
		if (reaped < 0 && errno != EINTR)
			return 0;
		if (reaped == 0 && left-- == 0)
			return 0;	/* init will have it */
		if (reaped == 0)
			nanosleep(&step, NULL);
	}
}

/* It has nothing to save, so it gets no time for a farewell. Where it may not be killed (it is another
 * user's and we have no CAP_KILL), the closed socket ends it, unless it was taken over: that one
 * must not hold us up. Returns its wait status, or 0. */
static int process_stop(struct courier *courier)
{
	close(courier->fd);
	courier->fd = -1;
	return process_reap(courier->pid, kill(courier->pid, SIGKILL) == 0);
}

void courier_stop(struct courier *courier)
{
	if (courier->fd >= 0)
		process_stop(courier);
}

/* A signal that is not ours (SIGSYS: its sandbox) says more than that it hung up. */
static void death_explain(int status, struct error *e)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		error_set(e, ERROR_PROTOCOL, "courier: died of SIG%s",
			  sigabbrev_np(WTERMSIG(status)));
}

/* --- messages --------------------------------------------------------------------------------- */

/* What a courier may fail with; anything else from it is babble. */
static const enum error_kind failure_kinds[] = {
	ERROR_SYSTEM, ERROR_NETWORK, ERROR_TLS, ERROR_PROTOCOL, ERROR_INPUT,
};

static int failure_take(const struct message *m, struct error *e)
{
	uint32_t kind, transient;

	if (message_field_u32(m, 0, &kind, e) < 0 || message_field_u32(m, 1, &transient, e) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(failure_kinds) / sizeof(failure_kinds[0]); i++)
		if (kind == (uint32_t)failure_kinds[i])
			return (transient ? error_set_transient : error_set)(
				e, failure_kinds[i], "%.*s", (int)m->field[2].len,
				(const char *)m->field[2].data);
	return error_set(e, ERROR_PROTOCOL, "courier: failure of unknown kind %u", kind);
}

static int answer_take(const struct message *m, int *status, struct bytes *body, struct error *e)
{
	uint32_t number;

	if (message_field_u32(m, 0, &number, e) < 0)
		return -1;
	if (number > 999)
		return error_set(e, ERROR_PROTOCOL, "courier: HTTP status %u", number);
	*status = (int)number;
	if (bytes_set(body, m->field[1].data, m->field[1].len) < 0)
		return error_set_memory(e);
	return 0;
}

static int message_receive(int fd, int64_t deadline, struct bytes *raw, struct message *m,
			   struct error *e)
{
	uint8_t header[MESSAGE_HEADER_SIZE];
	enum message_type type;
	size_t len;

	if (receive_until(fd, header, sizeof(header), deadline, e) < 0 ||
	    message_decode_header(header, &type, &len, e) < 0)
		return -1;
	if (type != MESSAGE_ANSWER && type != MESSAGE_FAILURE)
		return error_set(e, ERROR_PROTOCOL, "courier: message of type %d", (int)type);
	if (bytes_resize(raw, len, e) < 0)
		return error_set_memory(e);
	if (receive_until(fd, raw->data, len, deadline, e) < 0)
		return -1;
	return message_decode_body(type, raw->data, len, m, e);
}

static int exchange(const struct courier *courier, const struct bytes *question,
		    struct bytes *raw, struct message *answer, struct error *e)
{
	int64_t deadline = clock_boot_ms() + (int64_t)courier->patience * 1000;

	if (send_until(courier->fd, question->data, question->len, deadline, e) < 0)
		return -1;
	return message_receive(courier->fd, deadline, raw, answer, e);
}

int courier_call(struct courier *courier, const struct message *m, int *status,
		 struct bytes *body, struct error *e)
{
	struct bytes question = BYTES_INIT, raw = BYTES_INIT;
	struct message answer;
	int ret = -1;

	if (courier->fd < 0)
		return error_set(e, ERROR_PROTOCOL, "courier: not running");
	if (message_encode(m, &question, e) < 0)
		goto out;
	if (exchange(courier, &question, &raw, &answer, e) < 0) {
		/* Whatever it says next, it is not the answer. */
		death_explain(process_stop(courier), e);
		goto out;
	}
	ret = answer.type == MESSAGE_FAILURE ? failure_take(&answer, e) :
					       answer_take(&answer, status, body, e);
out:
	bytes_free(&question);
	bytes_free(&raw);
	return ret;
}

/* --- the process ------------------------------------------------------------------------------ */

static int actions_fill(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attr, int fd)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	return posix_spawn_file_actions_adddup2(actions, fd, COURIER_FD) ||
	       posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0) ||
	       posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0) ||
	       posix_spawn_file_actions_addclosefrom_np(actions, COURIER_FD + 1) ||
	       posix_spawnattr_setsigmask(attr, &none) ||
	       posix_spawnattr_setsigdefault(attr, &all) ||
	       posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* The child's end of the socketpair is @fd. The environment is empty: no proxy, no SSL_CERT_FILE
 * and no LD_PRELOAD reaches the courier. */
static int process_start(struct courier *courier, const char *program, int fd, struct error *e)
{
	char *argv[] = { (char *)"realmkey-courier", NULL }, *envp[] = { NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int error = ENOMEM;

	if (posix_spawn_file_actions_init(&actions))
		return error_set_memory(e);
	if (posix_spawnattr_init(&attr))
		goto out_actions;
	if (actions_fill(&actions, &attr, fd))
		goto out;
	error = posix_spawn(&courier->pid, program, &actions, &attr, argv, envp);
out:
	posix_spawnattr_destroy(&attr);
out_actions:
	posix_spawn_file_actions_destroy(&actions);
	errno = error;
	return error ? error_set_errno(e, ERROR_SYSTEM, "courier %s", program) : 0;
}

static int target_send(struct courier *courier, const struct courier_target *target,
		       struct error *e)
{
	uint8_t flags[4], timeout[4];
	struct bytes body = BYTES_INIT;
	struct message m = { .type = MESSAGE_OPEN, .count = 4, .field = {
		{ (const uint8_t *)target->url, strlen(target->url) },
		{ target->ca, target->ca ? target->ca_len : 0 },
		message_u32(target->insecure ? MESSAGE_OPEN_INSECURE : 0, flags),
		message_u32(target->timeout ? target->timeout : TIMEOUT_DEFAULT, timeout) } };
	int status, ret;

	ret = courier_call(courier, &m, &status, &body, e);
	bytes_free(&body);
	return ret;
}

int courier_start(struct courier *courier, const char *program,
		  const struct courier_target *target, struct error *e)
{
	int pair[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "courier: socketpair");
	*courier = (struct courier)COURIER_INIT;
	courier->patience = (target->timeout ? target->timeout : TIMEOUT_DEFAULT) + PATIENCE_MARGIN;
	ret = process_start(courier, program ? program : COURIER_PATH, pair[1], e);
	close(pair[1]);
	if (ret < 0) {
		close(pair[0]);
		return -1;
	}
	courier->fd = pair[0];
	if (target_send(courier, target, e) < 0) {
		courier_stop(courier);
		return -1;
	}
	return 0;
}
