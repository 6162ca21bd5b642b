// SPDX-License-Identifier: Apache-2.0
#include "trusteed_world.h"

#include <ftw.h>
#include <openssl/ec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/io.h"
#include "jose/jwe.h"
#include "jose/jwk.h"
#include "trusteed/route.h"

static void world_start(struct world *w)
{
	struct trustee_options options = {
		.state = w->state,
		.anchors = w->anchors,
		.development = w->development,
		.sample_cpak = w->sample_cpak,
		.least = w->least,
	};
	struct error e = ERROR_INIT;

	w->trustee = (struct trustee)TRUSTEE_INIT;
	if (trustee_open(&w->trustee, &options, w->now, &e) < 0)
		fail_msg("%s", e.text);
	w->trustee.pool = w->pool;
}

int world_setup(void **state)
{
	const struct pool_limits limits = POOL_LIMITS_INIT;
	struct world *w = calloc(1, sizeof(*w));
	struct error e = ERROR_INIT;
	char *jwk;

	assert_non_null(w);
	*state = w;
	bytes_lock_optional(true);
	snprintf(w->dir, sizeof(w->dir), "/tmp/trusteed-test.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->state, sizeof(w->state), "%s/state", w->dir);
	snprintf(w->anchors, sizeof(w->anchors), "%s/anchors", w->dir);
	assert_int_equal(mkdir(w->anchors, 0700), 0);
	w->monotonic = 1000000;
	w->least = VERSION_LEAST;
	w->now = 1800000000;
	w->builder.cpak = EVP_EC_gen("P-384");
	w->builder.rak = EVP_EC_gen("P-384");
	assert_non_null(w->builder.cpak);
	assert_non_null(w->builder.rak);
	assert_int_equal(tee_key_generate(&w->tee, &e), 0);
	w->loop = loop_open(&e);
	assert_non_null(w->loop);
	w->pool = pool_open(w->loop, &limits, &e);
	assert_non_null(w->pool);
	jwk = world_jwk(w->builder.cpak, "");
	world_anchor(w, "platform.jwk", jwk);
	free(jwk);
	world_start(w);
	return 0;
}

int world_setup_policies(void **state)
{
	setenv("REALMKEY_POLICY", getenv("FAKE_POLICY"), 1);
	world_setup(state);
	world_endorse(*state);
	assert_int_equal(world_admin(*state, "POST", RESOURCE, "a secret"), 200);
	return 0;
}

static int world_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int world_teardown(void **state)
{
	struct world *w = *state;

	pool_close(w->pool);
	loop_close(w->loop);
	trustee_close(&w->trustee);
	tee_key_free(&w->tee);
	EVP_PKEY_free(w->builder.cpak);
	EVP_PKEY_free(w->builder.rak);
	bytes_free(&w->bearer);
	nftw(w->dir, world_remove, 8, FTW_DEPTH | FTW_PHYS);
	free(w);
	return 0;
}

void world_reopen(struct world *w)
{
	trustee_close(&w->trustee);
	world_start(w);
}

void world_anchor(const struct world *w, const char *name, const char *text)
{
	struct error e = ERROR_INIT;
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", w->anchors, name);
	assert_int_equal(io_write_file(path, 0600, text, strlen(text), &e), 0);
}

char *world_jwk(const EVP_PKEY *key, const char *more)
{
	struct error e = ERROR_INIT;
	json_t *jwk = jwk_from_public_key(key, NULL, &e);
	char *text = json_dumps(jwk, JSON_COMPACT), *with = NULL;

	assert_non_null(text);
	assert_true(asprintf(&with, "%.*s%s}", (int)strlen(text) - 1, text, more) > 0);
	free(text);
	json_decref(jwk);
	return with;
}

static void world_answer(struct later *later, struct reply *reply)
{
	struct world_sent *sent = later->server;

	assert_ptr_equal(sent->later, later);
	reply_free(&sent->reply);
	sent->reply = *reply;
	*reply = (struct reply)REPLY_INIT;
	sent->later = NULL;
}

void world_send(struct world *w, const char *method, const char *path, const void *body, size_t len,
		struct world_sent *sent)
{
	const struct http_service service = route_service(&w->trustee);
	struct bytes authorization = BYTES_INIT;
	char plain[512];
	const char *query = strchr(path, '?');
	struct request request = {
		.method = method,
		.path = path,
		.query = query ? query + 1 : NULL,
		.session = w->session[0] ? w->session : NULL,
		.body = body,
		.len = len,
		.monotonic = w->monotonic,
		.now = w->now,
	};

	if (query) {
		/* As the server: the query is not part of the path. */
		assert_true((size_t)(query - path) < sizeof(plain));
		snprintf(plain, sizeof(plain), "%.*s", (int)(query - path), path);
		request.path = plain;
	}
	*sent = (struct world_sent){ .reply = REPLY_INIT };
	if (w->bearer.len > 0) {
		bytes_printf(&authorization, "Bearer %s", bytes_text(&w->bearer));
		request.authorization = bytes_text(&authorization);
	}
	service.dispatch(service.context, &request, &sent->reply);
	sent->later = sent->reply.later;
	if (sent->later) {
		sent->later->answer = world_answer;
		sent->later->server = sent;
	}
	bytes_free(&authorization);
}

void world_await(struct world *w, struct world_sent *sent)
{
	struct error e = ERROR_INIT;

	while (sent->later)
		if (loop_step(w->loop, 10000, &e) < 0)
			fail_msg("%s", e.text);
	if (sent->reply.cookie[0])
		assert_int_equal(
			sscanf(sent->reply.cookie, "kbs-session-id=%32[0-9a-f];", w->session), 1);
}

void world_run(struct world *w, int64_t ms)
{
	int64_t end = clock_boot_ms() + ms;
	struct error e = ERROR_INIT;

	while (clock_boot_ms() < end)
		assert_int_equal(loop_step(w->loop, 10, &e), 0);
}

void world_leave(struct world_sent *sent)
{
	assert_non_null(sent->later);
	sent->later->cancel(sent->later);
	sent->later = NULL;
	reply_free(&sent->reply);
}

void world_request(struct world *w, const char *method, const char *path, const void *body,
		   size_t len, struct reply *reply)
{
	struct world_sent sent;

	world_send(w, method, path, body, len, &sent);
	world_await(w, &sent);
	*reply = sent.reply;
}

unsigned int world_status(struct world *w, const char *method, const char *path, const char *body)
{
	struct reply reply;
	unsigned int status;

	world_request(w, method, path, body, strlen(body), &reply);
	status = reply.status;
	reply_free(&reply);
	return status;
}

unsigned int world_admin(struct world *w, const char *method, const char *path, const char *body)
{
	struct bytes bearer = BYTES_INIT;
	struct error e = ERROR_INIT;
	unsigned int status;
	char file[192];

	snprintf(file, sizeof(file), "%s/admin-token", w->state);
	assert_int_equal(io_read_file(file, 4096, &bearer, &e), 0);
	bytes_truncate(&bearer, strcspn(bytes_text(&bearer), "\n"));
	bytes_swap(&bearer, &w->bearer);
	status = world_status(w, method, path, body);
	bytes_swap(&bearer, &w->bearer);
	bytes_free(&bearer);
	return status;
}

void world_auth(struct world *w)
{
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct reply reply;

	w->session[0] = '\0';
	kbs_auth_body(&body);
	world_request(w, "POST", "/kbs/v0/auth", body.data, body.len, &reply);
	if (kbs_auth_answer(&w->kbs, (int)reply.status, reply.body.data, reply.body.len, &e) < 0)
		fail_msg("%s", e.text);
	reply_free(&reply);
	bytes_free(&body);
}

void world_attest_body(struct world *w, struct bytes *body)
{
	struct bytes token = BYTES_INIT;
	struct error e = ERROR_INIT;
	uint8_t challenge[64];

	assert_int_equal(kbs_realm_challenge(&w->kbs, &w->tee, challenge, NULL, &e), 0);
	cca_builder_token(&w->builder, challenge, &token);
	assert_int_equal(kbs_attest_body(&w->kbs, &w->tee, token.data, token.len, body, &e), 0);
	bytes_free(&token);
}

unsigned int world_attest(struct world *w, struct bytes *ear, struct reply *reply)
{
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;

	world_auth(w);
	world_attest_body(w, &body);
	world_request(w, "POST", "/kbs/v0/attest", body.data, body.len, reply);
	if (ear &&
	    kbs_attest_answer((int)reply->status, reply->body.data, reply->body.len, ear, &e) < 0)
		fail_msg("%s", e.text);
	bytes_free(&body);
	return reply->status;
}

void world_policy(struct world *w, enum policies_kind kind, const char *id, const char *text)
{
	struct bytes copy = BYTES_INIT;
	struct error e = ERROR_INIT;

	if (text)
		bytes_append_text(&copy, text);
	if (policies_set(&w->trustee.policies, &w->trustee.store, kind, id, text ? &copy : NULL,
			 &e) < 0)
		fail_msg("%s", e.text);
	bytes_free(&copy);
}

void world_endorse(struct world *w)
{
	struct bytes rim = BYTES_INIT, text = BYTES_INIT;
	struct bytes payload = BYTES_INIT, message = BYTES_INIT;
	uint8_t digest[32];

	memset(digest, CCA_BUILDER_RIM, sizeof(digest));
	encode_base64(ENCODE_BASE64, digest, sizeof(digest), &rim);
	bytes_printf(&text, "{\"cca.realm.cca-realm-initial-measurement\":[\"%s\"]}",
		     bytes_text(&rim));
	encode_base64(ENCODE_BASE64, text.data, text.len, &payload);
	bytes_printf(&message,
		     "{\"version\":\"0.1.0\",\"type\":\"sample\","
		     "\"payload\":\"%s\"}",
		     bytes_text(&payload));
	assert_int_equal(world_admin(w, "POST", "/kbs/v0/reference-value", bytes_text(&message)),
			 200);
	bytes_free(&rim);
	bytes_free(&payload);
	bytes_free(&message);
	bytes_free(&text);
}

void world_get_secret(struct world *w, const char *path, const char *secret)
{
	struct bytes plain = BYTES_LOCKED_INIT;
	struct error e = ERROR_INIT;
	struct reply reply;

	world_request(w, "GET", path, NULL, 0, &reply);
	if (reply.status != 200)
		fail_msg("%u %s", reply.status, reply_detail(&reply));
	if (jwe_open(&w->tee, reply.body.data, reply.body.len, &plain, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(bytes_text(&plain), secret);
	bytes_free(&plain);
	reply_free(&reply);
}

static const char *reply_member(const struct reply *reply, const char *member, char out[2048])
{
	json_t *body = json_loadb((const char *)reply->body.data, reply->body.len, 0, NULL);
	const char *text = json_string_value(json_object_get(body, member));

	assert_non_null(text);
	snprintf(out, 2048, "%s", text);
	json_decref(body);
	return out;
}

const char *reply_variant(const struct reply *reply)
{
	static const char prefix[] = "https://github.com/confidential-containers/kbs/errors/";
	static char type[2048];

	reply_member(reply, "type", type);
	assert_memory_equal(type, prefix, strlen(prefix));
	return type + strlen(prefix);
}

const char *reply_detail(const struct reply *reply)
{
	static char detail[2048];

	return reply_member(reply, "detail", detail);
}

void world_expect(struct world *w, const char *method, const char *path, const char *body,
		  unsigned int status, const char *variant)
{
	struct reply reply;

	world_request(w, method, path, body, strlen(body), &reply);
	assert_int_equal(reply.status, status);
	assert_string_equal(reply_variant(&reply), variant);
	reply_free(&reply);
}

void world_attest_ok(struct world *w, struct bytes *ear)
{
	struct reply reply;

	if (world_attest(w, ear, &reply) != 200)
		fail_msg("%s", reply_detail(&reply));
	reply_free(&reply);
}
