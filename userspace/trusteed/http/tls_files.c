// SPDX-License-Identifier: Apache-2.0
#include "tls_files.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/io.h"

#define TLS_FILE_MAX ((size_t)256 << 10)

/* Returns 0, or the library's error. */
static int tls_load(const gnutls_datum_t *cert, const gnutls_datum_t *key)
{
	gnutls_certificate_credentials_t credentials;
	int result = gnutls_certificate_allocate_credentials(&credentials);

	if (result < 0)
		return result;
	result = gnutls_certificate_set_x509_key_mem2(credentials, cert, key, GNUTLS_X509_FMT_PEM,
						      NULL, 0);
	gnutls_certificate_free_credentials(credentials);
	return result < 0 ? result : 0;
}

static bool tls_cert_usable(const gnutls_datum_t *cert)
{
	gnutls_x509_crt_t *list;
	unsigned int count;

	if (gnutls_x509_crt_list_import2(&list, &count, cert, GNUTLS_X509_FMT_PEM, 0) < 0)
		return false;
	while (count)
		gnutls_x509_crt_deinit(list[--count]);
	gnutls_free(list);
	return true;
}

/* With the library and in the way in which the HTTP server reads them, because another library accepts
 * other keys. */
static int tls_files_check(const struct tls_files *files, const char *cert_path,
			   const char *key_path, struct error *e)
{
	const gnutls_datum_t cert = { files->cert.data, (unsigned int)files->cert.len };
	const gnutls_datum_t key = { files->key.data, (unsigned int)files->key.len };
	int result = tls_load(&cert, &key);
	void *probe;

	/* The library reports some failed allocations as malformed input, so input counts as
	 * malformed only if it is so twice, while memory can be allocated. */
	if (result < 0 && result != GNUTLS_E_MEMORY_ERROR)
		result = tls_load(&cert, &key);
	if (result == 0)
		return 0;
	probe = malloc(TLS_FILE_MAX);
	free(probe);
	if (result == GNUTLS_E_MEMORY_ERROR || !probe)
		return error_set_memory(e);
	if (result == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return error_set(e, ERROR_CONFIG, "%s: not the key of the certificate in %s",
				 key_path, cert_path);
	if (!tls_cert_usable(&cert))
		return error_set(e, ERROR_CONFIG, "%s: no certificate in PEM", cert_path);
	return error_set(e, ERROR_CONFIG,
			 "%s: no private key in PEM that can be used for TLS, or it has a "
			 "passphrase: %s",
			 key_path, gnutls_strerror(result));
}

int tls_files_read(struct tls_files *files, const char *cert, const char *key, struct error *e)
{
	if (io_read_file(cert, TLS_FILE_MAX, &files->cert, e) < 0 ||
	    io_read_file(key, TLS_FILE_MAX, &files->key, e) < 0)
		return error_reclassify(e, ERROR_INPUT, ERROR_CONFIG);
	return tls_files_check(files, cert, key, e);
}

void tls_files_free(struct tls_files *files)
{
	bytes_free(&files->cert);
	bytes_free(&files->key);
}
