// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audit.h"
#include "base/crypto.h"
#include "base/io.h"
#include "base/log.h"
#include "kbs/ca_file.h"
#include "reading.h"

#define PEM_MAX		((size_t)64 << 10)
#define CREDENTIALS_MAX ((size_t)1 << 10)

/* --- the text -------------------------------------------------------------------------------- */

void reading_fail(struct reading *r, const struct error *cause)
{
	if (!r->failed)
		*r->e = *cause;
	r->failed = true;
	if (r->report)
		r->report(r->context, false, cause->text);
}

void reading_fail_at(struct reading *r, struct error *cause, const struct config_place *place,
		     const char *title, const char *name, const char *key)
{
	error_reclassify(cause, ERROR_ANY, ERROR_CONFIG);
	error_add(cause, "%s:%d: [%s%s%s] %s", place->file, place->line, title, name ? " " : "",
		  name ? name : "", key);
	reading_fail(r, cause);
}

static int source_add(void *context, const char *name, const struct bytes *text, struct error *e)
{
	struct reading *r = context;
	struct source *source = &r->source[r->sources];

	if (r->sources == CONFIG_FILES_MAX)
		return error_set(e, ERROR_CONFIG, "%s: more than %d files of configuration", name,
				 CONFIG_FILES_MAX);
	source->name = strdup(name);
	if (!source->name)
		return error_set_memory(e);
	r->sources++;
	bytes_set(&source->text, text->data, text->len);
	return bytes_check(&source->text, e);
}

/* The main file, and the drop-ins if there is a directory for them. */
static int sources_read(struct reading *r, const char *path, struct error *e)
{
	static const char *const suffixes[] = { ".conf", NULL };
	struct bytes text = BYTES_INIT, directory = BYTES_INIT;
	struct stat st;
	int ret;

	bytes_printf(&directory, "%s.d", path);
	ret = io_read_file(path, CONFIG_FILE_MAX, &text, e);
	if (ret == 0)
		ret = source_add(r, path, &text, e);
	if (ret == 0)
		ret = bytes_check(&directory, e);
	if (ret == 0 && (stat(bytes_text(&directory), &st) == 0 || errno != ENOENT))
		ret = io_each_file(bytes_text(&directory), suffixes, CONFIG_FILE_MAX, source_add, r,
				   e);
	bytes_free(&directory);
	bytes_free(&text);
	return ret < 0 ? error_reclassify(e, ERROR_ANY, ERROR_CONFIG) : 0;
}

static void sources_parse(struct reading *r)
{
	struct config_text text[CONFIG_FILES_MAX];

	for (size_t i = 0; i < r->sources; i++)
		text[i] = (struct config_text){ .name = r->source[i].name,
						.text = r->source[i].text.data,
						.len = r->source[i].text.len };
	if (config_parse(&r->settings->config, text, r->sources, r->report, r->context, r->e) < 0)
		r->failed = true;
}

static void sources_free(struct reading *r)
{
	for (size_t i = 0; i < r->sources; i++) {
		free(r->source[i].name);
		bytes_free(&r->source[i].text);
	}
}

/* --- what it names --------------------------------------------------------------------------- */

static int settings_file(const char *path, size_t max, struct bytes *out, struct error *e)
{
	if (io_read_file(path, max, out, e) < 0)
		return -1;
	return out->len ? 0 : error_set(e, ERROR_INPUT, "%s: is empty", path);
}

/* A user and a password in one line, without the newline at its end. */
static int settings_credentials(const char *path, size_t max, struct bytes *out, struct error *e)
{
	if (settings_file(path, max, out, e) < 0)
		return -1;
	while (out->len && strchr("\r\n", out->data[out->len - 1]))
		bytes_truncate(out, out->len - 1);
	if (!memchr(out->data, ':', out->len))
		return error_set(e, ERROR_INPUT, "%s: is not USER:PASSWORD", path);
	for (size_t i = 0; i < out->len; i++)
		if (out->data[i] < ' ' || out->data[i] == 0x7f)
			return error_set(e, ERROR_INPUT, "%s: has a control character", path);
	return 0;
}

