// SPDX-License-Identifier: Apache-2.0
#include "kbs.h"

#include <ctype.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/json.h"
#include "cca/cca_token.h"

#define KBS_RESOURCE_SCHEME "kbs:///"
#define REASON_READ	    ((size_t)64 << 10) /* bytes of a refusal that are looked at */

/* The hash algorithms of the protocol, in the order in which POST auth offers them. OpenSSL accepts
 * these names too. */
static const char *const kbs_hashes[] = { "sha256", "sha384", "sha512", "sm3" };

/* --- the meaning of an answer ---------------------------------------------------------------- */

struct meaning {
	enum error_kind kind;
	bool transient; /* the same request can succeed later, or after a new attestation */
	const char *text;
};

/* Trustee answers most refusals with status 401. The last segment of "type" in the body names the
 * cause. The first row that fits. */
struct variant {
	const char *name;
	const char *
		detail; /* only with this text in "detail", at its end if a '$' follows; NULL: with any */
	struct meaning meaning;
};

/* What the next table says otherwise, in answers to an administrator. Trustee has no variant for a policy that it
 * cannot read, except for one that is not even text. */
static const struct variant admin_variants[] = {
	{ "AttestationError",
	  "Set Attestation Policy failed",
	  { ERROR_INPUT, false,
	    "the KBS cannot read the policy, or not store it; its log has the cause" } },
	{ "PolicyEngineError",
	  "Failed to load policy",
	  { ERROR_INPUT, false, "the KBS cannot read the policy" } },
	{ "PolicyEngineError",
	  "policy storage error",
	  { ERROR_NETWORK, true, "the KBS cannot store the policy" } },
	{ "PolicyEngine",
	  NULL,
	  { ERROR_INPUT, false,
	    "the KBS cannot read the policy, or not store it; its log has the cause" } },
	{ "PluginNotFound",
	  NULL,
	  { ERROR_NOT_FOUND, false, "the KBS does not have this request" } },
	{ "RvpsError",
	  "No reference value found",
	  { ERROR_NOT_FOUND, false, "nothing is endorsed under this name" } },
};

static const struct variant variants[] = {
	{ "TokenNotFound",
	  NULL,
	  { ERROR_ATTESTATION, true, "the KBS requires attestation first" } },
	{ "TokenVerifierError",
	  NULL,
	  { ERROR_ATTESTATION, true, "the KBS does not accept the EAR" } },
	{ "AttestationError",
	  "RCAR handshake Attest failed$", /* no cause follows */
	  { ERROR_ATTESTATION, true,
	    "attestation refused: its cause stands only in the KBS's log; usually the KBS does not "
	    "know this platform's key (CPAK), or its reference values for the platform differ" } },
	{ "AttestationError", NULL, { ERROR_ATTESTATION, true, "attestation refused" } },
	{ "PolicyDeny", NULL, { ERROR_POLICY, false, "denied by the KBS's resource policy" } },
	{ "PolicyEngineError", NULL, { ERROR_POLICY, false, "the KBS's resource policy failed" } },
	{ "PolicyEngine", NULL, { ERROR_POLICY, false, "the KBS's resource policy failed" } },
	{ "PluginInternalError",
	  NULL,
	  { ERROR_NOT_FOUND, false, "not found, or the KBS's storage failed" } },
	{ "PluginNotFound",
	  NULL,
	  { ERROR_NOT_FOUND, false, "the KBS has no such plugin configured" } },
	{ "InvalidRequestPath",
	  NULL,
	  { ERROR_NOT_FOUND, false, "the KBS does not know this path" } },
	{ "JweError", NULL, { ERROR_PROTOCOL, false, "the KBS cannot encrypt to this TEE key" } },
	{ "AdminAuthAccess", NULL, { ERROR_POLICY, false, "administrator's token refused" } },
	{ "AdminAuth", NULL, { ERROR_POLICY, false, "administrator's token refused" } },
	{ "AdminAuthInitialization",
	  NULL,
	  { ERROR_POLICY, false, "administrator's token refused" } },
	{ "ParsePolicyError", NULL, { ERROR_INPUT, false, "the KBS cannot read the policy" } },
	{ "SerdeError", NULL, { ERROR_INPUT, false, "the KBS cannot read the request" } },
	{ "RvpsError", NULL, { ERROR_INPUT, false, "the KBS refuses the reference value" } },
};

