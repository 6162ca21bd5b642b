// SPDX-License-Identifier: Apache-2.0
#include "jwe.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <string.h>

#include "base/array.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/json.h"
#include "jwk.h"

#define CEK_SIZE     32
#define KEK_SIZE     32
#define IV_SIZE	     12
#define TAG_SIZE     16
#define WRAPPED_SIZE (CEK_SIZE + 8) /* RFC 3394 */
#define Z_MAX	     66		    /* x coordinate of P-521 */
#define RSA_MAX	     (JWK_RSA_BITS_MAX / 8)

#define ENC "A256GCM"

/* A decoded JWE. Nothing in it is secret until it is opened. */
struct jwe {
	json_t *object, *header;
	const char *protected_text; /* as received, because it is authenticated */
	struct bytes encrypted_key, iv, ciphertext, tag;
};

static void jwe_free(struct jwe *jwe)
{
	json_decref(jwe->object);
	json_decref(jwe->header);
	bytes_free(&jwe->encrypted_key);
	bytes_free(&jwe->iv);
	bytes_free(&jwe->ciphertext);
	bytes_free(&jwe->tag);
}

static int member_decode(const json_t *object, const char *member, struct bytes *out,
			 struct error *e)
{
	const char *text = json_member_text(object, member, "JWE", ERROR_PROTOCOL, e);

	if (!text)
		return -1;
	if (decode_base64(ENCODE_BASE64URL, text, strlen(text), member, out, e) < 0) {
		error_reclassify(e, ERROR_INPUT, ERROR_PROTOCOL);
		return error_add(e, "JWE");
	}
	return 0;
}

static int jwe_decode(struct jwe *jwe, const void *text, size_t len, struct error *e)
{
	const struct {
		const char *name;
		struct bytes *value;
	} members[] = {
		{ "encrypted_key", &jwe->encrypted_key },
		{ "iv", &jwe->iv },
		{ "ciphertext", &jwe->ciphertext },
		{ "tag", &jwe->tag },
	};
	struct bytes header = BYTES_INIT;

	jwe->object = json_parse(text, len, JSON_SECRET, "JWE", ERROR_PROTOCOL, e);
	if (!jwe->object)
		return -1;
	if (member_decode(jwe->object, "protected", &header, e) == 0)
		jwe->header = json_parse(header.data, header.len, JSON_SMALL, "JWE: protected",
					 ERROR_PROTOCOL, e);
	bytes_free(&header);
	if (!jwe->header)
		return -1;
	jwe->protected_text = json_string_value(json_object_get(jwe->object, "protected"));
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (member_decode(jwe->object, members[i].name, members[i].value, e) < 0)
			return -1;
	return 0;
}

static int header_text_check(const json_t *header, const char *member, const char *expected,
			     struct error *e)
{
	const char *text = json_member_text(header, member, "JWE: protected", ERROR_PROTOCOL, e);

	if (!text)
		return -1;
	if (strcmp(text, expected) != 0)
		return error_set(e, ERROR_PROTOCOL, "JWE: protected: %s: '%s' instead of '%s'",
				 member, text, expected);
	return 0;
}

/* These members change the meaning of others (RFC 7516 section 4.1, RFC 7518 section 4.6.1). */
static int header_refuse_unsupported(const json_t *header, struct error *e)
{
	static const char *const members[] = { "crit", "zip", "apu", "apv" };

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (json_object_get(header, members[i]))
			return error_set(e, ERROR_PROTOCOL, "JWE: header: %s: not supported",
					 members[i]);
	return 0;
}

static int size_check(const struct bytes *value, size_t size, const char *member, struct error *e)
{
	if (value->len != size)
		return error_set(e, ERROR_PROTOCOL, "JWE: %s: %zu bytes instead of %zu", member,
				 value->len, size);
	return 0;
}