static int ca_read(const char *path, size_t max, struct bytes *out, struct error *e)
{
	(void)max;
	return ca_file_read(path, out, e);
}

/* Read the file of a key of [kbs], if it was given. */
static void named_read(struct reading *r, const char *path, const char *key,
		       const struct config_place *place, size_t max, struct bytes *out,
		       int (*read)(const char *path, size_t max, struct bytes *out,
				   struct error *e))
{
	struct error inner = ERROR_INIT;

	if (path && read(path, max, out, &inner) < 0)
		reading_fail_at(r, &inner, place, "kbs", NULL, key);
}

static void settings_files(struct reading *r)
{
	struct settings *s = r->settings;
	const struct config *config = &s->config;

	for (size_t i = 0; i < config->cas; i++)
		named_read(r, config->ca[i], "ca", &config->ca_place, 0, &s->ca[i], ca_read);
	named_read(r, config->certificate, "certificate", &config->certificate_place, PEM_MAX,
		   &s->certificate, settings_file);
	named_read(r, config->key, "key", &config->key_place, PEM_MAX, &s->key, settings_file);
	named_read(r, config->proxy_credentials, "proxy_credentials",
		   &config->proxy_credentials_place, CREDENTIALS_MAX, &s->proxy_credentials,
		   settings_credentials);
}

/* --- all of it ------------------------------------------------------------------------------- */

/* Each part follows its length, so that no two settings have the same input. */
static bool digest_add(EVP_MD_CTX *hash, const void *data, size_t len)
{
	uint64_t size = len;

	return EVP_DigestUpdate(hash, &size, sizeof(size)) == 1 &&
	       (!len || EVP_DigestUpdate(hash, data, len) == 1);
}

static bool digest_text(const struct reading *r, EVP_MD_CTX *hash)
{
	bool good = true;

	for (size_t i = 0; i < r->sources; i++)
		good = good && digest_add(hash, r->source[i].text.data, r->source[i].text.len);
	return good;
}

static bool digest_owners(const struct settings *s, EVP_MD_CTX *hash)
{
	bool good = true;

	for (size_t i = 0; i < s->config.count; i++) {
		const struct settings_secret *secret = &s->secret[i];

		good = good && digest_add(hash, &secret->uid, sizeof(secret->uid)) &&
		       digest_add(hash, &secret->gid, sizeof(secret->gid)) &&
		       digest_add(hash, secret->allow,
				  s->config.secret[i].allows * sizeof(*secret->allow));
	}
	for (size_t i = 0; i < s->config.files; i++)
		good = good && digest_add(hash, &s->file[i].uid, sizeof(s->file[i].uid)) &&
		       digest_add(hash, &s->file[i].gid, sizeof(s->file[i].gid));
	return good;
}

static bool digest_templates(const struct settings *s, EVP_MD_CTX *hash)
{
	bool good = true;

	for (size_t i = 0; i < s->config.files; i++)
		good = good && digest_add(hash, s->file[i].template.text.data,
					  s->file[i].template.text.len);
	return good;
}

static bool digest_all(const struct reading *r, EVP_MD_CTX *hash)
{
	const struct settings *s = r->settings;
	bool good = digest_text(r, hash) && digest_owners(s, hash) && digest_templates(s, hash);

	/* The names of the files are in the texts of errors. */
	for (size_t i = 0; i < r->sources; i++)
		good = good && digest_add(hash, r->source[i].name, strlen(r->source[i].name));
	for (size_t i = 0; i < CONFIG_URLS_MAX; i++)
		good = good && digest_add(hash, s->ca[i].data, s->ca[i].len);
	return good && digest_add(hash, s->certificate.data, s->certificate.len) &&
	       digest_add(hash, s->key.data, s->key.len) &&
	       digest_add(hash, s->proxy_credentials.data, s->proxy_credentials.len);
}

