/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admins: the public keys of administrators, whose tokens a trusteed accepts: that of its own admin token,
 * admins/NAME.pem in the state directory, for everything, and admins/REPOSITORY/NAME.pem, for the resources and
 * the policy of one repository. Nobody's private key is here, but that of the admin token.
 */
#ifndef TRUSTEED_ADMINS_H
#define TRUSTEED_ADMINS_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "policies.h"
#include "store.h"

/* A token that names no key costs a signature for each key, so that they are limited. */
#define ADMINS_MAX	128
#define ADMINS_NAME_MAX 64

struct admin {
	char name[ADMINS_NAME_MAX + 1];
	char repository[POLICIES_ID_MAX + 1]; /* "": everything */
	EVP_PKEY *key;			      /* owned */
	bool own;			      /* of the admin token */
};

struct admins {
	struct admin *admin; /* owned; those of everything first */
	size_t count;
};

#define ADMINS_INIT { 0 }

/* Read the keys, and @own, that of the admin token. ERROR_CONFIG for a file that is no public key of a type that
 * tokens can have (jwt.h), or too many. The caller releases @admins in all cases. */
int admins_load(struct admins *admins, const struct store *store, EVP_PKEY *own, struct error *e);
void admins_free(struct admins *admins);

/* The public key in @text, one in PEM form, of a type that tokens can have. The caller owns it. NULL with an
 * ERROR_CONFIG; a private key is refused too. */
EVP_PKEY *admins_key(const struct bytes *text, struct error *e);

/* What a request requires. */
enum admins_need {
	ADMINS_NEED_ANY,	/* an administrator */
	ADMINS_NEED_REPOSITORY, /* one of everything, or of the repository */
	ADMINS_NEED_ALL,	/* one of everything */
};

/* The administrator who signed the token @text, which is NULL if none was sent, and may do what @need and
 * @repository say at @now (seconds since 1970). Borrowed; NULL with an ERROR_POLICY that names what is missing, or an
 * error of jwt.h. Tokens must have an `exp`. That of the server's own key must be one of admin_token.h. */
const struct admin *admins_find(const struct admins *admins, const char *text, int64_t now,
				enum admins_need need, const char *repository, struct error *e);

#endif