static int jwe_check(const struct jwe *jwe, const struct tee_key *key, struct error *e)
{
	const json_t *aad = json_object_get(jwe->object, "aad");
	bool rsa = strcmp(key->alg, TEE_KEY_RSA) == 0;
	size_t wrapped = rsa ? (size_t)EVP_PKEY_get_size(key->pkey) : WRAPPED_SIZE;

	if (header_text_check(jwe->header, "alg", key->alg, e) < 0 ||
	    header_text_check(jwe->header, "enc", ENC, e) < 0 ||
	    header_refuse_unsupported(jwe->header, e) < 0 ||
	    header_refuse_unsupported(json_object_get(jwe->object, "header"), e) < 0 ||
	    header_refuse_unsupported(json_object_get(jwe->object, "unprotected"), e) < 0)
		return -1;
	if (aad && !json_is_null(aad))
		return error_set(e, ERROR_PROTOCOL, "JWE: aad: not supported");
	if (size_check(&jwe->encrypted_key, wrapped, "encrypted_key", e) < 0 ||
	    size_check(&jwe->iv, IV_SIZE, "iv", e) < 0 ||
	    size_check(&jwe->tag, TAG_SIZE, "tag", e) < 0)
		return -1;
	if (jwe->ciphertext.len > JWE_PLAINTEXT_MAX)
		return error_set(e, ERROR_PROTOCOL, "JWE: ciphertext: more than %zu bytes",
				 JWE_PLAINTEXT_MAX);
	return 0;
}

/* The one-step KDF of SP 800-56A with SHA-256. Its other information is that of RFC 7518 section
 * 4.6.2 with empty PartyUInfo and PartyVInfo, for 256 bits. */
static bool kek_derive(const uint8_t *z, size_t len, uint8_t kek[KEK_SIZE])
{
	static const uint8_t info[] = "\0\0\0\x0e" TEE_KEY_ECDH "\0\0\0\0"
				      "\0\0\0\0"
				      "\0\0\x01";
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SSKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)z, len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, sizeof(info)),
		OSSL_PARAM_construct_end(),
	};
	bool ok = ctx && EVP_KDF_derive(ctx, kek, KEK_SIZE, params) == 1;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok;
}

/* ECDH, and the KEK from its result. @peer is from jwk_public_key(), which has checked its point. */
static bool kek_agree(EVP_PKEY *own, EVP_PKEY *peer, uint8_t kek[KEK_SIZE])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
	uint8_t z[Z_MAX];
	size_t len = sizeof(z);
	bool ok = ctx && EVP_PKEY_derive_init(ctx) == 1 &&
		  EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1 &&
		  EVP_PKEY_derive(ctx, z, &len) == 1 && kek_derive(z, len, kek);

	EVP_PKEY_CTX_free(ctx);
	OPENSSL_cleanse(z, sizeof(z));
	return ok;
}

static bool key_wrap(bool wrapping, const uint8_t kek[KEK_SIZE], const uint8_t *in, int len,
		     uint8_t *out, int expected)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int done = 0;
	bool ok;

	if (!ctx)
		return false;
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ok = EVP_CipherInit_ex2(ctx, EVP_aes_256_wrap(), kek, NULL, wrapping, NULL) == 1 &&
	     EVP_CipherUpdate(ctx, out, &done, in, len) == 1 && done == expected;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* Out of memory, or the one message for all other reasons: it must not say which step failed. */
static int open_failed(struct error *e)
{
	return crypto_error(e, ERROR_PROTOCOL, "JWE: could not be opened with this key");
}

/* Trustee puts epk into the protected header and libjose does not. It needs no protection: with
 * another epk the key cannot be unwrapped. */
static json_t *epk_find(const struct jwe *jwe, struct error *e)
{
	json_t *recipient = json_object_get(jwe->object, "header");

	if (!json_object_get(jwe->header, "epk") && json_object_get(recipient, "epk"))
		return json_member_object(recipient, "epk", "JWE: header", ERROR_PROTOCOL, e);
	return json_member_object(jwe->header, "epk", "JWE: protected", ERROR_PROTOCOL, e);
}

static int cek_open_ecdh(const struct tee_key *key, const struct jwe *jwe, uint8_t cek[CEK_SIZE],
			 struct error *e)
{
	json_t *epk = epk_find(jwe, e);
	EVP_PKEY *peer = epk ? jwk_public_key(epk, "epk", e) : NULL;
	uint8_t kek[KEK_SIZE], out[WRAPPED_SIZE];
	int ret = -1;