/* The meaning of a status if the body names no known variant. */
static const struct {
	int from, to;
	struct meaning meaning;
} statuses[] = {
	{ 300,
	  399,
	  { ERROR_PROTOCOL, false, "redirected, and redirects are not followed; check the URL" } },
	{ 401, 401, { ERROR_ATTESTATION, false, "refused" } },
	/* not of the KBS's policy, which names itself: a proxy, for instance */
	{ 403, 403, { ERROR_POLICY, true, "forbidden" } },
	{ 404, 404, { ERROR_NOT_FOUND, false, "not found" } },
	{ 405, 405, { ERROR_PROTOCOL, false, "the KBS does not serve this request" } },
	{ 408, 408, { ERROR_NETWORK, true, "the KBS timed out" } },
	{ 413, 413, { ERROR_INPUT, false, "over the KBS's limit for a request" } },
	{ 429, 429, { ERROR_NETWORK, true, "the KBS reports too many requests" } },
	{ 500, 599, { ERROR_NETWORK, true, "the KBS reports an internal error" } },
};

static bool detail_has(const char *detail, const char *wanted)
{
	const size_t len = strcspn(wanted, "$"), all = strlen(detail);

	if (!wanted[len])
		return strstr(detail, wanted);
	return all >= len && !memcmp(detail + all - len, wanted, len);
}

static const struct meaning *variant_find(const struct variant *table, size_t count,
					  const char *name, const char *detail)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(name, table[i].name) &&
		    (!table[i].detail || (detail && detail_has(detail, table[i].detail))))
			return &table[i].meaning;
	return NULL;
}

/* @variant: NULL if the answer names none. */
static const struct meaning *meaning_find(int status, const char *variant, const char *detail,
					  bool admin)
{
	static const struct meaning unexpected = { ERROR_PROTOCOL, false, "unexpected answer" };
	const struct meaning *found = NULL;

	if (variant && admin)
		found = variant_find(admin_variants, ARRAY_SIZE(admin_variants), variant, detail);
	if (variant && !found)
		found = variant_find(variants, ARRAY_SIZE(variants), variant, detail);
	for (size_t i = 0; !found && i < ARRAY_SIZE(statuses); i++)
		if (status >= statuses[i].from && status <= statuses[i].to)
			found = &statuses[i].meaning;
	return found ? found : &unexpected;
}

/* Make a body fit to be read and shown: UTF-8 without control characters. A proxy, or another KBS,
 * may have sent another encoding, a BOM, or "\u0000" in a member that nobody reads. */
static void reason_clean(const void *body, size_t len, struct bytes *text)
{
	static const char zero[] = "\\u0000", bom[] = "\xef\xbb\xbf";
	size_t start = len >= strlen(bom) && !memcmp(body, bom, strlen(bom)) ? strlen(bom) : 0;
	char *at;

	len = len < REASON_READ ? len : REASON_READ;
	bytes_append(text, (const uint8_t *)body + start, len - start);
	for (size_t i = 0; i < text->len; i++)
		if (!text->data[i])
			text->data[i] = '?';
		else if (isspace(text->data[i]))
			text->data[i] = ' ';
	if (!text->len)
		return;
	error_text_clean((char *)text->data);
	for (at = (char *)text->data; (at = strstr(at, zero)); at += strlen(zero))
		memcpy(at, "\\u003f", strlen(zero));
}

/* @text on one line; of a page, without its tags. An engine of Rego explains a mistake in several lines. */
static void reason_excerpt(const char *text, char *out, size_t size)
{
	bool page = text[strspn(text, " ")] == '<', tag = false;
	size_t len = 0;

	for (; *text && len + 1 < size; text++) {
		bool space = isspace((unsigned char)*text) || (page && (tag || *text == '<'));

		if (page && (*text == '<' || *text == '>'))
			tag = *text == '<';
		if (!space)
			out[len++] = *text;
		else if (len && out[len - 1] != ' ')
			out[len++] = ' ';
	}
	while (len && out[len - 1] == ' ')
		len--;
	out[len] = '\0';
}

