// SPDX-License-Identifier: Apache-2.0
/*
 * The requests that trusteed's handlers answer, one after another. The input is requests divided by
 * NULs. The first line of each is METHOD PATH AUTHORIZATION COOKIE, the rest is the body. Some words
 * stand for what a fuzzer cannot make: the authorization "admin" for the admin token and "ear" for an EAR
 * whose claims are the body; the cookie "last" for the session of the last auth; the method "CCA" for
 * POST with evidence over the last challenge, in which the body selects a fault; the method "SAMPLE" for
 * evidence of the sample TEE, with that of the sample device if the body has a first line. An input that
 * begins with '+' is run with --recheck.
 */
#include <fcntl.h>
#include <ftw.h>
#include <openssl/ec.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/io.h"
#include "base/json.h"
#include "cca_builder.h"
#include "fuzz.h"
#include "jose/jwk.h"
#include "jose/jwt.h"
#include "kbs/kbs.h"
#include "trusteed/attest/handshake.h"
#include "trusteed/route.h"

#define NOW	     1800000000
#define REQUESTS_MAX 16

static struct {
	char dir[32], resources[64];
	struct trustee trustee;
	struct cca_builder builder;
	struct tee_key tee;
	struct bytes admin;
	/* of the present input */
	struct kbs_challenge challenge;
	char session[64];
	bool stored;
} world;