	if (!epk)
		return -1;
	if (!peer) {
		error_reclassify(e, ERROR_INPUT, ERROR_PROTOCOL);
		return error_add(e, "JWE");
	}
	crypto_begin();
	if (EVP_PKEY_parameters_eq(key->pkey, peer) != 1) {
		crypto_error(e, ERROR_PROTOCOL, "JWE: epk: not on the curve of the TEE key");
	} else if (!kek_agree(key->pkey, peer, kek) ||
		   !key_wrap(false, kek, jwe->encrypted_key.data, WRAPPED_SIZE, out, CEK_SIZE)) {
		open_failed(e);
	} else {
		memcpy(cek, out, CEK_SIZE);
		ret = 0;
	}
	OPENSSL_cleanse(kek, sizeof(kek));
	OPENSSL_cleanse(out, sizeof(out));
	EVP_PKEY_free(peer);
	return ret;
}

/* RFC 7518 section 4.3: SHA-256 for the label and for MGF1. */
static bool oaep_set(EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1;
}

static int cek_open_rsa(const struct tee_key *key, const struct jwe *jwe, uint8_t cek[CEK_SIZE],
			struct error *e)
{
	EVP_PKEY_CTX *ctx;
	uint8_t out[RSA_MAX];
	size_t len = sizeof(out);
	int ret = 0;

	crypto_begin();
	ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
	if (ctx && EVP_PKEY_decrypt_init(ctx) == 1 && oaep_set(ctx) &&
	    EVP_PKEY_decrypt(ctx, out, &len, jwe->encrypted_key.data, jwe->encrypted_key.len) ==
		    1 &&
	    len == CEK_SIZE)
		memcpy(cek, out, CEK_SIZE);
	else
		ret = open_failed(e);
	OPENSSL_cleanse(out, sizeof(out));
	EVP_PKEY_CTX_free(ctx);
	return ret;
}

/* AES-256-GCM in both directions; @tag is checked when opening and written when sealing. */
static bool gcm(bool sealing, const uint8_t cek[CEK_SIZE], const uint8_t *iv, const char *aad,
		const void *in, size_t len, uint8_t *out, uint8_t *tag)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int done;
	bool ok = ctx && EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), cek, iv, sealing, NULL) == 1 &&
		  EVP_CipherUpdate(ctx, NULL, &done, (const uint8_t *)aad, (int)strlen(aad)) == 1 &&
		  EVP_CipherUpdate(ctx, out, &done, in, (int)len) == 1 && done == (int)len;

	if (ok && !sealing)
		ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1;
	ok = ok && EVP_CipherFinal_ex(ctx, out + len, &done) == 1;
	if (ok && sealing)
		ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

static int plaintext_open(const struct jwe *jwe, const uint8_t cek[CEK_SIZE], struct bytes *plain,
			  struct error *e)
{
	size_t len = jwe->ciphertext.len;

	if (bytes_resize(plain, len, e) < 0)
		return error_add(e, "JWE: locked memory for %zu bytes", len);
	crypto_begin();
	if (!gcm(false, cek, jwe->iv.data, jwe->protected_text, jwe->ciphertext.data, len,
		 plain->data, jwe->tag.data)) {
		bytes_clear(plain);
		return open_failed(e);
	}
	return 0;
}

int jwe_open(const struct tee_key *key, const void *text, size_t len, struct bytes *plain,
	     struct error *e)
{
	struct jwe jwe = { 0 };
	uint8_t cek[CEK_SIZE];
	int ret = -1;

	bytes_clear(plain);
	if (jwe_decode(&jwe, text, len, e) == 0 && jwe_check(&jwe, key, e) == 0)
		ret = strcmp(key->alg, TEE_KEY_RSA) == 0 ? cek_open_rsa(key, &jwe, cek, e) :
							   cek_open_ecdh(key, &jwe, cek, e);
	if (ret == 0)
		ret = plaintext_open(&jwe, cek, plain, e);
	OPENSSL_cleanse(cek, sizeof(cek));
	jwe_free(&jwe);
	return ret;
}

