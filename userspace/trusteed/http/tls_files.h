/* SPDX-License-Identifier: Apache-2.0 */
/* tls_files: the server's certificate and key. They are checked before they are used, so that the
 * operator gets an error that says what is wrong with them. */
#ifndef TRUSTEED_TLS_FILES_H
#define TRUSTEED_TLS_FILES_H

#include <openssl/ssl.h>

#include "base/bytes.h"
#include "base/error.h"

struct tls_files {
	struct bytes cert; /* PEM, the server's certificate first */
	struct bytes key;  /* PEM, locked */
};

#define TLS_FILES_INIT { .key = BYTES_LOCKED_INIT }

/* Read both files and check that the key is the certificate's. Errors are of kind ERROR_CONFIG. The
 * caller releases @files in all cases. */
int tls_files_read(struct tls_files *files, const char *cert, const char *key, struct error *e);
/* A context for servers with this certificate and key: TLS 1.3 or 1.2, a hybrid key exchange where the
 * client has it, and keys of its own for session tickets. NULL with an ERROR_CONFIG, or an ERROR_SYSTEM if
 * this machine failed. */
SSL_CTX *tls_files_context(const struct tls_files *files, struct error *e);
void tls_files_free(struct tls_files *files);

#endif
