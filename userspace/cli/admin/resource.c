// SPDX-License-Identifier: Apache-2.0
/* The resources of a KBS. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "admin.h"
#include "base/io.h"
#include "jose/jwe.h"
#include "kbs/kbs.h"

#define URL_PATH  "resource/"
#define NAME_SIZE KBS_RESOURCE_SIZE
#define PATH_SIZE (sizeof(URL_PATH) + NAME_SIZE)

static const struct args_option resource_options[] = {
	{ .name = "resource-file",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct admin_options, resource_file),
	  .value = "FILE",
	  .help = "the secret, stored byte for byte; - is standard input (required)" },
	{ 0 },
};

const struct args_spec admin_set_resource_spec = {
	.name = "realmkey admin set-resource",
	.operands = "",
	.about = "Stores a secret at the KBS, or replaces it.",
	.options = ADMIN_OPTIONS(admin_path_option, resource_options),
};

const struct args_spec admin_delete_resource_spec = {
	.name = "realmkey admin delete-resource",
	.operands = "",
	.about = "Deletes a secret at the KBS. Realms that already have it keep it.",
	.options = ADMIN_OPTIONS(admin_path_option),
};

/* The path of the request for the resource of @options, and the options that all requests require. */
static int resource_path(const struct admin_options *options, char path[PATH_SIZE], struct error *e)
{
	static const size_t prefix = sizeof(URL_PATH) - 1;

	memcpy(path, URL_PATH, sizeof(URL_PATH));
	if (kbs_resource_path(options->path, path + prefix, NAME_SIZE, e) < 0)
		return -1;
	return admin_check(options, e);
}

int admin_set_resource(const struct admin_options *options, const char *const *operand,
		       struct error *e)
{
	struct bytes secret = BYTES_LOCKED_INIT;
	char path[PATH_SIZE];
	int ret = -1;

	(void)operand;
	if (!options->path || !options->resource_file)
		return error_set(e, ERROR_USAGE, "--path and --resource-file are required");
	if (resource_path(options, path, e) < 0)
		return -1;
	if (!strcmp(options->resource_file, "-") && !strcmp(options->token_file, "-"))
		return error_set(e, ERROR_USAGE,
				 "--resource-file and --admin-token-file cannot "
				 "both be standard input");
	if (io_read_file(options->resource_file, JWE_PLAINTEXT_MAX, &secret, e) == 0)
		ret = admin_ask(options,
				&(struct admin_request){ "POST", path, &secret,
							 path + strlen(URL_PATH) },
				NULL, e);
	bytes_free(&secret);
	return ret < 0 ? -1 : admin_say(e, "stored %s", options->path);
}

int admin_delete_resource(const struct admin_options *options, const char *const *operand,
			  struct error *e)
{
	char path[PATH_SIZE];

	(void)operand;
	if (!options->path)
		return error_set(e, ERROR_USAGE, "--path is required");
	if (resource_path(options, path, e) < 0)
		return -1;
	if (admin_ask(options,
		      &(struct admin_request){ "DELETE", path, NULL, path + strlen(URL_PATH) },
		      NULL, e) < 0)
		return -1;
	return admin_say(e, "deleted %s", options->path);
}