/* Set @e from an answer, to an administrator if @admin, that is not a success; @what names the request. Returns
 * -1. */
static int kbs_refuse(int status, const void *body, size_t len, const char *what, bool admin,
		      struct error *e)
{
	const char *variant, *detail, *slash;
	struct error unread = ERROR_INIT;
	char cause[500], excerpt[400];
	const struct meaning *meaning;
	struct bytes text = BYTES_INIT;
	json_t *json = NULL;

	reason_clean(body, len, &text);
	if (bytes_check(&text, e) < 0)
		return -1;
	if (text.len)
		json = json_parse(text.data, text.len, JSON_SMALL, what, ERROR_PROTOCOL, &unread);
	if (unread.memory) {
		bytes_free(&text);
		return error_set_memory(e);
	}
	variant = json_string_value(json_object_get(json, "type"));
	slash = variant ? strrchr(variant, '/') : NULL;
	if (slash)
		variant = slash + 1;
	detail = json_string_value(json_object_get(json, "detail"));
	if (!variant && !detail)
		detail = bytes_text(&text);
	reason_excerpt(detail ? detail : "", excerpt, sizeof(excerpt));
	snprintf(cause, sizeof(cause), "HTTP %d%s%.60s%s%s", status, variant ? " " : "",
		 variant ? variant : "", variant || *excerpt ? ": " : "", excerpt);
	/* Other servers have other types. With these statuses, the type is the KBS's. */
	meaning = meaning_find(status, status == 401 || status == 404 ? variant : NULL, detail,
			       admin);
	json_decref(json);
	bytes_free(&text);
	return (meaning->transient ? error_set_transient : error_set)(
		e, meaning->kind, "%s: %s (%s)", what, meaning->text, cause);
}

int kbs_resource_answer(int status, const void *body, size_t len, const char *path, struct error *e)
{
	char what[16 + KBS_REQUEST_SIZE];

	if (status == 200)
		return 0;
	snprintf(what, sizeof(what), "resource %s", path);
	return kbs_refuse(status, body, len, what, false, e);
}

int kbs_admin_answer(int status, const void *body, size_t len, const char *what, struct error *e)
{
	if (status >= 200 && status <= 299)
		return 0;
	return kbs_refuse(status, body, len, what, true, e);
}

/* --- the handshake --------------------------------------------------------------------------- */

void kbs_auth_body(struct bytes *out)
{
	bytes_append_text(out, "{\"version\":\"" KBS_PROTOCOL_VERSION "\",\"tee\":\"cca\","
			       "\"extra-params\":{\"supported-hash-algorithms\":[");
	for (size_t i = 0; i < ARRAY_SIZE(kbs_hashes); i++)
		bytes_printf(out, "%s\"%s\"", i ? "," : "", kbs_hashes[i]);
	bytes_append_text(out, "]}}");
}

static int kbs_challenge_read(struct kbs_challenge *challenge, const json_t *answer,
			      struct error *e)
{
	const json_t *params, *selected;
	const char *nonce, *hash;

	nonce = json_member_text(answer, "nonce", "challenge", ERROR_PROTOCOL, e);
	if (!nonce)
		return -1;
	if (!*nonce || strlen(nonce) >= sizeof(challenge->nonce))
		return error_set(e, ERROR_PROTOCOL, "challenge: nonce: %zu bytes, not 1 to %zu",
				 strlen(nonce), sizeof(challenge->nonce) - 1);
	memcpy(challenge->nonce, nonce, strlen(nonce) + 1);
	params = json_object_get(answer, "extra-params");
	if (!params)
		return error_set(e, ERROR_PROTOCOL, "challenge: extra-params: missing");
	selected = json_object_get(params, "selected-hash-algorithm");
	if (!selected)
		return 0; /* the default */
	hash = json_string_value(selected);
	if (!hash)
		return error_set(e, ERROR_PROTOCOL,
				 "challenge: selected-hash-algorithm: not a text");
	for (size_t i = 0; i < ARRAY_SIZE(kbs_hashes); i++)
		if (!strcasecmp(hash, kbs_hashes[i])) {
			challenge->hash = kbs_hashes[i];
			return 0;
		}
	return error_set(e, ERROR_PROTOCOL, "challenge: selected-hash-algorithm: unknown: %.40s",
			 hash);
}

