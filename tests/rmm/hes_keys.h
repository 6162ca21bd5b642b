/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the bench's platform, in a directory, and the anchors for verifiers. */
#ifndef HES_KEYS_H
#define HES_KEYS_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

#define HES_COORDINATE 48 /* bytes of a P-384 coordinate */
#define HES_POINT      (1 + 2 * HES_COORDINATE)

struct hes_keys {
	EVP_PKEY *cpak, *rak; /* P-384 */
	uint8_t implementation_id[32];
	uint8_t instance_id[33]; /* 0x01 and the SHA-256 of CPAK's SubjectPublicKeyInfo */
};

/*
 * hes_keys_open - load cpak.pem and rak.pem from @dir, and write cpak.pub.jwk and anchors.json
 * there
 *
 * What is missing is created: the directory with mode 0700, the keys with 0600.
 *
 * Returns false after a line on stderr. The caller calls hes_keys_close() in either case.
 */
bool hes_keys_open(struct hes_keys *keys, const char *dir);
void hes_keys_close(struct hes_keys *keys);

/* hes_keys_point - set @point to the public point of @key, uncompressed: 04, x, y */
bool hes_keys_point(EVP_PKEY *key, uint8_t point[HES_POINT]);

#endif
