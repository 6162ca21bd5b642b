// SPDX-License-Identifier: Apache-2.0
#include "http.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "cookie.h"

#define SMALL_ANSWER ((size_t)64 << 10)

/* --- memory ---------------------------------------------------------------------------------- */

/* A failed allocation of libcurl or OpenSSL that was not reported yet. They report some of these as a bad
 * certificate or a malformed message, also later, when an algorithm is missing that was not loaded. */
static bool memory_failed;

static void *memory_watch(void *data, size_t size)
{
	if (!data && size)
		memory_failed = true;
	return data;
}

static void *memory_malloc(size_t size)
{
	return memory_watch(malloc(size), size);
}

static void *memory_calloc(size_t count, size_t size)
{
	return memory_watch(calloc(count, size), count && size);
}

static void *memory_realloc(void *old, size_t size)
{
	return memory_watch(realloc(old, size), size);
}

static char *memory_strdup(const char *text)
{
	return memory_watch(strdup(text), 1);
}

static bool preparing; /* OpenSSL initialises itself */

/* An OpenSSL that has no memory for its initialisation waits for ever, because its report of that failure
 * initialises it again. This process ends instead, which the keeper sees. */
static void *openssl_malloc(size_t size, const char *file, int line)
{
	void *memory = size ? memory_malloc(size) : NULL;
	struct error e = ERROR_INIT;

	(void)file, (void)line;
	if (size && !memory && preparing) {
		error_set_memory(&e);
		_exit(error_exit_code(&e));
	}
	return memory;
}

static void openssl_free(void *data, const char *file, int line)
{
	(void)file, (void)line;
	free(data);
}

static void *openssl_realloc(void *old, size_t size, const char *file, int line)
{
	if (size)
		return memory_realloc(old, size);
	openssl_free(old, file, line);
	return NULL;
}

/* --- failures -------------------------------------------------------------------------------- */

struct failure {
	CURLcode code;
	enum error_kind kind;
	bool transient;
	const char *text;
};

static const struct failure failures[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, ERROR_NETWORK, true, "name not found" },
	{ CURLE_COULDNT_CONNECT, ERROR_NETWORK, true, "no connection" },
	{ CURLE_OPERATION_TIMEDOUT, ERROR_NETWORK, true, "timed out" },
	{ CURLE_SEND_ERROR, ERROR_NETWORK, true, "connection lost" },
	{ CURLE_RECV_ERROR, ERROR_NETWORK, true, "connection lost" },
	{ CURLE_GOT_NOTHING, ERROR_NETWORK, true, "connection closed without an answer" },
	{ CURLE_PARTIAL_FILE, ERROR_NETWORK, true, "connection lost within an answer" },
	{ CURLE_ABORTED_BY_CALLBACK, ERROR_NETWORK, true, "aborted" },
	{ CURLE_PEER_FAILED_VERIFICATION, ERROR_TLS, false, "certificate not trusted" },
	{ CURLE_SSL_CONNECT_ERROR, ERROR_TLS, false, "TLS handshake failed" },
	{ CURLE_SSL_CACERT_BADFILE, ERROR_TLS, false, "CA certificates not usable" },
	{ CURLE_SSL_CERTPROBLEM, ERROR_TLS, false, "TLS handshake failed" },
	{ CURLE_SSL_CIPHER, ERROR_TLS, false, "TLS handshake failed" },
	{ CURLE_SSL_ISSUER_ERROR, ERROR_TLS, false, "certificate not trusted" },
	{ CURLE_FAILED_INIT, ERROR_SYSTEM, true, "libcurl failed" },
	{ CURLE_BAD_FUNCTION_ARGUMENT, ERROR_SYSTEM, true, "libcurl failed" },
	{ CURLE_UNRECOVERABLE_POLL, ERROR_SYSTEM, true, "libcurl failed" },
};

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

/* True if @cause says that the connection ended within the TLS handshake, which is a failure of the
 * network: a load balancer whose server is away does this. libcurl has one code for all failures of the
 * handshake. */
