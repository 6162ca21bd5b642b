// SPDX-License-Identifier: Apache-2.0
#include "tls_files.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/io.h"

#define TLS_FILE_MAX ((size_t)256 << 10)

/* A key with a passphrase cannot be used, and a daemon must not ask for one. */
static int tls_no_passphrase(char *buffer, int size, int writing, void *data)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)data;
	return -1;
}

static EVP_PKEY *tls_key(const struct bytes *pem)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, tls_no_passphrase, NULL) : NULL;

	BIO_free(bio);
	return key;
}

static X509 *tls_cert(const struct bytes *pem)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return cert;
}

static int tls_files_check(const struct tls_files *files, const char *cert_path,
			   const char *key_path, struct error *e)
{
	X509 *cert = tls_cert(&files->cert);
	EVP_PKEY *key = tls_key(&files->key);
	int ret = -1;

	if (!cert)
		error_set(e, ERROR_CONFIG, "%s: no certificate in PEM", cert_path);
	else if (!key)
		error_set(e, ERROR_CONFIG, "%s: no private key in PEM, or it has a passphrase",
			  key_path);
	else if (X509_check_private_key(cert, key) != 1)
		error_set(e, ERROR_CONFIG, "%s: not the key of the certificate in %s", key_path,
			  cert_path);
	else
		ret = 0;
	X509_free(cert);
	EVP_PKEY_free(key);
	return ret;
}

int tls_files_read(struct tls_files *files, const char *cert, const char *key, struct error *e)
{
	if (io_read_file(cert, TLS_FILE_MAX, &files->cert, e) < 0 ||
	    io_read_file(key, TLS_FILE_MAX, &files->key, e) < 0) {
		e->kind = ERROR_CONFIG;
		return -1;
	}
	return tls_files_check(files, cert, key, e);
}

void tls_files_free(struct tls_files *files)
{
	bytes_free(&files->cert);
	bytes_free(&files->key);
}
