/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judging: the verdicts on verified evidence. Each submod is judged by the attestation policy in Rego for
 * its class, default_CLASS, or by the policy default, if one of them was set; then this takes time, and
 * nothing but that policy's answer counts. Otherwise the built-in rules judge it, at once.
 */
#ifndef TRUSTEED_JUDGING_H
#define TRUSTEED_JUDGING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "appraisal/verdict.h"
#include "base/bytes.h"
#include "base/error.h"
#include "trusteed/policy/pool.h"
#include "trusteed/store/policies.h"

struct trustee;

#define JUDGING_MAX 4 /* submods */

struct judged {
	char name[16];	     /* of the submod: cpu0 */
	json_t *evidence;    /* owned: the claims */
	const char *warning; /* for the EAR; static, or NULL */
	struct verdict verdict;
};

struct judging {
	struct pool_job job;
	struct trustee *t;
	/* Called once if judging_begin() returned 0: all verdicts are there, or what failed. */
	void (*done)(struct judging *judging, const struct error *e);
	struct judged submod[JUDGING_MAX];
	size_t count, at;		  /* submods; those that have their verdict */
	char policy[POLICIES_ID_MAX + 1]; /* that was asked last */
	bool asked;			  /* an answer is awaited */
};

/* Add the submod @name with the claims @evidence, a reference that is taken, also if this fails.
 * ERROR_ATTESTATION: there are too many. */
int judging_add(struct judging *judging, const char *name, json_t *evidence, const char *warning,
		struct error *e);
/* Judge all submods. Returns 1 if all verdicts are there, 0 if @judging->done will be called, or -1.
 * Except for an ERROR_SYSTEM, the errors here and in @done are about @judging->policy, and their text
 * is for the operator only. */
int judging_begin(struct judging *judging, struct error *e);
/* Append an EAR with the verdicts, issued at @now (seconds since 1970). */
int judging_ear(const struct judging *judging, int64_t now, struct bytes *ear, struct error *e);
/* End the work, and release what @judging owns. */
void judging_free(struct judging *judging);

#endif
