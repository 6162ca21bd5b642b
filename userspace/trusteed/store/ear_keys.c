// SPDX-License-Identifier: Apache-2.0
#include "ear_keys.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/json.h"
#include "jose/jwk.h"
#include "key_file.h"

#define SIGNER	"ear-key.pem"
#define OLD	"ear-keys.json"
#define OLD_MAX ((size_t)16 << 10)
#define DIGEST	32

/* Set @kid to the thumbprint of @jwk, a key on P-256: the hash of its required members, sorted, without white
 * space. */
static int ear_key_thumbprint(const json_t *jwk, char kid[EAR_KEYS_KID_MAX], struct error *e)
{
	static const char *const members[] = { "crv", "kty", "x", "y" };
	json_t *required = json_object();
	struct bytes text = BYTES_INIT;
	uint8_t digest[DIGEST];
	int ret = required ? 0 : -1;

	for (size_t i = 0; ret == 0 && i < ARRAY_SIZE(members); i++)
		if (json_object_get(jwk, members[i]))
			ret = json_object_set(required, members[i],
					      json_object_get(jwk, members[i]));
	if (ret < 0)
		error_set_memory(e);
	else
		ret = json_canonical(required, &text, e);
	crypto_begin();
	if (ret == 0 && EVP_Q_digest(NULL, "SHA256", NULL, text.data, text.len, digest, NULL) != 1)
		ret = crypto_error(e, ERROR_SYSTEM, "cannot make the thumbprint of a key");
	bytes_clear(&text);
	if (ret == 0) {
		encode_base64(ENCODE_BASE64URL, digest, sizeof(digest), &text);
		ret = bytes_check(&text, e);
		snprintf(kid, EAR_KEYS_KID_MAX, "%s", bytes_text(&text));
	}
	bytes_free(&text);
	json_decref(required);
	return ret;
}

int ear_keys_kid(const EVP_PKEY *key, char kid[EAR_KEYS_KID_MAX], struct error *e)
{
	json_t *jwk = jwk_from_public_key(key, NULL, e);
	int ret = jwk ? ear_key_thumbprint(jwk, kid, e) : -1;

	json_decref(jwk);
	return ret;
}

/* Make @key, which is empty, the key of @jwk. */
static int ear_key_from_jwk(struct ear_key *key, const json_t *jwk, int64_t until, struct error *e)
{
	key->key = jwk_public_key(jwk, "jwk", e);
	key->until = until;
	if (!key->key)
		return -1;
	return ear_key_thumbprint(jwk, key->kid, e);
}

static void ear_key_free(struct ear_key *key)
{
	EVP_PKEY_free(key->key);
	*key = (struct ear_key){ 0 };
}

/* Make @keys->key[0] from the private key. */
static int ear_keys_use_signer(struct ear_keys *keys, struct error *e)
{
	json_t *jwk = jwk_from_public_key(keys->signer.pkey, NULL, e);
	int ret = jwk ? ear_key_from_jwk(&keys->key[0], jwk, INT64_MAX, e) : -1;

	json_decref(jwk);
	return ret;
}

/* Add an old key, unless it is over at @now, or signs: a rotation that was cut off leaves it in both files. */
static int ear_keys_add(struct ear_keys *keys, const json_t *entry, int64_t now, struct error *e)
{
	const json_t *jwk = json_member_object(entry, "jwk", "key", ERROR_CONFIG, e);
	const json_t *until = json_object_get(entry, "until");
	struct ear_key *key = &keys->key[keys->count];

	if (!jwk)
		return -1;
	if (!json_is_integer(until))
		return error_set(e, ERROR_CONFIG, "until: missing or not an integer");
	if (keys->count == 1 + EAR_KEYS_OLD_MAX)
		return error_set(e, ERROR_CONFIG, "more than %d keys", EAR_KEYS_OLD_MAX);
	if (ear_key_from_jwk(key, jwk, json_integer_value(until), e) < 0 ||
	    !EVP_PKEY_is_a(key->key, "EC")) {
		ear_key_free(key);
		if (e->kind == ERROR_NONE)
			error_set(e, ERROR_CONFIG, "jwk: not a P-256 key");
		return error_reclassify(e, ERROR_INPUT, ERROR_CONFIG);
	}
	if (key->until < now || strcmp(key->kid, keys->key[0].kid) == 0)
		ear_key_free(key);
	else
		keys->count++;
	return 0;
}

static int ear_keys_load_old(struct ear_keys *keys, const struct store *store, int64_t now,
			     struct error *e)
{
	struct bytes text = BYTES_INIT;
	json_t *root = NULL, *entry;
	int ret = store_read(store, OLD, OLD_MAX, &text, e);
	size_t i;

	if (ret > 0) {
		root = json_parse(text.data, text.len, JSON_TOKEN, "keys", ERROR_CONFIG, e);
		ret = root ? 0 : -1;
	}
	if (root && !json_is_array(root))
		ret = error_set(e, ERROR_CONFIG, "not a list of keys");
	json_array_foreach(root, i, entry)
		if (ret == 0)
			ret = ear_keys_add(keys, entry, now, e);
	json_decref(root);
	bytes_free(&text);
	return ret < 0 ? error_add(e, "%s/" OLD, store->path) : 0;
}

