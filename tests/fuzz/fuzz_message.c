// SPDX-License-Identifier: Apache-2.0
/* The input is a message of the socketpair. An accepted message is encoded to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode_again(const struct message *m, const uint8_t *data, size_t size)
{
	struct bytes raw = BYTES_INIT;
	struct error e = ERROR_INIT;

	if (message_encode(m, &raw, &e) < 0 || raw.len != size || memcmp(raw.data, data, size))
		abort();
	bytes_free(&raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error e = ERROR_INIT;
	enum message_type type;
	struct message m;
	uint32_t value;
	size_t len;

	if (size < MESSAGE_HEADER_SIZE || message_decode_header(data, &type, &len, &e) < 0 ||
	    len != size - MESSAGE_HEADER_SIZE ||
	    message_decode_body(type, data + MESSAGE_HEADER_SIZE, len, &m, &e) < 0)
		return 0;
	for (size_t i = 0; i <= m.count; i++)
		message_field_u32(&m, i, &value, &e);
	encode_again(&m, data, size);
	return 0;
}
