// SPDX-License-Identifier: Apache-2.0
#include "access_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"

#define PERIOD_MS 10000

static struct {
	int fd; /* connected to the journal; -1: there is none */
	int64_t began;
	unsigned int refusals, dropped; /* in this period */
} journal = { .fd = -1 };

static const char *const sinks[] = {
	[ACCESS_CREDENTIAL] = "credential",
	[ACCESS_VOLUME] = "volume",
	[ACCESS_API] = "API",
};

static const struct {
	const char *name, *verb;
	enum log_level level;
	int priority; /* syslog(3) */
} results[] = {
	[ACCESS_GIVEN] = { "given", "given to", LOG_LEVEL_INFO, 6 },
	[ACCESS_REFUSED] = { "refused", "refused to", LOG_LEVEL_WARNING, 4 },
	[ACCESS_FAILED] = { "failed", "not delivered to", LOG_LEVEL_WARNING, 4 },
};

/* As log.c does, because the variable alone does not say where standard error leads. */
static bool journal_is_stderr(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return !strcmp(own, stream);
}

void access_log_open(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (!journal_is_stderr() || strlen(path) >= sizeof(to.sun_path))
		return;
	strcpy(to.sun_path, path);
	journal.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (journal.fd >= 0 && connect(journal.fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
		close(journal.fd);
		journal.fd = -1;
	}
}

/* Append @text, in which no newline can begin another field. */
static void clean_append(struct bytes *out, const char *text)
{
	char clean[ERROR_TEXT_MAX];

	snprintf(clean, sizeof(clean), "%s", text);
	error_text_clean(clean);
	bytes_append_text(out, clean);
}

void access_log_line(const struct access *access, struct bytes *out)
{
	const struct peer *peer = access->peer;

	bytes_printf(out, "%s '", sinks[access->sink]);
	clean_append(out, access->wanted);
	bytes_append_text(out, "': ");
	if (access->secret && access->sink != ACCESS_API)
		bytes_printf(out, "secret '%s' ", access->secret);
	bytes_printf(out, "%s uid %u, pid %d", results[access->result].verb, peer->uid, peer->pid);
	if (*peer->cgroup.unit)
		bytes_printf(out, ", %s", peer->cgroup.unit);
	if (*peer->cgroup.user_unit)
		bytes_printf(out, " (%s)", peer->cgroup.user_unit);
	if (peer->container)
		bytes_append_text(out, ", in a container");
	if (!access->reason)
		return;
	bytes_append_text(out, ": ");
	clean_append(out, access->reason);
}

static void field_append(struct bytes *out, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	bytes_printf(out, "%s=", name);
	clean_append(out, value);
	bytes_append_text(out, "\n");
}

void access_log_entry(const struct access *access, const char *line, struct bytes *out)
{
	const struct peer *peer = access->peer;

	bytes_printf(out, "PRIORITY=%d\n", results[access->result].priority);
	field_append(out, "SYSLOG_IDENTIFIER", program_invocation_short_name);
	field_append(out, "MESSAGE", line);
	field_append(out, "SECRET", access->secret);
	field_append(out, "SINK", sinks[access->sink]);
	field_append(out, "WANTED", access->wanted);
	field_append(out, "RESULT", results[access->result].name);
	field_append(out, "REASON", access->reason);
	bytes_printf(out, "PEER_UID=%u\nPEER_GID=%u\nPEER_PID=%d\nPEER_CONTAINER=%d\n", peer->uid,
		     peer->gid, peer->pid, peer->container);
	field_append(out, "PEER_UNIT", peer->cgroup.unit);
	field_append(out, "PEER_USER_UNIT", peer->cgroup.user_unit);
}

static bool entry_send(const struct access *access, const char *line)
{
	struct bytes entry = BYTES_INIT;
	bool sent;

	if (journal.fd < 0)
		return false;
	access_log_entry(access, line, &entry);
	/* Not sendto() with the address, which the system call filter refuses. */
	sent = entry.len && send(journal.fd, entry.data, entry.len, MSG_NOSIGNAL) >= 0;
	bytes_free(&entry);
	return sent;
}

/* A user who is refused again and again does not fill the log. */
static bool refusal_is_dropped(const struct access *access)
{
	const int64_t now = clock_boot_ms();

	if (now - journal.began >= PERIOD_MS) {
		if (journal.dropped)
			log_line(LOG_LEVEL_WARNING, "%u more requests were refused",
				 journal.dropped);
		journal.began = now;
		journal.refusals = 0;
		journal.dropped = 0;
	}
	if (access->result != ACCESS_REFUSED || ++journal.refusals <= ACCESS_LOG_REFUSALS)
		return false;
	journal.dropped++;
	return true;
}

void access_log(const struct access *access)
{
	struct bytes line = BYTES_INIT;

	if (refusal_is_dropped(access))
		return;
	access_log_line(access, &line);
	if (!entry_send(access, bytes_text(&line)))
		log_line(results[access->result].level, "%s", bytes_text(&line));
	bytes_free(&line);
}
