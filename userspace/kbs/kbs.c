// SPDX-License-Identifier: Apache-2.0
#include "kbs.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "base/json.h"
#include "cca/cca_token.h"

#define RESOURCE_SCHEME "kbs:///"

/* The names a KBS may select, and OpenSSL's for them. */
static const struct {
	const char *name, *openssl;
} hashes[] = {
	{ "sha384", "SHA384" },	/* the first one is meant when none is selected */
	{ "sha256", "SHA256" },
	{ "sha512", "SHA512" },
	{ "sm3", "SM3" },
};

#define HASHES (sizeof(hashes) / sizeof(hashes[0]))

/* --- what an answer means -------------------------------------------------------------------- */

/*
 * Trustee answers 401 for nearly everything; the last segment of the body's "type" tells what it
 * was. Transient: with a fresh attestation the same request can succeed.
 */
static const struct {
	const char *variant;
	enum error_kind kind;
	bool transient;
	const char *text;
} variants[] = {
	{ "TokenNotFound", ERROR_ATTESTATION, true, "the KBS wants an attestation first" },
	{ "TokenVerifierError", ERROR_ATTESTATION, true, "the KBS does not take the EAR" },
	{ "AttestationError", ERROR_ATTESTATION, true, "attestation refused" },
	{ "PolicyDeny", ERROR_POLICY, false, "denied by the KBS's resource policy" },
	{ "PolicyEngineError", ERROR_POLICY, false, "the KBS's resource policy failed" },
	{ "PolicyEngine", ERROR_POLICY, false, "the KBS's resource policy failed" },
	{ "PluginInternalError", ERROR_NOT_FOUND, false,
	  "not found, or the KBS's storage failed" },
	{ "PluginNotFound", ERROR_NOT_FOUND, false, "the KBS has no such plugin configured" },
	{ "InvalidRequestPath", ERROR_NOT_FOUND, false, "the KBS does not know such a path" },
	{ "JweError", ERROR_PROTOCOL, false, "the KBS cannot encrypt to this TEE key" },
	{ "AdminAuthAccess", ERROR_POLICY, false, "administrator's token refused" },
	{ "AdminAuth", ERROR_POLICY, false, "administrator's token refused" },
	{ "AdminAuthInitialization", ERROR_POLICY, false, "administrator's token refused" },
	{ "ParsePolicyError", ERROR_INPUT, false, "the KBS cannot read the policy" },
	{ "SerdeError", ERROR_INPUT, false, "the KBS cannot read the request" },
	{ "RvpsError", ERROR_PROTOCOL, false, "the KBS's reference value store failed" },
};

/* Answers without such a body, by status. */
static const struct {
	int from, to;
	enum error_kind kind;
	bool transient;
	const char *text;
} statuses[] = {
	{ 300, 399, ERROR_PROTOCOL, false, "redirected, which is not followed; is the URL right?" },
	{ 401, 401, ERROR_ATTESTATION, false, "refused" },
	{ 403, 403, ERROR_POLICY, false, "forbidden" },
	{ 404, 404, ERROR_NOT_FOUND, false, "not found" },
	{ 408, 408, ERROR_NETWORK, true, "the KBS timed out" },
	{ 413, 413, ERROR_INPUT, false, "over the KBS's limit for a request" },
	{ 429, 429, ERROR_NETWORK, true, "the KBS asks to slow down" },
	{ 500, 599, ERROR_NETWORK, true, "the KBS has a fault of its own" },
	{ 0, 0, ERROR_PROTOCOL, false, "unexpected answer" },	/* any other */
};

#define STATUSES (sizeof(statuses) / sizeof(statuses[0]))

static int refused(struct error *e, enum error_kind kind, bool transient, const char *what,
		   const char *text, const char *cause)
{
	return (transient ? error_set_transient : error_set)(e, kind, "%s: %s (%.400s)", what, text,
							     cause);
}

static int status_refused(int status, const char *what, struct error *e)
{
	char cause[32];
	size_t i = 0;

	snprintf(cause, sizeof(cause), "HTTP %d", status);
	while (i < STATUSES - 1 && (status < statuses[i].from || status > statuses[i].to))
		i++;
	return refused(e, statuses[i].kind, statuses[i].transient, what, statuses[i].text, cause);
}

static int variant_refused(int status, const char *variant, const char *detail, const char *what,
			   struct error *e)
{
	char cause[400];

	snprintf(cause, sizeof(cause), "HTTP %d %.60s: %.300s", status, variant, detail);
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
		if (!strcmp(variant, variants[i].variant))
			return refused(e, variants[i].kind, variants[i].transient, what,
				       variants[i].text, cause);
	if (status == 404)
		return refused(e, ERROR_NOT_FOUND, false, what, "not found", cause);
	return refused(e, ERROR_ATTESTATION, false, what, "refused", cause);
}

