// SPDX-License-Identifier: Apache-2.0
#include "kbs_seal.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/encode.h"

#define KEY_SIZE    64
#define RANDOM_SIZE 7
#define TIME_SIZE   5
#define TAG_SIZE    4
#define NONCE_SIZE  32
#define MARK_SIZE   16 /* the second half of the nonce */

/* The last random byte has the version in bits 0 and 1, the TEE in bit 2, and zero in bit 3. The
 * first bytes stay random, because the table of sessions is sorted by them. */
#define WHAT_BYTE (RANDOM_SIZE - 1)
#define WHAT_BITS 0x0fU
#define TEE_SHIFT 2

_Static_assert(RANDOM_SIZE + TIME_SIZE + TAG_SIZE == KBS_SESSION_ID_SIZE, "the parts of a cookie");

int kbs_seal_init(struct kbs_seal *seal, struct error *e)
{
	if (bytes_resize(&seal->key, KEY_SIZE, e) < 0)
		return -1;
	crypto_begin();
	if (RAND_bytes(seal->key.data, KEY_SIZE) != 1)
		return crypto_error(e, ERROR_SYSTEM, "cannot get random bytes for the nonces' key");
	return 0;
}

void kbs_seal_free(struct kbs_seal *seal)
{
	bytes_free(&seal->key);
}

/* Set @mac to that of @len bytes of @data. */
static int kbs_seal_hmac(const struct kbs_seal *seal, const uint8_t *data, size_t len,
			 uint8_t mac[EVP_MAX_MD_SIZE], struct error *e)
{
	crypto_begin();
	if (!HMAC(EVP_sha512(), seal->key.data, KEY_SIZE, data, len, mac, NULL))
		return crypto_error(e, ERROR_SYSTEM, "OpenSSL cannot compute an HMAC");
	return 0;
}

/* Set the second half of @nonce to the MAC of the first one. What the MAC of a cookie covers is shorter, so the
 * one says nothing about the other. */
static int kbs_seal_mark(const struct kbs_seal *seal, uint8_t nonce[NONCE_SIZE], struct error *e)
{
	uint8_t mac[EVP_MAX_MD_SIZE];

	if (kbs_seal_hmac(seal, nonce, NONCE_SIZE - MARK_SIZE, mac, e) < 0)
		return -1;
	memcpy(nonce + NONCE_SIZE - MARK_SIZE, mac, MARK_SIZE);
	return 0;
}

/* Compute the MAC over the random bytes and the time in @id. Set its tag in @id, and all of @out. */
static int kbs_seal_mac(const struct kbs_seal *seal, uint8_t id[KBS_SESSION_ID_SIZE],
			struct kbs_handshake *out, struct error *e)
{
	struct bytes hex = BYTES_INIT, base64 = BYTES_INIT;
	uint8_t mac[EVP_MAX_MD_SIZE];
	int64_t begun = 0;
	int ret = -1;

	if (kbs_seal_hmac(seal, id, RANDOM_SIZE + TIME_SIZE, mac, e) < 0)
		return -1;
	memcpy(id + RANDOM_SIZE + TIME_SIZE, mac + NONCE_SIZE, TAG_SIZE);
	if (kbs_seal_mark(seal, mac, e) < 0)
		return -1;
	encode_hex(id, KBS_SESSION_ID_SIZE, &hex);
	encode_base64(ENCODE_BASE64, mac, NONCE_SIZE, &base64);
	if (bytes_check(&hex, e) < 0 || bytes_check(&base64, e) < 0)
		goto out;
	snprintf(out->id, sizeof(out->id), "%s", bytes_text(&hex));
	snprintf(out->nonce, sizeof(out->nonce), "%s", bytes_text(&base64));
	for (int i = 0; i < TIME_SIZE; i++)
		begun = begun << 8 | id[RANDOM_SIZE + i];
	out->until = begun + KBS_SESSION_SECONDS * INT64_C(1000);
	out->version = (enum kbs_version)(id[WHAT_BYTE] & ((1 << TEE_SHIFT) - 1));
	out->tee = (enum kbs_tee)((id[WHAT_BYTE] & WHAT_BITS) >> TEE_SHIFT);
	ret = 0;
out:
	bytes_free(&hex);
	bytes_free(&base64);
	return ret;
}

int kbs_seal_begin(const struct kbs_seal *seal, int64_t monotonic, enum kbs_version version,
		   enum kbs_tee tee, struct kbs_handshake *out, struct error *e)
{
	uint8_t id[KBS_SESSION_ID_SIZE];

	crypto_begin();
	if (RAND_bytes(id, RANDOM_SIZE) != 1)
		return crypto_error(e, ERROR_SYSTEM, "cannot get random bytes for a session");
	id[WHAT_BYTE] = (uint8_t)((id[WHAT_BYTE] & ~WHAT_BITS) | (unsigned int)version |
				  (unsigned int)tee << TEE_SHIFT);
	for (int i = 0; i < TIME_SIZE; i++)
		id[RANDOM_SIZE + i] = (uint8_t)(monotonic >> (8 * (TIME_SIZE - 1 - i)));
	return kbs_seal_mac(seal, id, out, e);
}

int kbs_seal_find(const struct kbs_seal *seal, const char *id, int64_t monotonic,
		  struct kbs_handshake *out, struct error *e)
{
	size_t len = id ? strlen(id) : 0;
	struct bytes binary = BYTES_INIT;
	struct error why = ERROR_INIT;
	int ret = -1;

	if (len + 1 != sizeof(out->id))
		return 0;
	if (decode_hex(id, len, "session", &binary, &why) < 0) {
		if (why.memory)
			error_set_memory(e);
		else
			ret = 0;
		goto out;
	}
	if (kbs_seal_mac(seal, binary.data, out, e) < 0)
		goto out;
	ret = bytes_equal(id, len, out->id, len) && monotonic < out->until &&
	      monotonic >= out->until - KBS_SESSION_SECONDS * INT64_C(1000);
out:
	bytes_free(&binary);
	return ret;
}

int kbs_seal_check(const struct kbs_seal *seal, const char *nonce, struct error *e)
{
	struct bytes given = BYTES_INIT;
	uint8_t own[NONCE_SIZE];
	int ret = decode_base64(ENCODE_BASE64, nonce, strlen(nonce), "nonce", &given, e);

	if (ret == 0 && given.len != NONCE_SIZE)
		ret = error_set(e, ERROR_INPUT, "nonce: not of %d bytes", NONCE_SIZE);
	if (ret == 0) {
		memcpy(own, given.data, NONCE_SIZE);
		ret = kbs_seal_mark(seal, own, e);
	}
	if (ret == 0 && !bytes_equal(own, NONCE_SIZE, given.data, given.len))
		ret = error_set(e, ERROR_ATTESTATION, "nonce: another key made it");
	bytes_free(&given);
	return ret;
}
