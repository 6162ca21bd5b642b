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

static u32 number(const u8 *at, size_t size)
{
	u32 value = 0;

	while (size--)
		value = value << 8 | at[size];
	return value;
}

static void require(struct cca_bootlog *log, bool good, const char *field)
{
	if (!log->fault && !good)
		log->fault = field;
}

static const u8 *take(struct cca_bootlog *log, size_t size, const char *field)
{
	const u8 *at = log->at;

	require(log, size <= log->left, field);
	if (log->fault)
		return NULL;
	log->at += size;
	log->left -= size;
	return at;
}

static u32 take_number(struct cca_bootlog *log, size_t size, const char *field)
{
	const u8 *at = take(log, size, field);

	return at ? number(at, size) : 0;
}

static bool only_padding(const struct cca_bootlog *log)
{
	size_t i;

	for (i = 0; i < log->left; i++)
		if (log->at[i] != log->at[0] || (log->at[i] && log->at[i] != 0xff))
			return false;
	return true;
}

/* Returns 0 if the header does not name the algorithm. */
static u32 digest_size(const struct cca_bootlog *log, u32 id)
{
	const u8 *at = log->algorithms;
	u32 i;

	for (i = 0; i < log->algorithms_count; i++, at += 4)
		if (number(at, 2) == id)
			return number(at + 2, 2);
	return 0;
}

/* Bytes of the event after the algorithms are ignored. */
static void header_parse(struct cca_bootlog *log)
{
	const u8 *start = take(log, HEADER_EVENT, "header");
	u32 count, size = start ? number(start + HEADER_EVENT_SIZE, 4) : 0;
	const u8 *spec = take(log, size, "event size");

	if (log->fault)
		return;
	require(log, number(start + HEADER_TYPE, 4) == EV_NO_ACTION, "event type");
	require(log, size >= SPEC_ALGORITHMS && !memcmp(spec, signature, sizeof(signature)),
		"signature");
	if (log->fault)
		return;
	count = number(spec + SPEC_COUNT, 4);
	require(log, count <= ALGORITHMS_MAX && count <= (size - SPEC_ALGORITHMS) / 4,
		"number of algorithms");
	log->algorithms = spec + SPEC_ALGORITHMS;
	log->algorithms_count = log->fault ? 0 : count;
	require(log, digest_size(log, log->algo) == log->digest_size,
		"digest size of the realm's algorithm");
}

/* TPML_DIGEST_VALUES, with one digest in the realm's algorithm */
static const u8 *digests_parse(struct cca_bootlog *log)
{
	u32 i, id, size, count = take_number(log, 4, "number of digests");
	const u8 *digest, *found = NULL;

	require(log, count <= log->algorithms_count, "number of digests");
	for (i = 0; !log->fault && i < count; i++) {
		id = take_number(log, 2, "digest algorithm");
		size = digest_size(log, id);
		require(log, size && (id != log->algo || !found), "digest algorithm");
		digest = take(log, size, "digest");
		found = id == log->algo ? digest : found;
	}
	require(log, found, "digest in the realm's algorithm");
	return found;
}

/**
 * cca_bootlog_next() - read the next event of firmware's log
 * @log: the reader
 * @event: receives an event that extends a register, or that is of RIM. Records of type
 *	   EV_NO_ACTION extend nothing, and one could look like a record of ours, so they
 *	   are left out
 *
 * Return: true if there was one; otherwise, @log->fault says whether the log ends there
 */
bool cca_bootlog_next(struct cca_bootlog *log, struct mlog_event *event)
{
	if (!log->algorithms)
		header_parse(log);
	do {
		if (log->fault || only_padding(log))
			return false;
		log->records++;
		event->index = take_number(log, 4, "register");
		event->type = take_number(log, 4, "event type");
		event->digest = digests_parse(log);
		event->size = take_number(log, 4, "event size");
		event->data = take(log, event->size, "event size");
	} while (event->type == EV_NO_ACTION);
	require(log, event->index < log->registers, "register");
	return !log->fault;
}
