// SPDX-License-Identifier: Apache-2.0
#include "tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "memory.h"
#include "stream.h"

/* --- the context ------------------------------------------------------------------------------- */

/* Keep the session for the next handshake, in this process's memory only. A server of TLS 1.3 sends
 * tickets; the last one counts, and each is used once, so that nobody on the network sees by a ticket
 * that two connections are of the same realm.
 *
 * A resumed handshake has no certificate: the server proves by the ticket that it is the one whose
 * certificate was checked. So a session must never be offered for another host or under other CA
 * certificates. It cannot be: a struct tls_peer has one of each. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_peer *peer = SSL_get_app_data(ssl);

	SSL_SESSION_free(peer->session);
	peer->session = session;
	return 1;
}

int tls_prepare(struct tls *tls, struct error *e)
{
	static const unsigned char protocols[] = "\x08http/1.1";
	SSL_CTX *ctx;
	int ret;

	memory_prepare();
	ret = crypto_start(e);
	if (ret == 0)
		tls->ctx = SSL_CTX_new(TLS_client_method());
	memory_prepared();
	ctx = tls->ctx;
	if (ret < 0)
		return -1;
	if (!ctx)
		return error_set(e, ERROR_SYSTEM, "OpenSSL: initialisation failed");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_hostflags(SSL_CTX_get0_param(ctx),
					X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_alpn_protos(ctx, protocols, sizeof(protocols) - 1))
		return error_set_memory(e);
	return 0;
}

/* Put the certificates of @ca into @store. One that is not a root counts too: the server's own, or
 * that of an intermediate CA. */
static int store_fill(X509_STORE *store, const struct bytes *ca, struct error *e)
{
	BIO *bio = BIO_new_mem_buf(ca->data, (int)ca->len);
	STACK_OF(X509_INFO) *parts = bio ? PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL) : NULL;
	int found = 0, ret = 0;

	for (int i = 0; i < sk_X509_INFO_num(parts); i++) {
		X509 *certificate = sk_X509_INFO_value(parts, i)->x509;

		if (!certificate)
			continue;
		found++;
		if (X509_STORE_add_cert(store, certificate) != 1)
			ret = -1;
	}
	if (ret < 0 || !bio || memory_failed())
		ret = error_set_memory(e);
	else if (!parts)
		ret = crypto_error(e, ERROR_INPUT, "CA: malformed PEM");
	else if (!found)
		ret = crypto_error(e, ERROR_INPUT, "CA: no certificate in PEM form");
	sk_X509_INFO_pop_free(parts, X509_INFO_free);
	BIO_free(bio);
	return ret;
}

/* The address in a certificate has no zone, and the name no dot of the root. */
static int host_set(struct tls_peer *peer, const char *host, struct error *e)
{
	struct in6_addr address;
	size_t len = strcspn(host, "%");

	if (len && host[len - 1] == '.')
		len--;
	peer->host = strndup(host, len);
	if (!peer->host)
		return error_set_memory(e);
	peer->numeric = inet_pton(AF_INET, peer->host, &address) == 1 ||
			inet_pton(AF_INET6, peer->host, &address) == 1;
	return 0;
}

X509_STORE *tls_store(const struct bytes *ca, struct error *e)
{
	X509_STORE *store;

	crypto_begin();
	memory_begin();
	store = X509_STORE_new();
	if (!store)
		error_set_memory(e);
	if (store && store_fill(store, ca, e) == 0)
		return store;
	X509_STORE_free(store);
	return NULL;
}

int tls_trust(struct tls_peer *peer, X509_STORE *store, const char *host, struct error *e)
{
	if (host_set(peer, host, e) < 0)
		return -1;
	X509_STORE_up_ref(store);
	peer->store = store;
	return 0;
}

void tls_peer_free(struct tls_peer *peer)
{
	SSL_SESSION_free(peer->session);
	X509_STORE_free(peer->store);
	free(peer->host);
	*peer = (struct tls_peer)TLS_PEER_INIT;
}

