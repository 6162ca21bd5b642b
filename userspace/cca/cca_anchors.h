/* SPDX-License-Identifier: Apache-2.0 */
/* cca_anchors: the keys that are trusted to sign platform tokens. */
#ifndef REALMKEY_CCA_ANCHORS_H
#define REALMKEY_CCA_ANCHORS_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

/* One trust anchor: the public part of a CPAK, for one instance of a platform or, without ids, for
 * any. */
struct cca_anchor {
	EVP_PKEY *key; /* owned */
	bool has_ids;
	uint8_t implementation_id[32], instance_id[33];
	bool development; /* "realmkey-dev": true; the key of a test realm */
	bool revoked;
	const char *published; /* whose key it is, if its private part is public; static, or NULL */
	char name[128];	       /* the file it came from, for logs */
};

struct cca_anchors {
	struct cca_anchor *anchor; /* owned array */
	size_t count;
};

#define CCA_ANCHORS_INIT { 0 }

/* The sample CPAK of TF-RMM and TF-A, a JWK. Its private part is in their sources. */
extern const char cca_anchors_sample[];

/* How the names of files with trust anchors end, for io_each_file(). */
extern const char *const cca_anchors_suffixes[];

/* Add the trust anchors in the JSON text @text: a JWK, which may have the members
 * "implementation-id" and "instance-id" (hexadecimal), "revoked" and "realmkey-dev"; or a store, an
 * array of such objects, in which "pkey" may hold the JWK. A store is added as a whole or not at
 * all. ERROR_INPUT names @name, the index and what is wrong, for example a point that is not on its
 * curve. */
int cca_anchors_add(struct cca_anchors *anchors, const void *text, size_t len, const char *name,
		    struct error *e);
/* The same as a callback of io_each_file(); @anchors is a struct cca_anchors. */
int cca_anchors_use(void *anchors, const char *name, const struct bytes *text, struct error *e);
void cca_anchors_free(struct cca_anchors *anchors);

#endif