int kbs_auth_answer(struct kbs_challenge *challenge, int status, const void *body, size_t len,
		    struct error *e)
{
	json_t *answer;
	int ret;

	*challenge = (struct kbs_challenge)KBS_CHALLENGE_INIT;
	if (status != 200) {
		kbs_refuse(status, body, len, "auth", false, e);
		return error_reclassify(e, ERROR_NOT_FOUND, ERROR_PROTOCOL); /* of the API */
	}
	answer = json_parse(body, len, JSON_SMALL, "challenge", ERROR_PROTOCOL, e);
	if (!answer)
		return -1;
	ret = kbs_challenge_read(challenge, answer, e);
	json_decref(answer);
	return ret;
}

int kbs_realm_challenge(const struct kbs_challenge *challenge, const struct tee_key *key,
			uint8_t realm_challenge[REALM_CHALLENGE_SIZE], struct bytes *runtime,
			struct error *e)
{
	json_t *jwk = tee_key_jwk(key, e), *value;
	struct bytes text = BYTES_INIT;
	int ret;

	if (!jwk)
		return -1;
	value = json_pack("{s:s, s:s, s:o}", "additional-evidence", "", "nonce", challenge->nonce,
			  "tee-pubkey", jwk); /* owns jwk now, also if this fails */
	if (!value)
		return error_set_memory(e);
	ret = json_canonical(value, &text, e);
	memset(realm_challenge, 0, REALM_CHALLENGE_SIZE); /* zeros follow a shorter digest */
	crypto_begin();
	if (ret == 0 && EVP_Q_digest(NULL, challenge->hash, NULL, text.data, text.len,
				     realm_challenge, NULL) != 1)
		ret = crypto_error(e, ERROR_SYSTEM, "challenge: libcrypto cannot compute %s",
				   challenge->hash);
	if (ret == 0 && runtime) {
		bytes_append(runtime, text.data, text.len);
		ret = bytes_check(runtime, e);
	}
	json_decref(value);
	bytes_free(&text);
	return ret;
}

/* Append the numbers of a JSON array. printf() would cost a hundred times as much as the digits, and this is the
 * largest part of the request. */
static void numbers_append(struct bytes *out, const uint8_t *byte, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char text[4] = { ',' };
		size_t at = 1;

		if (byte[i] >= 100)
			text[at++] = (char)('0' + byte[i] / 100);
		if (byte[i] >= 10)
			text[at++] = (char)('0' + byte[i] / 10 % 10);
		text[at++] = (char)('0' + byte[i] % 10);
		bytes_append(out, i ? text : text + 1, i ? at : at - 1);
	}
}

/* The members are in the order in which the reference client sends them. Trustee expects the token
 * as an array of numbers. */
int kbs_attest_body(const struct kbs_challenge *challenge, const struct tee_key *key,
		    const void *token, size_t len, struct bytes *out, struct error *e)
{
	json_t *jwk, *runtime;
	int ret;

	if (!len || len > CCA_TOKEN_MAX)
		return error_set(e, ERROR_INPUT, "CCA token: %zu bytes, not 1 to %zu", len,
				 CCA_TOKEN_MAX);
	jwk = tee_key_jwk(key, e);
	if (!jwk)
		return -1;
	runtime = json_pack("{s:s, s:o}", "nonce", challenge->nonce, "tee-pubkey", jwk);
	if (!runtime)
		return error_set_memory(e);
	bytes_append_text(out, "{\"init-data\":null,\"runtime-data\":");
	ret = json_compact(runtime, out, e);
	json_decref(runtime);
	if (ret < 0)
		return -1;
	bytes_append_text(out, ",\"tee-evidence\":{\"primary_evidence\":{\"token\":[");
	numbers_append(out, token, len);
	bytes_append_text(out, "]},\"additional_evidence\":\"\"}}");
	return bytes_check(out, e);
}

/* The EAR is sent in an HTTP header later, so only a compact JWS is accepted. */
static int kbs_ear_check(const char *token, struct error *e)
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

