/* SPDX-License-Identifier: Apache-2.0 */
/* served: the files of the keyring that realmkey-local reads: the value of each secret with `credential`, `crypttab` or
 * `allow`, as a top-level file that belongs to SERVED_USER with mode 0400. The keeper writes them. */
#ifndef REALMKEY_SERVED_H
#define REALMKEY_SERVED_H

#define SERVED_PREFIX	".serve." /* before the name of the secret */
#define SERVED_NAME_MAX 64	  /* bytes, with the NUL */

/* If the user does not exist, the id stands in, which no distribution assigns. */
#define SERVED_USER	"realmkey-local"
#define SERVED_FALLBACK 61185

#endif
