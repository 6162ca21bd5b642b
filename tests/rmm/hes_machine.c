/* SPDX-License-Identifier: Apache-2.0 */
#include "hes_machine.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hash.h"
#include "hes_token.h"

#define RECS LAYOUT_MAX_VCPUS

void hes_machine_open(struct hes_machine *machine, int fd)
{
	memset(machine, 0, sizeof(*machine));
	machine->fd = fd;
}

void hes_machine_close(struct hes_machine *machine)
{
	close(machine->fd);
	machine->fd = -1;
}

/* Never blocks: a machine that does not read is dropped, and may connect again. */
static bool bytes_send(const struct hes_machine *m, const void *bytes, size_t size)
{
	return send(m->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size;
}

static bool frame_send(const struct hes_machine *m, enum channel_type type, uint16_t rec,
		       uint32_t seq, const void *payload, uint32_t size)
{
	struct channel_header header = channel_header_make(type, rec, seq, payload, size);

	if (bytes_send(m, &header, sizeof(header)) && (!size || bytes_send(m, payload, size)))
		return true;
	warnx("machine dropped: it does not read its answers");
	return false;
}

/* Sends half an answer, as if the signer had been killed. */
static bool frame_cut(const struct hes_machine *m, enum channel_type type, uint16_t rec,
		      uint32_t seq, const void *payload, uint32_t size)
{
	struct channel_header header = channel_header_make(type, rec, seq, payload, size);

	bytes_send(m, &header, sizeof(header));
	bytes_send(m, payload, size / 2);
	warnx("machine dropped: its answer was cut on command");
	return false;
}

static bool order_send(struct hes_machine *m, uint16_t rec, const struct channel_fault *order)
{
	return frame_send(m, CHANNEL_FAULT, rec, m->rec[rec].asked, order, sizeof(*order));
}

bool hes_machine_send(struct hes_machine *machine, uint64_t now)
{
	for (uint16_t i = 0; i < RECS; i++) {
		const struct hes_answer *a = &machine->rec[i].answer;

		if (!machine->rec[i].owed || a->due > now)
			continue;
		machine->rec[i].owed = false;
		if (!(a->cut ? frame_cut : frame_send)(machine, a->type, i, a->seq, a->payload,
						       a->size))
			return false;
	}
	return true;
}

uint64_t hes_machine_due(const struct hes_machine *machine)
{
	uint64_t due = HES_NEVER;

	for (int i = 0; i < RECS; i++) {
		if (machine->rec[i].owed && machine->rec[i].answer.due < due)
			due = machine->rec[i].answer.due;
	}
	return due;
}

bool hes_machine_release(struct hes_machine *machine, uint64_t now)
{
	static const struct channel_fault none;

	for (uint16_t i = 0; i < RECS; i++) {
		machine->rec[i].answer.due = now;
		if (machine->rec[i].ordered && !order_send(machine, i, &none))
			return false;
		machine->rec[i].ordered = false;
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
	struct channel_fault *order = &m->rec[rec].order;
	struct channel_request request;
	struct hes_strike strike;

	memcpy(&request, m->reader.payload, sizeof(request));
	hes_fault_strike(&signer->faults, &strike);
	m->rec[rec].ordered = hes_fault_order(&strike, order);
	if (m->rec[rec].ordered && !order_send(m, rec, order))
		return false;
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
		warnx("REC %u, request %u: repeated, its answer is not due yet", rec,
		      m->rec[rec].asked);
		return true;
	}
	warnx("REC %u, request %u: repeated, answered again", rec, m->rec[rec].asked);
	if (m->rec[rec].ordered && !order_send(m, rec, &m->rec[rec].order))
		return false;
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
