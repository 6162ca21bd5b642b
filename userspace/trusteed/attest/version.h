/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version: the versions of the KBS API that clients have spoken: 0.1.1 those of guest-components 0.10
 * and 0.11, 0.2.0 those of 0.12 and 0.13, and 0.4.0 those since. This file does no I/O.
 *
 * They differ in the body of POST attest, in what the challenge covers, and in the form of an
 * encrypted resource.
 */
#ifndef TRUSTEED_VERSION_H
#define TRUSTEED_VERSION_H

#include "base/error.h"
#include "trusteed/store/kbs_seal.h"

/* The oldest version that is served by default. A resource in the form of 0.1.1 has a header that is
 * not authenticated, and a key that is wrapped by RSA with the padding of PKCS #1 version 1.5. */
#define VERSION_LEAST KBS_0_2_0

/*
 * Read the version that a client names, as Trustee does: by the rules of Semantic Versioning 2.0.0,
 * where build metadata makes no difference and a pre-release is another version. An ERROR_PROTOCOL
 * if it is malformed, unknown, or older than @least.
 */
int version_read(const char *text, enum kbs_version least, enum kbs_version *version,
		 struct error *e);
/* Find the version that is called @name exactly. ERROR_USAGE names the versions. */
int version_named(const char *name, enum kbs_version *version, struct error *e);
/* Such as "0.4.0". */
const char *version_name(enum kbs_version version);

#endif
