// SPDX-License-Identifier: Apache-2.0
/* The keys of each section, and how their values are read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/realm.h"
#include "kbs/kbs.h"
#include "parser.h"
#include "rsi/rsi.h"
#include "value.h"

#define FILE_PATH_MAX	 255
#define TIMEOUT_MAX_MS	 (INT64_C(600) * 1000)
#define WAIT_MAX_MS	 (INT64_C(86400) * 1000)
#define KEYRING_SIZE_MIN ((size_t)1 << 20)
#define KEYRING_SIZE_MAX ((size_t)1 << 30)

static int read_text(struct parser *p, const struct key *key, const char *value, void *field)
{
	if (!*value)
		return parser_fail(p, key->name, "is empty");
	return parser_store(p, value, field);
}

static int read_path(struct parser *p, const struct key *key, const char *value, void *field)
{
	if (value[0] != '/')
		return parser_fail(p, key->name, "'%s' is not an absolute path", value);
	return parser_store(p, value, field);
}

/* Words with white space between them, instead of those in @list. */
static int read_words(struct parser *p, const struct key *key, const char *value, char **list,
		      size_t *count)
{
	char text[PARSER_LINE_MAX + 1], *save = NULL;
	int ret = 0;

	while (*count)
		free(list[--*count]);
	snprintf(text, sizeof(text), "%s", value);
	for (char *word = strtok_r(text, " \t", &save); word && ret == 0;
	     word = strtok_r(NULL, " \t", &save)) {
		if (*count == CONFIG_URLS_MAX)
			return parser_fail(p, key->name, "has more than %d words", CONFIG_URLS_MAX);
		list[*count] = NULL;
		ret = parser_store(p, word, &list[*count]);
		*count += ret == 0;
	}
	return ret;
}

static int read_urls(struct parser *p, const struct key *key, const char *value, void *field)
{
	if (!*value)
		return parser_fail(p, key->name, "is empty");
	return read_words(p, key, value, field, &p->config->urls);
}

static int read_paths(struct parser *p, const struct key *key, const char *value, void *field)
{
	if (!*value)
		return parser_fail(p, key->name, "'' is not an absolute path");
	if (read_words(p, key, value, field, &p->config->cas) < 0)
		return -1;
	for (size_t i = 0; i < p->config->cas; i++)
		if (p->config->ca[i][0] != '/')
			return parser_fail(p, key->name, "'%s' is not an absolute path",
					   p->config->ca[i]);
	return 0;
}

static int read_bool(struct parser *p, const struct key *key, const char *value, void *field)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{ "yes", true }, { "true", true },   { "on", true },   { "1", true },
		{ "no", false }, { "false", false }, { "off", false }, { "0", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strcasecmp(value, words[i].word)) {
			*(bool *)field = words[i].value;
			return 0;
		}
	}
	return parser_fail(p, key->name, "'%s' is neither yes nor no", value);
}

static int read_timeout(struct parser *p, const struct key *key, const char *value, void *field)
{
	int64_t ms;

	if (!value_time(value, &ms) || ms > TIMEOUT_MAX_MS)
		return parser_fail(p, key->name, "'%s' is not a time from 1s to 10m", value);
	*(unsigned int *)field = (unsigned int)(ms / 1000);
	return 0;
}

static int read_interval(struct parser *p, const struct key *key, const char *value, void *field)
{
	if (value_time_or_never(value, field))
		return 0;
	return parser_fail(p, key->name,
			   "'%s' is neither a time from 1s to 365d, such as 30s, 5m, 1h or 2d, nor "
			   "never",
			   value);
}

static int read_size(struct parser *p, const struct key *key, const char *value, void *field)
{
	size_t size;

	if (!value_size(value, &size) || size < KEYRING_SIZE_MIN || size > KEYRING_SIZE_MAX)
		return parser_fail(p, key->name,
				   "'%s' is not a size from 1m to 1g, such as 16m or 65536k",
				   value);
	*(size_t *)field = size;
	return 0;
}

static int read_stale(struct parser *p, const struct key *key, const char *value, void *field)
{
	static const char *const words[] = {
		[CONFIG_STALE_KEEP] = "keep",
		[CONFIG_STALE_REMOVE] = "remove",
		[CONFIG_STALE_FAIL] = "fail",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strcmp(value, words[i])) {
			*(enum config_stale *)field = (enum config_stale)i;
			return 0;
		}
	}
	return parser_fail(p, key->name, "'%s' is not one of keep, remove, fail", value);
}