static int file_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void world_remove(void)
{
	nftw(world.dir, file_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* The path of a file in the state directory. */
static const char *state_path(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%s", world.dir, name);
	return path;
}

static void anchor_write(void)
{
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *jwk = jwk_from_public_key(world.builder.cpak, NULL, &e);

	must(jwk && json_compact(jwk, &text, &e) == 0);
	must(mkdir(state_path("anchors"), 0700) == 0);
	must(io_write_file(state_path("anchors/platform.jwk"), 0600, text.data, text.len, &e) == 0);
	bytes_free(&text);
	json_decref(jwk);
}

/* The state is in memory and is made once. */
static void world_open(void)
{
	struct trustee_options options = { .state = world.dir, .sample_evidence = true };
	struct error e = ERROR_INIT;

	bytes_lock_optional(true);
	strcpy(world.dir, "/dev/shm/fuzz-trusteed.XXXXXX");
	must(mkdtemp(world.dir) && atexit(world_remove) == 0);
	snprintf(world.resources, sizeof(world.resources), "%s/resources", world.dir);
	world.builder.cpak = EVP_EC_gen("P-384");
	world.builder.rak = EVP_EC_gen("P-384");
	must(world.builder.cpak && world.builder.rak && tee_key_generate(&world.tee, &e) == 0);
	anchor_write();
	world.trustee = (struct trustee)TRUSTEE_INIT;
	must(trustee_open(&world.trustee, &options, NOW, &e) == 0);
	must(io_read_file(state_path("admin-token"), 4096, &world.admin, &e) == 0);
}

static void policies_remove(enum policies_kind kind)
{
	struct trustee *t = &world.trustee;
	struct error e = ERROR_INIT;
	json_t *ids = policies_list(&t->policies, kind, &e), *id;
	size_t i;

	must(ids != NULL);
	json_array_foreach(ids, i, id) {
		must(policies_set(&t->policies, &t->store, kind, json_string_value(id), NULL, &e) ==
		     0);
	}
	json_decref(ids);
}

/* Each input begins with the same state. */
static void world_reset(void)
{
	struct error e = ERROR_INIT;

	kbs_sessions_free(&world.trustee.sessions);
	world.trustee.sessions = (struct kbs_sessions)KBS_SESSIONS_INIT;
	reference_free(&world.trustee.reference);
	must(reference_load(&world.trustee.reference, NULL, 0, &e) == 0);
	world.trustee.policy = POLICY_AFFIRMING;
	policies_remove(POLICIES_ATTESTATION);
	policies_remove(POLICIES_RESOURCE);
	if (world.stored)
		nftw(world.resources, file_remove, 8, FTW_DEPTH | FTW_PHYS);
	world.challenge = (struct kbs_challenge)KBS_CHALLENGE_INIT;
	world.session[0] = '\0';
	world.stored = false;
}

/* --- what a fuzzer cannot make ---------------------------------------------------------------- */

/* Append the header of a bearer with an EAR of these claims. */
static void authorization_ear(struct part claims, struct bytes *out)
{
	json_t *payload = json_loadb((const char *)claims.data, claims.size, 0, NULL);
	json_t *header = json_pack("{s:s}", "alg", "ES256");
	struct error e = ERROR_INIT;

	bytes_append_text(out, "Bearer ");
	if (json_is_object(payload))
		jwt_sign(header, payload, world.trustee.ear_keys.signer.pkey, out, &e);
	json_decref(header);
	json_decref(payload);
}

/* Append a body of POST attest. */
static void evidence_make(struct part form, struct bytes *body)
{
	uint8_t challenge[REALM_CHALLENGE_SIZE];
	struct bytes token = BYTES_INIT;
	struct error e = ERROR_INIT;

	world.builder.fault = form.size ? form.data[0] % (CCA_BUILDER_TRAILING + 1) :
					  CCA_BUILDER_VALID;
	if (!world.challenge.nonce[0])
		strcpy(world.challenge.nonce, "none");
	must(kbs_realm_challenge(&world.challenge, &world.tee, challenge, NULL, &e) == 0);
	cca_builder_token(&world.builder, challenge, &token);
	must(kbs_attest_body(&world.challenge, &world.tee, token.data, token.len, body, &e) == 0);
	bytes_free(&token);
}

/* Append {"svn", "report_data"} over @runtime. */
static void sample_put(struct part svn, const json_t *runtime, struct bytes *out)
{
	uint8_t challenge[REALM_CHALLENGE_SIZE];
	struct bytes base64 = BYTES_INIT;
	struct error e = ERROR_INIT;
	char *text = part_text(svn);
	json_t *value, *evidence;

	must(handshake_challenge(runtime, challenge, &e) == 0);
	encode_base64(ENCODE_BASE64, challenge, 48, &base64);
	value = json_string(text);
	evidence = json_pack("{s:o*, s:s}", "svn", value, "report_data", bytes_text(&base64));
	must(evidence && json_compact(evidence, out, &e) == 0);
	json_decref(evidence);
	bytes_free(&base64);
	free(text);
}

/* Append a body of POST attest with evidence of the sample TEE. */
static void sample_make(struct part form, struct bytes *body)
{
	bool device = form.size && memchr(form.data, '\n', form.size);
	struct bytes primary = BYTES_INIT, additional = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *key = tee_key_jwk(&world.tee, &e), *runtime, *value;

	runtime = json_pack("{s:s, s:O}", "nonce", world.challenge.nonce, "tee-pubkey", key);
	must(runtime != NULL);
	if (device) {
		bytes_append_text(&additional, "{\"sampledevice\":");
		sample_put(part_until(&form, '\n'), runtime, &additional);
		bytes_append_text(&additional, "}");
	}
	must(json_object_set_new(runtime, "additional-evidence",
				 json_string(bytes_text(&additional))) == 0);
	sample_put(form, runtime, &primary);
	value = json_pack("{s:{s:s, s:o}, s:{s:o, s:s}}", "runtime-data", "nonce",
			  world.challenge.nonce, "tee-pubkey", key, "tee-evidence",
			  "primary_evidence", json_loads(bytes_text(&primary), 0, NULL),
			  "additional_evidence", bytes_text(&additional));
	must(value && json_compact(value, body, &e) == 0);
	json_decref(value);
	json_decref(runtime);
	bytes_free(&primary);
	bytes_free(&additional);
}

/* --- requests --------------------------------------------------------------------------------- */

static void reply_check(const struct reply *reply)
{
	struct error e = ERROR_INIT;
	json_t *body;

	must(reply->status >= 200 && reply->status < 500);
	must(!strpbrk(reply->cookie, "\r\n") && !strpbrk(reply->allow, "\r\n"));
	if (!reply->body.len)
		return;
	body = json_parse(reply->body.data, reply->body.len, JSON_OPERATOR, "reply", ERROR_INPUT,
			  &e);
	must(body != NULL);
	if (reply->status >= 300)
		must(json_object_get(body, "type") && json_object_get(body, "detail"));
	json_decref(body);
}

static void dispatch(const struct request *request)
{
	const struct http_service service = route_service(&world.trustee);
	struct reply reply = REPLY_INIT;
	struct http_body body = { 0 };
	struct error e = ERROR_INIT;

	must(service.admit(service.context, request, &body, &reply) || !body.max);
	reply_check(&reply);
	reply_free(&reply);
	service.dispatch(service.context, request, &reply);
	reply_check(&reply);
	if (reply.cookie[0])
		sscanf(reply.cookie, "kbs-session-id=%32[0-9a-f]", world.session);
	if (reply.cookie[0] && strstr(request->path, "auth"))
		must(kbs_auth_answer(&world.challenge, (int)reply.status, reply.body.data,
				     reply.body.len, &e) == 0);
	world.stored |= reply.status == 200 && !strcmp(request->method, "POST") &&
			strstr(request->path, "resource/");
	reply_free(&reply);
}

static char *word_take(struct part *line)
{
	return part_text(part_until(line, ' '));
}

/* End @path before its query. Returns the query, or NULL. */
static char *path_split(char *path)
{
	char *query = strchr(path, '?');

	if (query)
		*query++ = '\0';
	return query;
}

static void request_run(struct part input)
{
	struct part line = part_until(&input, '\n');
	char *method = word_take(&line), *path = word_take(&line);
	char *authorization = word_take(&line), *cookie = part_text(line);
	struct bytes header = BYTES_INIT, body = BYTES_INIT;
	struct request request = {
		.method = method,
		.path = path,
		.query = path_split(path),
		.session = strcmp(cookie, "last") ? cookie : world.session,
		.monotonic = 1000000,
		.now = NOW,
	};

	bytes_set(&body, input.data, input.size);
	if (!strcmp(authorization, "admin"))
		bytes_printf(&header, "Bearer %s", bytes_text(&world.admin));
	else if (!strcmp(authorization, "ear"))
		authorization_ear(input, &header);
	else
		bytes_append_text(&header, authorization);
	if (!strcmp(method, "CCA")) {
		request.method = "POST";
		bytes_clear(&body);
		evidence_make(input, &body);
	} else if (!strcmp(method, "SAMPLE")) {
		request.method = "POST";
		bytes_clear(&body);
		sample_make(input, &body);
	}
	request.authorization = header.len ? bytes_text(&header) : NULL;
	request.body = body.data;
	request.len = body.len;
	dispatch(&request);
	bytes_free(&header);
	bytes_free(&body);
	free(method);
	free(path);
	free(authorization);
	free(cookie);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct part input = { data, size };

	if (!world.dir[0])
		world_open();
	world_reset();
	world.trustee.recheck = size > 0 && data[0] == '+';
	if (world.trustee.recheck)
		part_take(&input, 1);
	for (int i = 0; input.size && i < REQUESTS_MAX; i++)
		request_run(part_until(&input, '\0'));
	return 0;
}
