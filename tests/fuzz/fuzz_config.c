// SPDX-License-Identifier: Apache-2.0
/* The input is a configuration file: either complete, or refused in one line with its place. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "kbs/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good)
{
	if (!good)
		abort();
}

static void check_path(const char *path)
{
	check(path && *path && *path != '/' && *path != '.');
	check(!strstr(path, "/.") && !strstr(path, "//") && !strpbrk(path, "\t\r\n\033"));
}

/* A word that another program looks up by itself. */
static void check_word(const char *word)
{
	check(word && *word && !strpbrk(word, " \t\r\n\033/") && strlen(word) <= 255);
}

static void check_unit(const char *unit)
{
	const char *dot = strrchr(unit, '.'), *at = strchr(unit, '@');

	check_word(unit);
	check(dot && dot != unit && at != unit && (!at || at + 1 != dot));
}

static void check_sinks(const struct config_secret *secret)
{
	check(!secret->key == !secret->key_name);
	check(secret->key != CONFIG_KEY_LOGON || strchr(secret->key_name, ':'));
	check(!secret->key_fallback || secret->key == CONFIG_KEY_BIG);
	check(secret->credentials <= CONFIG_LIST_MAX && secret->volumes <= CONFIG_LIST_MAX &&
	      secret->allows <= CONFIG_LIST_MAX && secret->hooks <= CONFIG_LIST_MAX);
	for (size_t i = 0; i < secret->credentials; i++) {
		check_unit(secret->credential[i].unit);
		check_word(secret->credential[i].id);
		check(!strchr(secret->credential[i].id, ':'));
	}
	for (size_t i = 0; i < secret->volumes; i++)
		check_word(secret->volume[i]);
	for (size_t i = 0; i < secret->allows; i++)
		if (secret->allow[i].kind == CONFIG_PEER_UNIT ||
		    secret->allow[i].kind == CONFIG_PEER_CONTAINER)
			check_unit(secret->allow[i].name);
		else
			check(*secret->allow[i].name);
	for (size_t i = 0; i < secret->hooks; i++) {
		check_unit(secret->hook[i].unit);
		check((secret->hook[i].action == CONFIG_SIGNAL) == (secret->hook[i].signal != 0));
	}
}

static void check_secret(const struct config *config, size_t index)
{
	const struct config_secret *secret = &config->secret[index];

	check(secret->name && *secret->name && secret->resource && *secret->resource);
	check(secret->mode <= 0777 && secret->place.line > 0);
	check_sinks(secret);
	for (size_t i = 0; i < index; i++)
		check(strcmp(config->secret[i].name, secret->name));
}

static void check_file(const struct config *config, size_t index)
{
	const struct config_file *file = &config->file[index];

	check(file->name && file->mode <= 0777 && file->place.line > 0);
	check_path(file->path);
	check((file->secret == CONFIG_NO_SECRET) == (file->template != NULL));
	check(file->template || file->secret < config->count);
	if (!file->template && !file->secret_name)
		check(!strcmp(file->path, config->secret[file->secret].file));
	for (size_t i = 0; i < index; i++)
		check(strcmp(config->file[i].path, file->path));
}

static void check_url(const char *url, bool insecure)
{
	struct error e = ERROR_INIT;
	struct url_parts parts;

	check(url_split(url, &parts, &e) == 0);
	check(!parts.exposed || insecure);
}

static void check_config(const struct config *config)
{
	check(config->urls && config->count && config->count <= CONFIG_SECRETS_MAX);
	for (size_t i = 0; i < config->urls; i++)
		check_url(config->url[i], config->insecure);
	for (size_t i = 0; i < config->cas; i++)
		check(*config->ca[i] == '/');
	check(config->cas <= 1 || config->cas == config->urls);
	check(!config->certificate == !config->key && config->timeout >= 1);
	for (size_t i = 0; i < config->count; i++)
		check_secret(config, i);
	check(config->files <= CONFIG_KEYRING_FILES_MAX && config->local_wait >= 1000);
	for (size_t i = 0; i < config->files; i++)
		check_file(config, i);
}

/* A report is "NAME:LINE: reason". The last of too many has no place. */
static void check_report(const char *text)
{
	size_t digits = 0;

	check(!strpbrk(text, "\r\n\033"));
	if (!strncmp(text, "too many", strlen("too many")))
		return;
	check(text[0] == 'a' || text[0] == 'b');
	check(text[1] == ':');
	while (isdigit((unsigned char)text[2 + digits]))
		digits++;
	check(digits && !strncmp(text + 2 + digits, ": ", 2) && text[4 + digits]);
}

static void count(void *context, bool warning, const char *text)
{
	check_report(text);
	*(unsigned int *)context += !warning;
}

/* What follows a line "%" is a drop-in. */
static size_t main_size(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + 2 < size; i++)
		if (!memcmp(data + i, "\n%\n", 3))
			return i + 1;
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t first = main_size(data, size), files = first < size ? 2 : 1;
	const struct config_text text[] = {
		{ "a", data, first },
		{ "b", data + first + (files - 1) * 2, size - first - (files - 1) * 2 },
	};
	struct config config = CONFIG_INIT;
	struct error e = ERROR_INIT;
	unsigned int errors = 0;

	if (config_parse(&config, text, files, count, &errors, &e) == 0) {
		check(!errors);
		check_config(&config);
	} else {
		check(errors && e.kind == ERROR_CONFIG);
		check_report(e.text);
	}
	config_free(&config);
	return 0;
}
