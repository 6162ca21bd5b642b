/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust: the trust anchors that verify evidence here. They are read from a directory, and again
 * when it changes. What may not be trusted is left out whatever the directory says: development
 * anchors without --dev, and keys whose private half is published.
 */
#ifndef TRUSTEED_TRUST_H
#define TRUSTEED_TRUST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "cca/cca_anchors.h"

struct trust {
	char *path;			/* owned */
	bool development;		/* --dev */
	bool loaded;
	uint64_t stamp;			/* of the files that were loaded */
	struct cca_anchors anchors;
};

#define TRUST_INIT { 0 }

int trust_open(struct trust *trust, const char *path, bool development, struct error *e);
/* Read the anchors if their files changed. When they cannot be read there are none. */
int trust_refresh(struct trust *trust, struct error *e);
void trust_close(struct trust *trust);

/* Leave out of @anchors what may not be trusted, with a log line for each. */
void trust_filter(struct cca_anchors *anchors, bool development);

#endif
