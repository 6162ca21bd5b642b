// SPDX-License-Identifier: Apache-2.0
/* Each line of the input is a Set-Cookie header of the KBS. The courier sends what it kept as a header
 * of one line, which has a limit. */
#include "courier/cookie.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct part input = { data, size };
	struct bytes cookies = BYTES_INIT;
	struct error e = ERROR_INIT;

	while (input.size) {
		char *value = part_text(part_until(&input, '\n'));

		must(cookie_keep(&cookies, value, &e) == 0);
		must(cookies.len <= COOKIE_MAX && strlen(bytes_text(&cookies)) == cookies.len);
		for (size_t i = 0; i < cookies.len; i++)
			must(cookies.data[i] >= ' ' && cookies.data[i] != 0x7f);
		free(value);
	}
	bytes_free(&cookies);
	return 0;
}
