/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor_clients: what operators send to the control socket. */
#ifndef TESTS_SUPERVISOR_CLIENTS_H
#define TESTS_SUPERVISOR_CLIENTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "status/control.h"

#define PATIENCE_MS 30000

static char control[64]; /* the path of the socket */

static int client_open(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(to.sun_path, control);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static const char *client_answer(int fd)
{
	static char answer[CONTROL_ANSWER_MAX + 1];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	n = recv(fd, answer, sizeof(answer) - 1, 0);
	answer[n > 0 ? n : 0] = '\0';
	if (n > 0) /* it ends the connection */
		assert_int_equal(recv(fd, answer + n, 1, 0), 0);
	close(fd);
	return answer;
}

static const char *ask(const char *request)
{
	int fd = client_open();

	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	return client_answer(fd);
}

static void asked(const char *request, const char *wanted)
{
	assert_string_equal(ask(request), wanted);
}

#endif
