/* SPDX-License-Identifier: Apache-2.0 */
/* rsi_source: what a source of the realm's data implements; for rsi*.c only. */
#ifndef REALMKEY_RSI_SOURCE_H
#define REALMKEY_RSI_SOURCE_H

#include <stdbool.h>

#include "rsi.h"

#define RSI_TOKEN_MAX ((size_t)64 << 10)

struct nl_sock;

struct rsi_source {
	const char *name;
	/* 1 when opened, 0 when this source is not there, -1 with @e for any other failure. */
	int (*open)(struct rsi *rsi, struct error *e);
	void (*close)(struct rsi *rsi);
	int (*config)(struct rsi *rsi, struct rsi_config *config, struct error *e);
	int (*measurement)(struct rsi *rsi, unsigned int index, uint8_t value[RSI_DIGEST_MAX],
			   size_t *size, struct error *e);
	int (*extend)(struct rsi *rsi, unsigned int index, const void *digest, size_t size,
		      const struct rsi_event *event, uint64_t *seq, struct error *e);
	int (*log)(struct rsi *rsi, struct bytes *log, struct error *e);
	int (*token)(struct rsi *rsi, const uint8_t challenge[RSI_CHALLENGE_SIZE],
		     struct bytes *token, uint64_t *records, struct error *e);
};

struct rsi {
	const struct rsi_source *source;
	int fd;			/* device */
	struct nl_sock *sock;	/* netlink */
	int family;
};

extern const struct rsi_source rsi_source_device, rsi_source_netlink;

/* An errno that the kernel answered at @where, as an error that says what to do. Returns -1. */
int rsi_error(int error, const char *where, struct error *e);

/* No source answered to @source (NULL for any): tell why. Returns -1. */
int rsi_absent(const char *source, struct error *e);

/* A token that arrives in pieces: they must follow each other without a gap and agree about the
 * whole. Zero-initialised at the start. */
struct rsi_chunks {
	bool begun;
	uint32_t size;		/* of the whole token */
	uint64_t log_seq;
	size_t got;
};

/* Append one piece to @token; rsi_chunks_end() checks that none is missing. */
int rsi_chunks_add(struct rsi_chunks *chunks, uint32_t size, uint32_t offset, uint64_t log_seq,
		   const void *data, size_t len, struct bytes *token, struct error *e);
int rsi_chunks_end(const struct rsi_chunks *chunks, struct error *e);

#endif
