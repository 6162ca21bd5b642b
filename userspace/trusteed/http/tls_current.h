/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_current: the certificate and key for the next TLS handshake, and the key for session tickets. They
 * can be replaced while the server runs; connections that exist are not affected. The callback gets no
 * context, so there is one set for the process.
 */
#ifndef TRUSTEED_TLS_CURRENT_H
#define TRUSTEED_TLS_CURRENT_H

#include <gnutls/abstract.h>

#include "base/error.h"
#include "tls_files.h"

/* Use @files, which tls_files_read() has checked, from now on, in place of what is in use. If this
 * fails, that stays in use. Any thread may call it. */
int tls_current_set(const struct tls_files *files, struct error *e);
void tls_current_clear(void);

/* Before the handshake of @session: let its client resume it later, as long as the pair stays in use. */
void tls_current_tickets(gnutls_session_t session);

/* For MHD_OPTION_HTTPS_CERT_CALLBACK2: a copy of the pair for one handshake. */
gnutls_certificate_retrieve_function3 tls_current_get;

#endif
