// SPDX-License-Identifier: Apache-2.0
#include "http.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#define CONNECT_TIMEOUT 15	/* seconds, name resolution and TLS included */
#define STALL_TIME 30		/* seconds without a byte */

/* --- what went wrong -------------------------------------------------------------------------- */

static const struct {
	CURLcode code;
	enum error_kind kind;
	bool transient;
	const char *text;
} failures[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, ERROR_NETWORK, true, "name not found" },
	{ CURLE_COULDNT_CONNECT, ERROR_NETWORK, true, "no connection" },
	{ CURLE_OPERATION_TIMEDOUT, ERROR_NETWORK, true, "timed out" },
	{ CURLE_SEND_ERROR, ERROR_NETWORK, true, "connection lost" },
	{ CURLE_RECV_ERROR, ERROR_NETWORK, true, "connection lost" },
	{ CURLE_GOT_NOTHING, ERROR_NETWORK, true, "connection closed without an answer" },
	{ CURLE_PARTIAL_FILE, ERROR_NETWORK, true, "connection lost within an answer" },
	{ CURLE_ABORTED_BY_CALLBACK, ERROR_NETWORK, true, "given up" },
	{ CURLE_PEER_FAILED_VERIFICATION, ERROR_TLS, false, "certificate not trusted" },
	{ CURLE_SSL_CONNECT_ERROR, ERROR_TLS, false, "TLS handshake failed" },
	{ CURLE_SSL_CACERT_BADFILE, ERROR_TLS, false, "CA certificates not usable" },
	{ CURLE_SSL_CERTPROBLEM, ERROR_TLS, false, "TLS handshake failed" },
	{ CURLE_SSL_CIPHER, ERROR_TLS, false, "TLS handshake failed" },
	{ CURLE_SSL_ISSUER_ERROR, ERROR_TLS, false, "certificate not trusted" },
	{ CURLE_OUT_OF_MEMORY, ERROR_SYSTEM, false, "out of memory" },
	{ CURLE_OK, ERROR_PROTOCOL, false, "not an answer of a KBS" },	/* any other */
};

#define FAILURES (sizeof(failures) / sizeof(failures[0]))

/* The verification results that another CA can cure. */
static bool ca_would_help(long result)
{
	return result == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
	       result == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
	       result == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
	       result == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	       result == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

/* The cause in the words of whoever knows it best: OpenSSL, the kernel, libcurl. */
static const char *failure_cause(const struct http *http, CURLcode code, const char **advice)
{
	long verify = 0, error = 0;

	curl_easy_getinfo(http->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
	curl_easy_getinfo(http->easy, CURLINFO_OS_ERRNO, &error);
	if (code == CURLE_PEER_FAILED_VERIFICATION && verify != X509_V_OK &&
	    verify != X509_V_ERR_UNSPECIFIED) {	/* that one: libcurl checked the name */
		if (ca_would_help(verify))
			*advice = "; give its CA (--ca, or ca under [kbs])";
		return X509_verify_cert_error_string(verify);
	}
	if (code == CURLE_COULDNT_CONNECT && error)
		return strerror((int)error);
	return http->detail[0] ? http->detail : curl_easy_strerror(code);
}

static int http_failed(const struct http *http, CURLcode code, struct error *e)
{
	const char *advice = "", *cause = failure_cause(http, code, &advice);
	size_t i = 0;

	if (http->overflow)
		return error_set(e, ERROR_PROTOCOL, "%s: answer over %zu bytes", http->url,
				 MESSAGE_ANSWER_MAX);
	while (i < FAILURES - 1 && failures[i].code != code)
		i++;
	return (failures[i].transient ? error_set_transient : error_set)(
		e, failures[i].kind, "%s: %s: %s%s", http->url, failures[i].text, cause, advice);
}

/* --- callbacks -------------------------------------------------------------------------------- */

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct http *http = arg;
	size_t len = size * count;

	if (len > MESSAGE_ANSWER_MAX - http->answer.len) {
		http->overflow = true;
		return CURL_WRITEFUNC_ERROR;
	}
	return bytes_append(&http->answer, data, len) < 0 ? CURL_WRITEFUNC_ERROR : len;
}

/* Called about once a second: nobody waits for the answer any more once the keeper has hung up. */
static int on_progress(void *arg, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal,
		       curl_off_t ulnow)
{
	const struct http *http = arg;
	struct pollfd p = { .fd = http->peer };

	(void)dltotal, (void)dlnow, (void)ultotal, (void)ulnow;
	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

/* --- setting up ------------------------------------------------------------------------------- */

int http_prepare(struct error *e)
{
	SSL_CTX *ctx;

	tzset();
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return error_set(e, ERROR_SYSTEM, "libcurl: no start");
	/* The first context makes OpenSSL load its configuration and providers. */
	ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx)
		return error_set(e, ERROR_SYSTEM, "OpenSSL: no start");
	SSL_CTX_free(ctx);
	return 0;
}

int http_split(const char *url, char **host, char **port, struct error *e)
{
	CURLU *parts = curl_url();
	int ret = 0;

	*host = *port = NULL;
	if (!parts)
		return error_set_memory(e);
	if (curl_url_set(parts, CURLUPART_URL, url, 0) ||
	    curl_url_get(parts, CURLUPART_HOST, host, 0) ||
	    curl_url_get(parts, CURLUPART_PORT, port, CURLU_DEFAULT_PORT))
		ret = error_set(e, ERROR_PROTOCOL, "URL not understood: %s", url);
	curl_url_cleanup(parts);
	return ret;
}

static int ca_check(const struct bytes *ca, struct error *e)
{
	BIO *bio = BIO_new_mem_buf(ca->data, (int)ca->len);
	X509 *certificate;

	if (!bio)
		return error_set_memory(e);
	certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (!certificate)
		return error_set(e, ERROR_INPUT, "CA: no certificate in PEM form in it");
	X509_free(certificate);
	return 0;
}

#define SET(option, value) \
	do { \
		if (curl_easy_setopt(http->easy, option, value) != CURLE_OK) \
			return error_set(e, ERROR_SYSTEM, "libcurl: " #option); \
	} while (0)

static int set_tls(struct http *http, const struct bytes *ca, struct error *e)
{
	struct curl_blob blob = { ca->data, ca->len, CURL_BLOB_NOCOPY };

	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_CAINFO, NULL);	/* libcurl's own paths: not ours to trust, nor to open */
	SET(CURLOPT_CAPATH, NULL);
	if (ca->len)
		SET(CURLOPT_CAINFO_BLOB, &blob);
	return 0;
}

static int set_limits(struct http *http, const struct http_target *target, struct error *e)
{
	long connect = target->timeout < CONNECT_TIMEOUT ? target->timeout : CONNECT_TIMEOUT;

	SET(CURLOPT_TIMEOUT, target->timeout);
	SET(CURLOPT_CONNECTTIMEOUT, connect);
	SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
	SET(CURLOPT_LOW_SPEED_TIME, (long)STALL_TIME);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROTOCOLS_STR, target->insecure ? "http,https" : "https");
	/* One request at a time gains nothing from HTTP/2 but a larger parser. */
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_PATH_AS_IS, 1L);
	return 0;
}

