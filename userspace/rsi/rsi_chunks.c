// SPDX-License-Identifier: Apache-2.0
#include "rsi_chunks.h"

#include "rsi_source.h"

int rsi_chunks_add(struct rsi_chunks *chunks, uint32_t size, uint32_t offset, uint64_t log_seq,
		   const void *data, size_t len, struct bytes *token, struct error *e)
{
	if (!chunks->begun)
		*chunks = (struct rsi_chunks){ .begun = true, .size = size, .log_seq = log_seq };
	if (size == 0 || size > RSI_TOKEN_MAX)
		return error_set(e, ERROR_INPUT, "CCA token: %u bytes, not 1 to %zu", size,
				 RSI_TOKEN_MAX);
	if (size != chunks->size || log_seq != chunks->log_seq)
		return error_set(e, ERROR_SYSTEM, "CCA token: pieces of different tokens");
	if (offset != chunks->got || len == 0 || len > chunks->size - chunks->got)
		return error_set(e, ERROR_SYSTEM,
				 "CCA token: %zu bytes at %u of %u do not follow "
				 "%zu",
				 len, offset, size, chunks->got);
	bytes_append(token, data, len);
	chunks->got += len;
	return bytes_check(token, e);
}

int rsi_chunks_end(const struct rsi_chunks *chunks, struct error *e)
{
	if (!chunks->begun || chunks->got != chunks->size)
		return error_set(e, ERROR_SYSTEM, "CCA token: ends at %zu of %u bytes", chunks->got,
				 chunks->size);
	return 0;
}
