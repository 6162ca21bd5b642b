// SPDX-License-Identifier: Apache-2.0
/* What can be checked only when all files were read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "kbs/url.h"
#include "parser.h"

#define URL_MAX	      1024
#define URL_FAIL(...) parser_fail_at(p, &config->url_place, "kbs", "url", __VA_ARGS__)

/* The URLs, when insecure is known too. */
static void config_check_urls(struct parser *p)
{
	struct config *config = p->config;

	if (!config->url_place.line)
		parser_fail_at(p, &p->end, "kbs", "url", "missing");
	for (size_t i = 0; i < config->urls; i++) {
		struct error inner = ERROR_INIT;
		char url[URL_MAX];

		if (url_parse(config->url[i], config->insecure, url, sizeof(url), &inner)) {
			if (config->urls == 1)
				URL_FAIL("%s", inner.text);
			else
				URL_FAIL("'%.100s': %s", config->url[i], inner.text);
			continue;
		}
		parser_store(p, url, &config->url[i]);
		for (size_t j = 0; j < i && config->url[i]; j++)
			if (!strcmp(config->url[j], config->url[i]))
				URL_FAIL("'%s' is given twice", config->url[i]);
	}
	if (config->cas > 1 && config->cas != config->urls)
		parser_fail_at(p, &config->ca_place, "kbs", "ca",
			       "%zu files for %zu URLs: either one for all of them or one for each",
			       config->cas, config->urls);
}

static void config_check_proxy(struct parser *p)
{
	static const char prefix[] = "proxy: "; /* the key is named anyway */
	struct config *config = p->config;
	struct error inner = ERROR_INIT;
	char url[URL_MAX];

	if (!config->proxy && config->proxy_credentials)
		parser_fail_at(p, &config->proxy_credentials_place, "kbs", "proxy_credentials",
			       "without proxy");
	if (!config->proxy)
		return;
	if (url_parse_proxy(config->proxy, url, sizeof(url), &inner))
		parser_fail_at(p, &config->proxy_place, "kbs", "proxy", "%s",
			       inner.text + (strncmp(inner.text, prefix, strlen(prefix)) ?
						     0 :
						     strlen(prefix)));
	else
		parser_store(p, url, &config->proxy);
}

/* Certificate and key of the client belong together. */
static void config_check_certificate(struct parser *p)
{
	const struct config *config = p->config;

	if (config->certificate_place.line && !config->key_place.line)
		parser_fail_at(p, &config->certificate_place, "kbs", "certificate", "without key");
	if (config->key_place.line && !config->certificate_place.line)
		parser_fail_at(p, &config->key_place, "kbs", "key", "without certificate");
}

static const char *secret_heading(const struct config_secret *secret,
				  char heading[PARSER_HEADING_MAX])
{
	snprintf(heading, PARSER_HEADING_MAX, "secret %s", secret->name);
	return heading;
}

static void config_check_refresh(struct parser *p, struct config_secret *secret)
{
	char title[PARSER_HEADING_MAX];

	secret_heading(secret, title);
	if (secret->refresh == CONFIG_UNSET)
		secret->refresh = p->config->refresh;
	if (secret->stale_after == CONFIG_UNSET)
		secret->stale_after = 2 * secret->refresh;
	else if (secret->stale_after && secret->stale_after < secret->refresh)
		parser_fail_at(p, &secret->stale_place, title, "stale_after",
			       "is shorter than refresh, so the secret would be stale before it is "
			       "requested again");
	if (secret->on_stale_place.line && !secret->stale_after)
		parser_warn_at(p, &secret->on_stale_place, title, "on_stale",
			       "has no effect, because the secret never becomes stale; set "
			       "stale_after");
}

/* What was given for a file or a key of the kernel that the secret does not have. */
static void config_check_unused(struct parser *p, const struct config_secret *secret)
{
	const struct {
		const struct config_place *place;
		const char *key, *of;
		bool used;
	} keys[] = {
		{ &secret->mode_place, "mode", "file", secret->file },
		{ &secret->group_place, "group", "file", secret->file },
		{ &secret->owner_place, "owner", "file and no key", secret->file || secret->key },
	};
	char title[PARSER_HEADING_MAX];

	secret_heading(secret, title);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].place->line && !keys[i].used)
			parser_warn_at(p, keys[i].place, title, keys[i].key,
				       "has no effect, because the secret has no %s", keys[i].of);
	if (secret->key_fallback && secret->key != CONFIG_KEY_BIG)
		parser_fail_at(p, &secret->key_fallback_place, title, "key_fallback",
			       "is for keys of the type big_key only");
}

/* The secret, among the first @count, that has the credential too, or NULL; of the last one, among its first @upto. */
static const struct config_secret *credential_find(const struct config *config, size_t count,
						   size_t upto, const struct config_credential *c)
{
	for (size_t i = 0; i < count; i++) {
		const struct config_secret *secret = &config->secret[i];
		size_t end = i + 1 == count ? upto : secret->credentials;

		for (size_t k = 0; k < end; k++)
			if (!strcmp(secret->credential[k].unit, c->unit) &&
			    !strcmp(secret->credential[k].id, c->id))
				return secret;
	}
	return NULL;
}

static const struct config_secret *volume_find(const struct config *config, size_t count,
					       size_t upto, const char *volume)
{
	for (size_t i = 0; i < count; i++) {
		const struct config_secret *secret = &config->secret[i];
		size_t end = i + 1 == count ? upto : secret->volumes;

		for (size_t k = 0; k < end; k++)
			if (!strcmp(secret->volume[k], volume))
				return secret;
	}
	return NULL;
}

/* systemd asks for a credential or a volume by its name alone, so it belongs to one secret. */
static void config_check_asked(struct parser *p, size_t number)
{
	const struct config_secret *secret = &p->config->secret[number], *other;
	char title[PARSER_HEADING_MAX];

	secret_heading(secret, title);
	for (size_t i = 0; i < secret->credentials; i++) {
		const struct config_credential *c = &secret->credential[i];

		other = credential_find(p->config, number + 1, i, c);
		if (other)
			parser_fail_at(p, &secret->credential_place, title, "credential",
				       "'%s:%s' is already given in [secret %s]", c->unit, c->id,
				       other->name);
	}
	for (size_t i = 0; i < secret->volumes; i++) {
		other = volume_find(p->config, number + 1, i, secret->volume[i]);
		if (other)
			parser_fail_at(p, &secret->volume_place, title, "crypttab",
				       "'%s' is already given in [secret %s]", secret->volume[i],
				       other->name);
	}
}

void config_check(struct parser *p)
{
	struct config *config = p->config;

	config_check_urls(p);
	config_check_proxy(p);
	config_check_certificate(p);
	for (size_t i = 0; i < config->count; i++) {
		config_check_refresh(p, &config->secret[i]);
		config_check_unused(p, &config->secret[i]);
		config_check_asked(p, i);
	}
	config_files(p);
	/* Without a secret, programs that wait for this one would start without theirs. */
	if (!config->count)
		parser_fail_at(p, &p->end, "", NULL,
			       "no section [secret NAME], so there is nothing to get");
}
