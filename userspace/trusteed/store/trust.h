/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust: the trust anchors with which evidence is verified. They are read from a directory, and
 * again when it changes. Two kinds of anchors are left out even if they are in the directory:
 * development anchors without --dev, and keys whose private part is published.
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
	bool loaded;
	uint64_t stamp; /* identifies the files that were loaded */
	struct cca_anchors anchors;
};

#define TRUST_INIT { 0 }

/* Read the anchors in @path, a directory or a file. @trust is closed by the caller in all cases. */
int trust_open(struct trust *trust, const char *path, bool development, struct error *e);
/* Read the anchors again if their files changed. If that fails, there are no anchors. */
int trust_refresh(struct trust *trust, struct error *e);
void trust_close(struct trust *trust);

#endif