static bool digest_of(const struct reading *r, EVP_MD_CTX *hash,
		      bool add(const struct reading *r, EVP_MD_CTX *hash),
		      uint8_t digest[SETTINGS_DIGEST_SIZE])
{
	return EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1 && add(r, hash) &&
	       EVP_DigestFinal_ex(hash, digest, NULL) == 1;
}

static void digest_make(struct reading *r)
{
	struct settings *s = r->settings;
	struct error inner = ERROR_INIT;
	EVP_MD_CTX *hash = NULL;

	if (crypto_prepare(&inner) == 0) {
		crypto_begin();
		hash = EVP_MD_CTX_new();
		if (!hash || !digest_of(r, hash, digest_text, s->text_digest) ||
		    (!r->text_only && !digest_of(r, hash, digest_all, s->digest)))
			crypto_error(&inner, ERROR_SYSTEM, "cannot hash the configuration");
	}
	EVP_MD_CTX_free(hash);
	if (inner.kind != ERROR_NONE)
		reading_fail(r, &inner);
}

/* Read as much as possible, in spite of errors. Returns -1 if there was one. */
static int settings_try(struct reading *r, const char *path)
{
	struct error inner = ERROR_INIT;

	*r->settings = (struct settings)SETTINGS_INIT;
	if (sources_read(r, path, &inner) < 0) {
		reading_fail(r, &inner);
	} else {
		sources_parse(r);
		if (!r->text_only)
			settings_files(r);
		reading_owners(r);
		if (!r->text_only)
			reading_templates(r);
	}
	if (!r->failed)
		digest_make(r);
	sources_free(r);
	return r->failed ? -1 : 0;
}

static int settings_do(struct reading *r, const char *path)
{
	if (settings_try(r, path) == 0)
		return 0;
	settings_free(r->settings);
	return -1;
}

int settings_read(struct settings *settings, const char *path, config_report *report, void *context,
		  struct error *e)
{
	struct reading r = {
		.settings = settings,
		.report = report,
		.context = context,
		.e = e,
	};

	return settings_do(&r, path);
}

int settings_read_text(struct settings *settings, const char *path, config_report *report,
		       void *context, struct error *e)
{
	struct reading r = {
		.settings = settings,
		.report = report,
		.context = context,
		.text_only = true,
		.e = e,
	};

	return settings_do(&r, path);
}

int settings_check(struct settings *settings, const char *path, unsigned int watchdog,
		   config_report *report, void *context, struct error *e)
{
	struct reading r = {
		.settings = settings,
		.report = report,
		.context = context,
		.e = e,
	};
	int ret = settings_try(&r, path);

	if (settings_audit(settings, watchdog, report, context) && ret == 0)
		ret = error_set(e, ERROR_CONFIG, "%s: a certificate or key cannot be used", path);
	if (ret < 0)
		settings_free(settings);
	return ret;
}

static void problem_log(bool *reported, bool warning, enum log_level level, const char *text)
{
	log_line(warning ? level : LOG_LEVEL_ERROR, "%s", text);
	*reported |= !warning;
}

void settings_log(void *reported, bool warning, const char *text)
{
	problem_log(reported, warning, LOG_LEVEL_WARNING, text);
}

void settings_log_errors(void *reported, bool warning, const char *text)
{
	problem_log(reported, warning, LOG_LEVEL_DEBUG, text);
}

void settings_free(struct settings *settings)
{
	for (size_t i = 0; i < CONFIG_URLS_MAX; i++)
		bytes_free(&settings->ca[i]);
	bytes_free(&settings->certificate);
	bytes_free(&settings->key);
	bytes_free(&settings->proxy_credentials);
	for (size_t i = 0; settings->secret && i < settings->config.count; i++)
		free(settings->secret[i].allow);
	free(settings->secret);
	for (size_t i = 0; settings->file && i < settings->config.files; i++)
		template_free(&settings->file[i].template);
	free(settings->file);
	config_free(&settings->config);
	*settings = (struct settings)SETTINGS_INIT;
}
