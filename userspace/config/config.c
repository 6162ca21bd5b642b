// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <stdlib.h>

#include "parser.h"

#define TIMEOUT_DEFAULT 60
#define REFRESH_DEFAULT (INT64_C(3600) * 1000)

int config_parse(struct config *config, const struct config_text *file, size_t files,
		 config_report *report, void *context, struct error *e)
{
	struct parser p = { .config = config, .report = report, .context = context, .e = e };

	*config = (struct config)CONFIG_INIT;
	config->timeout = TIMEOUT_DEFAULT;
	config->refresh = REFRESH_DEFAULT;
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

void config_free(struct config *config)
{
	for (size_t i = 0; i < config->count; i++) {
		struct config_secret *secret = &config->secret[i];

		free(secret->name);
		free(secret->resource);
		free(secret->file);
		free(secret->owner);
		free(secret->group);
	}
	free(config->secret);
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
