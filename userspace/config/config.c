// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <stdlib.h>

#include "parser.h"

#define TIMEOUT_DEFAULT 60
#define REFRESH_DEFAULT (INT64_C(3600) * 1000)
#define WAIT_DEFAULT	(INT64_C(60) * 1000)

int config_parse(struct config *config, const struct config_text *file, size_t files,
		 config_report *report, void *context, struct error *e)
{
	struct parser p = { .config = config, .report = report, .context = context, .e = e };

	*config = (struct config)CONFIG_INIT;
	config->timeout = TIMEOUT_DEFAULT;
	config->refresh = REFRESH_DEFAULT;
	config->local_wait = WAIT_DEFAULT;
	for (size_t i = 0; i < files && !parser_ends(&p); i++) {
		parser_file(&p, &file[i]);
		if (!i)
			p.end = p.at;
	}
	if (!parser_ends(&p))
		config_check(&p);
	return p.memory || p.errors ? -1 : 0;
}

static void list_free(char **list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i]);
}

static void secret_free(struct config_secret *secret)
{
	free(secret->name);
	free(secret->resource);
	free(secret->file);
	free(secret->owner);
	free(secret->group);
	free(secret->key_name);
	for (size_t i = 0; i < secret->credentials; i++) {
		free(secret->credential[i].unit);
		free(secret->credential[i].id);
	}
	free(secret->credential);
	list_free(secret->volume, secret->volumes);
	free(secret->volume);
	for (size_t i = 0; i < secret->allows; i++)
		free(secret->allow[i].name);
	free(secret->allow);
	for (size_t i = 0; i < secret->hooks; i++)
		free(secret->hook[i].unit);
	free(secret->hook);
}

static void file_free(struct config_file *file)
{
	free(file->name);
	free(file->path);
	free(file->secret_name);
	free(file->template);
	free(file->owner);
	free(file->group);
}

void config_free(struct config *config)
{
	for (size_t i = 0; i < config->count; i++)
		secret_free(&config->secret[i]);
	free(config->secret);
	for (size_t i = 0; i < config->files; i++)
		file_free(&config->file[i]);
	free(config->file);
	list_free(config->url, config->urls);
	list_free(config->ca, config->cas);
	list_free(config->name, config->names);
	free(config->name);
	free(config->proxy);
	free(config->proxy_credentials);
	free(config->certificate);
	free(config->key);
	free(config->source);
	*config = (struct config)CONFIG_INIT;
}
