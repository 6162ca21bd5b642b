// SPDX-License-Identifier: Apache-2.0
#include "x5c.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdbool.h>
#include <time.h>

#include "base/crypto.h"
#include "base/encode.h"
#include "jwk.h"

#define CERTIFICATE_MAX ((size_t)16 << 10)

/* Read one certificate of the list. */
static X509 *certificate_read(const json_t *value, struct error *e)
{
	const char *text = json_string_value(value);
	const size_t len = json_string_length(value);
	struct error unread = ERROR_INIT;
	struct bytes der = BYTES_INIT;
	const unsigned char *at;
	X509 *certificate = NULL;

	if (!text || len > CERTIFICATE_MAX) {
		error_set(e, ERROR_ATTESTATION, "x5c: not a text of up to %zu characters",
			  CERTIFICATE_MAX);
		return NULL;
	}
	if (decode_base64(ENCODE_BASE64, text, len, "x5c", &der, &unread) < 0 && !unread.memory) {
		bytes_clear(&der);
		decode_base64(ENCODE_BASE64URL, text, len, "x5c", &der, e);
	} else if (unread.memory) {
		error_set_memory(e);
	}
	if (e->kind == ERROR_NONE) {
		crypto_begin();
		at = der.data;
		certificate = d2i_X509(NULL, &at, (long)der.len);
		if (certificate && at != der.data + der.len) {
			X509_free(certificate);
			certificate = NULL;
		}
		if (!certificate)
			crypto_error(e, ERROR_ATTESTATION, "x5c: not a certificate");
	}
	bytes_free(&der);
	error_reclassify(e, ERROR_INPUT, ERROR_ATTESTATION);
	return certificate;
}

/* All certificates of the list, the key's first. */
static STACK_OF(X509) * chain_read(const json_t *list, struct error *e)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	const size_t count = json_array_size(list);

	if (!chain)
		error_set_memory(e);
	else if (!count || count > X5C_CERTIFICATES_MAX)
		error_set(e, ERROR_ATTESTATION, "x5c: not a list of 1 to %d certificates",
			  X5C_CERTIFICATES_MAX);
	for (size_t i = 0; e->kind == ERROR_NONE && i < count; i++) {
		X509 *certificate = certificate_read(json_array_get(list, i), e);

		if (certificate && !sk_X509_push(chain, certificate)) {
			X509_free(certificate);
			error_set_memory(e);
		}
	}
	if (e->kind == ERROR_NONE)
		return chain;
	sk_X509_pop_free(chain, X509_free);
	return NULL;
}

/* The certificates that are trusted. */
static X509_STORE *anchors_read(const void *pem, size_t len, struct error *e)
{
	BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
	X509_STORE *store = X509_STORE_new();
	X509 *certificate = NULL;
	bool added = bio && store;
	size_t count = 0;

	for (; added && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)); count++) {
		added = X509_STORE_add_cert(store, certificate) == 1;
		X509_free(certificate);
	}
	BIO_free(bio);
	/* What ends the file ends the list; anything else is a malformed certificate. */
	if (added && count && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
		return store;
	crypto_error(e, ERROR_INPUT, "not certificates in PEM form");
	X509_STORE_free(store);
	return NULL;
}

/* Any anchor ends a chain, also one that is no root. */
static int chain_verify(X509_STORE *store, STACK_OF(X509) * chain, int64_t now, struct error *e)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *params;
	int result, ret = -1;

	if (!context || X509_STORE_CTX_init(context, store, sk_X509_value(chain, 0), chain) != 1) {
		error_set_memory(e);
		goto out;
	}
	params = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_time(params, (time_t)now);
	X509_VERIFY_PARAM_set_flags(params, X509_V_FLAG_PARTIAL_CHAIN);
	if (X509_verify_cert(context) == 1)
		ret = 0;
	result = X509_STORE_CTX_get_error(context);
	if (ret < 0 && result == X509_V_ERR_OUT_OF_MEM)
		error_set_memory(e);
	else if (ret < 0)
		crypto_error(e, ERROR_ATTESTATION, "x5c: certificate not trusted: %s",
			     X509_verify_cert_error_string(result));
out:
	X509_STORE_CTX_free(context);
	return ret;
}

/* The key of the chain, which must be that of @jwk, unless this is NULL. */
static EVP_PKEY *chain_key(STACK_OF(X509) * chain, const json_t *jwk, struct error *e)
{
	EVP_PKEY *key = X509_get_pubkey(sk_X509_value(chain, 0)), *named = NULL;

	if (!key)
		crypto_error(e, ERROR_ATTESTATION, "x5c: certificate without a known key");
	else if (jwk)
		named = jwk_public_key(jwk, "JWT header: jwk", e);
	if (key && named && EVP_PKEY_eq(key, named) != 1)
		error_set(e, ERROR_ATTESTATION, "x5c: the certificate is of another key than jwk");
	EVP_PKEY_free(named);
	if (e->kind == ERROR_NONE)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

EVP_PKEY *x5c_key(const json_t *header, const void *anchors, size_t len, int64_t now,
		  struct error *e)
{
	const json_t *jwk = json_object_get(header, "jwk"), *list = json_object_get(jwk, "x5c");
	STACK_OF(X509) *chain = NULL;
	X509_STORE *store;
	EVP_PKEY *key = NULL;

	if (!list)
		list = json_object_get(header, "x5c");
	if (!list) {
		error_set(e, ERROR_ATTESTATION, "JWT header: x5c: missing");
		return NULL;
	}
	crypto_begin();
	store = anchors_read(anchors, len, e);
	if (store)
		chain = chain_read(list, e);
	if (chain && chain_verify(store, chain, now, e) == 0)
		key = chain_key(chain, jwk, e);
	X509_STORE_free(store);
	sk_X509_pop_free(chain, X509_free);
	return key;
}
