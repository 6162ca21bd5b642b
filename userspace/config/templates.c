// SPDX-License-Identifier: Apache-2.0
/* The templates of the sections [file NAME], and the secrets that are in none of them. */
#include <string.h>

#include "base/io.h"
#include "reading.h"

static int secret_number(void *context, const char *name, size_t len)
{
	const struct config *config = context;

	for (size_t i = 0; i < config->count; i++)
		if (strlen(config->secret[i].name) == len &&
		    !memcmp(config->secret[i].name, name, len))
			return (int)i;
	return -1;
}

static int template_read(const char *path, struct config *config, struct template *template,
			 struct error *e)
{
	struct bytes text = BYTES_INIT;
	int ret = io_read_file(path, TEMPLATE_MAX, &text, e);

	if (ret == 0) {
		ret = template_parse(template, text.data, text.len, secret_number, config, e);
		if (ret < 0)
			error_add(e, "%s", path);
	}
	bytes_free(&text);
	return ret;
}

static bool secret_goes_somewhere(const struct settings *s, size_t number)
{
	const struct config_secret *secret = &s->config.secret[number];

	if (secret->file || secret->key || secret->credentials || secret->volumes || secret->allows)
		return true;
	for (size_t i = 0; i < s->config.files; i++)
		if (s->config.file[i].secret == number ||
		    template_uses(&s->file[i].template, (int)number))
			return true;
	return false;
}

static void sinks_check(struct reading *r)
{
	const struct config *config = &r->settings->config;
	struct error inner = ERROR_INIT;

	for (size_t i = 0; i < config->count; i++) {
		if (secret_goes_somewhere(r->settings, i))
			continue;
		error_set(&inner, ERROR_CONFIG,
			  "is empty, but the secret has neither key, credential, crypttab nor "
			  "allow, and no section [file NAME] contains it");
		reading_fail_at(r, &inner, &config->secret[i].place, "secret",
				config->secret[i].name, "file");
	}
}

void reading_templates(struct reading *r)
{
	struct settings *s = r->settings;
	struct error inner = ERROR_INIT;

	for (size_t i = 0; s->file && i < s->config.files; i++) {
		const struct config_file *file = &s->config.file[i];

		if (file->template &&
		    template_read(file->template, &s->config, &s->file[i].template, &inner) < 0)
			reading_fail_at(r, &inner, &file->template_place, "file", file->name,
					"template");
	}
	if (!r->failed) /* a template that could not be read may contain any secret */
		sinks_check(r);
}
