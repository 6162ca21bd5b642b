/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policies: the policies in Rego that were set, by kind and id, in memory and in the state directory:
 * policies/attestation/ID.rego and policies/resource/ID.rego.
 */
#ifndef TRUSTEED_POLICIES_H
#define TRUSTEED_POLICIES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"
#include "store.h"

enum policies_kind {
	POLICIES_ATTESTATION, /* ids: default_cpu, default_gpu, default, ... */
	POLICIES_RESOURCE, /* ids: resource-policy, which is that of all repositories that have none, or a repository */
	POLICIES_KINDS
};

#define POLICIES_RESOURCE_ALL "resource-policy"
#define POLICIES_ID_MAX	      64
#define POLICIES_MAX	      256		  /* of each kind */
#define POLICIES_TEXT_MAX     ((size_t)256 << 10) /* bytes of a policy */

struct policies {
	json_t *kind[POLICIES_KINDS]; /* owned; {id: text} */
};

#define POLICIES_INIT { 0 }

/* Read all policies. ERROR_CONFIG for a file that is none. The caller releases @policies in all cases. */
int policies_load(struct policies *policies, const struct store *store, struct error *e);
void policies_free(struct policies *policies);

/* ERROR_INPUT unless @id has 1 to POLICIES_ID_MAX characters of [A-Za-z0-9_.-], and no dot at its beginning. */
int policies_check_id(const char *id, struct error *e);
/* Append the text of a policy to @text. 1; 0 if there is none; -1 with an ERROR_SYSTEM. */
int policies_text(const struct policies *policies, enum policies_kind kind, const char *id,
		  struct bytes *text, struct error *e);
/* Set or, if @text is NULL, remove a policy: first on the disk. The text has been checked. 0; ERROR_INPUT for an
 * id that is none, a text that is too long or no UTF-8, or too many policies; ERROR_SYSTEM. */
int policies_set(struct policies *policies, const struct store *store, enum policies_kind kind,
		 const char *id, const struct bytes *text, struct error *e);
/* Whether there is any. */
bool policies_any(const struct policies *policies);
/* The ids, a new reference. */
json_t *policies_list(const struct policies *policies, enum policies_kind kind, struct error *e);

#endif
