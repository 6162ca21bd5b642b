// SPDX-License-Identifier: Apache-2.0
/* Administrators by their public keys: of everything, of one repository, and those who are none. */
#include "trusteed_world.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/encode.h"
#include "base/io.h"
#include "base/json.h"
#include "jose/jwt.h"
#include "trusteed/route.h"

#define OURS   "/kbs/v0/resource/team/key/1"
#define THEIRS "/kbs/v0/resource/other/key/1"

/* Write @text as the file @name in the state directory. */
static void state_file(struct world *w, const char *name, const void *text, size_t len)
{
	struct error e = ERROR_INIT;

	if (store_write(&w->trustee.store, name, text, len, &e) < 0)
		fail_msg("%s", e.text);
}

static void state_key(struct world *w, const char *name, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
	len = BIO_get_mem_data(bio, &text);
	state_file(w, name, text, (size_t)len);
	BIO_free(bio);
}

static void state_private_key(struct world *w, const char *name, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	len = BIO_get_mem_data(bio, &text);
	state_file(w, name, text, (size_t)len);
	BIO_free(bio);
}

static void reload(struct world *w)
{
	struct error e = ERROR_INIT;

	if (trustee_reload(&w->trustee, NULL, NULL, &e) < 0)
		fail_msg("%s", e.text);
}

/* Have the requests that follow made with a token of these claims, signed with @key. */
static void bear(struct world *w, EVP_PKEY *key, const char *alg, json_t *claims)
{
	json_t *header = json_pack("{s:s, s:s}", "alg", alg, "typ", "JWT");
	struct error e = ERROR_INIT;

	bytes_clear(&w->bearer);
	if (jwt_sign(header, claims, key, &w->bearer, &e) < 0)
		fail_msg("%s", e.text);
	json_decref(header);
	json_decref(claims);
}

/* The claims of the December 2025 kbs-client. */
static json_t *claims_at(int64_t now)
{
	return json_pack("{s:I, s:I, s:I}", "iat", (json_int_t)now, "exp", (json_int_t)now + 7200,
			 "nbf", (json_int_t)now);
}

static void refused(struct world *w, const char *method, const char *path, const char *why)
{
	struct reply reply;

	world_request(w, method, path, "x", 1, &reply);
	assert_int_equal(reply.status, 401);
	assert_string_equal(reply_variant(&reply), "AdminAuthAccess");
	if (!strstr(reply_detail(&reply), why))
		fail_msg("%s", reply_detail(&reply));
	reply_free(&reply);
}

static EVP_PKEY *ed25519(void)
{
	return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

static void each_type_of_key_can_administer(void **state)
{
	static const char *const algs[] = { "EdDSA", "ES256", "ES384", "RS256", "PS256" };
	struct world *w = *state;
	EVP_PKEY *keys[] = { ed25519(), EVP_EC_gen("P-256"), EVP_EC_gen("P-384"), EVP_RSA_gen(2048),
			     NULL };
	char name[32];

	keys[4] = keys[3];
	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "admins/%zu.pem", i);
		state_key(w, name, keys[i]);
	}
	reload(w);
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++) {
		bear(w, keys[i], algs[i], claims_at(w->now));
		assert_int_equal(world_status(w, "POST", OURS, "x"), 200);
		assert_int_equal(world_status(w, "GET", "/kbs/v0/resource-policy", ""), 200);
		/* That of the 0.21 client. */
		bear(w, keys[i], algs[i],
		     json_pack("{s:s, s:s, s:I}", "iss", "someone", "role", "admin", "exp",
			       (json_int_t)w->now + 100));
		assert_int_equal(world_status(w, "DELETE", OURS, ""), 200);
	}
	/* The server's own token counts as before. */
	assert_int_equal(world_admin(w, "POST", OURS, "x"), 200);
	for (size_t i = 0; i < 4; i++)
		EVP_PKEY_free(keys[i]);
}

