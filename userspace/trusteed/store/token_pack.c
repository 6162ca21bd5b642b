// SPDX-License-Identifier: Apache-2.0
#include "token_pack.h"

#include <string.h>
#include <zlib.h>

#include "base/encode.h"

/* A window of 4 KiB holds the decoded EAR; zlib's own defaults need 256 KiB for each token. */
#define WINDOW_BITS  12
#define MEMORY_LEVEL 5

static int token_decode(const char *text, struct token_pack *pack, struct bytes *plain,
			struct error *e)
{
	for (size_t i = 0; i < TOKEN_PACK_PARTS; i++) {
		bool last = i == TOKEN_PACK_PARTS - 1;
		size_t len = strcspn(text, "."), before = plain->len;

		if (text[len] != (last ? '\0' : '.'))
			return error_set(e, ERROR_INPUT, "token: not three parts");
		if (decode_base64(ENCODE_BASE64URL, text, len, "token", plain, e) < 0)
			return -1;
		pack->part[i] = plain->len - before;
		text += len + 1;
	}
	return 0;
}

static int token_compress(const struct bytes *plain, struct bytes *packed, struct error *e)
{
	z_stream stream = { .next_in = plain->data, .avail_in = (uInt)plain->len };
	int ret;

	if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return error_set_memory(e);
	ret = bytes_resize(packed, deflateBound(&stream, plain->len), e);
	if (ret == 0) {
		stream.next_out = packed->data;
		stream.avail_out = (uInt)packed->len;
		/* The room is sufficient, so only memory can be missing. */
		if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
			ret = error_set_memory(e);
		bytes_truncate(packed, stream.total_out);
	}
	deflateEnd(&stream);
	return ret;
}

int token_pack(const struct bytes *token, struct token_pack *pack, struct error *e)
{
	struct bytes plain = BYTES_INIT, packed = BYTES_INIT;
	int ret = -1;

	if (bytes_reserve(&plain, token->len, e) == 0 &&
	    token_decode(bytes_text(token), pack, &plain, e) == 0 &&
	    token_compress(&plain, &packed, e) == 0) {
		bytes_set(&pack->data, packed.data, packed.len);
		ret = bytes_check(&pack->data, e);
	}
	bytes_free(&plain);
	bytes_free(&packed);
	return ret;
}

int token_unpack(const struct token_pack *pack, struct bytes *token, struct error *e)
{
	struct bytes plain = BYTES_INIT;
	const uint8_t *part;
	uLongf len = 0;
	int ret = -1;

	for (size_t i = 0; i < TOKEN_PACK_PARTS; i++)
		len += pack->part[i];
	if (bytes_resize(&plain, len, e) < 0)
		goto out;
	/* The data is what token_pack() made, so only memory can be missing. */
	if (uncompress(plain.data, &len, pack->data.data, pack->data.len) != Z_OK) {
		error_set_memory(e);
		goto out;
	}
	part = plain.data;
	for (size_t i = 0; i < TOKEN_PACK_PARTS; i++) {
		if (i > 0)
			bytes_append_text(token, ".");
		encode_base64(ENCODE_BASE64URL, part, pack->part[i], token);
		part += pack->part[i];
	}
	ret = bytes_check(token, e);
out:
	bytes_free(&plain);
	return ret;
}

void token_pack_free(struct token_pack *pack)
{
	bytes_free(&pack->data);
}
