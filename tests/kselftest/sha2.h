/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-2 (FIPS 180-4), for machines that have no library and no program for it. For tests: not fast. */
#ifndef SHA2_H
#define SHA2_H

#include <stddef.h>
#include <stdint.h>

/* The digest of @size bytes at @message into @digest, of @digest_size: 32 (SHA-256), 48 or 64. */
void sha2(const uint8_t *message, size_t size, uint8_t *digest, size_t digest_size);

#endif /* SHA2_H */