static int read_register(struct parser *p, const struct key *key, const char *value, void *field)
{
	/* Register 0, the RIM, cannot be extended. */
	for (unsigned int i = 1; i < REALM_REGISTERS; i++) {
		if (!strcmp(value, realm_register_name(i))) {
			*(unsigned int *)field = i;
			return 0;
		}
	}
	return parser_fail(p, key->name, "'%s' is not one of REM0, REM1, REM2, REM3", value);
}

/* [log] extend, up to version 0.1.0: the number of the register. */
static int read_extend(struct parser *p, const struct key *key, const char *value, void *field)
{
	unsigned long number;

	if (!value_number(value, 10, REALM_REGISTERS - 1, &number) || !number)
		return parser_fail(p, key->name, "'%s' is not a number from 1 to 4", value);
	*(unsigned int *)field = (unsigned int)number;
	parser_warn_at(p, &p->at, p->title, key->name, "write [measure] register = %s instead",
		       realm_register_name((unsigned int)number));
	return 0;
}

static int read_mode(struct parser *p, const struct key *key, const char *value, void *field)
{
	unsigned long mode;

	if (!value_number(value, 8, 0777, &mode))
		return parser_fail(p, key->name, "'%s' is not an octal mode from 0 to 0777", value);
	*(mode_t *)field = (mode_t)mode;
	return 0;
}

static int read_source(struct parser *p, const struct key *key, const char *value, void *field)
{
	char known[128] = "";

	if (!strcmp(value, "netlink")) { /* of earlier versions */
		parser_warn_at(
			p, &p->at, p->title, key->name,
			"'netlink' is ignored: realmkeyd reads the realm through its device; "
			"remove the line");
		return 0;
	}
	for (const char *const *source = rsi_sources(); *source; source++) {
		size_t len = strlen(known);

		if (!strcmp(value, *source))
			return parser_store(p, value, field);
		snprintf(known + len, sizeof(known) - len, "%s%s", len ? ", " : "", *source);
	}
	return parser_fail(p, key->name, "unknown source '%s' (known: %s)", value, known);
}

static int read_resource(struct parser *p, const struct key *key, const char *value, void *field)
{
	struct error inner = ERROR_INIT;
	char path[KBS_REQUEST_SIZE];

	if (kbs_resource_request(value, path, sizeof(path), &inner))
		return parser_fail(p, key->name, "%s", inner.text);
	return parser_store(p, path, field);
}

/* Names with a leading '.' are reserved for the keyring's own files. */
const char *config_file_fault(const char *path)
{
	if (!*path)
		return "is empty";
	if (*path == '/')
		return "must be relative to the keyring";
	if (strlen(path) > FILE_PATH_MAX)
		return "is too long";
	if (strchr(path, '\t'))
		return "contains a tab";
	for (const char *name = path; name; name = strchr(name, '/')) {
		name += *name == '/';
		if (*name == '/' || !*name)
			return "has an empty component";
		if (*name == '.')
			return "has a component that begins with '.'";
	}
	return NULL;
}

static int read_file(struct parser *p, const struct key *key, const char *value, void *field)
{
	const char *fault = config_file_fault(value);

	if (fault)
		return parser_fail(p, key->name, "'%s' %s", value, fault);
	return parser_store(p, value, field);
}

/* Of a secret: without a value, it has no file of its own. */
static int read_own_file(struct parser *p, const struct key *key, const char *value, void *field)
{
	return *value ? read_file(p, key, value, field) : 0;
}

static int read_wait(struct parser *p, const struct key *key, const char *value, void *field)
{
	int64_t ms;

	if (!value_time(value, &ms) || ms > WAIT_MAX_MS)
		return parser_fail(p, key->name, "'%s' is not a time from 1s to 1d", value);
	*(int64_t *)field = ms;
	return 0;
}

#define OF(field)	 offsetof(struct config, field)
#define OF_SECRET(field) offsetof(struct config_secret, field)
#define OF_FILE(field)	 offsetof(struct config_file, field)

