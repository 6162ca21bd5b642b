/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto: tells apart the two reasons for which a function of OpenSSL fails: the input (a bad
 * signature, a point off its curve), which is a verdict, and memory, which never is one.
 */
#ifndef REALMKEY_CRYPTO_H
#define REALMKEY_CRYPTO_H

#include "error.h"

/* Empty OpenSSL's queue of errors. Call it before the functions whose failure crypto_error() is to
 * explain, because the queue keeps what earlier calls left in it. */
void crypto_begin(void);

/* Set @e after a function of OpenSSL failed: "out of memory" if OpenSSL reported that since
 * crypto_begin(), else @kind and the formatted text. Empties the queue. Returns -1. */
int crypto_error(struct error *e, enum error_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same after EVP_DigestVerify() or EVP_DigestVerifyFinal() returned @result, which is not 1. Use this,
 * because not every failed allocation in these functions is in OpenSSL's queue. */
int crypto_verify_error(int result, struct error *e, enum error_kind kind, const char *text);

#endif
