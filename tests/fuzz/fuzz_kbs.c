// SPDX-License-Identifier: Apache-2.0
/* The first byte selects a parser: of answers of the KBS, or of URLs or paths of resources. */
#include <stdlib.h>
#include <string.h>

#include "kbs/kbs.h"
#include "kbs/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int statuses[] = { 200, 401, 404, 302, 500 };

#define STATUSES (sizeof(statuses) / sizeof(statuses[0]))

/* A failure has a kind and a text of one printable line. */
static void check(int ret, const struct error *e)
{
	if (ret == 0)
		return;
	if (e->kind == ERROR_NONE || !e->text[0] || strpbrk(e->text, "\r\n\033"))
		abort();
}

static void fuzz_auth(int status, const uint8_t *data, size_t size)
{
	struct error e = ERROR_INIT;
	struct kbs_challenge challenge;

	check(kbs_auth_answer(&challenge, status, data, size, &e), &e);
}

static void fuzz_attest(int status, const uint8_t *data, size_t size)
{
	struct bytes ear = BYTES_INIT;
	struct error e = ERROR_INIT;
	int ret = kbs_attest_answer(status, data, size, &ear, &e);

	check(ret, &e);
	if ((ret < 0) != (ear.len == 0) || strpbrk(bytes_text(&ear), "\r\n "))
		abort();
	bytes_free(&ear);
}

static void fuzz_resource(int status, const uint8_t *data, size_t size)
{
	struct error e = ERROR_INIT;

	check(kbs_resource_answer(status, data, size, "a/b/c", &e), &e);
}

static void fuzz_admin(int status, const uint8_t *data, size_t size)
{
	struct error e = ERROR_INIT;

	check(kbs_admin_answer(status, data, size, "set-resource", &e), &e);
}

static char *text_of(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	return text;
}

static void fuzz_path(int status, const uint8_t *data, size_t size)
{
	char *text = text_of(data, size), path[64], request[KBS_REQUEST_SIZE];
	struct error e = ERROR_INIT;

	(void)status;
	check(kbs_resource_path(text, path, sizeof(path), &e), &e);
	e = (struct error)ERROR_INIT;
	if (kbs_resource_request(text, request, sizeof(request), &e) < 0)
		check(-1, &e);
	else if (strpbrk(request, " \r\n#") || strstr(request, "/.") || strstr(request, "//") ||
		 kbs_resource_request(request, request, sizeof(request), &e) < 0)
		abort();
	free(text);
}

static void fuzz_url(int status, const uint8_t *data, size_t size)
{
	char *text = text_of(data, size), url[300], again[300];
	struct error e = ERROR_INIT;
	int ret = url_parse(text, status == 200, url, sizeof(url), &e);

	check(ret, &e);
	if (ret == 0 &&
	    (url_parse(url, status == 200, again, sizeof(again), &e) < 0 || strcmp(url, again)))
		abort();
	free(text);
}

static void (*const targets[])(int status, const uint8_t *data, size_t size) = {
	fuzz_auth, fuzz_attest, fuzz_resource, fuzz_admin, fuzz_path, fuzz_url,
};

#define TARGETS (sizeof(targets) / sizeof(targets[0]))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	targets[data[0] % TARGETS](statuses[data[0] / TARGETS % STATUSES], data + 1, size - 1);
	return 0;
}
