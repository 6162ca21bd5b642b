/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto: the state of OpenSSL. Its heap for private keys, and why one of its functions failed:
 * because of its input (a bad signature, a point that is not on its curve), which is a verdict, or
 * for lack of memory, which never is.
 */
#ifndef REALMKEY_CRYPTO_H
#define REALMKEY_CRYPTO_H

#include "error.h"

/* Initialise OpenSSL for this process, which has one thread: with the algorithms for TLS
 * (algorithms.h), and without its configuration file. */
int crypto_start(struct error *e);
/* The same with the algorithms for secrets, and give OpenSSL a separate heap for private keys, which
 * is locked in RAM as far as the limit of this process allows, and left out of core dumps. */
int crypto_prepare(struct error *e);

/* Empty OpenSSL's queue of errors. Call this before the functions whose failure crypto_error()
 * explains, because the queue also contains the errors of earlier calls. */
void crypto_begin(void);

/* Set @e after a function of OpenSSL failed: "out of memory" if an allocation failed since
 * crypto_begin(), and otherwise an error of @kind with the formatted text. Empties the queue.
 * Returns -1. */
int crypto_error(struct error *e, enum error_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same after EVP_DigestVerify() or EVP_DigestVerifyFinal() returned @result, which is not 1.
 * Not every failed allocation in these two is in OpenSSL's queue. */
int crypto_verify_error(int result, struct error *e, enum error_kind kind, const char *text);

#endif
