// SPDX-License-Identifier: Apache-2.0
/* Keys: that with which trusteed signs EARs, and that of an operator, who signs tokens with it. */
#include <openssl/evp.h>
#include <stddef.h>
#include <time.h>

#include "admin.h"
#include "base/io.h"
#include "jose/jwt.h"
#include "jose/tee_key.h"

#define KEY_MAX	     ((size_t)32 << 10)
#define DAYS_DEFAULT 30
#define DAYS_MAX     3650

/* --- rotate-ear-key -------------------------------------------------------------------------- */

static const struct args_option rotate_options[] = {
	{ .name = "withdraw",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct admin_options, withdraw),
	  .help = "refuse EARs of all earlier keys at once, as after one was stolen" },
	{ 0 },
};

const struct args_spec admin_rotate_ear_key_spec = {
	.name = "realmkey admin rotate-ear-key",
	.operands = "",
	.about =
		"Has trusteed make a new key, with which it signs EARs from now on. EARs that the\n"
		"old key signed stay valid until they expire, except with --withdraw: their\n"
		"clients then attest again. Trustee does not have this request.",
	.options = ADMIN_OPTIONS(rotate_options),
};

int admin_rotate_ear_key(const struct admin_options *options, const char *const *operand,
			 struct error *e)
{
	const struct admin_request request = { options->withdraw ? "DELETE" : "POST", "ear-key",
					       NULL, "EAR key" };

	(void)operand;
	if (admin_check(options, e) < 0 || admin_ask(options, &request, NULL, e) < 0)
		return -1;
	return admin_say(e, "EARs are signed with a new key%s",
			 options->withdraw ? ", and those of earlier keys are refused" : "");
}

/* --- make-token ------------------------------------------------------------------------------ */

static const struct args_option token_options[] = {
	{ .name = "key",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct admin_options, key_file),
	  .value = "FILE",
	  .help = "the operator's private key (PEM, not encrypted): Ed25519, P-256, P-384 or "
		  "RSA (required)" },
	{ .name = "output",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct admin_options, output),
	  .value = "FILE",
	  .help = "write the token to FILE, atomically, with mode 0600 (- is standard output; required)" },
	{ .name = "days",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct admin_options, days),
	  .value = "N",
	  .help = "how long the token is valid (default 30)",
	  .min = 1,
	  .max = DAYS_MAX },
	{ .name = "role",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct admin_options, role),
	  .value = "ROLE",
	  .help = "its claim \"role\", which Trustee's access list names (default admin)" },
	{ .name = "issuer",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct admin_options, issuer),
	  .value = "TEXT",
	  .help = "its claim \"iss\", if the KBS expects one" },
	{ .name = "audience",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct admin_options, audience),
	  .value = "TEXT",
	  .help = "its claim \"aud\", if the KBS expects one" },
	{ 0 },
};

static const struct args_option *const token_tables[] = { token_options, NULL };

const struct args_spec admin_make_token_spec = {
	.name = "realmkey admin make-token",
	.operands = "",
	.about = "Signs an operator's token (JWT) for --admin-token-file, without a connection.\n"
		 "The KBS knows the public half of the key.",
	.options = token_tables,
	.notes = "openssl genpkey -algorithm ed25519 -out FILE makes a key.",
};

static EVP_PKEY *operator_key_read(const char *path, struct error *e)
{
	struct bytes pem = BYTES_LOCKED_INIT;
	EVP_PKEY *key = NULL;

	if (io_read_file(path, KEY_MAX, &pem, e) == 0)
		key = private_key_from_pem(pem.data, pem.len, path, e);
	bytes_free(&pem);
	return key;
}

/* Set the member @name of @claims to @text, unless that is NULL. */
static int claim_set(json_t *claims, const char *name, const char *text, struct error *e)
{
	json_t *value;

	if (!text)
		return 0;
	value = cli_json_text(text, name, ERROR_USAGE, e);
	if (!value)
		return -1;
	return json_object_set_new(claims, name, value) < 0 ? error_set_memory(e) : 0;
}

static json_t *operator_claims(const struct admin_options *options, struct error *e)
{
	const json_int_t now = (json_int_t)time(NULL);
	const unsigned int days = options->days ? options->days : DAYS_DEFAULT;
	json_t *claims = json_pack("{s:I, s:I}", "iat", now, "exp",
				   now + (json_int_t)days * 24 * 60 * 60);

	if (!claims) {
		error_set_memory(e);
		return NULL;
	}
	if (claim_set(claims, "role", options->role ? options->role : "admin", e) == 0 &&
	    claim_set(claims, "iss", options->issuer, e) == 0 &&
	    claim_set(claims, "aud", options->audience, e) == 0)
		return claims;
	json_decref(claims);
	return NULL;
}

/* The algorithm that the header of a token of @key names, or NULL. */
static const char *operator_algorithm(EVP_PKEY *key)
{
	if (!jwt_supports(key))
		return NULL;
	if (EVP_PKEY_is_a(key, "RSA"))
		return "RS256";
	if (EVP_PKEY_is_a(key, "EC"))
		return EVP_PKEY_get_bits(key) == 256 ? "ES256" : "ES384";
	return "EdDSA";
}

static int token_sign(EVP_PKEY *key, const json_t *claims, const char *path, struct bytes *token,
		      struct error *e)
{
	const char *algorithm = operator_algorithm(key);
	json_t *header;
	int ret;

	if (!algorithm)
		return error_set(e, ERROR_INPUT, "%s: neither Ed25519, P-256, P-384 nor RSA", path);
	header = json_pack("{s:s, s:s}", "typ", "JWT", "alg", algorithm);
	ret = header ? jwt_sign(header, claims, key, token, e) : error_set_memory(e);
	json_decref(header);
	bytes_append_text(token, "\n");
	return ret < 0 ? error_add(e, "%s", path) : bytes_check(token, e);
}

int admin_make_token(const struct admin_options *options, const char *const *operand,
		     struct error *e)
{
	struct bytes token = BYTES_LOCKED_INIT;
	json_t *claims = NULL;
	EVP_PKEY *key = NULL;
	int ret = -1;

	(void)operand;
	if (!options->key_file || !options->output)
		return error_set(e, ERROR_USAGE, "--key and --output are required");
	claims = operator_claims(options, e);
	if (claims)
		key = operator_key_read(options->key_file, e);
	if (key && token_sign(key, claims, options->key_file, &token, e) == 0)
		ret = io_write_file(options->output, 0600, token.data, token.len, e);
	json_decref(claims);
	EVP_PKEY_free(key);
	bytes_free(&token);
	return ret;
}
