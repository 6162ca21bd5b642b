/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ear: EAT Attestation Results (draft-ietf-rats-ear) as Trustee and Veraison issue them, and the
 * AR4SI trustworthiness vector (draft-ietf-rats-ar4si) with its texts.
 */
#ifndef REALMKEY_EAR_H
#define REALMKEY_EAR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

enum ear_tier { EAR_NONE, EAR_AFFIRMING, EAR_WARNING, EAR_CONTRAINDICATED };

enum ear_claim {
	EAR_INSTANCE_IDENTITY,
	EAR_CONFIGURATION,
	EAR_EXECUTABLES,
	EAR_FILE_SYSTEM,
	EAR_HARDWARE,
	EAR_RUNTIME_OPAQUE,
	EAR_STORAGE_OPAQUE,
	EAR_SOURCED_DATA,
	EAR_CLAIMS
};

struct ear_appraisal {
	const char *name; /* submod name, borrowed from the payload */
	enum ear_tier status;
	bool has_vector;
	int vector[EAR_CLAIMS]; /* 0 where absent; -128..127 */
	const json_t *evidence; /* annotated evidence, borrowed, or NULL */
};

#define EAR_APPRAISALS_MAX 16

struct ear {
	json_t *payload;     /* owned reference; the other members borrow from it */
	const char *profile; /* static */
	size_t count;
	struct ear_appraisal appraisal[EAR_APPRAISALS_MAX];
};

#define EAR_INIT { 0 }

/* Read the claims of the payload of a JWT. An error is an ERROR_ATTESTATION that names the claim:
 * "missing mandatory 'submods'", "invalid value for 'cpu0.ear.status' (...)". */
int ear_from_payload(json_t *payload, struct ear *ear, struct error *e);
void ear_free(struct ear *ear);

/* The tier of a value (draft-ietf-rats-ar4si section 2.3.2); -1, 0 and 1 have none. */
enum ear_tier ear_claim_tier(int value);
/* The worst tier in the vector. */
enum ear_tier ear_vector_tier(const int vector[EAR_CLAIMS]);
/* "none", "affirming", "warning", "contraindicated". Static. */
const char *ear_tier_name(enum ear_tier tier);
/* "instance-identity" and so on. Static. */
const char *ear_claim_name(enum ear_claim claim);
/* The enum ear_claim with this name, or -1. */
int ear_claim_by_name(const char *name);
/* The meaning of a value, such as "unrecognized run-time". An unknown one is "unknown code-point
 * N", formatted into the @size bytes at @buffer. */
const char *ear_claim_text(enum ear_claim claim, int value, char *buffer, size_t size);

/* Append "[trustworthiness vectors]", and for each appraisal "submod(NAME):" and eight lines "Title
 * [tier]: text". */
void ear_print_vectors(const struct ear *ear, struct bytes *out);

/* Returns an appraisal with this vector and the status that follows from it, a new reference:
 * ear.status, ear.trustworthiness-vector. The vector has only the claims that are true in @set; if
 * @set is NULL, it has all. A claim that is not in it must be 0. */
json_t *ear_appraisal_json(const int vector[EAR_CLAIMS], const bool set[EAR_CLAIMS],
			   struct error *e);

#endif