static int set_rest(struct http *http, const struct http_target *target, struct error *e)
{
	SET(CURLOPT_USERAGENT, "realmkey/" REALMKEY_VERSION);
	SET(CURLOPT_COOKIEFILE, "");	/* keep cookies, in memory */
	SET(CURLOPT_ERRORBUFFER, http->detail);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, http);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_XFERINFODATA, http);
	SET(CURLOPT_NOPROGRESS, 0L);
	if (!*target->pin)
		return 0;
	http->pins = curl_slist_append(NULL, target->pin);
	if (!http->pins)
		return error_set_memory(e);
	SET(CURLOPT_RESOLVE, http->pins);
	return 0;
}

int http_open(struct http *http, const struct http_target *target, struct error *e)
{
	if (target->ca->len && ca_check(target->ca, e) < 0)
		return -1;
	http->url = strdup(target->url);
	http->easy = curl_easy_init();
	if (!http->url || !http->easy)
		return error_set_memory(e);
	if (set_tls(http, target->ca, e) < 0 || set_limits(http, target, e) < 0)
		return -1;
	return set_rest(http, target, e);
}

void http_close(struct http *http)
{
	curl_easy_cleanup(http->easy);
	curl_slist_free_all(http->pins);
	free(http->url);
	bytes_free(&http->answer);
	*http = (struct http)HTTP_INIT;
}

/* --- one request ------------------------------------------------------------------------------ */

/* "Expect:" empty: waiting for "100 Continue" would cost a round trip. */
static struct curl_slist *headers_new(const struct request *r)
{
	const char *const lines[] = {
		"Accept: application/json", "Expect:",
		r->body ? "Content-Type: application/json" : NULL,
		r->authorization.len ? bytes_text(&r->authorization) : NULL,
	};
	struct curl_slist *list = NULL, *longer;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
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

static int set_request(struct http *http, const struct request *r, const char *url,
		       const struct curl_slist *headers, struct error *e)
{
	SET(CURLOPT_URL, url);
	SET(CURLOPT_HTTPHEADER, headers);
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

static int perform(struct http *http, int *status, struct error *e)
{
	CURLcode code;
	long number = 0;

	http->overflow = false;
	http->detail[0] = '\0';
	bytes_clear(&http->answer);
	code = curl_easy_perform(http->easy);
	if (code != CURLE_OK)
		return http_failed(http, code, e);
	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &number);
	if (number < 100 || number > 999)
		return error_set(e, ERROR_PROTOCOL, "%s: HTTP status %ld", http->url, number);
	*status = (int)number;
	return 0;
}

int http_send(struct http *http, const struct request *r, int *status, struct error *e)
{
	struct curl_slist *headers = headers_new(r);
	struct bytes url = BYTES_INIT;
	int ret = -1;

	if (!headers || bytes_printf(&url, "%s%s", http->url, bytes_text(&r->path)) < 0)
		error_set_memory(e);
	else if (set_request(http, r, bytes_text(&url), headers, e) == 0)
		ret = perform(http, status, e);
	bytes_free(&url);
	curl_slist_free_all(headers);
	return ret;
}
