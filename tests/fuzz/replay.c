// SPDX-License-Identifier: Apache-2.0
/*
 * Calls a fuzz target without libFuzzer, with the contents of each file that is named or lies below
 * a directory that is named.
 */
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"

#define REPLAY_MAX ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long inputs;

/* The copy has exactly the size of the input, so that a sanitizer detects a read beyond its end. */
static bool replay_bytes(const struct bytes *input)
{
	uint8_t *copy = malloc(input->len > 0 ? input->len : 1);

	if (!copy)
		return false;
	if (input->len > 0)
		memcpy(copy, input->data, input->len);
	LLVMFuzzerTestOneInput(copy, input->len);
	free(copy);
	inputs++;
	return true;
}

static int replay_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct bytes input = BYTES_INIT;
	struct error e = ERROR_INIT;
	int ret;

	(void)st, (void)ftw;
	if (type == FTW_D)
		return 0;
	ret = io_read_file(path, REPLAY_MAX, &input, &e);
	if (ret == 0 && !replay_bytes(&input))
		ret = error_set_memory(&e);
	if (ret < 0)
		fprintf(stderr, "replay: %s\n", e.text);
	bytes_free(&input);
	return ret;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (nftw(argv[i], replay_file, 16, FTW_PHYS) == 0)
			continue;
		fprintf(stderr, "replay: stopped in %s\n", argv[i]);
		return 1;
	}
	if (inputs == 0) {
		fprintf(stderr, "usage: %s FILE|DIRECTORY...\n", argv[0]);
		return 2;
	}
	printf("ok: %lu inputs\n", inputs);
	return 0;
}
