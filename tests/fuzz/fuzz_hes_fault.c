// SPDX-License-Identifier: Apache-2.0
/* The input is lines for the control socket of the bench's signer. */
#include <stdlib.h>
#include <string.h>

#include "hes_fault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The lines that `show` prints can be executed, and result in the same faults. */
static void fuzz_shown(const char *shown)
{
	struct hes_faults again = { 0 };
	char answer[HES_FAULT_ANSWER], copy[HES_FAULT_ANSWER], *save, *line;

	strcpy(copy, shown);
	for (line = strtok_r(copy, "\n", &save); line && strcmp(line, "ok");
	     line = strtok_r(NULL, "\n", &save)) {
		if (hes_fault_execute(&again, line, answer) || strcmp(answer, "ok\n"))
			abort();
	}
	hes_fault_execute(&again, "show", answer);
	if (!line || strcmp(answer, shown) != 0)
		abort();
}

/* Every answer is an error, or ends with the line "ok". */
static void fuzz_line(struct hes_faults *faults, const char *line)
{
	char answer[HES_FAULT_ANSWER], *end, *last;

	memset(answer, 'x', sizeof(answer));
	hes_fault_execute(faults, line, answer);
	end = memchr(answer, '\0', sizeof(answer));
	if (!end || end == answer || end[-1] != '\n')
		abort();
	end[-1] = '\0';
	last = strrchr(answer, '\n');
	last = last ? last + 1 : answer;
	if (strcmp(last, "ok") != 0 && strncmp(answer, "error: ", 7) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *save, *line, shown[HES_FAULT_ANSWER];
	struct channel_request request = { 0 };
	struct hes_faults faults = { 0 };
	struct channel_fault order;
	struct hes_strike strike;

	if (!text)
		abort();
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		fuzz_line(&faults, line);
		hes_fault_execute(&faults, "show", shown);
		fuzz_shown(shown);
		hes_fault_strike(&faults, &strike);
		hes_fault_order(&strike, &order);
		hes_fault_distort(&strike, &request);
	}
	free(text);
	return 0;
}
