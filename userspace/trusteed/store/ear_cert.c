// SPDX-License-Identifier: Apache-2.0
#include "ear_cert.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/crypto.h"
#include "base/encode.h"
#include "base/io.h"
#include "base/log.h"

/* Append @certificate to @x5c. */
static int ear_cert_append(json_t *x5c, X509 *certificate, struct error *e)
{
	struct bytes base64 = BYTES_INIT;
	unsigned char *der = NULL;
	int len = i2d_X509(certificate, &der), ret = -1;

	if (len > 0)
		encode_base64(ENCODE_BASE64, der, (size_t)len, &base64);
	if (len <= 0 || bytes_check(&base64, e) < 0 ||
	    json_array_append_new(x5c, json_string(bytes_text(&base64))) < 0)
		error_set_memory(e);
	else
		ret = 0;
	OPENSSL_free(der);
	bytes_free(&base64);
	return ret;
}

/* Check @certificate, which has the number @n in its chain, against the one @before it or, for the first, @key. */
static int ear_cert_check(X509 *certificate, size_t n, X509 *before, EVP_PKEY *key, struct error *e)
{
	if (n == EAR_CERT_CHAIN_MAX)
		return error_set(e, ERROR_CONFIG, "more than %d certificates", EAR_CERT_CHAIN_MAX);
	if (n == 0 && EVP_PKEY_eq(X509_get0_pubkey(certificate), key) != 1)
		return error_set(e, ERROR_CONFIG,
				 "the first certificate is not for the key that signs EARs "
				 "(ear-key.pem in the state directory)");
	if (before && (X509_check_issued(certificate, before) != X509_V_OK ||
		       X509_verify(before, X509_get0_pubkey(certificate)) != 1))
		return crypto_error(e, ERROR_CONFIG,
				    "certificate %zu did not issue the one before it", n + 1);
	/* Clients that do not look at certificates are served all the same. */
	if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
		log_line(LOG_LEVEL_WARNING,
			 "--ear-cert: certificate %zu has expired: verifiers refuse EARs that rely "
			 "on it",
			 n + 1);
	return 0;
}

/* Read all certificates in @bio. The last error of a text that ends is that no further one begins. */
static int ear_cert_read_all(BIO *bio, EVP_PKEY *key, json_t *x5c, struct error *e)
{
	X509 *before = NULL, *certificate;
	int ret = 0;

	crypto_begin();
	while (ret == 0 && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		ret = ear_cert_check(certificate, json_array_size(x5c), before, key, e);
		if (ret == 0)
			ret = ear_cert_append(x5c, certificate, e);
		X509_free(before);
		before = certificate;
	}
	X509_free(before);
	if (ret == 0 && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		ret = crypto_error(e, ERROR_CONFIG, "not a certificate in PEM form");
	else if (ret == 0 && json_array_size(x5c) == 0)
		ret = error_set(e, ERROR_CONFIG, "no certificate in PEM form");
	return ret;
}

json_t *ear_cert_chain(const void *text, size_t len, EVP_PKEY *key, struct error *e)
{
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	json_t *x5c = json_array();
	int ret = -1;

	if (!bio || !x5c)
		error_set_memory(e);
	else
		ret = ear_cert_read_all(bio, key, x5c, e);
	BIO_free(bio);
	if (ret == 0)
		return x5c;
	json_decref(x5c);
	return NULL;
}

json_t *ear_cert_read(const char *path, EVP_PKEY *key, struct error *e)
{
	struct bytes text = BYTES_INIT;
	json_t *x5c = NULL;

	if (io_read_file(path, EAR_CERT_FILE_MAX, &text, e) == 0) {
		x5c = ear_cert_chain(bytes_text(&text), text.len, key, e);
		if (!x5c)
			error_add(e, "--ear-cert %s", path);
	}
	error_reclassify(e, ERROR_INPUT, ERROR_CONFIG);
	bytes_free(&text);
	return x5c;
}