int kbs_attest_answer(int status, const void *body, size_t len, struct bytes *ear, struct error *e)
{
	const char *token;
	json_t *answer;
	int ret = -1;

	if (status != 200) {
		kbs_refuse(status, body, len, "attest", false, e);
		return error_reclassify(e, ERROR_NOT_FOUND, ERROR_PROTOCOL);
	}
	answer = json_parse(body, len, JSON_TOKEN, "attest", ERROR_PROTOCOL, e);
	if (!answer)
		return -1;
	token = json_member_text(answer, "token", "attest", ERROR_PROTOCOL, e);
	if (token && kbs_ear_check(token, e) == 0) {
		bytes_append_text(ear, token);
		ret = bytes_check(ear, e);
	}
	json_decref(answer);
	return ret;
}

/* --- the name of a resource ------------------------------------------------------------------ */

static int kbs_segment_check(const char *name, const char *segment, size_t len, struct error *e)
{
	size_t good = strspn(segment, ENCODE_ALPHANUMERIC "_.-");

	if (!len)
		return error_set(e, ERROR_USAGE, "resource: %s is empty", name);
	if (*segment == '.')
		return error_set(e, ERROR_USAGE, "resource: %s '%.*s' begins with '.'", name,
				 (int)len, segment);
	if (good < len)
		return error_set(e, ERROR_USAGE,
				 "resource: %s '%.*s' has a character other than "
				 "letters, digits, '_', '.', '-'",
				 name, (int)len, segment);
	return 0;
}

/* How many characters at @text a name or value in a query may have. Percent-encoding must be whole, and hides no
 * control character. */
static size_t query_span(const char *text)
{
	const char *at = text;

	for (;;) {
		at += strspn(at, ENCODE_ALPHANUMERIC "-_.~");
		if (*at != '%' || !isxdigit((unsigned char)at[1]) ||
		    !isxdigit((unsigned char)at[2]) || at[1] < '2' || !strncasecmp(at, "%7f", 3))
			return (size_t)(at - text);
		at += 3;
	}
}

/* Check "name=value&name=value", of which values may be absent. */
static int kbs_query_check(const char *query, struct error *e)
{
	const char *at = query;

	for (;; at++) {
		size_t len = query_span(at);

		if (!len)
			break;
		at += len;
		if (*at == '=')
			at += 1 + query_span(at + 1);
		if (!*at)
			return 0;
		if (*at != '&')
			break;
	}
	return error_set(
		e, ERROR_USAGE,
		"resource: query '%s': at '%.16s': not NAME=VALUE, joined by '&', of letters, "
		"digits, '-', '_', '.', '~' and %%XX",
		query, at);
}

int kbs_resource_path(const char *text, char *path, size_t size, struct error *e)
{
	static const char *const names[] = { "repository", "type", "tag" };
	const char *at;

	if (!strncmp(text, KBS_RESOURCE_SCHEME, strlen(KBS_RESOURCE_SCHEME)))
		text += strlen(KBS_RESOURCE_SCHEME);
	if (strlen(text) >= size)
		return error_set(e, ERROR_USAGE, "resource: %zu bytes, over %zu", strlen(text),
				 size - 1);
	at = text;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t len = strcspn(at, "/");

		if (kbs_segment_check(names[i], at, len, e) < 0)
			return -1;
		at += len;
		if ((i < 2) != (*at == '/'))
			return error_set(e, ERROR_USAGE, "resource '%s': not repository/type/tag",
					 text);
		at += i < 2;
	}
	memcpy(path, text, strlen(text) + 1);
	return 0;
}

int kbs_resource_request(const char *text, char *path, size_t size, struct error *e)
{
	const char *query = strchr(text, '?');
	const size_t len = query ? (size_t)(query - text) : strlen(text);
	char name[KBS_RESOURCE_SIZE];

	if (len >= sizeof(name) || strlen(text) >= size)
		return error_set(e, ERROR_USAGE, "resource: %zu bytes, over %zu", strlen(text),
				 (query ? size : sizeof(name)) - 1);
	memcpy(name, text, len);
	name[len] = '\0';
	if (kbs_resource_path(name, path, size, e) < 0 ||
	    (query && kbs_query_check(query + 1, e) < 0))
		return -1;
	if (query)
		strcat(path, query);
	return 0;
}
