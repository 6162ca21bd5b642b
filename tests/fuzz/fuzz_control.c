// SPDX-License-Identifier: Apache-2.0
/* The input is a request, and an answer, of the control socket. An accepted request is encoded to the same bytes, and
 * the text of an answer can be printed. */
#include "fuzz.h"
#include "status/control.h"

static void request(const uint8_t *data, size_t size)
{
	struct control_request request;
	struct bytes again = BYTES_INIT;
	struct error e = ERROR_INIT;
	int ret = control_request_decode(data, size, &request, &e);

	must_explain(ret, &e);
	if (ret < 0)
		return;
	must(control_request_encode(&request, &again, &e) == 0);
	must(again.len == size && !memcmp(again.data, data, size));
	bytes_free(&again);
}

static void answer(const uint8_t *data, size_t size)
{
	struct bytes text = BYTES_INIT, again = BYTES_INIT, text_again = BYTES_INIT;
	struct error e = ERROR_INIT;
	int code = -1, code_again = -1, ret = control_answer_decode(data, size, &code, &text, &e);

	must_explain(ret, &e);
	if (ret == 0) {
		must(code >= 0 && code <= 255 && text.len <= CONTROL_ANSWER_MAX);
		for (size_t i = 0; i < text.len; i++)
			must(text.data[i] == '\n' || text.data[i] >= ' ');
		control_answer_encode(code, bytes_text(&text), &again);
		must(control_answer_decode(again.data, again.len, &code_again, &text_again, &e) ==
		     0);
		must(code_again == code && text_again.len == text.len &&
		     (!text.len || !memcmp(text_again.data, text.data, text.len)));
	}
	bytes_free(&text);
	bytes_free(&again);
	bytes_free(&text_again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	request(data, size);
	answer(data, size);
	return 0;
}
