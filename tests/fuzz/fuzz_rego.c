// SPDX-License-Identifier: Apache-2.0
/* The input is what a realmkey-policy that was taken over sends: one frame. What can be read is asked about in turn. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "rego/question.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const rules[] = { REGO_ALLOW, REGO_TRUST_CLAIMS, NULL };

/* A question is a frame, or an error. */
static void ask_about(json_t *answer, const uint8_t *data, size_t size)
{
	struct bytes policy = BYTES_INIT, frame = BYTES_INIT;
	struct error e = ERROR_INIT;

	bytes_set(&policy, data, size);
	if (rego_ask_evaluate(&policy, rules, answer, json_object_get(answer, "values"), NULL,
			      &frame, &e) == 0 &&
	    rego_frame_size(frame.data, frame.len, REGO_QUESTION_MAX, &e) != (int64_t)frame.len)
		abort();
	bytes_clear(&frame);
	if (rego_ask_check(&policy, &frame, &e) < 0 && e.kind == ERROR_NONE)
		abort();
	rego_ask_init_data(bytes_text(&policy), &frame, &e);
	bytes_free(&frame);
	bytes_free(&policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error e = ERROR_INIT;
	int64_t frame = rego_frame_size(data, size, REGO_ANSWER_MAX, &e);
	json_t *answer;

	if (frame <= 0 || (uint64_t)frame > size)
		return 0;
	answer = rego_answer(data + 4, (size_t)frame - 4, &e);
	if (!answer && e.kind == ERROR_NONE)
		abort();
	if (answer)
		ask_about(answer, data + 4, (size_t)frame - 4);
	json_decref(answer);
	return 0;
}