/* Set @e from an answer that is not a success. Returns -1. */
static int answer_refused(int status, const void *body, size_t len, const char *what,
			  struct error *e)
{
	struct error unread = ERROR_INIT;
	json_t *json = NULL;
	const char *type, *detail, *variant;

	if (len && (status == 401 || status == 404))
		json = json_parse(body, len, what, ERROR_PROTOCOL, &unread);
	type = json_string_value(json_object_get(json, "type"));
	detail = json_string_value(json_object_get(json, "detail"));
	if (type) {
		variant = strrchr(type, '/');
		variant_refused(status, variant ? variant + 1 : type, detail ? detail : "", what,
				e);
	} else {
		status_refused(status, what, e);
	}
	json_decref(json);
	return -1;
}

/* The same in the handshake, where nothing is asked for by name. */
static int handshake_refused(int status, const void *body, size_t len, const char *what,
			     struct error *e)
{
	answer_refused(status, body, len, what, e);
	if (e->kind == ERROR_NOT_FOUND)
		e->kind = ERROR_PROTOCOL;
	return -1;
}

int kbs_resource_answer(int status, const void *body, size_t len, const char *path,
			struct error *e)
{
	char what[300];

	if (status == 200)
		return 0;
	snprintf(what, sizeof(what), "resource %s", path);
	return answer_refused(status, body, len, what, e);
}

int kbs_admin_answer(int status, const void *body, size_t len, const char *what, struct error *e)
{
	if (status >= 200 && status <= 299)
		return 0;
	return answer_refused(status, body, len, what, e);
}

/* --- the handshake ---------------------------------------------------------------------------- */

int kbs_auth_body(struct bytes *out, struct error *e)
{
	static const char body[] =
		"{\"version\":\"" KBS_PROTOCOL_VERSION "\",\"tee\":\"cca\",\"extra-params\":"
		"{\"supported-hash-algorithms\":[\"sha256\",\"sha384\",\"sha512\",\"sm3\"]}}";

	return bytes_append_text(out, body) < 0 ? error_set_memory(e) : 0;
}

static int hash_select(struct kbs *kbs, const json_t *params, struct error *e)
{
	const json_t *selected = json_object_get(params, "selected-hash-algorithm");
	const char *name = selected ? json_string_value(selected) : hashes[0].name;

	for (size_t i = 0; name && i < HASHES; i++)
		if (!strcasecmp(name, hashes[i].name)) {
			snprintf(kbs->hash, sizeof(kbs->hash), "%s", hashes[i].name);
			return 0;
		}
	return error_set(e, ERROR_PROTOCOL, "challenge: selected-hash-algorithm: %s%.40s",
			 name ? "unknown: " : "not a text", name ? name : "");
}

static int challenge_read(struct kbs *kbs, const json_t *challenge, struct error *e)
{
	const json_t *params = json_object_get(challenge, "extra-params");
	const char *nonce;

	nonce = json_member_text(challenge, "nonce", "challenge", ERROR_PROTOCOL, e);
	if (!nonce)
		return -1;
	if (!*nonce || strlen(nonce) >= sizeof(kbs->nonce))
		return error_set(e, ERROR_PROTOCOL, "challenge: nonce: %zu bytes, not 1 to %zu",
				 strlen(nonce), sizeof(kbs->nonce) - 1);
	if (!params)
		return error_set(e, ERROR_PROTOCOL, "challenge: extra-params: missing");
	if (hash_select(kbs, params, e) < 0)
		return -1;
	memcpy(kbs->nonce, nonce, strlen(nonce) + 1);
	return 0;
}

int kbs_auth_answer(struct kbs *kbs, int status, const void *body, size_t len, struct error *e)
{
	json_t *challenge;
	int ret;

	*kbs = (struct kbs)KBS_INIT;
	if (status != 200)
		return handshake_refused(status, body, len, "auth", e);
	challenge = json_parse(body, len, "challenge", ERROR_PROTOCOL, e);
	if (!challenge)
		return -1;
	ret = challenge_read(kbs, challenge, e);
	json_decref(challenge);
	return ret;
}

/* {"additional-evidence":"","nonce":..,"tee-pubkey":{..}} in canonical form. */
static int runtime_canonical(const struct kbs *kbs, const struct tee_key *key, struct bytes *out,
			     struct error *e)
{
	json_t *jwk = tee_key_jwk(key, e), *runtime;
	int ret;

	if (!jwk)
		return -1;
	runtime = json_pack("{s:s, s:s, s:o}", "additional-evidence", "", "nonce", kbs->nonce,
			    "tee-pubkey", jwk);	/* jwk is taken, also when this fails */
	if (!runtime)
		return error_set_memory(e);
	ret = json_canonical(runtime, out, e);
	json_decref(runtime);
	return ret;
}

