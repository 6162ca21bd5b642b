// SPDX-License-Identifier: Apache-2.0
#include "audit.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kbs/url.h"

/* The keeper is asked twice in the time of the watchdog whether it is alive. It answers between two secrets, and
 * one can take two requests that fail by a time-out. */
#define MARGIN_S	    10
#define WATCHDOG_S(timeout) (2 * (2 * (timeout) + MARGIN_S))

void audit_report(struct audit *a, bool warning, const struct config_place *place,
		  const char *format, ...)
{
	struct error e = ERROR_INIT; /* it cleans the text */
	char reason[ERROR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	error_set(&e, ERROR_CONFIG, "%s:%d: %s", place->file, place->line, reason);
	a->errors += !warning;
	if (a->report)
		a->report(a->context, warning, e.text);
}

/* --- certificates ---------------------------------------------------------------------------- */

static void audit_certificate_dates(struct audit *a, const X509 *certificate,
				    const struct config_place *place, const char *key,
				    const char *file)
{
	char subject[128] = "";

	X509_NAME_oneline(X509_get_subject_name(certificate), subject, sizeof(subject));
	if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
		audit_report(a, true, place,
			     "[kbs] %s: %s: '%s' has expired by the clock of this machine", key,
			     file, subject);
	else if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
		audit_report(a, true, place,
			     "[kbs] %s: %s: '%s' is not yet valid by the clock of this machine",
			     key, file, subject);
}

/* Check each certificate in @pem, and return the first, which the caller frees, or NULL after an error
 * was reported. */
static X509 *audit_certificates(struct audit *a, const struct bytes *pem,
				const struct config_place *place, const char *key, const char *file)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	X509 *first = NULL, *next;
	bool more = true;

	while (bio && more) {
		next = X509_new_ex(a->library, NULL);
		more = next && PEM_read_bio_X509(bio, &next, NULL, NULL);
		if (more)
			audit_certificate_dates(a, next, place, key, file);
		if (more && !first)
			first = next;
		else
			X509_free(next);
	}
	/* The end of the file is the error "no start line". */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		audit_report(a, false, place, "[kbs] %s: %s: malformed PEM", key, file);
	else if (!first)
		audit_report(a, false, place, "[kbs] %s: %s: no certificate in PEM form", key,
			     file);
	ERR_clear_error();
	BIO_free(bio);
	return first;
}

/* A key that needs a passphrase is an error, because nobody can type one. */
static int audit_passphrase(char *buffer, int size, int writing, void *context)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static void audit_key(struct audit *a, const X509 *certificate)
{
	const struct settings *s = a->settings;
	const struct config *config = &s->config;
	BIO *bio = BIO_new_mem_buf(s->key.data, (int)s->key.len);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey_ex(bio, NULL, audit_passphrase, NULL,
							 a->library, NULL) :
			      NULL;

	if (!key)
		audit_report(a, false, &config->key_place,
			     "[kbs] key: %s: no private key in PEM form without a passphrase",
			     config->key);
	else if (certificate && X509_check_private_key(certificate, key) != 1)
		audit_report(a, false, &config->key_place,
			     "[kbs] key: %s does not belong to the certificate %s", config->key,
			     config->certificate);
	ERR_clear_error();
	EVP_PKEY_free(key);
	BIO_free(bio);
}

static void audit_tls(struct audit *a)
{
	const struct settings *s = a->settings;
	const struct config *config = &s->config;
	X509 *certificate = NULL;

	for (size_t i = 0; i < config->cas; i++)
		if (s->ca[i].len)
			X509_free(audit_certificates(a, &s->ca[i], &config->ca_place, "ca",
						     config->ca[i]));
	if (s->certificate.len)
		certificate = audit_certificates(a, &s->certificate, &config->certificate_place,
						 "certificate", config->certificate);
	if (s->key.len)
		audit_key(a, certificate);
	X509_free(certificate);
}

/* --- the rest -------------------------------------------------------------------------------- */

