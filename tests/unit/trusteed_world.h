/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trusteed_world: shared by the tests of trusteed. It has a trustee with a new state directory,
 * keys of a platform that it trusts, a client's TEE key and cookie, and a clock that only tests
 * advance. There is no network: requests go to route_service() directly. The client is the
 * library's kbs.
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
#include "trusteed/attest/version.h"
#include "trusteed/http/later.h"
#include "trusteed/http/reply.h"
#include "trusteed/loop/loop.h"
#include "trusteed/policy/pool.h"
#include "trusteed/trustee.h"

struct world {
	char dir[64], state[96], anchors[96];
	struct loop *loop;
	struct pool *pool;
	struct trustee trustee;
	struct cca_builder builder;
	struct tee_key tee;
	struct kbs_challenge kbs; /* from the last auth */
	char session[64];	  /* the cookie; "" if there is none */
	struct bytes bearer;	  /* sent if not empty */
	int64_t monotonic, now;
	bool development;	/* --dev */
	bool sample_cpak;	/* --dev-trust-sample-cpak */
	enum kbs_version least; /* --min-version */
};

/* A request whose answer is awaited. */
struct world_sent {
	struct reply reply;
	struct later *later; /* NULL: it is answered */
};

/* For cmocka_unit_test_setup_teardown(): *state becomes a struct world with one anchor, which is
 * not a development anchor. */
int world_setup(void **state);
/* The same with policies in Rego, which fake_policy.c evaluates; the platform is endorsed, and RESOURCE is a secret. */
int world_setup_policies(void **state);
#define RESOURCE "/kbs/v0/resource/default/key/1"
int world_teardown(void **state);

/* Stop the trustee and start it with the same state. */
void world_reopen(struct world *w);
/* Write @text as file @name into the anchors directory. */
void world_anchor(const struct world *w, const char *name, const char *text);
/* Returns the JWK of @key with @more ("" or ", ...") as last members. The caller frees it. */
char *world_jwk(const EVP_PKEY *key, const char *more);

/* Make a request and keep its Set-Cookie. @reply is initialised here; the caller frees it. */
void world_request(struct world *w, const char *method, const char *path, const void *body,
		   size_t len, struct reply *reply);
/* Send a request, and wait for its answer. @sent->reply is initialised here; the caller frees it. The session
 * is that of the last answer. */
void world_send(struct world *w, const char *method, const char *path, const void *body, size_t len,
		struct world_sent *sent);
void world_await(struct world *w, struct world_sent *sent);
/* Let the loop run for @ms. */
void world_run(struct world *w, int64_t ms);
/* The client of @sent goes away. */
void world_leave(struct world_sent *sent);
/* world_send() and world_await(), but returns only the status. */
unsigned int world_status(struct world *w, const char *method, const char *path, const char *body);
/* The same, with the admin token as the bearer. */
unsigned int world_admin(struct world *w, const char *method, const char *path, const char *body);

/* POST auth, and keep nonce and cookie. */
void world_auth(struct world *w);
/* Make the body of POST attest for the current nonce and key, with evidence from the builder. */
void world_attest_body(struct world *w, struct bytes *body);
/*
 * Make auth and attest. Returns the status of attest. An EAR is appended to @ear unless that is
 * NULL.
 */
unsigned int world_attest(struct world *w, struct bytes *ear, struct reply *reply);
/* The same, and assert status 200. */
void world_attest_ok(struct world *w, struct bytes *ear);
/* Make a request that must be refused with @status and @variant. */
void world_expect(struct world *w, const char *method, const char *path, const char *body,
		  unsigned int status, const char *variant);
/* Endorse the builder's RIM. */
void world_endorse(struct world *w);
/* Set the policy @id in Rego, unseen by the engine; NULL: remove it. */
void world_policy(struct world *w, enum policies_kind kind, const char *id, const char *text);
/* Assert that GET of @path returns @secret. */
void world_get_secret(struct world *w, const char *path, const char *secret);

/* The last segment of the refusal's type, and its detail; in static buffers. */
const char *reply_variant(const struct reply *reply);
const char *reply_detail(const struct reply *reply);

#endif
