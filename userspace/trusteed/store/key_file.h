/* SPDX-License-Identifier: Apache-2.0 */
/* key_file: private keys of the server's own, in its state directory. */
#ifndef TRUSTEED_KEY_FILE_H
#define TRUSTEED_KEY_FILE_H

#include "base/error.h"
#include "jose/tee_key.h"
#include "store.h"

/* Read the P-256 key in the file @name, or make it if there is none. ERROR_INPUT for a file that is no such key,
 * ERROR_SYSTEM. The caller releases @key in all cases. */
int key_file_open(const struct store *store, const char *name, struct tee_key *key,
		  struct error *e);
/* Write @key as the file @name, in place of the one that is there. */
int key_file_write(const struct store *store, const char *name, const struct tee_key *key,
		   struct error *e);

#endif
