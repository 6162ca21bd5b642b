/* SPDX-License-Identifier: Apache-2.0 */
/* rsi_chunks: a token that arrives in pieces. For this folder only. */
#ifndef REALMKEY_RSI_CHUNKS_H
#define REALMKEY_RSI_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

struct rsi_chunks {
	bool begun;
	uint32_t size; /* of the whole token, bytes */
	uint64_t log_seq;
	size_t got; /* bytes so far */
};

#define RSI_CHUNKS_INIT { 0 }

/* Append a piece of @len bytes at @data to @token. Pieces must follow each other without a gap, and
 * all of them must have the same @size and @log_seq. */
int rsi_chunks_add(struct rsi_chunks *chunks, uint32_t size, uint32_t offset, uint64_t log_seq,
		   const void *data, size_t len, struct bytes *token, struct error *e);
/* Check that no piece is missing. */
int rsi_chunks_end(const struct rsi_chunks *chunks, struct error *e);

#endif