static void audit_file_mode(struct audit *a, const char *path, const char *key,
			    const struct config_place *place)
{
	struct stat st;

	if (path && stat(path, &st) == 0 && st.st_mode & 077)
		audit_report(
			a, true, place,
			"[kbs] %s: %s has mode %04o: other users than its owner have access to "
			"a secret; use mode 0600",
			key, path, (unsigned int)st.st_mode & 07777);
}

/* A person who can change the configuration decides which KBS is trusted, and who gets secrets. */
static void audit_source(struct audit *a, const char *path)
{
	const struct config_place place = { .file = path, .line = 1 };
	struct stat st;

	if (stat(path, &st) < 0)
		return;
	if (st.st_mode & 022)
		audit_report(a, true, &place,
			     "the file has mode %04o: other users than its owner can change it",
			     (unsigned int)st.st_mode & 07777);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		audit_report(a, true, &place, "the file belongs to user %u, not to root",
			     st.st_uid);
}

static void audit_mode(struct audit *a, const struct config_file *file)
{
	const struct config_place *place = file->mode_place.line ? &file->mode_place : &file->place;
	const char *section = config_file_is_own(file) ? "secret" : "file";

	if (file->mode & 004)
		audit_report(a, true, place, "[%s %s] mode: %04o lets every user read the secret",
			     section, file->name, file->mode);
	if (file->mode & 022)
		audit_report(a, true, place,
			     "[%s %s] mode: %04o lets other users than the owner change the secret",
			     section, file->name, file->mode);
}

/* A person who can change a template decides where its secrets are written in the file. */
static void audit_template(struct audit *a, const struct config_file *file)
{
	struct stat st;

	if (file->template && stat(file->template, &st) == 0 && st.st_mode & 022)
		audit_report(a, true, &file->template_place,
			     "[file %s] template: %s has mode %04o: other users than its owner can "
			     "change it",
			     file->name, file->template, (unsigned int)st.st_mode & 07777);
}

static void audit_urls(struct audit *a)
{
	const struct config *config = &a->settings->config;
	bool needed = false;

	for (size_t i = 0; i < config->urls; i++) {
		struct url_parts parts;
		struct error e = ERROR_INIT;

		if (url_split(config->url[i], &parts, &e) < 0 || !parts.exposed)
			continue;
		needed = true;
		if (config->insecure)
			audit_report(a, true, &config->url_place,
				     "[kbs] url: %s is neither private nor authentic",
				     config->url[i]);
	}
	if (config->insecure && !needed)
		audit_report(a, true, &config->insecure_place,
			     "[kbs] insecure: no URL needs it; remove the line");
}

unsigned int settings_audit(const struct settings *settings, unsigned int watchdog,
			    config_report *report, void *context)
{
	const struct config *config = &settings->config;
	struct audit a = {
		.settings = settings,
		.library = OSSL_LIB_CTX_new(),
		.report = report,
		.context = context,
	};

	for (size_t i = 0; i < config->names; i++)
		audit_source(&a, config->name[i]);
	audit_urls(&a);
	audit_tls(&a);
	audit_file_mode(&a, config->key, "key", &config->key_place);
	audit_file_mode(&a, config->proxy_credentials, "proxy_credentials",
			&config->proxy_credentials_place);
	for (size_t i = 0; i < config->files; i++) {
		audit_mode(&a, &config->file[i]);
		audit_template(&a, &config->file[i]);
	}
	for (size_t i = 0; i < config->count; i++)
		audit_units(&a, &config->secret[i]);
	if (watchdog && WATCHDOG_S(config->timeout) > watchdog)
		audit_report(
			&a, true,
			config->timeout_place.line ? &config->timeout_place : &config->place,
			"[kbs] timeout: %u s is too long for the watchdog of the service manager: "
			"set WatchdogSec to %u or more, not %u",
			config->timeout, WATCHDOG_S(config->timeout), watchdog);
	OSSL_LIB_CTX_free(a.library);
	return a.errors;
}