void tls_close(struct tls *tls)
{
	SSL_CTX_free(tls->ctx);
	*tls = (struct tls)TLS_INIT;
}

/* --- the client's certificate ------------------------------------------------------------------ */

/* Without this function OpenSSL would ask for a passphrase on the terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
	(void)buffer, (void)size, (void)writing, (void)context;
	return -1;
}

static int certificates_use(SSL_CTX *ctx, const struct bytes *pem, struct error *e)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	unsigned long last;
	X509 *certificate;
	int found = 0, ret = bio ? 0 : -1;

	while (ret == 0 && (certificate = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL))) {
		if ((found++ ? SSL_CTX_add1_chain_cert(ctx, certificate) :
			       SSL_CTX_use_certificate(ctx, certificate)) != 1)
			ret = -1;
		X509_free(certificate);
	}
	BIO_free(bio);
	if (!bio || memory_failed())
		return error_set_memory(e);
	/* This is how the end of the file is reported. */
	last = ERR_peek_last_error();
	if (ERR_GET_LIB(last) != ERR_LIB_PEM || ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
		ret = -1;
	if (ret < 0 || !found)
		return crypto_error(e, ERROR_INPUT,
				    "client certificate: no usable certificate in PEM form");
	crypto_begin();
	return 0;
}

int tls_identify(struct tls *tls, const struct bytes *certificate, const struct bytes *key,
		 struct error *e)
{
	EVP_PKEY *pkey = NULL;
	int ret = 0;
	BIO *bio;

	crypto_begin();
	memory_begin();
	if (certificates_use(tls->ctx, certificate, e) < 0)
		return -1;
	memory_wipe(true);
	bio = BIO_new_mem_buf(key->data, (int)key->len);
	if (bio)
		pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	memory_wipe(false);
	if (!bio || memory_failed())
		ret = error_set_memory(e);
	else if (!pkey)
		ret = crypto_error(e, ERROR_INPUT,
				   "client key: not an unencrypted private key in PEM form");
	/* A key of another kind than the certificate's is accepted by the first of these. */
	else if (SSL_CTX_use_PrivateKey(tls->ctx, pkey) != 1 ||
		 SSL_CTX_check_private_key(tls->ctx) != 1)
		ret = memory_failed() ?
			      error_set_memory(e) :
			      crypto_error(e, ERROR_INPUT,
					   "client key: not the key of the client certificate");
	EVP_PKEY_free(pkey);
	return ret;
}

/* --- failures -------------------------------------------------------------------------------- */