static const struct key kbs_keys[] = {
	{ "url", OF(url), read_urls, OF(url_place) },
	{ "ca", OF(ca), read_paths, OF(ca_place) },
	{ "insecure", OF(insecure), read_bool, OF(insecure_place) },
	{ "source", OF(source), read_source, OF(source_place) },
	{ "timeout", OF(timeout), read_timeout, OF(timeout_place) },
	{ "proxy", OF(proxy), read_text, OF(proxy_place) },
	{ "proxy_credentials", OF(proxy_credentials), read_path, OF(proxy_credentials_place) },
	{ "certificate", OF(certificate), read_path, OF(certificate_place) },
	{ "key", OF(key), read_path, OF(key_place) },
};

static const struct key measure_keys[] = {
	{ "register", OF(measure_register), read_register, OF(register_place) },
};

static const struct key log_keys[] = {
	{ "extend", OF(measure_register), read_extend, OF(register_place) },
};

static const struct key refresh_keys[] = {
	{ "interval", OF(refresh), read_interval, OF(interval_place) },
};

static const struct key keyring_keys[] = {
	{ "size", OF(keyring_size), read_size, OF(size_place) },
};

static const struct key secret_keys[] = {
	{ "resource", OF_SECRET(resource), read_resource, 0 },
	{ "file", OF_SECRET(file), read_own_file, 0 },
	{ "mode", OF_SECRET(mode), read_mode, OF_SECRET(mode_place) },
	{ "owner", OF_SECRET(owner), read_text, OF_SECRET(owner_place) },
	{ "group", OF_SECRET(group), read_text, OF_SECRET(group_place) },
	{ "required", OF_SECRET(required), read_bool, 0 },
	{ "refresh", OF_SECRET(refresh), read_interval, 0 },
	{ "stale_after", OF_SECRET(stale_after), read_interval, OF_SECRET(stale_place) },
	{ "on_stale", OF_SECRET(on_stale), read_stale, OF_SECRET(on_stale_place) },
	{ "key", 0, config_read_key, OF_SECRET(key_place) },
	{ "key_fallback", OF_SECRET(key_fallback), read_bool, OF_SECRET(key_fallback_place) },
	{ "credential", 0, config_read_credentials, OF_SECRET(credential_place) },
	{ "crypttab", 0, config_read_volumes, OF_SECRET(volume_place) },
	{ "allow", 0, config_read_allow, OF_SECRET(allow_place) },
	{ "reload", 0, config_read_hooks, OF_SECRET(reload_place) },
	{ "restart", 0, config_read_hooks, OF_SECRET(restart_place) },
	{ "signal", 0, config_read_hooks, OF_SECRET(signal_place) },
};

static const struct key file_keys[] = {
	{ "secret", OF_FILE(secret_name), read_text, OF_FILE(secret_place) },
	{ "template", OF_FILE(template), read_path, OF_FILE(template_place) },
	{ "file", OF_FILE(path), read_file, 0 },
	{ "mode", OF_FILE(mode), read_mode, OF_FILE(mode_place) },
	{ "owner", OF_FILE(owner), read_text, OF_FILE(owner_place) },
	{ "group", OF_FILE(group), read_text, OF_FILE(group_place) },
};

static const struct key local_keys[] = {
	{ "wait", OF(local_wait), read_wait, OF(wait_place) },
};

const struct section config_sections[] = {
	{ "kbs", SECTION_CONFIG, OF(place), kbs_keys, ARRAY_SIZE(kbs_keys) },
	{ "measure", SECTION_CONFIG, OF(measure_place), measure_keys, ARRAY_SIZE(measure_keys) },
	{ "log", SECTION_CONFIG, OF(log_place), log_keys, ARRAY_SIZE(log_keys) },
	{ "refresh", SECTION_CONFIG, OF(refresh_place), refresh_keys, ARRAY_SIZE(refresh_keys) },
	{ "keyring", SECTION_CONFIG, OF(keyring_place), keyring_keys, ARRAY_SIZE(keyring_keys) },
	{ "local", SECTION_CONFIG, OF(local_place), local_keys, ARRAY_SIZE(local_keys) },
	{ "secret", SECTION_SECRET, 0, secret_keys, ARRAY_SIZE(secret_keys) },
	{ "file", SECTION_FILE, 0, file_keys, ARRAY_SIZE(file_keys) },
	{ 0 },
};
