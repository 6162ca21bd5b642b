/* SPDX-License-Identifier: Apache-2.0 */
/*
 * question: what realmkey-policy is asked, and what it answers: JSON texts in frames (4 bytes of
 * length, little-endian, then the text). This file does no I/O.
 *
 *	{"kind": "evaluate", "policy": TEXT, "rules": ["data.policy.allow", ...],
 *	 "input": JSON, "data": JSON, "references": {NAME: VALUE, ...}}
 *		-> {"values": {"data.policy.allow": JSON, ...}}	   without the rules that the policy does not have;
 *			"<undefined>" is a rule whose value is undefined, as in Trustee
 *	{"kind": "check", "policy": TEXT}
 *		-> {"package": "policy", "rules": ["data.policy.allow", ...]}
 *			those of allow, extensions and trust_claims that the package has
 *	{"kind": "init-data", "text": TEXT}
 *		-> {"version": TEXT, "algorithm": TEXT, "claims": {FILE: TEXT or JSON, ...}}
 *	any, with "keep": {NAME: VALUE, ...}
 *		reference values that the process keeps for this question and later ones
 *	all	-> {"error": TEXT, "line": N, "column": N}	   line and column where they are known
 *
 * "data", "references", "input" may be absent. query_reference_value(NAME) gives the value in
 * "references", or null; "references": true stands for those that are kept. "claims" is what Trustee makes of
 * the table [data] of init-data.
 */
#ifndef REALMKEY_REGO_QUESTION_H
#define REALMKEY_REGO_QUESTION_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define REGO_POLICY_MAX	  ((size_t)256 << 10) /* bytes of a policy */
#define REGO_QUESTION_MAX ((size_t)4 << 20)   /* bytes of a frame's text */
#define REGO_ANSWER_MAX	  ((size_t)1 << 20)

/* The rules that Trustee evaluates. */
#define REGO_ALLOW	  "data.policy.allow"
#define REGO_TRUST_CLAIMS "data.policy.trust_claims"
#define REGO_EXTENSIONS	  "data.policy.extensions"

/* Append the frame of a question. @policy is a text of UTF-8; @rules ends with NULL; @input, @data and
 * @references may be NULL. ERROR_INPUT if the policy is longer than REGO_POLICY_MAX, no UTF-8 or has a
 * NUL, or if the question is too long. */
int rego_ask_evaluate(const struct bytes *policy, const char *const *rules, json_t *input,
		      json_t *data, json_t *references, struct bytes *out, struct error *e);
int rego_ask_check(const struct bytes *policy, struct bytes *out, struct error *e);
int rego_ask_init_data(const char *text, struct bytes *out, struct error *e);

/* Add "keep" to the frame @question; @values is the JSON text of an object. ERROR_INPUT if the question is too long then. */
int rego_keep(struct bytes *question, const struct bytes *values, struct error *e);

/* How many bytes the frame at @data, of which @len bytes have come, has in all; 0 if that is not known
 * yet. ERROR_PROTOCOL (-1) if its text would be longer than @max. */
int64_t rego_frame_size(const void *data, size_t len, size_t max, struct error *e);

/* Read the text of an answer. A new reference to the object; NULL with an ERROR_INPUT "line N, column
 * N: ..." if the answer is an error, or an ERROR_PROTOCOL if it is none. */
json_t *rego_answer(const void *text, size_t len, struct error *e);

#endif
