/* SPDX-License-Identifier: Apache-2.0 */
/* tls_files: the server's certificate and key, checked before they are used so that what is wrong
 * with them has a name. */
#ifndef TRUSTEED_TLS_FILES_H
#define TRUSTEED_TLS_FILES_H

#include "base/bytes.h"
#include "base/error.h"

struct tls_files {
	struct bytes cert;	/* PEM, the server's certificate first */
	struct bytes key;	/* PEM, locked */
};

#define TLS_FILES_INIT { .key = BYTES_LOCKED_INIT }

/* Read both and check that they belong together. ERROR_CONFIG. */
int tls_files_read(struct tls_files *files, const char *cert, const char *key, struct error *e);
void tls_files_free(struct tls_files *files);

#endif
