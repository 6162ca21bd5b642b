// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parser of firmware's event log, which may contain anything: a TCG crypto-agile log
 * (TCG PC Client Platform Firmware Profile, section 10) in an area that is filled up with
 * zeros or 0xff. It calls nothing of the kernel; the tests on the host compile it unchanged.
 */

#include <linux/string.h>

#include "bootlog.h"

#define SHA1_SIZE 20
#define SPEC_ID "Spec ID Event03"
#define ALGORITHMS_MAX 8
#define EV_NO_ACTION 3

struct cursor {
	const u8 *at;
	size_t left;
	const char *fault;	/* the first field that is missing or wrong */
};

struct algorithms {
	u32 count;
	struct {
		u32 id;
		u32 size;
	} of[ALGORITHMS_MAX];
};

static const u8 *take(struct cursor *c, size_t size, const char *field)
{
	const u8 *at = c->at;

	if (c->fault || size > c->left) {
		c->fault = c->fault ?: field;
		return NULL;
	}
	c->at += size;
	c->left -= size;
	return at;
}

static void require(struct cursor *c, bool good, const char *field)
{
	if (!c->fault && !good)
		c->fault = field;
}

/* Reads a little-endian number; returns 0 after a fault. */
static u32 take_number(struct cursor *c, size_t size, const char *field)
{
	const u8 *at = take(c, size, field);
	u32 number = 0;

	while (at && size--)
		number = number << 8 | at[size];
	return number;
}

static bool only_padding(const struct cursor *c)
{
	size_t i;

	if (c->left && c->at[0] != 0x00 && c->at[0] != 0xff)
		return false;
	for (i = 1; i < c->left; i++)
		if (c->at[i] != c->at[0])
			return false;
	return true;
}

/* TCG_PCR_EVENT with a TCG_EfiSpecIDEvent, whose bytes after the algorithms are ignored */
static void header_parse(struct cursor *c, struct algorithms *algorithms)
{
	struct cursor event = { .fault = NULL };
	const u8 *signature;
	u32 i, count;

	take(c, 4, "register");
	require(c, take_number(c, 4, "event type") == EV_NO_ACTION, "event type");
	take(c, SHA1_SIZE, "digest");
	event.left = take_number(c, 4, "event size");
	event.at = take(c, event.left, "event size");
	if (c->fault)
		return;

	signature = take(&event, sizeof(SPEC_ID), "signature");
	require(&event, signature && !memcmp(signature, SPEC_ID, sizeof(SPEC_ID)), "signature");
	take(&event, 8, "version");
	count = take_number(&event, 4, "number of algorithms");
	require(&event, count && count <= ALGORITHMS_MAX, "number of algorithms");
	for (i = 0; !event.fault && i < count; i++) {
		algorithms->of[i].id = take_number(&event, 2, "algorithm");
		algorithms->of[i].size = take_number(&event, 2, "digest size");
		algorithms->count++;
	}
	c->fault = event.fault;
}

static u32 digest_size(const struct algorithms *algorithms, u32 id)
{
	u32 i;

	for (i = 0; i < algorithms->count; i++)
		if (algorithms->of[i].id == id)
			return algorithms->of[i].size;
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

/* TCG_PCR_EVENT2; false after a fault */
static bool event_parse(struct cursor *c, const struct algorithms *algorithms,
			const struct cca_bootlog *log, struct cca_boot_event *event)
{
	event->index = take_number(c, 4, "register");
	event->type = take_number(c, 4, "event type");
	event->digest = digests_parse(c, algorithms, log->algo);
	event->size = take_number(c, 4, "event size");
	event->event = take(c, event->size, "event size");
	require(c, event->type == EV_NO_ACTION || event->index < log->registers, "register");
	return !c->fault;
}

/**
 * cca_bootlog_parse() - read firmware's log
 * @log: how; its @visit receives each event that extends a register, or that is of RIM.
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
	struct algorithms algorithms = { 0 };
	struct cca_boot_event event;

	log->records = 0;
	header_parse(&c, &algorithms);
	require(&c, digest_size(&algorithms, log->algo) == log->digest_size,
		"digest size of the realm's algorithm");
	while (!c.fault) {
		log->records++;
		if (only_padding(&c))
			return NULL;
		if (event_parse(&c, &algorithms, log, &event) && log->visit &&
		    event.type != EV_NO_ACTION)
			log->visit(log->context, &event);
	}
	return c.fault;
}
