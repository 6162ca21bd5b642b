/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digests: how a keeper, also the next one, knows whether a value that is in no file of its own has changed. It is
 * the hidden file DIGESTS_FILE of the keyring, for the keeper alone: a random key, and the HMAC-SHA256 by that key of
 * each value and each template that was delivered last. Which secret a record is of is an HMAC too, so that the file
 * has neither names nor texts, and a fixed form.
 */
#ifndef REALMKEY_DIGESTS_H
#define REALMKEY_DIGESTS_H

#include "keeper.h"

#define DIGESTS_FILE ".digests"

/* Read the file of an earlier keeper into the secrets and the files of @keeper, or begin a new one with a new key. */
int digests_take_over(struct keeper *keeper, struct error *e);
/* Write the file, if something in it has changed. A failure is logged: the next keeper then delivers again. */
void digests_publish(struct keeper *keeper);

/* Compute the digest of @value. */
int digest_value(const struct keeper *keeper, const struct bytes *value,
		 uint8_t digest[KEEPER_DIGEST_SIZE], struct error *e);
/* Compute that of the template @file with the values that were delivered last. Returns 1 if one of them is not
 * known. */
int digest_template(const struct keeper *keeper, const struct keeper_file *file,
		    uint8_t digest[KEEPER_DIGEST_SIZE], struct error *e);

#endif