int ear_keys_load(struct ear_keys *keys, const struct store *store, int64_t now, struct error *e)
{
	if (key_file_open(store, SIGNER, &keys->signer, e) < 0)
		return error_reclassify(e, ERROR_INPUT, ERROR_CONFIG);
	keys->count = 1;
	if (ear_keys_use_signer(keys, e) < 0)
		return -1;
	return ear_keys_load_old(keys, store, now, e);
}

void ear_keys_free(struct ear_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		ear_key_free(&keys->key[i]);
	tee_key_free(&keys->signer);
	*keys = (struct ear_keys)EAR_KEYS_INIT;
}

/* Write the old keys of @next. */
static int ear_keys_save_old(const struct ear_keys *next, const struct store *store,
			     struct error *e)
{
	struct bytes text = BYTES_INIT;
	json_t *root = json_array();
	int ret = root ? 0 : error_set_memory(e);

	for (size_t i = 1; ret == 0 && i < next->count; i++) {
		json_t *jwk = jwk_from_public_key(next->key[i].key, NULL, e);

		if (!jwk)
			ret = -1;
		else if (json_array_append_new(root, json_pack("{s:o, s:I}", "jwk", jwk, "until",
							       (json_int_t)next->key[i].until)) < 0)
			ret = error_set_memory(e);
	}
	if (ret == 0)
		ret = json_compact(root, &text, e);
	bytes_append_text(&text, "\n");
	if (ret == 0 && bytes_check(&text, e) == 0)
		ret = store_write(store, OLD, text.data, text.len, e);
	else
		ret = -1;
	bytes_free(&text);
	json_decref(root);
	return ret;
}

/* Append to @next the old keys that still verify at @now, the one of @keys that signs first. */
static int ear_keys_keep(const struct ear_keys *keys, int64_t now, int64_t until,
			 struct ear_keys *next, struct error *e)
{
	for (size_t i = 0; i < keys->count; i++) {
		if (keys->key[i].until < now)
			continue;
		if (next->count == 1 + EAR_KEYS_OLD_MAX)
			return error_set(e, ERROR_INPUT,
					 "%d earlier keys still verify EARs; try again when one of "
					 "them has expired",
					 EAR_KEYS_OLD_MAX);
		next->key[next->count] = keys->key[i];
		if (i == 0)
			next->key[next->count].until = until;
		EVP_PKEY_up_ref(keys->key[i].key);
		next->count++;
	}
	return 0;
}

int ear_keys_next(const struct ear_keys *keys, int64_t now, int64_t until, struct ear_keys *next,
		  struct error *e)
{
	next->count = 1;
	if ((keys && ear_keys_keep(keys, now, until, next, e) < 0) ||
	    tee_key_generate(&next->signer, e) < 0)
		return -1;
	return ear_keys_use_signer(next, e);
}

int ear_keys_save(const struct ear_keys *keys, const struct store *store, struct error *e)
{
	/* The public keys first: after a crash between the two files, the key that signs is in both. */
	if (ear_keys_save_old(keys, store, e) < 0)
		return -1;
	return key_file_write(store, SIGNER, &keys->signer, e);
}

/* The key that the header of @jwt names, or NULL. */
static const struct ear_key *ear_keys_find(const struct ear_keys *keys, const struct jwt *jwt,
					   int64_t now, struct error *e)
{
	const json_t *kid = json_object_get(jwt->header, "kid");
	const json_t *jwk = json_object_get(jwt->header, "jwk");
	char thumbprint[EAR_KEYS_KID_MAX] = "";
	const char *name = kid ? json_string_value(kid) : thumbprint;

	if (!kid && !jwk)
		return &keys->key[0];
	if (!kid && ear_key_thumbprint(jwk, thumbprint, e) < 0)
		return NULL;
	for (size_t i = 0; name && i < keys->count; i++)
		if (strcmp(keys->key[i].kid, name) == 0 && keys->key[i].until >= now)
			return &keys->key[i];
	error_set(e, ERROR_ATTESTATION,
		  "EAR: signed with a key that is not this server's, or not any more");
	return NULL;
}

int ear_keys_verify(const struct ear_keys *keys, const struct jwt *jwt, int64_t now,
		    struct error *e)
{
	const struct ear_key *key = ear_keys_find(keys, jwt, now, e);

	if (!key)
		return error_reclassify(e, ERROR_INPUT, ERROR_ATTESTATION);
	return jwt_verify(jwt, key->key, e);
}

json_t *ear_keys_set(const struct ear_keys *keys, const json_t *x5c, int64_t now, struct error *e)
{
	json_t *list = json_array();
	int ret = list ? 0 : -1;

	for (size_t i = 0; ret == 0 && i < keys->count; i++) {
		json_t *jwk;

		if (keys->key[i].until < now)
			continue;
		jwk = jwk_from_public_key(keys->key[i].key, "ES256", e);
		ret = jwk ? json_object_set_new(jwk, "kid", json_string(keys->key[i].kid)) : -1;
		if (ret == 0)
			ret = json_object_set_new(jwk, "use", json_string("sig"));
		if (ret == 0 && i == 0 && x5c)
			ret = json_object_set(jwk, "x5c", (json_t *)x5c);
		if (ret == 0)
			ret = json_array_append(list, jwk);
		json_decref(jwk);
	}
	if (ret == 0)
		return json_pack("{s:o}", "keys", list);
	json_decref(list);
	if (e->kind == ERROR_NONE)
		error_set_memory(e);
	return NULL;
}