static void a_tenant_has_its_repository_and_nothing_else(void **state)
{
	static const struct {
		const char *method, *path;
	} others[] = {
		{ "POST", THEIRS },
		{ "DELETE", THEIRS },
		{ "POST", "/kbs/v0/resource/teams/key/1" },
		{ "POST", "/kbs/v0/resource/tea/m/1" },
		{ "POST", "/kbs/v0/resource//team/1" },
		{ "POST", "/kbs/v0/reference-value" },
		{ "GET", "/kbs/v0/reference-value/a" },
		{ "GET", "/kbs/v0/resource-policy" },
		{ "POST", "/kbs/v0/ear-key" },
		{ "DELETE", "/kbs/v0/ear-key" },
	};
	struct world *w = *state;
	EVP_PKEY *key = ed25519();

	state_key(w, "admins/team/alice.pem", key);
	reload(w);
	bear(w, key, "EdDSA", claims_at(w->now));
	assert_int_equal(world_status(w, "POST", OURS, "x"), 200);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		refused(w, others[i].method, others[i].path,
			"alice administers the repository team, and this requires an administrator "
			"of ");
	refused(w, "POST", THEIRS, "an administrator of the repository other or of everything");
	refused(w, "POST", "/kbs/v0/ear-key", "an administrator of everything");
	assert_int_equal(world_status(w, "DELETE", OURS, ""), 200);
	world_expect(w, "DELETE", OURS, "", 404, "ResourceNotFound");
	/* A key may administer several. */
	state_key(w, "admins/other/alice.pem", key);
	reload(w);
	assert_int_equal(world_status(w, "POST", OURS, "x"), 200);
	assert_int_equal(world_status(w, "POST", THEIRS, "x"), 200);
	refused(w, "POST", "/kbs/v0/resource/third/a/b", "repository third");
	EVP_PKEY_free(key);
}

/* A repository with a name that is longer than any tenant's does not become one of its first characters. */
static void a_long_repository_is_not_the_one_that_it_begins_with(void **state)
{
	struct world *w = *state;
	EVP_PKEY *key = ed25519();
	char team[POLICIES_ID_MAX + 1], name[128], path[192];

	memset(team, 'a', POLICIES_ID_MAX);
	team[POLICIES_ID_MAX] = '\0';
	snprintf(name, sizeof(name), "admins/%s/a.pem", team);
	state_key(w, name, key);
	reload(w);
	bear(w, key, "EdDSA", claims_at(w->now));
	snprintf(path, sizeof(path), "/kbs/v0/resource/%s/b/c", team);
	assert_int_equal(world_status(w, "POST", path, "x"), 200);
	snprintf(path, sizeof(path), "/kbs/v0/resource/%sx/b/c", team);
	refused(w, "POST", path, "requires an administrator of the repository");
	EVP_PKEY_free(key);
}

static void a_token_that_is_none_is_refused(void **state)
{
	struct world *w = *state;
	EVP_PKEY *key = ed25519(), *stranger = ed25519(), *rsa = EVP_RSA_gen(2048);
	struct bytes none = BYTES_INIT;

	state_key(w, "admins/alice.pem", key);
	state_key(w, "admins/rsa.pem", rsa);
	reload(w);
	bear(w, stranger, "EdDSA", claims_at(w->now));
	refused(w, "POST", OURS, "not signed with the key of an administrator");
	bear(w, key, "EdDSA", json_pack("{s:I}", "iat", (json_int_t)w->now));
	refused(w, "POST", OURS, "\"exp\" not satisfied: missing");
	bear(w, key, "EdDSA", claims_at(w->now - 7200 - 59));
	assert_int_equal(world_status(w, "POST", OURS, "x"), 200);
	bear(w, key, "EdDSA", claims_at(w->now - 7200 - 60));
	refused(w, "POST", OURS, "token is expired");
	bear(w, key, "EdDSA", claims_at(w->now + 60));
	assert_int_equal(world_status(w, "POST", OURS, "x"), 200);
	bear(w, key, "EdDSA", claims_at(w->now + 61));
	refused(w, "POST", OURS, "not valid yet");
	bear(w, key, "EdDSA",
	     json_pack("{s:I, s:I}", "iat", (json_int_t)w->now + 61, "exp",
		       (json_int_t)w->now + 100));
	refused(w, "POST", OURS, "issued in the future");
	/* Without a signature, and with one that anyone can make from the public key. */
	bear(w, rsa, "RS256", claims_at(w->now));
	assert_int_equal(world_status(w, "POST", OURS, "x"), 200);
	bytes_set(&none, w->bearer.data, w->bearer.len);
	for (int i = 0; i < 2; i++) {
		const char *header = i ? "{\"alg\":\"HS256\"}" : "{\"alg\":\"none\"}";
		const char *payload = strchr(bytes_text(&none), '.');
		const char *end = i ? NULL : strrchr(payload, '.') + 1;

		bytes_clear(&w->bearer);
		encode_base64(ENCODE_BASE64URL, header, strlen(header), &w->bearer);
		bytes_append(&w->bearer, payload, end ? (size_t)(end - payload) : strlen(payload));
		refused(w, "POST", OURS, "not signed with the key of an administrator");
	}
	bytes_set(&w->bearer, "nothing", 7);
	refused(w, "POST", OURS, "JWT: invalid number of segments");
	bytes_clear(&w->bearer);
	refused(w, "POST", OURS, "no bearer token");
	/* A token of the server's own key must be an admin token. */
	bear(w, w->trustee.admin_key.pkey, "ES256", claims_at(w->now));
	refused(w, "POST", OURS, "admin token: iss: missing");
	/* An EAR is none. */
	bear(w, w->trustee.ear_keys.signer.pkey, "ES256", claims_at(w->now));
	refused(w, "POST", OURS, "not signed with the key of an administrator");
	bytes_free(&none);
	EVP_PKEY_free(key);
	EVP_PKEY_free(stranger);
	EVP_PKEY_free(rsa);
}

