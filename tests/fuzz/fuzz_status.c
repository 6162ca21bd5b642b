// SPDX-License-Identifier: Apache-2.0
/* The input is a file .status: either refused in one line, or read so that what is written from it is read again as
 * the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "status/events.h"
#include "status/metrics.h"
#include "status/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good)
{
	if (!good)
		abort();
}

static void check_path(const char *path)
{
	check(*path && *path != '/' && *path != '.');
	check(!strstr(path, "/.") && !strstr(path, "//"));
}

static void check_secret(const struct status *status, size_t i)
{
	const struct status_secret *secret = &status->secret[i];

	check(status_find(status, secret->name) == secret);
	check(secret->resource && secret->state < STATUS_STATES && secret->kind < STATUS_KINDS);
	if (secret->file)
		check_path(secret->file);
	for (size_t k = 0; k < secret->file_count; k++)
		check_path(secret->files[k]);
	check(!status_file(secret) == !secret->file_count);
	check(!secret->key || !strpbrk(secret->key, "\t\r\n\033"));
	check(!strpbrk(secret->name, "\t\r\n\033"));
	check(!secret->error || !strpbrk(secret->error, "\t\r\n\033"));
	check(secret->success >= 0 && secret->changed >= 0 && secret->next >= 0);
}

static void check_status(const struct status *status)
{
	struct bytes first = BYTES_INIT, second = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct status again;

	for (size_t i = 0; i < status->count; i++)
		check_secret(status, i);
	check(!status->configuration || strlen(status->configuration) == 64);
	check(status_encode(status, &first, &e) == 0);
	check(status_decode(first.data, first.len, &again, &e) == 0);
	check(again.count == status->count && status_encode(&again, &second, &e) == 0);
	check(bytes_equal(first.data, first.len, second.data, second.len));
	status_free(&again);
	bytes_clear(&first);
	metrics_print(status, 0, METRICS_UNKNOWN, &first);
	check(first.len > 6 && !memcmp(first.data + first.len - 6, "# EOF\n", 6));
	bytes_free(&first);
	bytes_free(&second);
}

/* From nothing to @status and back: each line is an object. */
static void check_events(const struct status *status)
{
	const struct status none = STATUS_INIT;
	struct bytes out = BYTES_INIT;
	struct error e = ERROR_INIT;
	size_t lines = 0;

	check(events_print(&none, status, NULL, 0, &out, &lines, &e) == 0);
	check(events_print(status, &none, NULL, 0, &out, &lines, &e) == 0);
	for (size_t i = 0; i < out.len; i++)
		lines -= out.data[i] == '\n';
	check(lines == 0);
	bytes_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error e = ERROR_INIT;
	struct status status;

	if (status_decode(data, size, &status, &e) == 0) {
		check_status(&status);
		check_events(&status);
	} else {
		check(e.kind == ERROR_INPUT && !strncmp(e.text, "status: ", 8) && !status.secret &&
		      !status.count && !status.url && !status.configuration);
	}
	status_free(&status);
	return 0;
}