/* A JWE while it is made. */
struct seal {
	EVP_PKEY *recipient;
	EVP_PKEY *ephemeral; /* EC only */
	struct jwe_random random;
	bool old; /* the form of KBS API 0.1.1 */
	struct bytes protected_text, encrypted_key, ciphertext;
	uint8_t tag[TAG_SIZE];
};

static void seal_free(struct seal *seal)
{
	EVP_PKEY_free(seal->recipient);
	EVP_PKEY_free(seal->ephemeral);
	OPENSSL_cleanse(&seal->random, sizeof(seal->random));
	bytes_free(&seal->protected_text);
	bytes_free(&seal->encrypted_key);
	bytes_free(&seal->ciphertext);
}

/* Find the algorithm that @jwk names and, for EC, OpenSSL's name of its group. No KBS supports
 * P-384. */
static int recipient_read(struct seal *seal, const json_t *jwk, const char **alg,
			  const char **group, struct error *e)
{
	const char *crv = json_string_value(json_object_get(jwk, "crv"));

	*alg = json_member_text(jwk, "alg", "tee-pubkey", ERROR_INPUT, e);
	seal->recipient = *alg ? jwk_public_key(jwk, "tee-pubkey", e) : NULL;
	if (!seal->recipient)
		return -1;
	*group = NULL;
	seal->old = strcmp(*alg, TEE_KEY_RSA_OLD) == 0;
	if ((seal->old || strcmp(*alg, TEE_KEY_RSA) == 0) && EVP_PKEY_is_a(seal->recipient, "RSA"))
		return 0;
	if (crv && strcmp(*alg, TEE_KEY_ECDH) == 0) {
		if (strcmp(crv, "P-256") == 0)
			*group = "prime256v1";
		else if (strcmp(crv, "P-521") == 0)
			*group = "secp521r1";
	}
	if (!*group)
		return error_set(e, ERROR_INPUT, "tee-pubkey: alg '%s' with this key", *alg);
	return 0;
}

/* Use the values of @fixed, or make new ones if it is NULL. @group is NULL for RSA. */
static int random_choose(struct seal *seal, const struct jwe_random *fixed, const char *group,
			 struct error *e)
{
	if (fixed && group && !fixed->ephemeral)
		return error_set(e, ERROR_USAGE, "JWE: no ephemeral key given");
	crypto_begin();
	if (fixed) {
		seal->random = *fixed;
	} else if (RAND_bytes(seal->random.cek, CEK_SIZE) != 1 ||
		   RAND_bytes(seal->random.iv, IV_SIZE) != 1) {
		return crypto_error(e, ERROR_SYSTEM, "JWE: cannot get random bytes");
	}
	if (!group)
		return 0;
	if (!fixed)
		seal->ephemeral = EVP_EC_gen(group);
	else if (EVP_PKEY_up_ref(fixed->ephemeral) == 1)
		seal->ephemeral = fixed->ephemeral;
	if (!seal->ephemeral)
		return crypto_error(e, ERROR_SYSTEM, "JWE: cannot make an ephemeral key");
	return 0;
}

/* The header is {"alg", "enc", "epk": {"crv", "kty", "x", "y"}}, sorted, because deployed clients
 * compute its text again. */
static int protected_encode(struct seal *seal, const char *alg, struct error *e)
{
	json_t *epk = seal->ephemeral ? jwk_from_public_key(seal->ephemeral, NULL, e) : NULL;
	struct bytes text = BYTES_INIT;
	json_t *header;
	int ret = -1;

	if (seal->ephemeral && !epk)
		return -1;
	if (epk)
		header = json_pack("{s:s, s:s, s:{s:O, s:O, s:O, s:O}}", "alg", alg, "enc", ENC,
				   "epk", "crv", json_object_get(epk, "crv"), "kty",
				   json_object_get(epk, "kty"), "x", json_object_get(epk, "x"), "y",
				   json_object_get(epk, "y"));
	else
		header = json_pack("{s:s, s:s}", "alg", alg, "enc", ENC);
	if (!header) {
		error_set_memory(e);
	} else if (json_compact(header, &text, e) == 0) {
		if (seal->old)
			bytes_swap(&text, &seal->protected_text);
		else
			encode_base64(ENCODE_BASE64URL, text.data, text.len, &seal->protected_text);
		ret = bytes_check(&seal->protected_text, e);
	}
	bytes_free(&text);
	json_decref(header);
	json_decref(epk);
	return ret;
}

