// SPDX-License-Identifier: Apache-2.0
#include "token_pack.h"

#include <string.h>
#include <zlib.h>

#include "base/encode.h"

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

int token_pack(const struct bytes *token, struct token_pack *pack, struct error *e)
{
	struct bytes plain = BYTES_INIT, packed = BYTES_INIT;
	uLongf len;
	int ret = -1;

	if (token_decode(bytes_text(token), pack, &plain, e) < 0)
		goto out;
	len = compressBound(plain.len);
	if (bytes_resize(&packed, len, e) < 0)
		goto out;
	/* The room is sufficient, so only memory can be missing. */
	if (compress(packed.data, &len, plain.data, plain.len) != Z_OK) {
		error_set_memory(e);
		goto out;
	}
	bytes_set(&pack->data, packed.data, len);
	ret = bytes_check(&pack->data, e);
out:
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
