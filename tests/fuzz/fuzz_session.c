// SPDX-License-Identifier: Apache-2.0
/*
 * A session with a KBS that answers as the input says: each answer is a byte with its form, two bytes
 * with the HTTP status, two with a length, and that much of text. Encryption and signatures are made
 * here, so the input can contain the plain text of a resource and the claims of an EAR. The realm's
 * token is the rest of the input. This file defines the functions of courier.h and rsi_*().
 */
#include "base/json.h"
#include "fuzz.h"
#include "jose/jwe.h"
#include "jose/jwt.h"
#include "kbs/session.h"

static struct {
	struct part input;
	json_t *jwk; /* the TEE key, from the last attestation */
	EVP_PKEY *key;
} kbs;

/* Replace the claims in @body by an EAR with them. */
static void ear_answer(struct bytes *body)
{
	json_t *payload = json_loadb((const char *)body->data, body->len, 0, NULL);
	json_t *header = json_pack("{s:s}", "alg", "ES256");
	struct bytes ear = BYTES_INIT;
	struct error e = ERROR_INIT;

	if (json_is_object(payload) && jwt_sign(header, payload, kbs.key, &ear, &e) == 0) {
		bytes_clear(body);
		bytes_printf(body, "{\"token\":\"%s\"}", bytes_text(&ear));
	}
	bytes_free(&ear);
	json_decref(header);
	json_decref(payload);
}

/* Replace the plain text in @body by a JWE for the TEE key. */
static void resource_answer(struct bytes *body)
{
	struct bytes sealed = BYTES_INIT;
	struct error e = ERROR_INIT;

	if (kbs.jwk && jwe_seal(kbs.jwk, body->data, body->len, NULL, &sealed, &e) == 0)
		bytes_swap(&sealed, body);
	bytes_free(&sealed);
}

static void key_remember(const struct message *m)
{
	struct error e = ERROR_INIT;
	json_t *body = json_parse(m->field[0].data, m->field[0].len, JSON_OPERATOR, "attest",
				  ERROR_INPUT, &e);

	must(body != NULL);
	json_decref(kbs.jwk);
	kbs.jwk = json_incref(json_object_get(json_object_get(body, "runtime-data"), "tee-pubkey"));
	json_decref(body);
}

int courier_call(struct courier *courier, const struct message *m, int *status, struct bytes *body,
		 struct error *e)
{
	uint64_t form = part_number(&kbs.input, 1);
	struct part text;

	(void)courier;
	if (!kbs.input.size)
		return error_set_transient(e, ERROR_NETWORK, "no more answers");
	if (m->type == MESSAGE_ATTEST)
		key_remember(m);
	*status = (int)(part_number(&kbs.input, 2) % 1000);
	text = part_take(&kbs.input, part_number(&kbs.input, 2));
	bytes_set(body, text.data, text.size);
	if (form & 1 && m->type == MESSAGE_ATTEST)
		ear_answer(body);
	if (form & 1 && m->type == MESSAGE_RESOURCE)
		resource_answer(body);
	return bytes_check(body, e);
}

int courier_send(struct courier *courier, const struct message *m, struct error *e)
{
	(void)courier, (void)e;
	must(m->type == MESSAGE_AUTH);
	return 0;
}

int courier_receive(struct courier *courier, int *status, struct bytes *body, struct error *e)
{
	const struct message m = { .type = MESSAGE_AUTH };

	return courier_call(courier, &m, status, body, e);
}

void courier_stop(struct courier *courier)
{
	(void)courier;
}

int rsi_token_get(struct rsi *rsi, const uint8_t challenge[REALM_CHALLENGE_SIZE],
		  struct bytes *token, uint64_t *records, struct error *e)
{
	struct part text = part_take(&kbs.input, part_number(&kbs.input, 2));

	(void)rsi;
	(void)records;
	bytes_append(token, challenge, text.size ? 0 : REALM_CHALLENGE_SIZE);
	bytes_append(token, text.data, text.size);
	return bytes_check(token, e);
}

int rsi_measurement_get(struct rsi *rsi, unsigned int index, uint8_t value[HASH_SIZE_MAX],
			size_t *size, struct error *e)
{
	(void)rsi;
	(void)index;
	(void)e;
	memset(value, 0xa1, HASH_SIZE_MAX);
	*size = 32;
	return 0;
}

void rsi_close(struct rsi *rsi)
{
	(void)rsi;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct session s = SESSION_INIT;
	static struct tee_key key;
	struct bytes secret = BYTES_INIT;
	struct error first = ERROR_INIT;
	int ret;

	must(key.pkey || tee_key_generate(&key, &first) == 0);
	kbs.key = key.pkey;
	kbs.input = (struct part){ data, size };
	for (int i = 0; i < 3; i++) {
		struct error e = ERROR_INIT;

		bytes_clear(&secret);
		ret = session_get(&s, "a/b/c", &secret, &e);
		if (ret < 0) /* the error of a first try stays after a second that succeeds */
			must_explain(ret, &e);
		must(ret == 0 || !secret.len);
	}
	bytes_free(&secret);
	session_close(&s);
	json_decref(kbs.jwk);
	kbs.jwk = NULL;
	return 0;
}
