// SPDX-License-Identifier: Apache-2.0
/*
 * realmkey-courier: carries the requests of a keeper to a KBS, and the answers back. realmkeyd
 * and realmkey start it, or a service manager does for them, with COURIER_FD (which is also the first
 * descriptor that systemd passes) as its only connection to them; Documentation/PROTOCOL.md
 * describes the messages.
 *
 * It is two processes. The supervisor receives SERVER and OPEN and starts a worker; the worker enters the sandbox
 * and uses the network. When the resolver's files have changed, which the worker's sandbox does not
 * let it read, the worker ends and the supervisor starts another. The supervisor reads nothing that
 * comes from the network or the worker, except for its exit status and (broker.h) the number of a KBS.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "confine.h"
#include "http.h"
#include "kbs/courier.h"
#include "kbs/message.h"
#include "resolver.h"
#include "roots.h"
#include "route/broker.h"
#include "route/secrets.h"
#include "sandbox/idle.h"
#include "sandbox/sandbox.h"

#define IDLE_MS	       1000
#define KEY_HEAP_SIZE  ((size_t)64 << 10)
#define KEY_HEAP_BLOCK 32

static const char version[] = "realmkey-courier " REALMKEY_VERSION "\n";
static const char usage[] =
	"usage: realmkey-courier\n"
	"The part of realmkeyd and realmkey that uses the network. They start it; it is\n"
	"not to be run by hand.\n"
	"  --version  print the version\n";

/* --- messages -------------------------------------------------------------------------------- */

/* Receive a message, whose fields point into @raw. Returns 1, 0 if the keeper closed the socket, or
 * -1. */
static int channel_receive(struct bytes *raw, struct message *m, struct error *e)
{
	uint8_t header[MESSAGE_HEADER_SIZE];
	enum message_type type;
	size_t len;
	ssize_t n;

	n = recv(COURIER_FD, header, sizeof(header), MSG_WAITALL);
	if (n == 0)
		return 0;
	if (n < 0)
		return error_set_errno(e, ERROR_SYSTEM, "descriptor %d", COURIER_FD);
	if (n != (ssize_t)sizeof(header))
		return error_set(e, ERROR_PROTOCOL, "message that ends within its header");
	if (message_decode_header(header, &type, &len, e) < 0 || bytes_resize(raw, len, e) < 0 ||
	    io_read_full(COURIER_FD, raw->data, len, e) < 0 ||
	    message_decode_body(type, raw->data, len, m, e) < 0)
		return -1;
	return 1;
}

static int channel_send(const struct message *m, struct error *e)
{
	const struct message_field *last = &m->field[m->count - 1];
	struct bytes front = BYTES_INIT;
	int ret = message_encode_front(m, &front, e);

	if (ret == 0)
		ret = io_write_full(COURIER_FD, front.data, front.len, e);
	if (ret == 0)
		ret = io_write_full(COURIER_FD, last->data, last->len, e);
	bytes_free(&front);
	return ret;
}

/* @wait is in seconds. */
static int channel_send_answer(int status, uint32_t wait, size_t server, const struct bytes *body,
			       struct error *e)
{
	uint8_t number[4], seconds[4], index[4];
	const struct message m = { .type = MESSAGE_ANSWER,
				   .count = 4,
				   .field = { message_u32((uint32_t)status, number),
					      message_u32(wait, seconds),
					      message_u32((uint32_t)server, index),
					      { body->data, body->len } } };

	return channel_send(&m, e);
}

static int channel_send_failure(const struct error *failure, struct error *e)
{
	uint8_t kind[4], transient[4];
	const struct message m = { .type = MESSAGE_FAILURE,
				   .count = 3,
				   .field = { message_u32((uint32_t)failure->kind, kind),
					      message_u32(failure->transient, transient),
					      { (const uint8_t *)failure->text,
						strlen(failure->text) } } };

	return channel_send(&m, e);
}

/* --- start ----------------------------------------------------------------------------------- */

struct courier_state {
	struct http http;
	struct target target;
	struct confine_stamp stamp;
	/* Shared by all workers, so that it survives them. One that was taken over can change it; failover.h says
	 * how little that does. */
	struct failover *failover;
	uint32_t random; /* for the next failure */
};

