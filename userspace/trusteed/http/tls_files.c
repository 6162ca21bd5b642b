// SPDX-License-Identifier: Apache-2.0
#include "tls_files.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/crypto.h"
#include "base/io.h"

#define TLS_FILE_MAX ((size_t)256 << 10)

/* A key with a passphrase cannot be used, because a daemon must not ask for one. */
static int tls_no_passphrase(char *buffer, int size, int writing, void *data)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)data;
	return -1;
}

static int tls_files_check(const struct tls_files *files, const char *cert_path,
			   const char *key_path, struct error *e)
{
	BIO *cert_pem = BIO_new_mem_buf(files->cert.data, (int)files->cert.len);
	BIO *key_pem = BIO_new_mem_buf(files->key.data, (int)files->key.len);
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	int ret = 0;

	if (!cert_pem || !key_pem) {
		ret = error_set_memory(e);
		goto out;
	}
	crypto_begin();
	cert = PEM_read_bio_X509(cert_pem, NULL, NULL, NULL);
	if (!cert) {
		ret = crypto_error(e, ERROR_CONFIG, "%s: no certificate in PEM", cert_path);
		goto out;
	}
	key = PEM_read_bio_PrivateKey(key_pem, NULL, tls_no_passphrase, NULL);
	if (!key) {
		ret = crypto_error(e, ERROR_CONFIG,
				   "%s: no private key in PEM, or it has a "
				   "passphrase",
				   key_path);
		goto out;
	}
	if (X509_check_private_key(cert, key) != 1)
		ret = crypto_error(e, ERROR_CONFIG, "%s: not the key of the certificate in %s",
				   key_path, cert_path);
out:
	EVP_PKEY_free(key);
	X509_free(cert);
	BIO_free(key_pem);
	BIO_free(cert_pem);
	return ret;
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
