// SPDX-License-Identifier: Apache-2.0
#include "access_log.h"

#include <sys/socket.h>

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
} results[] = {
	[ACCESS_GIVEN] = { "given", "given to", LOG_LEVEL_INFO },
	[ACCESS_REFUSED] = { "refused", "refused to", LOG_LEVEL_WARNING },
	[ACCESS_FAILED] = { "failed", "not delivered to", LOG_LEVEL_WARNING },
};

void access_log_open(const char *path)
{
	journal.fd = log_journal_connect(path, SOCK_NONBLOCK);
}

void access_log_line(const struct access *access, struct bytes *out)
{
	const struct peer *peer = access->peer;

	bytes_printf(out, "%s '", sinks[access->sink]);
	log_clean(out, access->wanted);
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
	log_clean(out, access->reason);
}

void access_log_entry(const struct access *access, const char *line, struct bytes *out)
{
	const struct peer *peer = access->peer;

	log_entry_begin(out, results[access->result].level, line);
	log_entry_field(out, "SECRET", access->secret);
	log_entry_field(out, "SINK", sinks[access->sink]);
	log_entry_field(out, "WANTED", access->wanted);
	log_entry_field(out, "RESULT", results[access->result].name);
	log_entry_field(out, "REASON", access->reason);
	bytes_printf(out, "PEER_UID=%u\nPEER_GID=%u\nPEER_PID=%d\nPEER_CONTAINER=%d\n", peer->uid,
		     peer->gid, peer->pid, peer->container);
	log_entry_field(out, "PEER_UNIT", peer->cgroup.unit);
	log_entry_field(out, "PEER_USER_UNIT", peer->cgroup.user_unit);
}

static bool entry_send(const struct access *access, const char *line)
{
	struct bytes entry = BYTES_INIT;
	bool sent;

	if (journal.fd < 0)
		return false;
	access_log_entry(access, line, &entry);
	sent = log_entry_send(journal.fd, &entry);
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