static bool handshake_cut(const char *cause)
{
	static const char *const texts[] = { "unexpected eof", "SSL_ERROR_SYSCALL", "Recv failure",
					     "Send failure" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (strstr(cause, texts[i]))
			return true;
	return false;
}

/* Set @e after a transfer failed. The cause comes from the part that knows most about it: OpenSSL,
 * the kernel or libcurl. */
static int http_fail(const struct http *http, CURLcode code, struct error *e)
{
	static const struct failure other = {
		CURLE_OK,
		ERROR_PROTOCOL,
		false,
		"not an answer of a KBS",
	};
	static const struct failure cut = {
		CURLE_SSL_CONNECT_ERROR,
		ERROR_NETWORK,
		true,
		"connection lost within the TLS handshake",
	};
	const struct failure *failure = &other;
	const char *advice = "", *cause;
	long verify = 0, error = 0;
	bool transient;

	curl_easy_getinfo(http->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
	curl_easy_getinfo(http->easy, CURLINFO_OS_ERRNO, &error);
	if (memory_failed || code == CURLE_OUT_OF_MEMORY || http->answer.failed ||
	    verify == X509_V_ERR_OUT_OF_MEM) {
		memory_failed = false;
		return error_set_memory(e);
	}
	if (http->overflow)
		return error_set(e, ERROR_PROTOCOL, "%s: answer over %zu bytes", http->url,
				 MESSAGE_ANSWER_MAX);
	cause = http->detail[0] ? http->detail : curl_easy_strerror(code);
	if (code == CURLE_COULDNT_CONNECT && error)
		cause = strerror((int)error);
	if (code == CURLE_PEER_FAILED_VERIFICATION && verify != X509_V_OK &&
	    verify != X509_V_ERR_UNSPECIFIED) { /* this one: libcurl compared the name */
		cause = X509_verify_cert_error_string(verify);
		if (ca_would_help(verify))
			advice = "; give its CA (--ca, or ca under [kbs])";
	}
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++)
		if (failures[i].code == code)
			failure = &failures[i];
	if (code == CURLE_SSL_CONNECT_ERROR && handshake_cut(cause))
		failure = &cut;
	transient = failure->transient || (failure->kind == ERROR_TLS && clock_matters(verify));
	(transient ? error_set_transient : error_set)(e, failure->kind, "%s: %s: %s%s", http->url,
						      failure->text, cause, advice);
	return code == CURLE_PEER_FAILED_VERIFICATION && clock_matters(verify) ? clock_explain(e) :
										 -1;
}

/* --- callbacks ------------------------------------------------------------------------------- */

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct http *http = arg;
	struct error unused = ERROR_INIT;
	size_t len = size * count;

	if (len > MESSAGE_ANSWER_MAX - http->answer.len) {
		http->overflow = true;
		return CURL_WRITEFUNC_ERROR;
	}
	/* Growing would need twice the memory. */
	if (http->answer.len + len > SMALL_ANSWER &&
	    bytes_reserve(&http->answer, MESSAGE_ANSWER_MAX, &unused) < 0)
		return CURL_WRITEFUNC_ERROR;
	bytes_append(&http->answer, data, len);
	return http->answer.failed ? CURL_WRITEFUNC_ERROR : len;
}

/* libcurl calls this about once a second. If the keeper closed its socket, abort the request. */
static int on_progress(void *arg, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal,
		       curl_off_t ulnow)
{
	const struct http *http = arg;
	struct pollfd p = { .fd = http->peer };

	(void)dltotal, (void)dlnow, (void)ultotal, (void)ulnow;
	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

/* --- initialisation -------------------------------------------------------------------------- */

int http_prepare(struct error *e)
{
	SSL_CTX *ctx;

	tzset();
	preparing = true;
	/* OpenSSL refuses if it has allocated memory already; it then reports failures as it does. */
	(void)CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free);
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, memory_malloc, free, memory_realloc,
				 memory_strdup, memory_calloc) != CURLE_OK)
		return error_set(e, ERROR_SYSTEM, "libcurl: initialisation failed");
	/* The first context makes OpenSSL load its configuration and providers. */
	ctx = SSL_CTX_new(TLS_client_method());
	preparing = false;
	if (!ctx)
		return error_set(e, ERROR_SYSTEM, "OpenSSL: initialisation failed");
	SSL_CTX_free(ctx);
	return 0;
}

