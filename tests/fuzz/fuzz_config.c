// SPDX-License-Identifier: Apache-2.0
/* The input is a configuration file: either complete, or refused in one line with its place. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good)
{
	if (!good)
		abort();
}

static void check_secret(const struct config *config, size_t index)
{
	const struct config_secret *secret = &config->secret[index];

	check(secret->name && *secret->name && secret->resource && *secret->resource);
	check(secret->file && *secret->file && *secret->file != '/' && *secret->file != '.');
	check(!strstr(secret->file, "/.") && !strstr(secret->file, "//"));
	check(!strpbrk(secret->file, "\t\r\n\033") && secret->mode <= 0777 &&
	      secret->place.line > 0);
	for (size_t i = 0; i < index; i++)
		check(strcmp(config->secret[i].file, secret->file) &&
		      strcmp(config->secret[i].name, secret->name));
}

static void check_config(const struct config *config)
{
	check(config->urls && config->count && config->count <= CONFIG_SECRETS_MAX);
	for (size_t i = 0; i < config->urls; i++)
		check(!strncmp(config->url[i], "https://", 8) || config->insecure);
	for (size_t i = 0; i < config->cas; i++)
		check(*config->ca[i] == '/');
	check(config->cas <= 1 || config->cas == config->urls);
	check(!config->certificate == !config->key && config->timeout >= 1);
	for (size_t i = 0; i < config->count; i++)
		check_secret(config, i);
}

/* An error is "NAME:LINE: reason". */
static void check_error(const struct error *e)
{
	size_t digits = 0;

	check(e->kind == ERROR_CONFIG && !strncmp(e->text, "c:", 2));
	while (isdigit((unsigned char)e->text[2 + digits]))
		digits++;
	check(digits && !strncmp(e->text + 2 + digits, ": ", 2) && e->text[4 + digits]);
	check(!strpbrk(e->text, "\r\n\033"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config = CONFIG_INIT;
	struct error e = ERROR_INIT;

	if (config_parse(&config, data, size, "c", &e) == 0)
		check_config(&config);
	else
		check_error(&e);
	config_free(&config);
	return 0;
}
