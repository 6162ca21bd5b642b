/* SPDX-License-Identifier: Apache-2.0 */
#include "hes_machine.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hash.h"
#include "hes_token.h"

#define RECS	  LAYOUT_MAX_VCPUS
#define SEND_ROOM 4096

void hes_machine_open(struct hes_machine *machine, int fd)
{
	const int room = SEND_ROOM;

	memset(machine, 0, sizeof(*machine));
	machine->fd = fd;
	/* Only room for one token, so that poll() reports when the machine has read it. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)))
		warn("cannot limit the unread answers of a machine");
}

void hes_machine_close(struct hes_machine *machine)
{
	close(machine->fd);
	machine->fd = -1;
}

/* --- frames to the machine -------------------------------------------------------------------- */

static void frame_put(struct hes_machine *m, enum channel_type type, uint16_t rec, uint32_t seq,
		      const void *payload, uint32_t size)
{
	struct channel_header header = channel_header_make(type, rec, seq, payload, size);

	memcpy(m->out.bytes, &header, sizeof(header));
	memcpy(m->out.bytes + sizeof(header), payload, size);
	m->out.size = sizeof(header) + size;
	m->out.sent = 0;
}

/* Puts half an answer, after which the machine is dropped, as if the signer had been killed. */
static void answer_put(struct hes_machine *m, uint16_t rec)
{
	const struct hes_answer *a = &m->rec[rec].answer;

	m->rec[rec].owed = false;
	frame_put(m, a->type, rec, a->seq, a->payload, a->size);
	m->cut = a->cut;
	if (a->cut)
		m->out.size -= a->size - a->size / 2;
}

/* Puts the next frame that is due for REC @rec. Returns false if there is none. */
static bool frame_of(struct hes_machine *m, uint16_t rec, uint64_t now)
{
	if (m->rec[rec].order_owed) {
		m->rec[rec].order_owed = false;
		frame_put(m, CHANNEL_FAULT, rec, m->rec[rec].asked, &m->rec[rec].order,
			  sizeof(m->rec[rec].order));
	} else if (m->rec[rec].owed && m->rec[rec].answer.due <= now) {
		answer_put(m, rec);
	} else {
		return false;
	}
	return true;
}

/* Puts the next frame that is due, of each REC in turn. Returns false if there is none. */
static bool frame_choose(struct hes_machine *m, uint64_t now)
{
	for (int i = 0; i < RECS; i++) {
		m->turn = (uint16_t)((m->turn + 1) % RECS);
		if (frame_of(m, m->turn, now))
			return true;
	}
	return false;
}

/* Has the machine read (nearly) all that was sent? */
static bool machine_has_read(const struct hes_machine *m)
{
	struct pollfd p = { .fd = m->fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && p.revents & POLLOUT;
}

/* Sends what the socket has room for. Returns false if the machine must be dropped. */
static bool frame_flush(struct hes_machine *m)
{
	ssize_t sent = send(m->fd, m->out.bytes + m->out.sent, m->out.size - m->out.sent,
			    MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		warnx("machine disconnected");
		return false;
	}
	m->out.sent += sent < 0 ? 0 : (size_t)sent;
	if (m->out.sent < m->out.size || !m->cut)
		return true;
	warnx("machine dropped: its answer was cut on command");
	return false;
}

/*
 * A realm reads only during its calls, a few bytes each time, and may abandon any number of tokens.
 * So an answer is sent when the machine has read the one before. If the REC has requested another
 * token by then, that one's answer is sent instead: there is never more than one old answer to read.
 */
bool hes_machine_send(struct hes_machine *machine, uint64_t now)
{
	while (machine_has_read(machine)) {
		machine->waits = false;
		if (machine->out.sent == machine->out.size && !frame_choose(machine, now))
			return true;
		if (!frame_flush(machine))
			return false;
	}
	machine->waits = true;
	return true;
}

uint64_t hes_machine_due(const struct hes_machine *machine)
{
	uint64_t due = HES_NEVER;

	for (int i = 0; !machine->waits && i < RECS; i++) {
		if (machine->rec[i].owed && machine->rec[i].answer.due < due)
			due = machine->rec[i].answer.due;
	}
	return due;
}

bool hes_machine_release(struct hes_machine *machine, uint64_t now)
{
	for (int i = 0; i < RECS; i++) {
		machine->rec[i].answer.due = now;
		machine->rec[i].order_owed |= machine->rec[i].ordered;
		machine->rec[i].ordered = false;
		memset(&machine->rec[i].order, 0, sizeof(machine->rec[i].order));
	}
	return hes_machine_send(machine, now);
}

/* --- a token ---------------------------------------------------------------------------------- */

static struct hes_style style_choose(const struct hes_signer *signer,
				     const struct hes_strike *strike)
{
	uint32_t pair = HES_PROFILE_DEFAULT | HES_PROFILE_DEFAULT << 8;

	if (strike->by[HES_PROFILE])
		pair = strike->argument[HES_PROFILE];
	return (struct hes_style){
		.tag = strike->by[HES_TAG] ? strike->argument[HES_TAG] : signer->tag,
		.platform = &hes_profiles[pair & 0xff],
		.realm = &hes_profiles[pair >> 8],
		.size = strike->by[HES_OVERSIZE] ? strike->argument[HES_OVERSIZE] : 0,
	};
}

static uint32_t size_truncated(const struct hes_strike *strike, size_t size)
{
	uint32_t left = strike->argument[HES_TRUNCATED];

	if (!strike->by[HES_TRUNCATED] || left > size)
		return (uint32_t)size;
	return left ? left : (uint32_t)size / 2;
}

static void names_print(const struct hes_strike *strike, char *text, size_t room)
{
	size_t at = 0;

	*text = '\0';
	for (int i = 0; i < HES_FAULTS && at < room; i++) {
		if (strike->by[i])
			at += (size_t)snprintf(text + at, room - at, ", %s",
					       hes_fault_info[i].name);
	}
}

/* Fills @a with a token or a refusal. */
static void answer_make(const struct hes_signer *signer, const struct hes_strike *strike,
			uint16_t rec, struct channel_request *request, struct hes_answer *a)
{
	struct hes_style style = style_choose(signer, strike);
	const char *fault = "refused on command";
	char names[256];
	size_t size = 0;

	hes_fault_distort(strike, request);
	if (!strike->by[HES_REFUSE])
		fault = hes_token_make(&signer->keys, &style, request, a->payload, &size);
	a->type = fault ? CHANNEL_REFUSAL : CHANNEL_TOKEN;
	a->size = fault ? 0 : size_truncated(strike, size);
	names_print(strike, names, sizeof(names));
	if (fault)
		warnx("REC %u, request %u: %s", rec, a->seq, fault);
	else
		warnx("REC %u, request %u: token of %u bytes, tag %u, %s%s", rec, a->seq, a->size,
		      style.tag, hash_name((enum hash_algorithm)request->hash_algo), names);
}

static bool request_serve(struct hes_machine *m, struct hes_signer *signer, uint16_t rec,
			  uint64_t now)
{
	struct hes_answer *a = &m->rec[rec].answer;
	struct channel_request request;
	struct hes_strike strike;

	memcpy(&request, m->reader.payload, sizeof(request));
	hes_fault_strike(&signer->faults, &strike);
	m->rec[rec].ordered = hes_fault_order(&strike, &m->rec[rec].order);
	m->rec[rec].order_owed = m->rec[rec].ordered;
	a->seq = m->rec[rec].asked;
	answer_make(signer, &strike, rec, &request, a);
	a->cut = strike.by[HES_CUT];
	a->due = strike.by[HES_STALL] ? HES_NEVER :
		 strike.by[HES_LATE]  ? now + strike.argument[HES_LATE] :
					now;
	m->rec[rec].owed = true;
	return hes_machine_send(m, now);
}

/* --- frames ----------------------------------------------------------------------------------- */

/* The answer was sent and lost, so it is sent again, with the faults of the first time. */
static bool repeat_serve(struct hes_machine *m, uint16_t rec, uint64_t now)
{
	if (m->rec[rec].owed) {
		warnx("REC %u, request %u: repeated, its answer is not sent yet", rec,
		      m->rec[rec].asked);
		return true;
	}
	warnx("REC %u, request %u: repeated, answered again", rec, m->rec[rec].asked);
	m->rec[rec].order_owed = m->rec[rec].ordered;
	m->rec[rec].answer.due = now;
	m->rec[rec].owed = true;
	return hes_machine_send(m, now);
}

/* The reader holds a whole frame. */
static bool frame_serve(struct hes_machine *m, struct hes_signer *signer, uint64_t now)
{
	const struct channel_header *h = &m->reader.header;

	if (h->type != CHANNEL_TOKEN_REQUEST || h->size != sizeof(struct channel_request) ||
	    h->rec >= RECS) {
		warnx("frame of type %u and %u bytes dropped: not a token request", h->type,
		      h->size);
		return true;
	}
	if (m->rec[h->rec].known && m->rec[h->rec].asked == h->seq)
		return repeat_serve(m, h->rec, now);
	m->rec[h->rec].known = true;
	m->rec[h->rec].asked = h->seq;
	return request_serve(m, signer, h->rec, now);
}

static bool byte_serve(struct hes_machine *m, struct hes_signer *signer, uint8_t byte, uint64_t now)
{
	enum channel_state state = channel_feed(&m->reader, byte);

	if (state == CHANNEL_FRAME) {
		m->broken = false;
		return frame_serve(m, signer, now);
	}
	if (state == CHANNEL_BAD && !m->broken) {
		warnx("bytes dropped: not a frame, or a damaged frame");
		m->broken = true;
	}
	return true;
}

bool hes_machine_receive(struct hes_machine *machine, struct hes_signer *signer, uint64_t now)
{
	uint8_t buffer[4096];
	ssize_t got = recv(machine->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
	bool ok = got > 0;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	for (ssize_t i = 0; ok && i < got; i++)
		ok = byte_serve(machine, signer, buffer[i], now);
	if (!ok && got <= 0)
		warnx("machine disconnected");
	return ok;
}
