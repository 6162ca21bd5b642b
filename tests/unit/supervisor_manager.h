/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor_manager: the service manager, which hears what a supervisor says of itself. */
#ifndef TESTS_SUPERVISOR_MANAGER_H
#define TESTS_SUPERVISOR_MANAGER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "supervisor_clients.h"

static struct sockaddr_un manager;
static int notified = -1;
static char last[4096]; /* the last notification */

/* The manager listens in @directory, and the environment tells supervisors so. */
static int manager_open(const char *directory)
{
	socklen_t len;

	manager.sun_family = AF_UNIX;
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			  (size_t)snprintf(manager.sun_path, sizeof(manager.sun_path), "%s/manager",
					   directory));
	notified = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setenv("NOTIFY_SOCKET", manager.sun_path, 1);
	return bind(notified, (struct sockaddr *)&manager, len);
}

/* The next notification, in last[]. False if there is none for @ms. */
static bool notification(int ms)
{
	struct pollfd p = { .fd = notified, .events = POLLIN };
	ssize_t n = poll(&p, 1, ms) > 0 ? recv(notified, last, sizeof(last) - 1, 0) : -1;

	last[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Waits for a notification that contains @text. */
static const char *manager_hears(const char *text)
{
	char *found;

	do {
		if (!notification(PATIENCE_MS))
			fail_msg("no notification '%s'", text);
		found = strstr(last, text);
	} while (!found);
	return found;
}

/* Waits until the keeper @name runs; returns its process. */
static pid_t manager_hears_keeper(const char *name)
{
	char text[64];

	snprintf(text, sizeof(text), "STATUS=%s runs as ", name);
	return atoi(manager_hears(text) + strlen(text));
}

/*
 * Waits until @client has an answer, and reads meanwhile, as a manager does: the kernel keeps ten notifications,
 * and a supervisor waits while none of them is read. Returns whether one contains @text.
 */
static bool manager_reads(int client, const char *text)
{
	struct pollfd p[] = { { .fd = client, .events = POLLIN },
			      { .fd = notified, .events = POLLIN } };
	bool heard = false;

	do {
		assert_true(poll(p, 2, PATIENCE_MS) > 0);
		if (p[1].revents & POLLIN)
			heard |= notification(0) && strstr(last, text);
	} while (!p[0].revents);
	return heard;
}

#endif
