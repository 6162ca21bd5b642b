// SPDX-License-Identifier: Apache-2.0
#include "reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

#define ERROR_TYPE "https://github.com/confidential-containers/kbs/errors/"

/*
 * Status and variant are those of Trustee, because clients act on them: 401 makes them attest
 * again, 404 makes them stop. A resource that does not exist is a 404 here, but a 401 in Trustee,
 * because attesting again cannot help.
 */
static const struct {
	unsigned int status;
	const char *variant, *words; /* NULL: the cause is enough */
} refusals[REPLY_REFUSALS] = {
	[REPLY_ATTESTATION] = { 401, "AttestationError", "Attestation error" },
	[REPLY_TOKEN_NOT_FOUND] = { 401, "TokenNotFound", "Attestation Token not found" },
	[REPLY_TOKEN_VERIFIER] = { 401, "TokenVerifierError", "Token Verifier error" },
	[REPLY_POLICY_DENY] = { 401, "PolicyDeny", "Access denied by policy" },
	[REPLY_RESOURCE_NOT_FOUND] = { 404, "ResourceNotFound", "Resource not found" },
	[REPLY_PLUGIN_NOT_FOUND] = { 404, "PluginNotFound", NULL },
	[REPLY_REQUEST_PATH] = { 404, "InvalidRequestPath", NULL },
	[REPLY_METHOD] = { 405, "MethodNotAllowed", "Method not allowed" },
	[REPLY_TOO_LARGE] = { 413, "PayloadTooLarge", "payload reached size limit" },
	[REPLY_JWE] = { 401, "JweError", "JWE failed" },
	[REPLY_ADMIN] = { 401, "AdminAuthAccess", NULL },
	[REPLY_POLICY_TEXT] = { 401, "ParsePolicyError", "Policy refused" },
	[REPLY_POLICY_NOT_FOUND] = { 404, "PolicyNotFound", "Policy not found" },
	[REPLY_EAR_KEY] = { 409, "EarKeyError", "EAR key not changed" },
	[REPLY_RVPS] = { 401, "RvpsError", "RVPS configuration failed" },
	[REPLY_INTERNAL] = { 500, "PluginInternalError", "Plugin internal error" },
};

void reply_refuse(struct reply *reply, enum reply_refusal refusal, const char *cause)
{
	const char *words = refusals[refusal].words;
	char detail[ERROR_TEXT_MAX + 64];

	snprintf(detail, sizeof(detail), "%s%s%s", words ? words : "", words && cause ? ": " : "",
		 cause ? cause : "");
	/* It quotes what clients sent, and JSON requires UTF-8. */
	error_text_clean(detail);
	reply->status = refusals[refusal].status;
	reply_note(reply, "%s%s%s", refusals[refusal].variant, cause ? ": " : "",
		   cause ? cause : "");
	reply_json(reply, json_pack("{s:s+, s:s}", "type", ERROR_TYPE, refusals[refusal].variant,
				    "detail", detail));
}

void reply_fail(struct reply *reply, enum reply_refusal refusal, const struct error *e)
{
	if (e->kind != ERROR_SYSTEM) {
		reply_refuse(reply, refusal, e->text);
		return;
	}
	reply_refuse(reply, REPLY_INTERNAL, NULL);
	reply_note(reply, "(%s)", e->text);
	reply->warning = true;
}

void reply_json(struct reply *reply, json_t *body)
{
	struct error e = ERROR_INIT;

	bytes_clear(&reply->body);
	if (!body)
		error_set_memory(&e);
	else
		json_compact(body, &reply->body, &e);
	json_decref(body);
	if (e.kind == ERROR_NONE)
		return;
	bytes_clear(&reply->body);
	reply->cookie[0] = '\0';
	reply->status = refusals[REPLY_INTERNAL].status;
	reply_note(reply, "(%s)", e.text);
	reply->warning = true;
}

void reply_note(struct reply *reply, const char *format, ...)
{
	size_t len = strlen(reply->note);
	va_list args;

	if (len > 0 && len + 1 < sizeof(reply->note))
		reply->note[len++] = ' ';
	va_start(args, format);
	vsnprintf(reply->note + len, sizeof(reply->note) - len, format, args);
	va_end(args);
	error_text_clean(reply->note + len);
}

void reply_free(struct reply *reply)
{
	bytes_free(&reply->body);
	*reply = (struct reply)REPLY_INIT;
}
