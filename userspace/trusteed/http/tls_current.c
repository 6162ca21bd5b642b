// SPDX-License-Identifier: Apache-2.0
#include "tls_current.h"

#include <gnutls/x509.h>
#include <pthread.h>

struct pair {
	gnutls_x509_crt_t *cert; /* an array from GnuTLS; NULL: there is no pair */
	unsigned int count;
	gnutls_x509_privkey_t key;
	gnutls_datum_t
		tickets; /* the key for session tickets, from which GnuTLS derives others over time */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct pair current;

static void pair_free(struct pair *pair)
{
	for (unsigned int i = 0; i < pair->count; i++)
		gnutls_x509_crt_deinit(pair->cert[i]);
	gnutls_free(pair->cert);
	if (pair->key)
		gnutls_x509_privkey_deinit(pair->key);
	if (pair->tickets.data)
		gnutls_memset(pair->tickets.data, 0, pair->tickets.size);
	gnutls_free(pair->tickets.data);
	*pair = (struct pair){ 0 };
}

/* Put @pair in use, and free what was in use. */
static void pair_exchange(struct pair *pair)
{
	struct pair old;

	pthread_mutex_lock(&lock);
	old = current;
	current = *pair;
	pthread_mutex_unlock(&lock);
	pair_free(&old);
}

int tls_current_set(const struct tls_files *files, struct error *e)
{
	const gnutls_datum_t cert = { files->cert.data, (unsigned int)files->cert.len };
	const gnutls_datum_t key = { files->key.data, (unsigned int)files->key.len };
	struct pair next = { 0 };
	int result;

	result = gnutls_x509_crt_list_import2(&next.cert, &next.count, &cert, GNUTLS_X509_FMT_PEM,
					      0);
	if (result >= 0)
		result = gnutls_x509_privkey_init(&next.key);
	if (result >= 0)
		result = gnutls_x509_privkey_import2(next.key, &key, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (result >= 0) /* anew, so that no session of the old certificate is resumed */
		result = gnutls_session_ticket_key_generate(&next.tickets);
	if (result < 0) {
		pair_free(&next);
		/* The files were checked, so this machine failed. */
		return error_set(e, ERROR_SYSTEM, "TLS certificate and key: %s",
				 gnutls_strerror(result));
	}
	pair_exchange(&next);
	return 0;
}

void tls_current_tickets(gnutls_session_t session)
{
	pthread_mutex_lock(&lock);
	/* Without tickets, clients make whole handshakes. */
	if (current.tickets.data)
		(void)gnutls_session_ticket_enable_server(session, &current.tickets);
	pthread_mutex_unlock(&lock);
}

void tls_current_clear(void)
{
	struct pair none = { 0 };

	pair_exchange(&none);
}

/* Copy the pair; the caller holds the lock. */
static int pair_copy(gnutls_pcert_st **cert, unsigned int *count, gnutls_privkey_t *key)
{
	int result;

	*count = current.count;
	*cert = gnutls_calloc(current.count, sizeof(**cert));
	if (!*cert)
		return GNUTLS_E_MEMORY_ERROR;
	result = gnutls_pcert_import_x509_list(*cert, current.cert, count, 0);
	if (result < 0) {
		gnutls_free(*cert);
		return result;
	}
	result = gnutls_privkey_init(key);
	if (result >= 0) {
		result = gnutls_privkey_import_x509(*key, current.key, GNUTLS_PRIVKEY_IMPORT_COPY);
		if (result < 0)
			gnutls_privkey_deinit(*key);
	}
	if (result < 0) {
		for (unsigned int i = 0; i < *count; i++)
			gnutls_pcert_deinit(&(*cert)[i]);
		gnutls_free(*cert);
	}
	return result;
}

/* The library frees the copies after the handshake, and the pair may be replaced before that. */
int tls_current_get(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
		    gnutls_pcert_st **cert, unsigned int *count, gnutls_ocsp_data_st **ocsp,
		    unsigned int *ocsp_count, gnutls_privkey_t *key, unsigned int *flags)
{
	int result;

	(void)session, (void)info;
	*ocsp = NULL;
	*ocsp_count = 0;
	*flags = GNUTLS_CERT_RETR_DEINIT_ALL;
	pthread_mutex_lock(&lock);
	result = pair_copy(cert, count, key);
	pthread_mutex_unlock(&lock);
	return result < 0 ? -1 : 0;
}
