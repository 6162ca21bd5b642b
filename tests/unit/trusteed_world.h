/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trusteed_world: what the tests of trusteed share. A trustee on a fresh state directory, keys of a
 * platform it trusts, a client's TEE key and cookie, a clock that only tests move, and no network:
 * requests go straight to route_dispatch(). The client's half is the library's own kbs.
 */
#ifndef TESTS_TRUSTEED_WORLD_H
#define TESTS_TRUSTEED_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cca_builder.h"
#include "kbs/kbs.h"
#include "trusteed/http/reply.h"
#include "trusteed/trustee.h"

struct world {
	char dir[64], state[96], anchors[96];
	struct trustee trustee;
	struct cca_builder builder;
	struct tee_key tee;
	struct kbs kbs;			/* of the last auth */
	char session[64];		/* the cookie; "" for none */
	struct bytes bearer;		/* sent when not empty */
	int64_t monotonic, now;
	bool development;		/* --dev */
};

/* For cmocka_unit_test_setup_teardown(): *state is a struct world whose one anchor is no
 * development anchor. */
int world_setup(void **state);
int world_teardown(void **state);

/* Stop and start the trustee on the same state. */
void world_reopen(struct world *w);
/* Write @text as @name into the anchors directory. */
void world_anchor(const struct world *w, const char *name, const char *text);
/* The JWK of @key with @more ("" or ", ...") as last members; the caller frees. */
char *world_jwk(const EVP_PKEY *key, const char *more);

/* One request; @reply is fresh when it begins and the caller's to free. A Set-Cookie is kept. */
void world_request(struct world *w, const char *method, const char *path, const void *body,
		   size_t len, struct reply *reply);
/* The same for tests that want no more than the status. */
unsigned int world_status(struct world *w, const char *method, const char *path, const char *body);
/* With the admin token in place of the bearer. */
unsigned int world_admin(struct world *w, const char *method, const char *path, const char *body);

/* POST auth; takes nonce and cookie. */
void world_auth(struct world *w);
/* The body of POST attest for the nonce and key at hand, with evidence from the builder. */
void world_attest_body(struct world *w, struct bytes *body);
/* Auth and attest; the status of attest. The EAR, if there is one, is appended to @ear if not
 * NULL. */
unsigned int world_attest(struct world *w, struct bytes *ear, struct reply *reply);
/* The same when nothing else will do than 200. */
void world_attest_ok(struct world *w, struct bytes *ear);
/* One request that is to be refused. */
void world_expect(struct world *w, const char *method, const char *path, const char *body,
		  unsigned int status, const char *variant);
/* Endorse the builder's RIM. */
void world_endorse(struct world *w);
/* Assert that GET of @path gives @secret. */
void world_get_secret(struct world *w, const char *path, const char *secret);

/* The last segment of the refusal's type, and its detail; static buffers. */
const char *reply_variant(const struct reply *reply);
const char *reply_detail(const struct reply *reply);

#endif
