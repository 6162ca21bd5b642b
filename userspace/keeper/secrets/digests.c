// SPDX-License-Identifier: Apache-2.0
#include "digests.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"

#define MAGIC	  "RKDIGST1"
#define MAGIC_LEN (sizeof(MAGIC) - 1)
#define KEY_SIZE  32
#define HEAD_SIZE (MAGIC_LEN + KEY_SIZE)

#define FLAG_HOOK     1U /* realmkey-hooks does not know of the change yet */
#define FLAG_KEY_LATE 2U /* the kernel key does not have this value */

struct record {
	uint8_t tag[KEEPER_DIGEST_SIZE], digest[KEEPER_DIGEST_SIZE];
	uint8_t known, flags, reserved[6];
};

#define RECORDS_MAX (CONFIG_SECRETS_MAX + CONFIG_KEYRING_FILES_MAX)
#define DIGESTS_MAX (HEAD_SIZE + RECORDS_MAX * sizeof(struct record))

/* --- digests --------------------------------------------------------------------------------- */

#define BLOCK_SIZE 64 /* of SHA-256 */

/* Compute the SHA-256 of the key, each byte of it changed by @pad, and @data. */
static bool hash_make(EVP_MD_CTX *context, const uint8_t *key, uint8_t pad, const void *data,
		      size_t len, uint8_t digest[KEEPER_DIGEST_SIZE])
{
	uint8_t block[BLOCK_SIZE];
	bool done;

	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < KEY_SIZE; i++)
		block[i] ^= key[i];
	done = EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
	       EVP_DigestUpdate(context, block, sizeof(block)) == 1 &&
	       EVP_DigestUpdate(context, data, len) == 1 &&
	       EVP_DigestFinal_ex(context, digest, NULL) == 1;
	OPENSSL_cleanse(block, sizeof(block));
	return done;
}

/* HMAC (RFC 2104). The OpenSSL of the keeper has SHA-256 and no HMAC (base/algorithms.c). */
static int digest_make(const struct keeper *keeper, const void *data, size_t len,
		       uint8_t digest[KEEPER_DIGEST_SIZE], struct error *e)
{
	const uint8_t *key = keeper->digests.data + MAGIC_LEN;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t inner[KEEPER_DIGEST_SIZE];
	const bool done = context && hash_make(context, key, 0x36, data, len, inner) &&
			  hash_make(context, key, 0x5c, inner, sizeof(inner), digest);

	EVP_MD_CTX_free(context);
	return done ? 0 : error_set(e, ERROR_SYSTEM, "OpenSSL cannot compute a SHA-256");
}

int digest_value(const struct keeper *keeper, const struct bytes *value,
		 uint8_t digest[KEEPER_DIGEST_SIZE], struct error *e)
{
	return digest_make(keeper, bytes_text(value), value->len, digest, e);
}

int digest_template(const struct keeper *keeper, const struct keeper_file *file,
		    uint8_t digest[KEEPER_DIGEST_SIZE], struct error *e)
{
	struct bytes text = BYTES_INIT;
	int ret = 0;

	bytes_append(&text, file->template->text.data, file->template->text.len);
	for (size_t i = 0; i < file->secrets; i++) {
		const struct keeper_secret *secret = &keeper->secret[file->secret[i]];

		if (!secret->known)
			ret = 1;
		bytes_append(&text, secret->digest, sizeof(secret->digest));
	}
	if (ret == 0)
		ret = bytes_check(&text, e);
	if (ret == 0)
		ret = digest_make(keeper, text.data, text.len, digest, e);
	bytes_free(&text);
	return ret;
}

/* --- records --------------------------------------------------------------------------------- */

/* What a record is of: a secret and its resource, or a file. */
static int tag_make(const struct keeper *keeper, const char *a, const char *b,
		    uint8_t tag[KEEPER_DIGEST_SIZE], struct error *e)
{
	struct bytes text = BYTES_INIT;
	int ret;

	bytes_append(&text, a, strlen(a) + 1);
	bytes_append_text(&text, b);
	ret = bytes_check(&text, e);
	if (ret == 0)
		ret = digest_make(keeper, text.data, text.len, tag, e);
	bytes_free(&text);
	return ret;
}

static int secret_tag(const struct keeper *keeper, const struct keeper_secret *secret,
		      uint8_t tag[KEEPER_DIGEST_SIZE], struct error *e)
{
	return tag_make(keeper, secret->config->name, secret->config->resource, tag, e);
}

/* No secret has an empty name. */
static int file_tag(const struct keeper *keeper, const struct keeper_file *file,
		    uint8_t tag[KEEPER_DIGEST_SIZE], struct error *e)
{
	return tag_make(keeper, "", file->path, tag, e);
}

static int secret_append(const struct keeper *keeper, const struct keeper_secret *secret,
			 struct bytes *out, struct error *e)
{
	const bool late = secret->config->key != CONFIG_KEY_NONE &&
			  (secret->key_late || !secret->key_there);
	struct record record = { .known = secret->known };

