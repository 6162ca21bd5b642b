// SPDX-License-Identifier: Apache-2.0
/*
 * A token that takes long, by netlink: it delays neither other families nor other operations, and
 * only a signal that kills its caller ends it. The fake RSI can hold a token for as long as a test
 * needs; with a real RMM, times are compared.
 */
#define _GNU_SOURCE
#include "client.h"
#include "device.h"
#include "module.h"
#include "tap.h"
#include "token.h"

#include <fcntl.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FAMILY	   "cca_family"
#define PARAMETERS "/sys/module/" MODULE "/parameters/"
/* The values of the fake RSI's parameters fault and fail_call, and a count that is never reached */
#define FAULT_STUCK    4
#define CALL_CONTINUE  6
#define SKIP_ALL       1000000000
#define POLL_US	       10000
#define BEGIN_LIMIT_US 20000000
#define QUICK_LIMIT_US 5000000
#define KILL_LIMIT_US  1000000
#define TIMED_TOKENS   10
/* The child that gets signals: nanoseconds between them, number of tokens, time limit in seconds */
#define SIGNAL_EVERY	 1000000
#define SIGNALLED_TOKENS 40
#define SIGNALLED_LIMIT	 120

static long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* --- a token that is held ---------------------------------------------------------------------- */

static bool parameter_set(const char *name, long value)
{
	char path[96], text[24];
	int fd, size = snprintf(text, sizeof(text), "%ld", value);
	bool good;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	good = fd >= 0 && write(fd, text, (size_t)size) == size;
	close(fd);
	return good;
}

static long parameter_get(const char *name)
{
	char path[96], text[24] = "";
	int fd;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		text[0] = '\0';
	close(fd);
	return strtol(text, NULL, 10);
}

/* Makes one token by netlink, in a child whose status it becomes. */
static void child_token(void)
{
	uint8_t challenge[CHALLENGE_SIZE], *token = malloc(TOKEN_ROOM);
	struct client own;
	size_t size;

	challenge_random(challenge);
	if (!token || !client_open(&own) ||
	    client_token(&own, challenge, sizeof(challenge), token, &size))
		_exit(1);
	_exit(token_carries(token, size, challenge) ? 0 : 1);
}

/* Starts a child whose token the fake RSI holds. Returns when the RMM has been asked for it. */
static pid_t token_hold(void)
{
	long began = now_us();
	pid_t child;

	/* fail_skip counts the calls of RSI_ATTESTATION_TOKEN_CONTINUE. */
	if (!parameter_set("fail_skip", SKIP_ALL) || !parameter_set("fail_status", 0) ||
	    !parameter_set("fail_times", 1) || !parameter_set("fail_call", CALL_CONTINUE) ||
	    !parameter_set("fault", FAULT_STUCK))
		return -1;
	child = fork();
	if (child == 0)
		child_token();
	while (parameter_get("fail_skip") == SKIP_ALL && now_us() - began < BEGIN_LIMIT_US)
		usleep(POLL_US);
	return child;
}

/* From here on the fake RSI makes tokens again. */
static void token_release(void)
{
	parameter_set("fault", 0);
	parameter_set("fail_call", 0);
	parameter_set("fail_times", 0);
	parameter_set("fail_skip", 0);
}

/* Has @child ended within @limit microseconds? Its wait status is in @status then. */
static bool child_ends(pid_t child, int *status, long limit)
{
	long began = now_us();

	do {
		if (waitpid(child, status, WNOHANG) == child)
			return true;
		usleep(POLL_US);
	} while (now_us() - began < limit);
	return false;
}

