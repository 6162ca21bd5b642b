/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust: the trust anchors with which evidence is verified. They are read from a directory, and
 * again when it changes. Two kinds of anchors are left out even if they are in the directory:
 * development anchors without --dev, and, without --dev-trust-sample-cpak, keys whose private part is
 * published.
 */
#ifndef TRUSTEED_TRUST_H
#define TRUSTEED_TRUST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "cca/cca_anchors.h"

struct trust {
	char *path;	  /* owned */
	bool development; /* --dev */
	bool sample;	  /* --dev-trust-sample-cpak */
	bool loaded;
	bool expired;	/* read the files even if they look the same */
	bool withdrawn; /* an anchor was removed or revoked since the caller set this to false */
	uint64_t stamp; /* identifies the files that were loaded */
	struct cca_anchors anchors;
};

#define TRUST_INIT { 0 }

/* Read the anchors in @path, a directory or a file. @trust is closed by the caller in all cases. */
int trust_open(struct trust *trust, const char *path, bool development, bool sample,
	       struct error *e);
/* Check that all files can be read now, and change nothing. */
int trust_check(const struct trust *trust, struct error *e);
/* Have the next trust_refresh() read the files in any case. */
void trust_expire(struct trust *trust);
/* Read the anchors again if their files changed. If that fails, there are no anchors. */
int trust_refresh(struct trust *trust, struct error *e);
void trust_close(struct trust *trust);

#endif
