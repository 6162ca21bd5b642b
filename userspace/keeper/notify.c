// SPDX-License-Identifier: Apache-2.0
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"

void notify_open(struct notify *notify, const char *address)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = address ? strlen(address) : 0;

	*notify = (struct notify)NOTIFY_INIT;
	if (!len)
		return;
	if ((*address != '/' && *address != '@') || len >= sizeof(to.sun_path)) {
		log_line(LOG_LEVEL_WARNING, "NOTIFY_SOCKET: not a Unix socket: %s", address);
		return;
	}
	memcpy(to.sun_path, address, len);
	if (*address == '@')
		to.sun_path[0] = '\0';
	notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify->fd >= 0 &&
	    connect(notify->fd, (const struct sockaddr *)&to,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0)
		return;
	log_line(LOG_LEVEL_WARNING, "NOTIFY_SOCKET: %s: %s", address, strerror(errno));
	notify_close(notify);
}

void notify_send(const struct notify *notify, const char *text)
{
	/* Not sendto() with the address, which the keeper's system call filter refuses. */
	if (notify->fd >= 0 && send(notify->fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		log_line(LOG_LEVEL_WARNING, "cannot notify the service manager: %s",
			 strerror(errno));
}

void notify_status(const struct notify *notify, const char *lines, const char *status)
{
	char clean[ERROR_TEXT_MAX * 2], text[sizeof(clean) + 128];

	snprintf(clean, sizeof(clean), "%s", status);
	error_text_clean(clean);
	snprintf(text, sizeof(text), "%.100sSTATUS=%s", lines, clean);
	notify_send(notify, text);
}

/* Of a number that the service manager sets in the environment, or 0. */
static int64_t variable_number(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long long number;

	if (!text || *text < '0' || *text > '9')
		return 0;
	number = strtoll(text, &end, 10);
	return *end ? 0 : number;
}

int64_t notify_watchdog_ms(void)
{
	if (getenv("WATCHDOG_PID") && variable_number("WATCHDOG_PID") != getpid())
		return 0;
	return variable_number("WATCHDOG_USEC") / 2000;
}

void notify_close(struct notify *notify)
{
	if (notify->fd >= 0)
		close(notify->fd);
	notify->fd = -1;
}