static int hash_text(const char *name, const struct bytes *text, uint8_t digest[EVP_MAX_MD_SIZE],
		     struct error *e)
{
	size_t i = 0;

	while (i < HASHES && strcmp(hashes[i].name, name))
		i++;
	if (i == HASHES || !EVP_Q_digest(NULL, hashes[i].openssl, NULL, text->data, text->len,
					 digest, NULL))
		return error_set(e, ERROR_PROTOCOL, "challenge: no hash algorithm '%s' here", name);
	return 0;
}

int kbs_challenge(const struct kbs *kbs, const struct tee_key *key, uint8_t challenge[64],
		  struct bytes *runtime, struct error *e)
{
	uint8_t digest[EVP_MAX_MD_SIZE] = { 0 };	/* 64, the challenge's size: zero padding */
	struct bytes text = BYTES_INIT;
	int ret = -1;

	if (runtime_canonical(kbs, key, &text, e) < 0 || hash_text(kbs->hash, &text, digest, e) < 0)
		goto out;
	if (runtime && bytes_append(runtime, text.data, text.len) < 0) {
		error_set_memory(e);
		goto out;
	}
	memcpy(challenge, digest, 64);
	ret = 0;
out:
	bytes_free(&text);
	return ret;
}

/* Bytes as Trustee's CCA evidence wants them: decimal numbers between commas. */
static int append_numbers(const uint8_t *data, size_t len, struct bytes *out)
{
	char number[8];

	for (size_t i = 0; i < len; i++) {
		snprintf(number, sizeof(number), "%s%u", i ? "," : "", data[i]);
		if (bytes_append_text(out, number) < 0)
			return -1;
	}
	return 0;
}

/* "runtime-data" of the body, members in the order in which the reference client sends them. */
static int append_runtime(const struct kbs *kbs, const struct tee_key *key, struct bytes *out,
			  struct error *e)
{
	json_t *jwk = tee_key_jwk(key, e), *runtime;
	int ret;

	if (!jwk)
		return -1;
	runtime = json_pack("{s:s, s:o}", "nonce", kbs->nonce, "tee-pubkey", jwk);
	if (!runtime)
		return error_set_memory(e);
	ret = json_compact(runtime, out, e);
	json_decref(runtime);
	return ret;
}

int kbs_attest_body(const struct kbs *kbs, const struct tee_key *key, const void *token,
		    size_t len, struct bytes *out, struct error *e)
{
	if (!len || len > CCA_TOKEN_MAX)
		return error_set(e, ERROR_INPUT, "CCA token: %zu bytes, not 1 to %zu", len,
				 CCA_TOKEN_MAX);
	if (bytes_reserve(out, out->len + 4 * len + 2048, e) < 0 ||
	    bytes_append_text(out, "{\"init-data\":null,\"runtime-data\":") < 0)
		return error_set_memory(e);
	if (append_runtime(kbs, key, out, e) < 0)
		return -1;
	if (bytes_append_text(out, ",\"tee-evidence\":{\"primary_evidence\":{\"token\":[") < 0 ||
	    append_numbers(token, len, out) < 0 ||
	    bytes_append_text(out, "]},\"additional_evidence\":\"\"}}") < 0)
		return error_set_memory(e);
	return 0;
}

/* The EAR will stand in an HTTP header: nothing but a compact JWS may pass here. */
static int ear_check(const char *token, struct error *e)
{
	size_t len = strlen(token), dots = 0;

	if (len > KBS_TOKEN_MAX)
		return error_set(e, ERROR_PROTOCOL, "attest: token: %zu bytes, over %zu", len,
				 KBS_TOKEN_MAX);
	for (size_t i = 0; i < len; i++)
		dots += token[i] == '.';
	if (dots != 2 || strspn(token, ENCODE_ALPHANUMERIC "-_.") != len)
		return error_set(e, ERROR_PROTOCOL, "attest: token: not a compact JWT");
	return 0;
}

int kbs_attest_answer(int status, const void *body, size_t len, struct bytes *ear,
		      struct error *e)
{
	const char *token;
	json_t *answer;
	int ret = -1;

	if (status != 200)
		return handshake_refused(status, body, len, "attest", e);
	answer = json_parse(body, len, "attest", ERROR_PROTOCOL, e);
	if (!answer)
		return -1;
	token = json_member_text(answer, "token", "attest", ERROR_PROTOCOL, e);
	if (!token || ear_check(token, e) < 0)
		goto out;
	if (bytes_append_text(ear, token) < 0)
		error_set_memory(e);
	else
		ret = 0;
out:
	json_decref(answer);
	return ret;
}

/* --- names that people type ------------------------------------------------------------------- */