static bool cek_seal_rsa(struct seal *seal)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(seal->recipient, NULL);
	size_t len = seal->encrypted_key.len;
	bool ok = ctx && EVP_PKEY_encrypt_init(ctx) == 1 &&
		  (seal->old ? EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 :
			       oaep_set(ctx)) &&
		  EVP_PKEY_encrypt(ctx, seal->encrypted_key.data, &len, seal->random.cek,
				   CEK_SIZE) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok && len == seal->encrypted_key.len;
}

static bool cek_seal_ecdh(struct seal *seal)
{
	uint8_t kek[KEK_SIZE];
	bool ok = kek_agree(seal->ephemeral, seal->recipient, kek) &&
		  key_wrap(true, kek, seal->random.cek, CEK_SIZE, seal->encrypted_key.data,
			   WRAPPED_SIZE);

	OPENSSL_cleanse(kek, sizeof(kek));
	return ok;
}

/* Encrypt the content key, and with it the content. */
static int content_seal(struct seal *seal, const void *plain, size_t len, struct error *e)
{
	size_t wrapped = seal->ephemeral ? WRAPPED_SIZE :
					   (size_t)EVP_PKEY_get_size(seal->recipient);

	if (bytes_resize(&seal->encrypted_key, wrapped, e) < 0 ||
	    bytes_resize(&seal->ciphertext, len, e) < 0)
		return -1;
	crypto_begin();
	if (!(seal->ephemeral ? cek_seal_ecdh(seal) : cek_seal_rsa(seal)))
		return crypto_error(e, ERROR_SYSTEM, "JWE: cannot wrap the content key");
	if (!gcm(true, seal->random.cek, seal->random.iv,
		 seal->old ? "" : bytes_text(&seal->protected_text), plain, len,
		 seal->ciphertext.data, seal->tag))
		return crypto_error(e, ERROR_SYSTEM, "JWE: cannot encrypt the content");
	if (seal->old)
		bytes_append(&seal->ciphertext, seal->tag, TAG_SIZE);
	return bytes_check(&seal->ciphertext, e);
}

/* Append @text, the compact JSON of a header, as a JSON string. It has no other character to escape. */
static void append_quoted(struct bytes *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"')
			bytes_append_text(out, "\\");
		bytes_append(out, text, 1);
	}
}

static void seal_append(const struct seal *seal, struct bytes *out)
{
	const struct {
		const char *before;
		const void *data;
		size_t len;
	} members[] = {
		{ "\",\"encrypted_key\":\"", seal->encrypted_key.data, seal->encrypted_key.len },
		{ "\",\"iv\":\"", seal->random.iv, IV_SIZE },
		{ "\",\"ciphertext\":\"", seal->ciphertext.data, seal->ciphertext.len },
		{ "\",\"tag\":\"", seal->tag, seal->old ? 0 : TAG_SIZE },
	};

	bytes_append_text(out, "{\"protected\":\"");
	append_quoted(out, bytes_text(&seal->protected_text));
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		bytes_append_text(out, members[i].before);
		encode_base64(ENCODE_BASE64URL, members[i].data, members[i].len, out);
	}
	bytes_append_text(out, "\"}");
}

int jwe_seal(const json_t *jwk, const void *plain, size_t len, const struct jwe_random *fixed,
	     struct bytes *out, struct error *e)
{
	struct seal seal = { 0 };
	const char *alg, *group;
	int ret = -1;

	if (len > JWE_PLAINTEXT_MAX)
		return error_set(e, ERROR_INPUT, "JWE: content of more than %zu bytes",
				 JWE_PLAINTEXT_MAX);
	if (recipient_read(&seal, jwk, &alg, &group, e) == 0 &&
	    random_choose(&seal, fixed, group, e) == 0 && protected_encode(&seal, alg, e) == 0 &&
	    content_seal(&seal, plain, len, e) == 0) {
		seal_append(&seal, out);
		ret = bytes_check(out, e);
	}
	seal_free(&seal);
	return ret;
}