	if (!secret->known && !secret->hook)
		return 0;
	record.flags = (uint8_t)((secret->hook ? FLAG_HOOK : 0) | (late ? FLAG_KEY_LATE : 0));
	memcpy(record.digest, secret->digest, sizeof(record.digest));
	if (secret_tag(keeper, secret, record.tag, e) < 0)
		return -1;
	bytes_append(out, &record, sizeof(record));
	return 0;
}

static int file_append(const struct keeper *keeper, const struct keeper_file *file,
		       struct bytes *out, struct error *e)
{
	struct record record = { .known = true };

	if (!file->template || !file->known)
		return 0;
	memcpy(record.digest, file->digest, sizeof(record.digest));
	if (file_tag(keeper, file, record.tag, e) < 0)
		return -1;
	bytes_append(out, &record, sizeof(record));
	return 0;
}

static int digests_encode(const struct keeper *keeper, struct bytes *out, struct error *e)
{
	int ret = 0;

	bytes_append(out, keeper->digests.data, HEAD_SIZE);
	for (size_t i = 0; ret == 0 && i < keeper->settings->config.count; i++)
		ret = secret_append(keeper, &keeper->secret[i], out, e);
	for (size_t i = 0; ret == 0 && i < keeper->files; i++)
		ret = file_append(keeper, &keeper->file[i], out, e);
	return ret == 0 ? bytes_check(out, e) : -1;
}

void digests_publish(struct keeper *keeper)
{
	struct bytes text = BYTES_LOCKED_INIT;
	struct error e = ERROR_INIT;

	if (digests_encode(keeper, &text, &e) < 0) {
		log_line(LOG_LEVEL_WARNING, "cannot publish the digests: %s", e.text);
	} else if (!bytes_equal(text.data, text.len, keeper->digests.data, keeper->digests.len)) {
		if (keyring_publish(&keeper->keyring, DIGESTS_FILE, 0400, text.data, text.len, &e) <
		    0)
			log_line(LOG_LEVEL_WARNING, "cannot publish the digests: %s", e.text);
		else
			bytes_swap(&text, &keeper->digests);
	}
	bytes_free(&text);
}

/* --- the next keeper ------------------------------------------------------------------------- */

/* The record with @tag. False if there is none. */
static bool record_find(const struct bytes *from, const uint8_t tag[KEEPER_DIGEST_SIZE],
			struct record *record)
{
	for (size_t at = HEAD_SIZE; at + sizeof(*record) <= from->len; at += sizeof(*record)) {
		memcpy(record, from->data + at, sizeof(*record));
		if (!memcmp(record->tag, tag, sizeof(record->tag)))
			return true;
	}
	return false;
}

static int digests_apply(struct keeper *keeper, struct error *e)
{
	const struct bytes *from = &keeper->digests;
	uint8_t tag[KEEPER_DIGEST_SIZE];
	struct record record;

	for (size_t i = 0; i < keeper->settings->config.count; i++) {
		struct keeper_secret *secret = &keeper->secret[i];

		if (secret_tag(keeper, secret, tag, e) < 0)
			return -1;
		if (!record_find(from, tag, &record))
			continue;
		secret->known = record.known;
		secret->hook = record.flags & FLAG_HOOK && secret->config->hooks;
		secret->key_late = record.flags & FLAG_KEY_LATE;
		memcpy(secret->digest, record.digest, sizeof(secret->digest));
	}
	for (size_t i = 0; i < keeper->files; i++) {
		struct keeper_file *file = &keeper->file[i];

		if (!file->template)
			continue;
		if (file_tag(keeper, file, tag, e) < 0)
			return -1;
		file->known = record_find(from, tag, &record);
		if (file->known)
			memcpy(file->digest, record.digest, sizeof(file->digest));
	}
	return 0;
}

/* One that this keeper did not write completely is not used. */
static bool digests_fit(const struct bytes *b)
{
	return b->len >= HEAD_SIZE && !memcmp(b->data, MAGIC, MAGIC_LEN) &&
	       (b->len - HEAD_SIZE) % sizeof(struct record) == 0;
}

int digests_take_over(struct keeper *keeper, struct error *e)
{
	struct bytes *digests = &keeper->digests;
	struct error unread = ERROR_INIT;
	uint8_t *key;

	bytes_clear(digests);
	if (keyring_published(&keeper->keyring, DIGESTS_FILE, DIGESTS_MAX, digests, &unread) < 0)
		log_line(LOG_LEVEL_WARNING, "the digests of an earlier process are not used: %s",
			 unread.text);
	if (digests_fit(digests))
		return digests_apply(keeper, e);
	bytes_clear(digests);
	bytes_append(digests, MAGIC, MAGIC_LEN);
	key = bytes_extend(digests, KEY_SIZE);
	if (!key)
		return bytes_check(digests, e);
	if (getrandom(key, KEY_SIZE, 0) != KEY_SIZE)
		return error_set_errno(e, ERROR_SYSTEM, "cannot get random bytes");
	return 0;
}
