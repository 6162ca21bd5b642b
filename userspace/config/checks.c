// SPDX-License-Identifier: Apache-2.0
/* What can be checked only when all files were read. */
#include <stdlib.h>
#include <string.h>

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

static void config_check_secret(struct parser *p, struct config_secret *secret)
{
	char title[PARSER_TITLE_MAX + sizeof("secret ")] = "secret ";

	strncat(title, secret->name, PARSER_TITLE_MAX);
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

void config_check(struct parser *p)
{
	struct config *config = p->config;

	config_check_urls(p);
	config_check_proxy(p);
	config_check_certificate(p);
	for (size_t i = 0; i < config->count; i++)
		config_check_secret(p, &config->secret[i]);
	/* Without a secret, programs that wait for this one would start without theirs. */
	if (!config->count)
		parser_fail_at(p, &p->end, "", NULL,
			       "no section [secret NAME], so there is nothing to get");
}
