// SPDX-License-Identifier: GPL-2.0-only
/*
 * TCG PC Client Platform Firmware Profile, crypto-agile log format: a
 * TCG_PCR_EVENT that names the algorithm, then TCG_PCR_EVENT2s of one digest
 * each. What is no extension is EV_NO_ACTION, which parsers do not replay.
 */

#include <linux/string.h>
#include <linux/unaligned.h>

#include <uapi/linux/cca_rsi.h>
#include <uapi/linux/cca_rsi_netlink.h>

#include "record.h"

/* Offsets in a TCG_PCR_EVENT2 of one digest, as far as they are fixed */
#define RECORD_TYPE	4
#define RECORD_COUNT	8
#define RECORD_ALGO	12
#define RECORD_DIGEST	14

/* TPM_ALG_ID by CCA_RSI_HASH_* */
static const u16 tcg_algos[] = {
	[CCA_RSI_HASH_SHA256] = 0x000b,
	[CCA_RSI_HASH_SHA512] = 0x000d,
	[CCA_RSI_HASH_SHA384] = 0x000c,
};

static const char signatures[][CCA_RSI_LOG_SIGNATURE_SIZE] = {
	[CCA_RSI_RECORD_KIND_BASE] = CCA_RSI_LOG_BASE,
	[CCA_RSI_RECORD_KIND_FOREIGN] = CCA_RSI_LOG_FOREIGN,
};

/* TCG_PCR_EVENT of a TCG_EfiSpecIDEvent, but for the algorithm at the end */
static const u8 header[] = {
	0, 0, 0, 0,				/* pcrIndex */
	CCA_RSI_EV_NO_ACTION, 0, 0, 0,		/* eventType */
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0,		/* a SHA-1 digest, always zero */
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	33, 0, 0, 0,				/* eventSize */
	'S', 'p', 'e', 'c', ' ', 'I', 'D', ' ',
	'E', 'v', 'e', 'n', 't', '0', '3', 0,
	0, 0, 0, 0,				/* platformClass: client */
	0, 2, 0,				/* version 2.0, errata 0 */
	2,					/* uintnSize: 64 bits */
	1, 0, 0, 0,				/* numberOfAlgorithms */
};

#define HEADER_ALGO	sizeof(header)
#define HEADER_DIGEST	(HEADER_ALGO + 2)
#define HEADER_VENDOR	(HEADER_DIGEST + 2)

/**
 * cca_record_header() - the first record, which names the algorithm
 * @to: CCA_RECORD_HEADER_SIZE bytes
 * @hash_algo: CCA_RSI_HASH_*
 * @digest_size: of that algorithm, in bytes
 */
void cca_record_header(u8 *to, u32 hash_algo, size_t digest_size)
{
	memcpy(to, header, sizeof(header));
	put_unaligned_le16(tcg_algos[hash_algo], to + HEADER_ALGO);
	put_unaligned_le16(digest_size, to + HEADER_DIGEST);
	to[HEADER_VENDOR] = 0;
}

static size_t event_size(const struct cca_event *event)
{
	if (event->kind == CCA_RSI_RECORD_KIND_EVENT)
		return event->size;
	return CCA_RSI_LOG_SIGNATURE_SIZE + event->digest_size;
}

/**
 * cca_record_size() - length of a record
 * @event: what it says
 *
 * Return: bytes
 */
size_t cca_record_size(const struct cca_event *event)
{
	return RECORD_DIGEST + event->digest_size + 4 + event_size(event);
}

/**
 * cca_record_encode() - make a record
 * @to: cca_record_size() bytes
 * @hash_algo: CCA_RSI_HASH_*
 * @event: what it says
 */
void cca_record_encode(u8 *to, u32 hash_algo, const struct cca_event *event)
{
	bool extends = event->kind == CCA_RSI_RECORD_KIND_EVENT;
	u8 *digest = to + RECORD_DIGEST;
	u8 *data = digest + event->digest_size + 4;

	put_unaligned_le32(event->index, to);
	put_unaligned_le32(extends ? event->type : CCA_RSI_EV_NO_ACTION, to + RECORD_TYPE);
	put_unaligned_le32(1, to + RECORD_COUNT);
	put_unaligned_le16(tcg_algos[hash_algo], to + RECORD_ALGO);
	put_unaligned_le32(event_size(event), data - 4);
	if (extends) {
		memcpy(digest, event->digest, event->digest_size);
		if (event->size)
			memcpy(data, event->data, event->size);
	} else {
		memset(digest, 0, event->digest_size);
		memcpy(data, signatures[event->kind], CCA_RSI_LOG_SIGNATURE_SIZE);
		memcpy(data + CCA_RSI_LOG_SIGNATURE_SIZE, event->digest, event->digest_size);
	}
}

/**
 * cca_record_decode() - look at a record of our own making
 * @from: what cca_record_encode() wrote
 * @kind: CCA_RSI_RECORD_KIND_*, as it was then
 * @digest_size: as it was then, in bytes
 * @event: takes what the record says; points into @from
 */
void cca_record_decode(const u8 *from, u32 kind, size_t digest_size, struct cca_event *event)
{
	const u8 *digest = from + RECORD_DIGEST;
	const u8 *data = digest + digest_size + 4;

	*event = (struct cca_event){
		.kind = kind,
		.index = get_unaligned_le32(from),
		.type = get_unaligned_le32(from + RECORD_TYPE),
		.digest = digest,
		.digest_size = digest_size,
	};
	if (kind == CCA_RSI_RECORD_KIND_EVENT) {
		event->data = data;
		event->size = get_unaligned_le32(data - 4);
	} else {
		event->digest = data + CCA_RSI_LOG_SIGNATURE_SIZE;
	}
}
