// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parser of firmware's event log, which may contain anything: a TCG crypto-agile log
 * (TCG PC Client Platform Firmware Profile, section 10) in an area that is filled up with
 * zeros or 0xff. It calls nothing of the kernel; the tests on the host compile it unchanged.
 */

#include <linux/string.h>

#include "bootlog.h"

#define EV_NO_ACTION 3
#define ALGORITHMS_MAX 8

/* Offsets in the header, a TCG_PCR_EVENT, and the offset of its event */
#define HEADER_TYPE 4
#define HEADER_EVENT_SIZE 28
#define HEADER_EVENT 32

/* Offsets in that event, a TCG_EfiSpecIDEvent, which begins with a signature */
#define SPEC_COUNT 24
#define SPEC_ALGORITHMS 28

static const char signature[16] = "Spec ID Event03";

/* @fault: the first field that is missing or wrong; nothing is read after it */
struct cursor {
	const u8 *at;
	size_t left;
	const char *fault;
};

/* @at: @count pairs of an algorithm's number and its digest size, 2 bytes each */
struct algorithms {
	const u8 *at;
	u32 count;
};

static u32 number(const u8 *at, size_t size)
{
	u32 value = 0;

	while (size--)
		value = value << 8 | at[size];
	return value;
}

static void require(struct cursor *c, bool good, const char *field)
{
	if (!c->fault && !good)
		c->fault = field;
}

static const u8 *take(struct cursor *c, size_t size, const char *field)
{
	const u8 *at = c->at;

	require(c, size <= c->left, field);
	if (c->fault)
		return NULL;
	c->at += size;
	c->left -= size;
	return at;
}

static u32 take_number(struct cursor *c, size_t size, const char *field)
{
	const u8 *at = take(c, size, field);

	return at ? number(at, size) : 0;
}

static bool only_padding(const struct cursor *c)
{
	size_t i;

	for (i = 0; i < c->left; i++)
		if (c->at[i] != c->at[0] || (c->at[i] && c->at[i] != 0xff))
			return false;
	return true;
}

/* Bytes of the event after the algorithms are ignored. */
static struct algorithms header_parse(struct cursor *c)
{
	const u8 *start = take(c, HEADER_EVENT, "header");
	u32 size = start ? number(start + HEADER_EVENT_SIZE, 4) : 0;
	const u8 *spec = take(c, size, "event size");
	struct algorithms algorithms = { NULL, 0 };

	if (c->fault)
		return algorithms;
	require(c, number(start + HEADER_TYPE, 4) == EV_NO_ACTION, "event type");
	if (size < SPEC_ALGORITHMS || memcmp(spec, signature, sizeof(signature))) {
		require(c, false, "signature");
		return algorithms;
	}
	algorithms.at = spec + SPEC_ALGORITHMS;
	algorithms.count = number(spec + SPEC_COUNT, 4);
	if (algorithms.count > ALGORITHMS_MAX || algorithms.count > (size - SPEC_ALGORITHMS) / 4) {
		require(c, false, "number of algorithms");
		algorithms.count = 0;
	}
	return algorithms;
}

/* Returns 0 if the header does not name the algorithm. */
static u32 digest_size(const struct algorithms *algorithms, u32 id)
{
	u32 i;

	for (i = 0; i < algorithms->count; i++)
		if (number(algorithms->at + 4 * i, 2) == id)
			return number(algorithms->at + 4 * i + 2, 2);
	return 0;
}

/* TPML_DIGEST_VALUES, with one digest in the realm's algorithm */
static const u8 *digests_parse(struct cursor *c, const struct algorithms *algorithms, u32 algo)
{
	u32 i, id, size, count = take_number(c, 4, "number of digests");
	const u8 *digest, *found = NULL;

	require(c, count <= algorithms->count, "number of digests");
	for (i = 0; !c->fault && i < count; i++) {
		id = take_number(c, 2, "digest algorithm");
		size = digest_size(algorithms, id);
		require(c, size && (id != algo || !found), "digest algorithm");
		digest = take(c, size, "digest");
		found = id == algo ? digest : found;
	}
	require(c, found, "digest in the realm's algorithm");
	return found;
}

/**
 * cca_bootlog_parse() - read firmware's log
 * @log: how; its visit() receives each event that extends a register, or that is of RIM.
 *	 Records of type EV_NO_ACTION extend nothing, and one could look like a record of
 *	 ours, so they are left out
 * @data: the area that contains the log
 * @size: bytes in @data
 *
 * Return: NULL, or the name of the field that is missing or wrong; then the events before
 * that field have been visited
 */
const char *cca_bootlog_parse(struct cca_bootlog *log, const u8 *data, size_t size)
{
	struct cursor c = { .at = data, .left = size };
	struct algorithms algorithms = header_parse(&c);
	struct mlog_event event;

	require(&c, digest_size(&algorithms, log->algo) == log->digest_size,
		"digest size of the realm's algorithm");
	for (log->records = 0; !c.fault;) {
		log->records++;
		if (only_padding(&c))
			return NULL;
		event.index = take_number(&c, 4, "register");
		event.type = take_number(&c, 4, "event type");
		event.digest = digests_parse(&c, &algorithms, log->algo);
		event.size = take_number(&c, 4, "event size");
		event.data = take(&c, event.size, "event size");
		if (event.type == EV_NO_ACTION)
			continue;
		require(&c, event.index < log->registers, "register");
		if (!c.fault && log->visit && !log->ret)
			log->ret = log->visit(log->log, &event);
	}
	return c.fault;
}
