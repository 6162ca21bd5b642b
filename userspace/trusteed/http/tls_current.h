/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_current: the certificate and key for the next TLS handshake, and the keys of session tickets. They
 * can be replaced while the server runs; connections that exist are not affected, and no session that
 * began with the old certificate is resumed. There is one set for the process.
 */
#ifndef TRUSTEED_TLS_CURRENT_H
#define TRUSTEED_TLS_CURRENT_H

#include <openssl/ssl.h>

#include "base/error.h"
#include "tls_files.h"

/* Use @files, which tls_files_read() has checked, from now on, in place of what is in use. If this
 * fails, that stays in use. ERROR_SYSTEM. */
int tls_current_set(const struct tls_files *files, struct error *e);
void tls_current_clear(void);

/* The state of one connection with what is in use now; NULL with an ERROR_SYSTEM. */
SSL *tls_current_ssl(struct error *e);

#endif
