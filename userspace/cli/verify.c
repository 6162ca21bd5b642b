// SPDX-License-Identifier: Apache-2.0
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/io.h"
#include "base/json.h"
#include "cli.h"
#include "ear/ear.h"
#include "jose/jwk.h"
#include "jose/jwt.h"
#include "jose/x5c.h"

#define KEY_MAX ((size_t)256 << 10)

struct options {
	const char *key, *cert, *ca;
	bool json;
};

static const struct args_option own[] = {
	{ .name = "key",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, key),
	  .value = "JWK",
	  .help = "the verifier's public key, a JWK, or a set of them (JWKS)" },
	{ .name = "cert",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, cert),
	  .value = "PEM",
	  .help = "the verifier's certificate" },
	{ .name = "ca",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, ca),
	  .value = "FILE",
	  .help = "CA certificates (PEM), to one of which the certificates in the EAR lead" },
	CLI_JSON_OPTION(struct options, "print one JSON object: key, key-given, claims"),
	{ 0 },
};

static const struct args_option *const tables[] = { own, NULL };

static const struct args_spec spec = {
	.name = "realmkey verify",
	.operands = "EAR",
	.operands_min = 1,
	.operands_max = 1,
	.about = "Checks the signature and the times of an attestation result (EAR; - is standard\n"
		 "input), prints its claims, and explains its trustworthiness vectors.",
	.options = tables,
	.notes = "Without --key, --cert or --ca the key in the token's own header is used. This\n"
		 "shows that the token is intact, but not by whom it was signed.",
};

/* The key of the set @keys that the token names by "kid"; without that, the only key. */
static const json_t *key_of_set(const json_t *keys, const struct jwt *jwt, const char *path,
				struct error *e)
{
	const char *kid = json_string_value(json_object_get(jwt->header, "kid"));
	const json_t *key;
	size_t i;

	if (!kid && json_array_size(keys) == 1)
		return json_array_get(keys, 0);
	json_array_foreach((json_t *)keys, i, key) {
		const char *name = json_string_value(json_object_get(key, "kid"));

		if (kid && name && !strcmp(name, kid))
			return key;
	}
	if (kid)
		error_set(e, ERROR_ATTESTATION, "%s: no key with kid '%.64s', which signed the EAR",
			  path, kid);
	else
		error_set(e, ERROR_ATTESTATION,
			  "%s: %zu keys, and the EAR names none of them (kid)", path,
			  json_array_size(keys));
	return NULL;
}

static EVP_PKEY *key_from_jwk(const char *path, const struct jwt *jwt, struct error *e)
{
	struct bytes text = BYTES_INIT;
	json_t *jwk = NULL, *keys;
	const json_t *chosen;
	EVP_PKEY *key = NULL;

	if (io_read_file(path, KEY_MAX, &text, e) == 0)
		jwk = json_parse(text.data, text.len, JSON_OPERATOR, path, ERROR_INPUT, e);
	keys = json_object_get(jwk, "keys");
	chosen = json_is_array(keys) ? key_of_set(keys, jwt, path, e) : jwk;
	if (chosen)
		key = jwk_public_key(chosen, path, e);
	json_decref(jwk);
	bytes_free(&text);
	return key;
}

static EVP_PKEY *key_from_ca(const char *path, const struct jwt *jwt, struct error *e)
{
	struct bytes text = BYTES_INIT;
	EVP_PKEY *key = NULL;

	if (io_read_file(path, KEY_MAX, &text, e) == 0)
		key = x5c_key(jwt->header, text.data, text.len, clock_wall_s(), e);
	if (!key && e->kind == ERROR_INPUT)
		error_add(e, "%s", path);
	bytes_free(&text);
	return key;
}

static EVP_PKEY *key_from_cert(const char *path, struct error *e)
{
	struct bytes text = BYTES_INIT;
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	BIO *bio = NULL;

	if (io_read_file(path, KEY_MAX, &text, e) < 0)
		goto out;
	crypto_begin();
	bio = BIO_new_mem_buf(text.data, (int)text.len);
	cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	key = cert ? X509_get_pubkey(cert) : NULL;
	if (!key)
		crypto_error(e, ERROR_INPUT, "%s: not a certificate in PEM", path);
out:
	X509_free(cert);
	BIO_free(bio);
	bytes_free(&text);
	return key;
}