int http_split(const char *url, char **host, char **port, struct error *e)
{
	CURLU *parts = curl_url();
	CURLUcode code;

	*host = *port = NULL;
	if (!parts)
		return error_set_memory(e);
	code = curl_url_set(parts, CURLUPART_URL, url, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(parts, CURLUPART_HOST, host, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(parts, CURLUPART_PORT, port, CURLU_DEFAULT_PORT);
	curl_url_cleanup(parts);
	if (code == CURLUE_OUT_OF_MEMORY)
		return error_set_memory(e);
	return code == CURLUE_OK ? 0 : error_set(e, ERROR_PROTOCOL, "malformed URL: %s", url);
}

/* With the function that libcurl uses later, which fails if any part of the file is malformed. */
static int ca_check(const struct bytes *ca, struct error *e)
{
	BIO *bio = BIO_new_mem_buf(ca->data, (int)ca->len);
	STACK_OF(X509_INFO) * parts;
	int found = 0, ret = 0;

	if (!bio)
		return error_set_memory(e);
	crypto_begin();
	memory_failed = false;
	parts = PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL);
	BIO_free(bio);
	for (int i = 0; i < sk_X509_INFO_num(parts); i++)
		found += sk_X509_INFO_value(parts, i)->x509 != NULL;
	if (!found && memory_failed) /* CRYPTO_realloc() reports nothing to OpenSSL's queue */
		ret = error_set_memory(e);
	else if (!parts)
		ret = crypto_error(e, ERROR_INPUT, "CA: malformed PEM");
	else if (!found)
		ret = crypto_error(e, ERROR_INPUT, "CA: no certificate in PEM form");
	sk_X509_INFO_pop_free(parts, X509_INFO_free);
	return ret;
}

#define SET(option, value) \
	do { \
		if (curl_easy_setopt(http->easy, option, value) != CURLE_OK) \
			return error_set(e, ERROR_SYSTEM, "libcurl: cannot set " #option); \
	} while (0)

static int http_configure(struct http *http, const struct http_target *target, struct error *e)
{
	struct curl_blob ca = { target->ca->data, target->ca->len, CURL_BLOB_NOCOPY };

	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* The default paths of libcurl are neither trusted nor readable here. */
	SET(CURLOPT_CAINFO, NULL);
	SET(CURLOPT_CAPATH, NULL);
	if (ca.len)
		SET(CURLOPT_CAINFO_BLOB, &ca);

	/* For a request as a whole. The limit for connecting, 300 s by default, must not come first. */
	SET(CURLOPT_TIMEOUT, target->timeout);
	SET(CURLOPT_CONNECTTIMEOUT, target->timeout);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROTOCOLS_STR, target->insecure ? "http,https" : "https");
	/* With one request at a time, HTTP/2 would only add a larger parser. */
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_PATH_AS_IS, 1L);
	/* Their ages are measured on the wall clock, which is the host's. */
	SET(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);

	SET(CURLOPT_USERAGENT, "realmkey/" REALMKEY_VERSION);
	SET(CURLOPT_ERRORBUFFER, http->detail);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, http);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_XFERINFODATA, http);
	SET(CURLOPT_NOPROGRESS, 0L);
	if (http->pins)
		SET(CURLOPT_RESOLVE, http->pins);
	return 0;
}

int http_open(struct http *http, const struct http_target *target, struct error *e)
{
	if (target->ca->len && ca_check(target->ca, e) < 0)
		return -1;
	http->url = strdup(target->url);
	http->easy = curl_easy_init();
	if (*target->pin)
		http->pins = curl_slist_append(NULL, target->pin);
	if (!http->url || !http->easy || (*target->pin && !http->pins))
		return error_set_memory(e);
	return http_configure(http, target, e);
}

