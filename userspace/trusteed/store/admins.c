// SPDX-License-Identifier: Apache-2.0
#include "admins.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_token.h"
#include "base/crypto.h"
#include "jose/jwt.h"

#define FOLDER	 "admins"
#define SUFFIX	 ".pem"
#define FILE_MAX ((size_t)16 << 10)
#define BEGIN	 "-----BEGIN "

/* Where the files that are read belong. */
struct admins_reading {
	struct admins *admins;
	const struct store *store;
	const char *repository;
};

EVP_PKEY *admins_key(const struct bytes *text, struct error *e)
{
	const char *begin = strstr(bytes_text(text), BEGIN);
	EVP_PKEY *key = NULL;
	BIO *bio;

	if (strstr(bytes_text(text), "PRIVATE KEY-----")) {
		error_set(e, ERROR_CONFIG,
			  "has a private key; put only the public one here, as `openssl pkey "
			  "-pubout` prints it");
		return NULL;
	}
	if (!begin || strstr(begin + 1, BEGIN)) {
		error_set(e, ERROR_CONFIG, "not one public key in PEM form");
		return NULL;
	}
	crypto_begin();
	bio = BIO_new_mem_buf(text->data, (int)text->len);
	if (bio)
		key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	if (!key)
		crypto_error(e, ERROR_CONFIG, "not a public key in PEM form");
	BIO_free(bio);
	if (key && !jwt_supports(key)) {
		error_set(e, ERROR_CONFIG,
			  "neither Ed25519 nor P-256 nor P-384 nor RSA of at least 2048 bits");
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

/* Append an administrator. @key is taken, also on failure. */
static int admins_add(struct admins *admins, const char *name, size_t name_len,
		      const char *repository, EVP_PKEY *key, struct error *e)
{
	struct admin *grown;

	if (admins->count == ADMINS_MAX || name_len > ADMINS_NAME_MAX) {
		EVP_PKEY_free(key);
		return admins->count == ADMINS_MAX ?
			       error_set(e, ERROR_CONFIG, "more than %d administrators",
					 ADMINS_MAX) :
			       error_set(e, ERROR_CONFIG, "the name has more than %d characters",
					 ADMINS_NAME_MAX);
	}
	grown = reallocarray(admins->admin, admins->count + 1, sizeof(*grown));
	if (!grown) {
		EVP_PKEY_free(key);
		return error_set_memory(e);
	}
	admins->admin = grown;
	grown += admins->count++;
	*grown = (struct admin){ .key = key };
	snprintf(grown->name, sizeof(grown->name), "%.*s", (int)name_len, name);
	snprintf(grown->repository, sizeof(grown->repository), "%s", repository);
	return 0;
}

static int admins_use(void *context, const char *path, const struct bytes *text, struct error *e)
{
	const struct admins_reading *reading = context;
	const char *name = strrchr(path, '/') + 1;
	EVP_PKEY *key = admins_key(text, e);

	if (!key || admins_add(reading->admins, name, strlen(name) - strlen(SUFFIX),
			       reading->repository, key, e) < 0)
		return error_add(e, "%s", path);
	return 0;
}

static int admins_use_folder(void *context, const char *folder, struct error *e)
{
	struct admins_reading reading = *(const struct admins_reading *)context;
	char name[sizeof(FOLDER) + 1 + POLICIES_ID_MAX];

	/* Its policy would be that of all repositories. */
	if (strcmp(folder, POLICIES_RESOURCE_ALL) == 0)
		return error_set(e, ERROR_CONFIG,
				 "%s/" FOLDER "/" POLICIES_RESOURCE_ALL
				 ": a repository with this name has no administrators of its own",
				 reading.store->path);
	if (policies_check_id(folder, e) < 0) {
		error_add(e, "%s/" FOLDER "/%.64s: not the name of a repository",
			  reading.store->path, folder);
		return error_reclassify(e, ERROR_INPUT, ERROR_CONFIG);
	}
	reading.repository = folder;
	snprintf(name, sizeof(name), FOLDER "/%s", folder);
	return store_each(reading.store, name, SUFFIX, FILE_MAX, admins_use, &reading, e);
}

int admins_load(struct admins *admins, const struct store *store, EVP_PKEY *own, struct error *e)
{
	struct admins_reading reading = { admins, store, "" };

	EVP_PKEY_up_ref(own);
	if (admins_add(admins, "admin-token", strlen("admin-token"), "", own, e) < 0)
		return -1;
	admins->admin[0].own = true;
	if (store_each(store, FOLDER, SUFFIX, FILE_MAX, admins_use, &reading, e) < 0 ||
	    store_each_folder(store, FOLDER, admins_use_folder, &reading, e) < 0)
		return error_reclassify(e, ERROR_INPUT, ERROR_CONFIG);
	return 0;
}

void admins_free(struct admins *admins)
{
	for (size_t i = 0; i < admins->count; i++)
		EVP_PKEY_free(admins->admin[i].key);
	free(admins->admin);
	*admins = (struct admins)ADMINS_INIT;
}

static bool admins_may(const struct admin *admin, enum admins_need need, const char *repository)
{
	if (!admin->repository[0] || need == ADMINS_NEED_ANY)
		return true;
	return need == ADMINS_NEED_REPOSITORY && strcmp(admin->repository, repository) == 0;
}

/* Whether @admin signed @jwt. Returns 1, 0 or, if that cannot be found out, -1. */
static int admins_signed(const struct admin *admin, const struct jwt *jwt, struct error *e)
{
	struct error why = ERROR_INIT;

	if (jwt_verify(jwt, admin->key, &why) == 0)
		return 1;
	if (why.kind != ERROR_SYSTEM)
		return 0;
	*e = why;
	return -1;
}

/* Of those who signed @jwt the first that may, or the first. */
static const struct admin *admins_signer(const struct admins *admins, const struct jwt *jwt,
					 enum admins_need need, const char *repository,
					 struct error *e)
{
	const struct admin *signer = NULL;

	for (size_t i = 0; i < admins->count; i++) {
		const struct admin *admin = &admins->admin[i];
		int verified = admins_signed(admin, jwt, e);

		if (verified < 0)
			return NULL;
		if (verified && (!signer || admins_may(admin, need, repository)))
			signer = admin;
		if (signer && admins_may(signer, need, repository))
			return signer;
	}
	if (!signer)
		error_set(e, ERROR_POLICY,
			  "admin token: it was not signed with the key of an administrator here");
	return signer;
}

static int admins_check(const struct admin *admin, enum admins_need need, const char *repository,
			struct error *e)
{
	if (admins_may(admin, need, repository))
		return 0;
	if (need == ADMINS_NEED_REPOSITORY)
		return error_set(e, ERROR_POLICY,
				 "%s administers the repository %s, and this requires an "
				 "administrator of the repository %.64s or of everything",
				 admin->name, admin->repository, repository);
	return error_set(e, ERROR_POLICY,
			 "%s administers the repository %s, and this requires an administrator of "
			 "everything",
			 admin->name, admin->repository);
}

const struct admin *admins_find(const struct admins *admins, const char *text, int64_t now,
				enum admins_need need, const char *repository, struct error *e)
{
	const struct admin *admin = NULL;
	struct jwt jwt = JWT_INIT;

	if (!text) {
		error_set(e, ERROR_POLICY, "no bearer token");
		return NULL;
	}
	if (jwt_decode(text, strlen(text), &jwt, e) == 0)
		admin = admins_signer(admins, &jwt, need, repository, e);
	if (admin && (jwt_check_times(&jwt, now, JWT_LEEWAY, NULL, e) < 0 ||
		      (admin->own && admin_token_check_claims(&jwt, e) < 0) ||
		      admins_check(admin, need, repository, e) < 0))
		admin = NULL;
	jwt_free(&jwt);
	return admin;
}