/* The key to check with; *@name receives its name for messages. */
static EVP_PKEY *key_find(const struct options *options, const struct jwt *jwt, const char **name,
			  struct error *e)
{
	json_t *jwk;

	*name = options->key  ? options->key :
		options->cert ? options->cert :
		options->ca   ? options->ca :
				"JWK header";
	if (options->ca)
		return key_from_ca(options->ca, jwt, e);
	if (options->key)
		return key_from_jwk(options->key, jwt, e);
	if (options->cert)
		return key_from_cert(options->cert, e);
	jwk = json_member_object(jwt->header, "jwk", "JWT header", ERROR_ATTESTATION, e);
	return jwk ? jwk_public_key(jwk, "JWT header: jwk", e) : NULL;
}

static bool key_given(const struct options *options)
{
	return options->key || options->cert || options->ca;
}

static int result_output(const struct options *options, const char *file, const char *name,
			 const struct jwt *jwt, const struct ear *ear, struct error *e)
{
	struct bytes out = BYTES_INIT;
	json_t *value;
	int ret;

	if (options->json) {
		value = json_pack("{s:s, s:b, s:O}", "key", name, "key-given", key_given(options),
				  "claims", jwt->payload);
		ret = value ? cli_output_json(value, e) : error_set_memory(e);
		json_decref(value);
		return ret;
	}
	bytes_printf(&out,
		     ">> \"%s\" signature successfully verified using \"%s\" key\n"
		     "[claims-set]\n",
		     file, name);
	ret = json_pretty(ear->payload, &out, e);
	if (ret == 0) {
		ear_print_vectors(ear, &out);
		ret = cli_output(&out, e);
	}
	bytes_free(&out);
	return ret;
}

static int token_check(const struct options *options, const struct jwt *jwt, const char **name,
		       bool *expires, struct error *e)
{
	EVP_PKEY *key = key_find(options, jwt, name, e);
	int ret = -1;

	if (key && jwt_verify(jwt, key, e) == 0) {
		ret = jwt_check_times(jwt, clock_wall_s(), JWT_LEEWAY, expires, e);
		if (ret < 0 && clock_explain(e) < 0)
			clock_doubt(e);
	}
	EVP_PKEY_free(key);
	return ret;
}

static int verify(const struct options *options, const char *file, struct error *e)
{
	struct bytes text = BYTES_INIT;
	struct jwt jwt = JWT_INIT;
	struct ear ear = EAR_INIT;
	const char *name;
	bool expires = false;
	int ret = -1;

	if (!!options->key + !!options->cert + !!options->ca > 1)
		return error_set(e, ERROR_USAGE, "--key, --cert and --ca exclude each other");
	if (cli_read_text(file, JWT_MAX, &text, e) < 0)
		goto out;
	if (jwt_decode(text.data, text.len, &jwt, e) < 0) {
		error_reclassify(e, ERROR_ANY, ERROR_INPUT); /* it is not a token */
		error_add(e, "%s", file);
		goto out;
	}
	if (token_check(options, &jwt, &name, &expires, e) < 0 ||
	    ear_from_payload(jwt.payload, &ear, e) < 0) {
		if (e->kind == ERROR_ATTESTATION)
			error_add(e, "%s", file);
		goto out;
	}
	ret = result_output(options, file, name, &jwt, &ear, e);
	if (ret == 0 && !expires)
		cli_warn("verify", "the EAR does not expire: it has no \"exp\", so only \"iat\" "
				   "shows its age");
	if (ret == 0 && !key_given(options))
		cli_warn("verify", "the key came with the token: this does not prove who signed it "
				   "(--key, --cert, --ca)");
out:
	ear_free(&ear);
	jwt_free(&jwt);
	bytes_free(&text);
	return ret;
}

int command_verify(int argc, char **argv)
{
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	const char *file;
	int code;

	if (!cli_parse(&spec, argc, argv, &options, &file, &code))
		return code;
	return verify(&options, file, &e) < 0 ? cli_fail(argv[0], &e) : 0;
}
