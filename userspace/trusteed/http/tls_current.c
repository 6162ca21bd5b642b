// SPDX-License-Identifier: Apache-2.0
#include "tls_current.h"

#include "base/crypto.h"

/* A connection holds the context with which it began. */
static SSL_CTX *current;

int tls_current_set(const struct tls_files *files, struct error *e)
{
	SSL_CTX *next = tls_files_context(files, e);

	if (!next) {
		/* The files were checked, so this machine failed. */
		return error_reclassify(e, ERROR_ANY, ERROR_SYSTEM);
	}
	tls_current_clear();
	current = next;
	return 0;
}

void tls_current_clear(void)
{
	SSL_CTX_free(current);
	current = NULL;
}

SSL *tls_current_ssl(struct error *e)
{
	SSL *ssl;

	if (!current) {
		error_set(e, ERROR_SYSTEM, "TLS: no certificate is in use");
		return NULL;
	}
	crypto_begin();
	ssl = SSL_new(current);
	if (!ssl)
		crypto_error(e, ERROR_SYSTEM, "TLS: cannot serve a connection");
	return ssl;
}