static bool child_good(pid_t child)
{
	int status;

	return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Runs @body in a child while a token is held: it must end, and return true, in time. */
static bool while_held(bool (*body)(void))
{
	pid_t holder = token_hold(), child;
	bool quick, held;
	int status = 0;

	if (holder < 0)
		return false;
	child = fork();
	if (child == 0)
		_exit(body() ? 0 : 1);
	quick = child_ends(child, &status, QUICK_LIMIT_US);
	held = parameter_get("fail_skip") < SKIP_ALL && waitpid(holder, NULL, WNOHANG) == 0;
	token_release();
	if (!quick)
		waitpid(child, &status, 0);
	if (!quick || !held)
		tap_note("%s", quick ? "the token was not held" : "waited for the token");
	return child_good(holder) && quick && held && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* --- tests ------------------------------------------------------------------------------------- */

#define NEEDS_FAKE SKIP_IF(!module_is_fake(), "only the fake RSI can hold a token")

static bool body_family(void)
{
	return module_load(FAMILY, "") && module_unload(FAMILY) == 0;
}

static void family_registers(void)
{
	NEEDS_FAKE;
	CHECK(module_at_hand(FAMILY) && body_family());
	CHECK(while_held(body_family));
}

static bool body_query(void)
{
	struct client own;

	return client_open(&own) && genl_ctrl_resolve(own.sock, "nlctrl") == GENL_ID_CTRL;
}

static void families_are_found(void)
{
	NEEDS_FAKE;
	CHECK(while_held(body_query));
}

static bool request_good(struct client *own, uint8_t cmd, int flags)
{
	return client_call(own, client_request(own, cmd, flags), NULL, NULL) == 0;
}

static bool body_operations(void)
{
	uint8_t digest[CCA_RSI_DIGEST_MAX] = { 0 };
	struct cca_rsi_config config;
	struct nl_msg *request;
	struct client own;

	if (!client_open(&own) || !device_config(&config))
		return false;
	request = client_request(&own, CCA_RSI_CMD_MEASUREMENT_EXTEND, 0);
	nla_put_u32(request, CCA_RSI_A_MEASUREMENT_INDEX, 4);
	nla_put(request, CCA_RSI_A_MEASUREMENT_DIGEST, (int)config.digest_size, digest);
	nla_put_u32(request, CCA_RSI_A_MEASUREMENT_EVENT_TYPE, 13);
	return client_call(&own, request, NULL, NULL) == 0 &&
	       request_good(&own, CCA_RSI_CMD_CONFIG_GET, 0) &&
	       request_good(&own, CCA_RSI_CMD_MEASUREMENT_GET, NLM_F_DUMP) &&
	       request_good(&own, CCA_RSI_CMD_LOG_GET, NLM_F_DUMP);
}

static void operations_are_answered(void)
{
	NEEDS_FAKE;
	CHECK(while_held(body_operations));
}

static void killed_caller_ends(void)
{
	pid_t holder;
	int status;

	NEEDS_FAKE;
	holder = token_hold();
	CHECK(holder > 0 && kill(holder, SIGKILL) == 0);
	if (!child_ends(holder, &status, KILL_LIMIT_US)) {
		tap_fail(__FILE__, __LINE__, "the caller ends");
		token_release();
		waitpid(holder, &status, 0);
		return;
	}
	token_release();
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	holder = fork();
	if (holder == 0)
		child_token();
	CHECK(child_good(holder));
}

/* Times a request and its first answer; false if that is not a message without attributes. */
static bool request_time(struct client *own, long *sending, long *receiving)
{
	uint8_t challenge[CHALLENGE_SIZE];
	struct nl_msg *request = client_request(own, CCA_RSI_CMD_TOKEN_GET, NLM_F_DUMP);
	static char answer[65536];
	long began, sent;
	ssize_t size;

	challenge_random(challenge);
	nla_put(request, CCA_RSI_A_TOKEN_CHALLENGE, sizeof(challenge), challenge);
	began = now_us();
	if (nl_send_auto(own->sock, request) < 0)
		return false;
	sent = now_us();
	size = recv(nl_socket_get_fd(own->sock), answer, sizeof(answer), 0);
	*receiving = now_us() - sent;
	*sending = sent - began;
	nlmsg_free(request);
	return size == NLMSG_HDRLEN + GENL_HDRLEN;
}

/* The least of several times is hardly affected by what else the machine does. */
static void accepted_before_it_is_made(void)
{
	long sending, receiving, sending_least = LONG_MAX, receiving_least = LONG_MAX;
	struct client own;

	for (int i = 0; i < TIMED_TOKENS; i++) {
		CHECK(client_open(&own));
		CHECK(request_time(&own, &sending, &receiving));
		client_close(&own);
		sending_least = sending < sending_least ? sending : sending_least;
		receiving_least = receiving < receiving_least ? receiving : receiving_least;
	}
	tap_note("sent in %ld us, made in %ld us", sending_least, receiving_least);
	CHECK(sending_least < receiving_least);
}

static void ignored(int number)
{
	(void)number;
}

/* A signal whose handler returns ends no request, however often it comes. */
static bool child_signalled(void)
{
	const struct itimerspec often = { { 0, SIGNAL_EVERY }, { 0, SIGNAL_EVERY } };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	uint8_t challenge[CHALLENGE_SIZE], *token = malloc(TOKEN_ROOM);
	struct sigaction action = { .sa_handler = ignored, .sa_flags = SA_RESTART };
	struct client own;
	timer_t timer;
	size_t size;

	alarm(SIGNALLED_LIMIT);
	if (!token || !client_open(&own) || sigaction(SIGUSR1, &action, NULL) ||
	    timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &often, NULL))
		return false;
	for (int i = 0; i < SIGNALLED_TOKENS; i++) {
		challenge_random(challenge);
		if (client_token(&own, challenge, sizeof(challenge), token, &size) ||
		    !token_carries(token, size, challenge) ||
		    !request_good(&own, CCA_RSI_CMD_LOG_GET, NLM_F_DUMP) ||
		    !request_good(&own, CCA_RSI_CMD_MEASUREMENT_GET, NLM_F_DUMP))
			return false;
	}
	return timer_delete(timer) == 0;
}

static void signals_end_nothing(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(child_signalled() ? 0 : 1);
	CHECK(child > 0 && child_good(child));
}

static const struct tap_test tests[] = {
	{ "a request for a token is accepted before the token is made",
	  accepted_before_it_is_made },
	{ "while a token is made, another family is registered and removed", family_registers },
	{ "while a token is made, families are found", families_are_found },
	{ "while a token is made, the other operations are answered", operations_are_answered },
	{ "a caller that is killed while its token is made ends within a second",
	  killed_caller_ends },
	{ "a signal every millisecond ends no request", signals_end_nothing },
};

TAP_MAIN(tests)
