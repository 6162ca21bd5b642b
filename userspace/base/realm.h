/* SPDX-License-Identifier: Apache-2.0 */
/* realm: what the RMM specification fixes for all realms: sizes, and the names of the
 * measurements. */
#ifndef REALMKEY_REALM_H
#define REALMKEY_REALM_H

#include "bytes.h"
#include "error.h"

#define REALM_CHALLENGE_SIZE 64		      /* bytes */
#define REALM_RPV_SIZE	     64		      /* bytes */
#define REALM_REMS	     4		      /* extensible measurements */
#define REALM_REGISTERS	     (1 + REALM_REMS) /* the RIM is register 0, REM0 is register 1 */

/* The claim of the RIM in an EAR, and the reference value that endorses it. */
#define REALM_RIM_CLAIM	    "cca-realm-initial-measurement"
#define REALM_RIM_REFERENCE "cca.realm." REALM_RIM_CLAIM

/* Returns "RIM", "REM0" to "REM3" for registers 0 to 4, and NULL for other numbers. Static. */
const char *realm_register_name(unsigned int index);

/* Append @text, a RIM, to @out in the form in which verifiers compare it with a reference value: the
 * base64 of 32, 48 or 64 bytes. @text is in that form already, or in hexadecimal. Anything else
 * would never match, and is an ERROR_INPUT that says what is expected. */
int realm_rim_encode(const char *text, struct bytes *out, struct error *e);

#endif