static void a_reload_takes_all_or_nothing(void **state)
{
	struct world *w = *state;
	EVP_PKEY *key = ed25519(), *wrong = EVP_EC_gen("P-521"), *other = ed25519();
	struct error e = ERROR_INIT;
	char path[256];

	state_key(w, "admins/alice.pem", key);
	bear(w, key, "EdDSA", claims_at(w->now));
	refused(w, "POST", OURS, "not signed with the key of an administrator");
	reload(w);
	assert_int_equal(world_status(w, "POST", OURS, "x"), 200);
	/* One is withdrawn, one is new, and one cannot be used. */
	snprintf(path, sizeof(path), "%s/admins/alice.pem", w->state);
	assert_int_equal(unlink(path), 0);
	state_key(w, "admins/bob.pem", other);
	state_key(w, "admins/carol.pem", wrong);
	assert_int_equal(trustee_reload(&w->trustee, NULL, NULL, &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	assert_non_null(strstr(e.text, "carol.pem: neither Ed25519"));
	assert_int_equal(world_status(w, "POST", OURS, "x"), 200);
	snprintf(path, sizeof(path), "%s/admins/carol.pem", w->state);
	assert_int_equal(unlink(path), 0);
	/* A trust anchor is part of what is reloaded. */
	world_anchor(w, "broken.json", "{}");
	e = (struct error)ERROR_INIT;
	assert_int_equal(trustee_reload(&w->trustee, NULL, NULL, &e), -1);
	assert_int_equal(world_status(w, "POST", OURS, "x"), 200);
	world_anchor(w, "broken.json", "[]");
	reload(w);
	refused(w, "POST", OURS, "not signed with the key of an administrator");
	bear(w, other, "EdDSA", claims_at(w->now));
	assert_int_equal(world_status(w, "POST", OURS, "x"), 200);
	EVP_PKEY_free(key);
	EVP_PKEY_free(wrong);
	EVP_PKEY_free(other);
}

/* Check that the file @name is refused, and take it away. */
static void file_refused(struct world *w, const char *name, const char *why)
{
	struct error e = ERROR_INIT;
	char path[256];

	assert_int_equal(trustee_reload(&w->trustee, NULL, NULL, &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	if (!strstr(e.text, why))
		fail_msg("%s", e.text);
	snprintf(path, sizeof(path), "%s/%s", w->state, name);
	assert_int_equal(remove(path), 0);
	reload(w);
}

static void a_file_that_is_no_public_key_is_refused(void **state)
{
	static const struct {
		const char *name, *why;
	} folders[] = {
		{ "te am", "te am: not the name of a repository" },
		{ "resource-policy", "no administrators of its own" },
	};
	struct world *w = *state;
	EVP_PKEY *key = ed25519(), *small = EVP_RSA_gen(1024);
	struct error e = ERROR_INIT;
	char name[64];

	state_private_key(w, "admins/a.pem", key);
	file_refused(w, "admins/a.pem", "admins/a.pem: has a private key");
	state_file(w, "admins/a.pem", "", 0);
	file_refused(w, "admins/a.pem", "not one public key");
	state_file(w, "admins/a.pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n", 32);
	file_refused(w, "admins/a.pem", "not a public key");
	state_key(w, "admins/team/a.pem", small);
	file_refused(w, "admins/team/a.pem", "RSA of at least 2048 bits");
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(name, sizeof(name), "admins/%s", folders[i].name);
		assert_int_equal(store_make(&w->trustee.store, name, &e), 0);
		file_refused(w, name, folders[i].why);
	}
	for (int i = 0; i < ADMINS_MAX; i++) {
		snprintf(name, sizeof(name), "admins/%d.pem", i);
		state_key(w, name, key);
	}
	file_refused(w, "admins/0.pem", "more than 128 administrators");
	EVP_PKEY_free(small);
	EVP_PKEY_free(key);
}

static size_t jwks_count(struct world *w, const char *path)
{
	struct reply reply;
	json_t *set;
	size_t n;

	world_request(w, "GET", path, NULL, 0, &reply);
	assert_int_equal(reply.status, 200);
	set = json_loadb((const char *)reply.body.data, reply.body.len, 0, NULL);
	n = json_array_size(json_object_get(set, "keys"));
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(set, "keys"), 0), "kid")),
			    w->trustee.ear_keys.key[0].kid);
	json_decref(set);
	reply_free(&reply);
	return n;
}