static int sandbox_enter(struct courier_state *s, struct http_outside *outside, struct error *e)
{
	const struct target *t = &s->target;
	const bool proxy = t->proxy_url.len;
	int files = confine_files(t, &s->stamp, e);

	if (files < 0)
		return -1;
	for (size_t i = 0; files == 0 && i < (proxy ? 1 : t->servers); i++) {
		const struct url_parts *to = proxy ? &t->proxy : &t->server[i].to;

		if (to->transport == URL_TCP &&
		    resolver_freeze(to->host, to->port, &outside->pinned[i], e) < 0)
			return -1;
	}
	return confine_calls(t, files, e);
}

/* The system's CA certificates, for servers without others. */
static int roots_fill(struct target *t, struct error *e)
{
	for (size_t i = 0; i < t->servers; i++) {
		struct bytes *ca = &t->ca[t->server[i].ca];

		if (t->server[i].to.tls && !ca->len && roots_load(ca, e) < 0)
			return -1;
	}
	return 0;
}

static int failover_make(struct courier_state *s, struct error *e)
{
	s->failover = mmap(NULL, sizeof(*s->failover), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return s->failover == MAP_FAILED ? error_set_memory(e) : 0;
}

/* Read what is needed for all workers, and give up what none needs. */
static int supervisor_enter(struct courier_state *s, struct error *e)
{
	/* Not as root. */
	if (confine_drop(e) < 0 || http_prepare(&s->http, e) < 0 || resolver_prepare(e) < 0)
		return -1;
	if (roots_fill(&s->target, e) < 0 || failover_make(s, e) < 0)
		return -1;
	return confine_supervisor(&s->target, e);
}

/* The exit status of a worker in whose place another is to be started; error_exit_code() does not
 * return it. */
#define AGAIN 64

/* What to answer when a name is looked up for too long: that cannot be ended, except with the worker. */
static struct bytes late_answer = BYTES_INIT;
static struct courier_state *late_state;

static void worker_give_up(void)
{
	failover_failed(late_state->failover, late_state->http.server, clock_boot_ms(),
			late_state->random);
	/* If the keeper is gone, the next worker notices. */
	(void)!send(COURIER_FD, late_answer.data, late_answer.len, MSG_NOSIGNAL);
	_exit(AGAIN);
}

/* Make the late answer for the server that is used now. */
static int late_answer_make(struct courier_state *s, struct error *e)
{
	struct error late = ERROR_INIT;
	uint8_t kind[4], transient[4];

	late_state = s;
	error_set_transient(&late, ERROR_NETWORK, "%s: timed out while looking up the name",
			    bytes_text(&s->target.server[s->http.server].url));
	bytes_clear(&late_answer);
	return message_encode(
		&(struct message){ .type = MESSAGE_FAILURE,
				   .count = 3,
				   .field = { message_u32(ERROR_NETWORK, kind),
					      message_u32(true, transient),
					      { (const uint8_t *)late.text, strlen(late.text) } } },
		&late_answer, e);
}

/* OpenSSL's heap for private keys, which is locked in memory and wiped. */
static int key_heap_make(const struct target *t, struct error *e)
{
	if (t->key.len && CRYPTO_secure_malloc_init(KEY_HEAP_SIZE, KEY_HEAP_BLOCK) == 0)
		return error_set_memory(e);
	return 0;
}

/* @secrets: as from secrets_pass(). @broker: the worker's end, or -1. */
static int worker_enter(struct courier_state *s, pid_t supervisor, int secrets, int broker,
			struct error *e)
{
	static struct http_outside outside;

	outside = (struct http_outside){
		.peer = COURIER_FD,
		.broker = broker,
		.give_up = worker_give_up,
	};
	if (sandbox_end_with(supervisor, e) < 0 || secrets_take(&s->target, secrets, e) < 0 ||
	    key_heap_make(&s->target, e) < 0 || sandbox_enter(s, &outside, e) < 0)
		return -1;
	return http_open(&s->http, &s->target, &outside, e);
}

/* Not exit(), because libraries may then make system calls that the sandbox forbids. */
static _Noreturn void courier_exit(const struct error *e)
{
	_exit(error_exit_code(e));
}

/* --- work ------------------------------------------------------------------------------------ */

/* Choose the KBS for @m: another one only for a handshake, because a session is with one of them. Returns
 * the seconds for the request. */
static unsigned int server_choose(struct courier_state *s, const struct message *m)
{
	const size_t count = s->target.servers;
	const int64_t now = clock_boot_ms();
	unsigned int seconds = s->target.timeout;

	if (m->type != MESSAGE_AUTH) {
		http_choose(&s->http, failover_current(s->failover, count, now));
		return seconds;
	}
	http_choose(&s->http, failover_pick(s->failover, count, now));
	s->failover->current = (uint32_t)s->http.server + 1;
	/* So that all of them can be tried in the time of one request. */
	return seconds >= count ? seconds / (unsigned int)count : 1;
}

static void server_judge(struct courier_state *s, const struct message *m, int status,
			 enum error_kind failure)
{
	if (failure == ERROR_NONE ? failover_status(status) : failover_kind(failure))
		failover_failed(s->failover, s->http.server, clock_boot_ms(), s->random);
	/* A KBS whose verifier is away answers AUTH all the same. */
	else if (failure == ERROR_NONE && status < 300 && m->type != MESSAGE_AUTH)
		failover_worked(s->failover, s->http.server);
}

/* Answer one message. -1 with @e if the keeper could not be reached. */
static int courier_answer(struct courier_state *s, const struct message *m, struct error *e)
{
	struct request request = REQUEST_INIT;
	struct error failure = ERROR_INIT;
	struct http *http = &s->http;
	int status = 0, ret = request_from_message(m, &request, &failure);

	if (ret == 0) {
		const unsigned int seconds = server_choose(s, m);

		if (getrandom(&s->random, sizeof(s->random), GRND_NONBLOCK) < 0)
			s->random = UINT32_MAX;
		ret = late_answer_make(s, &failure);
		if (ret == 0)
			ret = http_send(http, &request, seconds, &status, &failure);
		server_judge(s, m, status, failure.kind);
	}
	if (ret == 0)
		ret = channel_send_answer(status, http->wait, http->server, &http->answer, e);
	else
		ret = channel_send_failure(&failure, e);
	bytes_free(&http->answer);
	request_free(&request);
	return ret;
}

/* Whether the next message needs another worker. If so, it stays in the socket. The session cookie
 * would be lost, so a handshake that has begun goes on; it has a connection. */
static bool worker_is_stale(const struct courier_state *s)
{
	uint8_t header[MESSAGE_HEADER_SIZE];
	struct error e = ERROR_INIT;
	enum message_type type;
	size_t len;

	return recv(COURIER_FD, header, sizeof(header), MSG_PEEK) == (ssize_t)sizeof(header) &&
	       message_decode_header(header, &type, &len, &e) == 0 && type != MESSAGE_ATTEST &&
	       confine_changed(&s->stamp);
}

/* Wait for a message. Those of a handshake follow at once, those of the next secret much later. */
static void worker_wait(void)
{
	struct pollfd p = { .fd = COURIER_FD, .events = POLLIN };

	if (poll(&p, 1, IDLE_MS) == 0)
		idle_release();
}

/* Answer messages until the keeper closes the socket. */
static int worker_run(struct courier_state *s, struct error *e)
{
	struct bytes raw = BYTES_INIT;
	struct message m;
	int ret;

	do {
		worker_wait();
		if (worker_is_stale(s))
			_exit(AGAIN);
		ret = channel_receive(&raw, &m, e);
		if (ret > 0 && courier_answer(s, &m, e) < 0)
			ret = -1;
	} while (ret > 0);
	bytes_free(&raw);
	return ret;
}

/* --- workers ---------------------------------------------------------------------------------- */

/* There is no worker because of @failure. Answer the message that waits with it; the first time, when OPEN
 * was received, end. */
static void worker_failed(bool first, const struct error *failure)
{
	struct error unsent = ERROR_INIT;
	struct bytes raw = BYTES_INIT;
	struct message m;
	int ret = first ? 1 : channel_receive(&raw, &m, &unsent);

	bytes_free(&raw);
	if (ret > 0)
		ret = channel_send_failure(failure, &unsent) < 0 ? -1 : 1;
	if (first || ret <= 0)
		courier_exit(first ? failure : &unsent);
}

static _Noreturn void worker_main(struct courier_state *s, pid_t supervisor, int secrets,
				  int broker, bool first)
{
	const struct bytes empty = BYTES_INIT;
	struct error e = ERROR_INIT;
	int ret = worker_enter(s, supervisor, secrets, broker, &e);

	if (ret < 0) {
		worker_failed(first, &e);
		_exit(AGAIN);
	}
	if (first)
		ret = channel_send_answer(0, 0, 0, &empty, &e);
	if (ret == 0)
		ret = worker_run(s, &e);
	if (ret < 0)
		log_to_stderr(LOG_LEVEL_ERROR, e.text);
	courier_exit(&e);
}

/* Start a worker. @broker: where it can ask for connections, or -1; the supervisor's end is @mine. */
static pid_t worker_start(struct courier_state *s, bool first, int mine, int broker,
			  struct error *e)
{
	const pid_t self = getpid();
	int secrets = secrets_pass(&s->target, e);
	pid_t worker;

	if (secrets < -1)
		return -1;
	worker = fork();
	if (worker < 0)
		error_set_errno(e, ERROR_SYSTEM, "courier: fork");
	if (worker == 0) {
		if (mine >= 0)
			close(mine);
		worker_main(s, self, secrets, broker, first);
	}
	if (secrets >= 0)
		close(secrets);
	return worker;
}

/* Start a worker and wait for its end. Returns 1 if another is to be started; otherwise 0, or -1 with
 * @e. If the worker was killed, so is this process. */
static int worker_supervise(struct courier_state *s, bool first, struct error *e)
{
	struct error failure = ERROR_INIT;
	int pair[2] = { -1, -1 }, status;
	pid_t worker = -1;

	if (!broker_needed(&s->target) || broker_open(pair, &failure) == 0)
		worker = worker_start(s, first, pair[0], pair[1], &failure);
	if (pair[1] >= 0)
		close(pair[1]);
	if (worker < 0) {
		if (pair[0] >= 0)
			close(pair[0]);
		worker_failed(first, &failure);
		return 1;
	}
	idle_release();
	if (pair[0] >= 0) {
		broker_serve(pair[0], &s->target);
		close(pair[0]);
	}
	while (waitpid(worker, &status, 0) < 0)
		if (errno != EINTR)
			return error_set_errno(e, ERROR_SYSTEM, "courier: waitpid");
	if (WIFSIGNALED(status)) {
		signal(WTERMSIG(status), SIG_DFL);
		raise(WTERMSIG(status));
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == AGAIN)
		return 1;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* Receive SERVER and OPEN. */
static int target_receive(struct target *t, struct error *e)
{
	struct message m;
	int ret = 0;

	while (ret == 0) {
		struct bytes raw = BYTES_LOCKED_INIT; /* OPEN has a key */

		ret = channel_receive(&raw, &m, e);
		if (ret == 0)
			ret = error_set(e, ERROR_SYSTEM, "no keeper at descriptor %d", COURIER_FD);
		else if (ret > 0)
			ret = target_add(t, &m, e);
		bytes_free(&raw);
	}
	return ret < 0 ? -1 : 0;
}

static int courier_run(struct error *e)
{
	struct courier_state s = { .http = HTTP_INIT, .target = TARGET_INIT };
	struct error unsent = ERROR_INIT;
	int ret;

	/* As far as RLIMIT_MEMLOCK reaches, which is that of the user who runs realmkey. */
	bytes_lock_optional(true);
	ret = target_receive(&s.target, e);
	if (ret == 0)
		ret = supervisor_enter(&s, e);
	if (ret < 0 && channel_send_failure(e, &unsent) == 0)
		courier_exit(e);
	if (ret == 0) {
		ret = worker_supervise(&s, true, e);
		while (ret > 0)
			ret = worker_supervise(&s, false, e);
	}
	target_free(&s.target);
	return ret;
}

/* Started by hand, with arguments. */
static int courier_explain(const char *argument, struct error *e)
{
	bool help = !strcmp(argument, "--help") || !strcmp(argument, "-h");
	const char *text = help ? usage : version;

	if (!help && strcmp(argument, "--version") != 0) {
		fputs(usage, stderr);
		return 2;
	}
	if (io_write_full(STDOUT_FILENO, text, strlen(text), e) == 0)
		return 0;
	error_add(e, "standard output");
	log_to_stderr(LOG_LEVEL_ERROR, e->text);
	return error_exit_code(e);
}

int main(int argc, char **argv)
{
	struct error e = ERROR_INIT;

	/* A service manager sets variables; none may change what libraries do here. */
	clearenv();
	if (argc > 1)
		return courier_explain(argv[1], &e);
	if (courier_run(&e) < 0)
		log_to_stderr(LOG_LEVEL_ERROR, e.text);
	courier_exit(&e);
}
