// SPDX-License-Identifier: Apache-2.0
#include "tls_files.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <string.h>

#include "base/array.h"
#include "base/crypto.h"
#include "base/io.h"

#define TLS_FILE_MAX ((size_t)256 << 10)

/* A client that has the hybrid group uses it, even if it has to send a second hello for it. OpenSSL before
 * 3.5 has neither the group nor this form of list. */
#define GROUPS	     "X25519MLKEM768/X25519:P-256:P-384"
#define GROUPS_OLDER "X25519:P-256:P-384"
/* For TLS 1.2. All suites of TLS 1.3 are of this kind. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

/* Without this function OpenSSL would ask for a passphrase on the terminal. */
static int tls_no_passphrase(char *buffer, int size, int writing, void *context)
{
	(void)buffer, (void)size, (void)writing, (void)context;
	return -1;
}

/* Whether the queue of errors says that a file in PEM form has no more parts. */
static bool tls_pem_ended(void)
{
	const unsigned long last = ERR_peek_last_error();

	return ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
}

static int tls_use_certificates(SSL_CTX *ctx, const struct bytes *pem, struct error *e)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	long ret = bio ? 1 : 0;
	int found = 0;
	X509 *cert;

	while (ret == 1 && (cert = PEM_read_bio_X509(bio, NULL, tls_no_passphrase, NULL))) {
		ret = found++ ? SSL_CTX_add1_chain_cert(ctx, cert) :
				SSL_CTX_use_certificate(ctx, cert);
		X509_free(cert);
	}
	BIO_free(bio);
	if (ret != 1)
		return crypto_error(e, ERROR_CONFIG, "a certificate that cannot be used for TLS");
	if (!found || !tls_pem_ended())
		return crypto_error(e, ERROR_CONFIG, "no certificate in PEM");
	crypto_begin();
	return 0;
}

/* Whether TLS has signatures for @key. OpenSSL would accept it here, and then refuse all handshakes. */
static bool tls_key_fits(EVP_PKEY *key)
{
	static const char *const curves[] = { "prime256v1", "secp384r1", "secp521r1" };
	int explicit = 0;
	char group[64];

	if (!EVP_PKEY_is_a(key, "EC"))
		return true;
	(void)EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
				     &explicit);
	if (explicit || EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++)
		if (strcmp(group, curves[i]) == 0)
			return true;
	return false;
}

static int tls_use_key(SSL_CTX *ctx, const struct bytes *pem, struct error *e)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, tls_no_passphrase, NULL) : NULL;
	int ret = 0;

	BIO_free(bio);
	if (!key)
		return crypto_error(e, ERROR_CONFIG,
				    "no private key in PEM, or it has a passphrase");
	if (!tls_key_fits(key))
		ret = error_set(
			e, ERROR_CONFIG,
			"a key on a curve that TLS does not have; P-256, P-384 and P-521 can "
			"be used");
	else if (SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1)
		ret = crypto_error(e, ERROR_CONFIG, "not the key of the certificate");
	EVP_PKEY_free(key);
	return ret;
}

static int tls_choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
			       const unsigned char *offered, unsigned int len, void *context)
{
	static const unsigned char ours[] = "\x08http/1.1";

	(void)ssl, (void)context;
	return SSL_select_next_proto((unsigned char **)out, out_len, ours, sizeof(ours) - 1,
				     offered, len) == OPENSSL_NPN_NEGOTIATED ?
		       SSL_TLSEXT_ERR_OK :
		       SSL_TLSEXT_ERR_ALERT_FATAL;
}

static SSL_CTX *tls_context_new(void)
{
	static const unsigned char id[] = "trusteed";
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (!ctx)
		return NULL;
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA | SSL_OP_CLEANSE_PLAINTEXT |
					 SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	/* A read ends after a message that carries no data, instead of waiting for data: a client could send new
	 * keys without end, and nobody else would be served. */
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	/* Clients keep their sessions themselves, as tickets. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_alpn_select_cb(ctx, tls_choose_protocol, NULL);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	    SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	    SSL_CTX_set_cipher_list(ctx, CIPHERS) == 1 &&
	    SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1) == 1 &&
	    (SSL_CTX_set1_groups_list(ctx, GROUPS) == 1 ||
	     SSL_CTX_set1_groups_list(ctx, GROUPS_OLDER) == 1))
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

/* Returns 0, or -1 with the path of the file that is at fault before the error. */
static int tls_use(SSL_CTX *ctx, const struct tls_files *files, const char *cert, const char *key,
		   struct error *e)
{
	if (tls_use_certificates(ctx, &files->cert, e) < 0)
		return error_add(e, "%s", cert);
	return tls_use_key(ctx, &files->key, e) < 0 ? error_add(e, "%s", key) : 0;
}

static SSL_CTX *tls_context(const struct tls_files *files, const char *cert, const char *key,
			    struct error *e)
{
	SSL_CTX *ctx;

	crypto_begin();
	ctx = tls_context_new();
	if (!ctx) {
		crypto_error(e, ERROR_SYSTEM, "OpenSSL: cannot initialise TLS");
		return NULL;
	}
	crypto_begin(); /* a list of groups may have been refused */
	if (tls_use(ctx, files, cert, key, e) == 0)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

SSL_CTX *tls_files_context(const struct tls_files *files, struct error *e)
{
	return tls_context(files, "certificate", "key", e);
}

int tls_files_read(struct tls_files *files, const char *cert, const char *key, struct error *e)
{
	SSL_CTX *ctx;

	if (io_read_file(cert, TLS_FILE_MAX, &files->cert, e) < 0 ||
	    io_read_file(key, TLS_FILE_MAX, &files->key, e) < 0)
		return error_reclassify(e, ERROR_INPUT, ERROR_CONFIG);
	ctx = tls_context(files, cert, key, e);
	if (!ctx)
		return -1;
	SSL_CTX_free(ctx);
	return 0;
}

void tls_files_free(struct tls_files *files)
{
	bytes_free(&files->cert);
	bytes_free(&files->key);
}