/* What a Trustee reads at the URL of this server, to find the keys. */
static void the_keys_are_found_by_the_name_of_the_server(void **state)
{
	static const char path[] = "/.well-known/openid-configuration";
	static const struct {
		const char *host;
		bool secure;
		const char *uri;
	} cases[] = {
		{ "kbs.example:8080", true, "https://kbs.example:8080/jwks" },
		{ "[::1]:8080", false, "http://[::1]:8080/jwks" },
		{ "a/b", true, NULL },
		{ "a\"", true, NULL },
		{ "", true, NULL },
		{ NULL, true, NULL },
	};
	struct world *w = *state;
	const struct http_service service = route_service(&w->trustee);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct request request = {
			.method = "GET",
			.path = path,
			.host = cases[i].host,
			.secure = cases[i].secure,
			.now = w->now,
		};
		struct reply reply = REPLY_INIT;
		json_t *body;

		service.dispatch(service.context, &request, &reply);
		assert_int_equal(reply.status, cases[i].uri ? 200 : 404);
		body = json_loadb((const char *)reply.body.data, reply.body.len, 0, NULL);
		if (cases[i].uri)
			assert_string_equal(json_string_value(json_object_get(body, "jwks_uri")),
					    cases[i].uri);
		json_decref(body);
		reply_free(&reply);
	}
}

/* EARs that were issued before get resources until they expire; new ones have the new key. */
static void a_rotation_of_the_ear_key_ends_no_session(void **state)
{
	struct world *w = *state;
	struct bytes ear = BYTES_INIT, later = BYTES_INIT, token = BYTES_INIT;

	assert_int_equal(world_admin(w, "POST", OURS, "secret"), 200);
	world_endorse(w);
	world_attest_ok(w, &ear);
	assert_int_equal(jwks_count(w, "/jwks"), 1);
	assert_int_equal(world_admin(w, "POST", "/kbs/v0/ear-key", ""), 200);
	assert_int_equal(jwks_count(w, "/.well-known/jwks.json"), 2);
	world_get_secret(w, OURS, "secret");
	w->session[0] = '\0';
	bytes_swap(&w->bearer, &ear);
	world_get_secret(w, OURS, "secret");
	world_reopen(w);
	world_get_secret(w, OURS, "secret");
	bytes_swap(&w->bearer, &token);
	world_attest_ok(w, &later);
	w->session[0] = '\0';
	bytes_swap(&w->bearer, &later);
	world_get_secret(w, OURS, "secret");
	/* Half an hour later all EARs of the first key are over, and so is the key. */
	w->now += 30 * 60 + 61;
	assert_int_equal(jwks_count(w, "/jwks"), 1);
	bytes_free(&ear);
	bytes_free(&later);
	bytes_free(&token);
}

/* What a key signed that was stolen is worth nothing from then on, not even in a session. */
static void a_withdrawal_of_the_ear_key_ends_all_ears(void **state)
{
	struct world *w = *state;
	struct bytes ear = BYTES_INIT;

	assert_int_equal(world_admin(w, "POST", OURS, "secret"), 200);
	world_endorse(w);
	world_attest_ok(w, &ear);
	assert_int_equal(world_admin(w, "POST", "/kbs/v0/ear-key", ""), 200);
	world_get_secret(w, OURS, "secret");
	assert_int_equal(world_admin(w, "DELETE", "/kbs/v0/ear-key", ""), 200);
	assert_int_equal(jwks_count(w, "/jwks"), 1);
	world_expect(w, "GET", OURS, "", 401, "TokenVerifierError");
	world_reopen(w);
	w->session[0] = '\0';
	bytes_swap(&w->bearer, &ear);
	world_expect(w, "GET", OURS, "", 401, "TokenVerifierError");
	world_attest_ok(w, NULL);
	world_get_secret(w, OURS, "secret");
	bytes_free(&ear);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		TEST(each_type_of_key_can_administer),
		TEST(a_tenant_has_its_repository_and_nothing_else),
		TEST(a_long_repository_is_not_the_one_that_it_begins_with),
		TEST(a_token_that_is_none_is_refused),
		TEST(the_keys_are_found_by_the_name_of_the_server),
		TEST(a_rotation_of_the_ear_key_ends_no_session),
		TEST(a_withdrawal_of_the_ear_key_ends_all_ears),
		TEST(a_reload_takes_all_or_nothing),
		TEST(a_file_that_is_no_public_key_is_refused),
	};

	return cmocka_run_group_tests_name("trusteed_admins", tests, NULL, NULL);
}
