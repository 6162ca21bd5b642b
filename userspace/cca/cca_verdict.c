// SPDX-License-Identifier: Apache-2.0
#include "cca_verdict.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const cause_names[CCA_CAUSES] = {
	[CCA_NO_VERDICT] = "none",
	[CCA_OK] = "OK",
	[CCA_E_SIZE] = "E_SIZE",
	[CCA_E_CBOR] = "E_CBOR",
	[CCA_E_TOP_TAG] = "E_TOP_TAG",
	[CCA_E_TOP_TYPE] = "E_TOP_TYPE",
	[CCA_E_MISSING_PLATFORM_TOKEN] = "E_MISSING_PLATFORM_TOKEN",
	[CCA_E_MISSING_REALM_TOKEN] = "E_MISSING_REALM_TOKEN",
	[CCA_E_TOP_VALUE_TYPE] = "E_TOP_VALUE_TYPE",
	[CCA_E_CMW_RECORD] = "E_CMW_RECORD",
	[CCA_E_COSE] = "E_COSE",
	[CCA_E_COSE_TAG] = "E_COSE_TAG",
	[CCA_E_COSE_ARRAY] = "E_COSE_ARRAY",
	[CCA_E_COSE_DETACHED] = "E_COSE_DETACHED",
	[CCA_E_CLAIMS_CBOR] = "E_CLAIMS_CBOR",
	[CCA_E_CLAIMS_TYPE] = "E_CLAIMS_TYPE",
	[CCA_E_PROFILE] = "E_PROFILE",
	[CCA_E_CLAIM_MISSING] = "E_CLAIM_MISSING",
	[CCA_E_CLAIM_TYPE] = "E_CLAIM_TYPE",
	[CCA_E_CLAIM_SIZE] = "E_CLAIM_SIZE",
	[CCA_E_CLAIM_VALUE] = "E_CLAIM_VALUE",
	[CCA_E_NO_TRUST_ANCHOR] = "E_NO_TRUST_ANCHOR",
	[CCA_E_TRUST_ANCHOR_REVOKED] = "E_TRUST_ANCHOR_REVOKED",
	[CCA_E_ALG_PLATFORM] = "E_ALG_PLATFORM",
	[CCA_E_SIG_PLATFORM] = "E_SIG_PLATFORM",
	[CCA_E_RAK] = "E_RAK",
	[CCA_E_ALG_REALM] = "E_ALG_REALM",
	[CCA_E_SIG_REALM] = "E_SIG_REALM",
	[CCA_E_BINDING] = "E_BINDING",
	[CCA_E_FRESHNESS] = "E_FRESHNESS",
	[CCA_E_LIFECYCLE] = "E_LIFECYCLE",
};

const char *cca_cause_name(enum cca_cause cause)
{
	return (unsigned int)cause < CCA_CAUSES ? cause_names[cause] : "unknown";
}

static void text_format(char *out, size_t room, const char *format, va_list args)
{
	vsnprintf(out, room, format, args);
	for (; *out; out++) {
		if (*out < ' ' || *out > '~')
			*out = '?';
	}
}

int cca_verdict_set(struct cca_verdict *verdict, enum cca_cause cause, const char *format, ...)
{
	va_list args;

	verdict->cause = cause;
	va_start(args, format);
	text_format(verdict->detail, sizeof(verdict->detail), format, args);
	va_end(args);
	return -1;
}

int cca_verdict_set_error(struct cca_verdict *verdict, enum cca_cause cause, const struct error *e)
{
	return e->kind == ERROR_SYSTEM ? -1 : cca_verdict_set(verdict, cause, "%s", e->text);
}

void cca_verdict_warn(struct cca_verdict *verdict, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_format(verdict->warning, sizeof(verdict->warning), format, args);
	va_end(args);
}

int cca_verdict_conclude(struct cca_verdict *verdict, int ret, struct error *e)
{
	if (ret == 0)
		verdict->cause = CCA_OK;
	else if (verdict->cause != CCA_NO_VERDICT)
		error_set(e, ERROR_ATTESTATION, "%s: %s", cca_cause_name(verdict->cause),
			  verdict->detail);
	return ret;
}
