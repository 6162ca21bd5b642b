// SPDX-License-Identifier: Apache-2.0
/* The input is a request of the API socket, and a reply to Get. */
#include <string.h>

#include "base/json.h"
#include "fuzz.h"
#include "sinks/varlink.h"

static void request(const uint8_t *data, size_t size)
{
	struct varlink_request r;
	struct bytes reply = BYTES_INIT;
	struct error e = ERROR_INIT;
	int ret = varlink_request_decode(data, size, &r, &reply, &e);

	must_explain(ret < 0 ? -1 : 0, &e);
	if (ret == VARLINK_REPLY && !r.oneway) {
		json_t *error = json_parse(reply.data, reply.len, JSON_SMALL, "reply",
					   ERROR_PROTOCOL, &e);

		must(json_is_string(json_object_get(error, "error")));
		json_decref(error);
	} else {
		must(reply.len == 0);
	}
	if (ret == VARLINK_REQUEST) {
		must(!strchr(r.name, '/') && r.wait_ms >= -1);
		must(r.method != VARLINK_GET_DESCRIPTION || r.description);
	}
	bytes_free(&reply);
}

/* There is one text for each value. */
static void reply(const uint8_t *data, size_t size)
{
	struct bytes value = BYTES_INIT, again = BYTES_INIT;
	struct error e = ERROR_INIT;
	int ret = varlink_value_decode(data, size, &value, &e);

	must_explain(ret, &e);
	if (ret == 0) {
		varlink_value_encode(value.data, value.len, &again);
		must(again.len == size && !memcmp(again.data, data, size));
	}
	bytes_free(&value);
	bytes_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	request(data, size);
	reply(data, size);
	return 0;
}