void http_close(struct http *http)
{
	curl_easy_cleanup(http->easy);
	curl_slist_free_all(http->pins);
	free(http->url);
	bytes_free(&http->answer);
	bytes_free(&http->cookies);
	*http = (struct http)HTTP_INIT;
}

/* libcurl uses the last of several lengths. An answer with different ones is not to be trusted (RFC
 * 9110 section 8.6). */
static bool lengths_differ(CURL *easy)
{
	struct curl_header *header;
	char first[32];

	if (curl_easy_header(easy, "Content-Length", 0, CURLH_HEADER, -1, &header) != CURLHE_OK ||
	    header->amount < 2)
		return false;
	snprintf(first, sizeof(first), "%s", header->value);
	for (size_t i = 1; i < header->amount; i++)
		if (curl_easy_header(easy, "Content-Length", i, CURLH_HEADER, -1, &header) !=
			    CURLHE_OK ||
		    strcmp(header->value, first))
			return true;
	return false;
}

/* --- one request ----------------------------------------------------------------------------- */

/* "Expect:" is empty, because waiting for "100 Continue" would cost a round trip. NULL if out of
 * memory. */
static struct curl_slist *headers_new(const struct request *r)
{
	const char *const lines[] = {
		"Accept: application/json",
		"Expect:",
		r->body ? "Content-Type: application/json" : NULL,
		r->authorization.len ? bytes_text(&r->authorization) : NULL,
	};
	struct curl_slist *list = NULL, *longer;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		if (!lines[i])
			continue;
		longer = curl_slist_append(list, lines[i]);
		if (!longer) {
			curl_slist_free_all(list);
			return NULL;
		}
		list = longer;
	}
	return list;
}

static int http_set_request(struct http *http, const struct request *r, const char *url,
			    const struct curl_slist *headers, struct error *e)
{
	SET(CURLOPT_URL, url);
	SET(CURLOPT_HTTPHEADER, headers);
	SET(CURLOPT_COOKIE, http->cookies.len ? bytes_text(&http->cookies) : NULL);
	if (r->body || !strcmp(r->method, "POST")) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->len);
		SET(CURLOPT_POSTFIELDS, r->body ? (const char *)r->body : "");
	} else {
		SET(CURLOPT_HTTPGET, 1L);
	}
	SET(CURLOPT_CUSTOMREQUEST, r->method);
	return 0;
}

/* libcurl's own cookies would disappear if the realm's clock is ahead of the KBS's. */
static int cookies_receive(struct http *http, struct error *e)
{
	struct curl_header *header;
	CURLHcode code;

	for (size_t i = 0;; i++) {
		code = curl_easy_header(http->easy, "Set-Cookie", i, CURLH_HEADER, -1, &header);
		if (code != CURLHE_OK)
			break;
		if (cookie_keep(&http->cookies, header->value, e) < 0)
			return -1;
	}
	return code == CURLHE_OUT_OF_MEMORY ? error_set_memory(e) : 0;
}

int http_send(struct http *http, const struct request *r, int *status, struct error *e)
{
	struct curl_slist *headers = headers_new(r);
	struct bytes url = BYTES_INIT;
	CURLcode code;
	long number = 0;
	int ret;

	bytes_printf(&url, "%s%s", http->url, bytes_text(&r->path));
	ret = headers ? bytes_check(&url, e) : error_set_memory(e);
	if (ret == 0)
		ret = http_set_request(http, r, bytes_text(&url), headers, e);
	if (ret < 0)
		goto out;
	http->overflow = false;
	http->detail[0] = '\0';
	bytes_clear(&http->answer);
	code = curl_easy_perform(http->easy);
	if (code != CURLE_OK) {
		ret = http_fail(http, code, e);
		goto out;
	}
	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &number);
	if (lengths_differ(http->easy))
		ret = error_set(e, ERROR_PROTOCOL, "%s: two lengths in one answer", http->url);
	else if (number < 100 || number > 999)
		ret = error_set(e, ERROR_PROTOCOL, "%s: HTTP status %ld", http->url, number);
	else
		ret = cookies_receive(http, e);
	*status = (int)number;
out:
	bytes_free(&url);
	curl_slist_free_all(headers);
	return ret;
}