/* The results of verification that another CA certificate can change. */
static bool ca_would_help(long result)
{
	return result == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
	       result == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
	       result == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
	       result == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	       result == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

/* The results of verification that depend on the clock, which may be wrong. */
static bool clock_matters(long result)
{
	return result == X509_V_ERR_CERT_NOT_YET_VALID || result == X509_V_ERR_CERT_HAS_EXPIRED ||
	       result == X509_V_ERR_CRL_NOT_YET_VALID || result == X509_V_ERR_CRL_HAS_EXPIRED;
}

static bool name_differs(long result)
{
	return result == X509_V_ERR_HOSTNAME_MISMATCH || result == X509_V_ERR_IP_ADDRESS_MISMATCH;
}

static int certificate_fail(const struct tls_peer *peer, long result, struct error *e)
{
	(clock_matters(result) ? error_set_transient : error_set)(
		e, ERROR_TLS, "certificate not trusted: %s", X509_verify_cert_error_string(result));
	if (name_differs(result))
		return error_append(e, ": it is not for %s", peer->host);
	if (ca_would_help(result))
		return error_append(e, "; give its CA (--ca, or ca under [kbs])");
	return clock_matters(result) ? clock_explain(e) : -1;
}

/* A load balancer whose server is away ends connections within the handshake, which is a failure of
 * the network. */
static int lost(int error, struct error *e)
{
	return stream_lost("connection lost within the TLS handshake", error, e);
}

/* Set @e after SSL_connect() has failed with @code; @error is errno. */
static int handshake_fail(const struct tls_peer *peer, const SSL *ssl, int code, int error,
			  struct error *e)
{
	const unsigned long cause = ERR_peek_error();
	const int reason = ERR_GET_REASON(cause);
	const char *text = ERR_reason_error_string(cause);

	if (memory_failed() || SSL_get_verify_result(ssl) == X509_V_ERR_OUT_OF_MEM)
		return error_set_memory(e);
	if (code == SSL_ERROR_SYSCALL)
		return lost(error, e);
	if (code == SSL_ERROR_ZERO_RETURN)
		return error_set_transient(e, ERROR_TLS, "TLS handshake failed: the KBS closed it");
	if (ERR_GET_LIB(cause) == ERR_LIB_SSL && reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return lost(0, e);
	if (ERR_GET_LIB(cause) == ERR_LIB_SSL && reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
		return certificate_fail(peer, SSL_get_verify_result(ssl), e);
	if (!text)
		return error_set(e, ERROR_TLS, "TLS handshake failed: OpenSSL error %08lx", cause);
	return error_set(e, ERROR_TLS, "TLS handshake failed: %s", text);
}

/* --- the handshake ----------------------------------------------------------------------------- */

static SSL *ssl_new(const struct tls *tls, struct tls_peer *peer, int fd, struct error *e)
{
	SSL *ssl = SSL_new(tls->ctx);
	X509_VERIFY_PARAM *param = ssl ? SSL_get0_param(ssl) : NULL;
	bool good = ssl && SSL_set_fd(ssl, fd) == 1 && SSL_set_app_data(ssl, peer) == 1 &&
		    SSL_set1_verify_cert_store(ssl, peer->store) == 1;

	if (good && peer->numeric)
		good = X509_VERIFY_PARAM_set1_ip_asc(param, peer->host) == 1;
	else if (good)
		good = X509_VERIFY_PARAM_set1_host(param, peer->host, 0) == 1 &&
		       SSL_set_tlsext_host_name(ssl, peer->host) == 1;
	if (good && peer->session)
		good = SSL_set_session(ssl, peer->session) == 1;
	SSL_SESSION_free(peer->session);
	peer->session = NULL;
	/* It returns nothing, and OpenSSL follows a null pointer later if it had no memory. */
	if (good)
		SSL_set_connect_state(ssl);
	if (good && !memory_failed())
		return ssl;
	SSL_free(ssl);
	error_set_memory(e);
	return NULL;
}

/* A server of TLS 1.2 gives no new ticket when it resumes a session: the old one stays good. */
static void session_keep(struct tls_peer *peer, SSL *ssl)
{
	if (!peer->session && SSL_session_reused(ssl) && SSL_version(ssl) < TLS1_3_VERSION)
		peer->session = SSL_get1_session(ssl);
}

SSL *tls_connect(const struct tls *tls, struct tls_peer *peer, int fd, const struct deadline *d,
		 struct error *e)
{
	struct pollfd p = { .fd = fd };
	SSL *ssl = ssl_new(tls, peer, fd, e);
	int ret, code;

	while (ssl) {
		crypto_begin();
		errno = 0;
		ret = SSL_connect(ssl);
		if (ret == 1 && !memory_failed()) {
			session_keep(peer, ssl);
			return ssl;
		}
		code = SSL_get_error(ssl, ret);
		if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE) {
			p.events = code == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
			if (deadline_wait(d, &p, 1, INT64_MAX, e) > 0)
				continue;
		} else {
			handshake_fail(peer, ssl, code, errno, e);
		}
		SSL_free(ssl);
		ssl = NULL;
	}
	return NULL;
}