static int segment_check(const char *name, const char *segment, size_t len, struct error *e)
{
	size_t good = strspn(segment, ENCODE_ALPHANUMERIC "_.-");

	if (!len)
		return error_set(e, ERROR_USAGE, "resource: %s is empty", name);
	if (*segment == '.')
		return error_set(e, ERROR_USAGE, "resource: %s '%.*s' begins with '.'", name,
				 (int)len, segment);
	if (good < len)
		return error_set(e, ERROR_USAGE, "resource: %s '%.*s' has a character other than "
				 "letters, digits, '_', '.', '-'", name, (int)len, segment);
	return 0;
}

int kbs_resource_path(const char *text, char *path, size_t size, struct error *e)
{
	static const char *const names[] = { "repository", "type", "tag" };
	const char *at;

	if (!strncmp(text, RESOURCE_SCHEME, strlen(RESOURCE_SCHEME)))
		text += strlen(RESOURCE_SCHEME);
	if (strlen(text) >= size)
		return error_set(e, ERROR_USAGE, "resource: %zu bytes, over %zu", strlen(text),
				 size - 1);
	at = text;
	for (size_t i = 0; i < 3; i++) {
		size_t len = strcspn(at, "/");

		if (segment_check(names[i], at, len, e) < 0)
			return -1;
		at += len;
		if ((i < 2) != (*at == '/'))
			return error_set(e, ERROR_USAGE, "resource '%s': want repository/type/tag",
					 text);
		at += i < 2;
	}
	memcpy(path, text, strlen(text) + 1);
	return 0;
}

/* What follows the host: nothing, or ':' and a port. */
static int port_check(const char *text, const char *end, struct error *e)
{
	long port = 0;

	if (text == end)
		return 0;
	if (*text++ != ':' || text == end || end - text > 5)
		return error_set(e, ERROR_USAGE, "URL: malformed port");
	for (; text < end; text++) {
		if (*text < '0' || *text > '9')
			return error_set(e, ERROR_USAGE, "URL: malformed port");
		port = port * 10 + (*text - '0');
	}
	if (port < 1 || port > 65535)
		return error_set(e, ERROR_USAGE, "URL: port %ld is not 1 to 65535", port);
	return 0;
}

static int host6_check(const char *text, const char *end, struct error *e)
{
	const char *close = memchr(text, ']', (size_t)(end - text));
	char address[INET6_ADDRSTRLEN] = "";
	struct in6_addr in6;

	if (close && close - text < (long)sizeof(address))
		memcpy(address, text, (size_t)(close - text));
	if (inet_pton(AF_INET6, address, &in6) != 1)
		return error_set(e, ERROR_USAGE, "URL: malformed IPv6 address");
	return port_check(close + 1, end, e);
}

static int authority_check(const char *text, const char *end, struct error *e)
{
	size_t len;

	if (memchr(text, '@', (size_t)(end - text)))
		return error_set(e, ERROR_USAGE, "URL: user information is not allowed");
	if (*text == '[')
		return host6_check(text + 1, end, e);
	len = strspn(text, ENCODE_ALPHANUMERIC ".-");
	if (!len || len > 253)
		return error_set(e, ERROR_USAGE, "URL: no host, or one over 253 bytes");
	if (text + len < end && text[len] != ':')
		return error_set(e, ERROR_USAGE, "URL: host has a character other than letters, "
				 "digits, '.', '-'");
	return port_check(text + len, end, e);
}

/* The length of the scheme's part of @text, 0 when it is none of ours. */
static size_t scheme_length(const char *text, int insecure, struct error *e)
{
	if (!strncmp(text, "https://", 8))
		return 8;
	if (strncmp(text, "http://", 7)) {
		error_set(e, ERROR_USAGE, "URL: begins with neither https:// nor http://");
		return 0;
	}
	if (insecure)
		return 7;
	error_set(e, ERROR_USAGE, "URL: http:// is neither private nor authentic; if that is "
		  "meant, say so: --insecure, or insecure = yes under [kbs]");
	return 0;
}

int kbs_url(const char *text, int insecure, char *out, size_t size, struct error *e)
{
	size_t scheme = scheme_length(text, insecure, e), len;

	if (!scheme)
		return -1;
	len = scheme + strcspn(text + scheme, "/?#\\");
	if (text[len + strspn(text + len, "/")])
		return error_set(e, ERROR_USAGE, "URL: wants scheme, host and port only, and has "
				 "'%.60s' after them", text + len);
	if (len >= size)
		return error_set(e, ERROR_USAGE, "URL: over %zu bytes", size - 1);
	if (authority_check(text + scheme, text + len, e) < 0)
		return -1;
	memcpy(out, text, len);
	out[len] = '\0';
	return 0;
}
