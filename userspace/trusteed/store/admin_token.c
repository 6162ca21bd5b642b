// SPDX-License-Identifier: Apache-2.0
#include "admin_token.h"

#include <string.h>

#include "base/json.h"

#define ISSUER "trusteed"
#define ROLE   "admin"

int admin_token_issue(EVP_PKEY *key, int64_t now, struct bytes *out, struct error *e)
{
	json_t *header = json_pack("{s:s, s:s}", "typ", "JWT", "alg", "ES256");
	json_t *payload = json_pack("{s:s, s:s, s:I, s:I}", "iss", ISSUER, "role", ROLE, "iat",
				    (json_int_t)now, "exp",
				    (json_int_t)now + ADMIN_TOKEN_DAYS * INT64_C(86400));
	int ret = -1;

	if (!header || !payload)
		error_set_memory(e);
	else
		ret = jwt_sign(header, payload, key, out, e);
	json_decref(header);
	json_decref(payload);
	return ret;
}

static int admin_token_claim(const struct jwt *jwt, const char *claim, const char *value,
			     struct error *e)
{
	const char *text = json_member_text(jwt->payload, claim, "admin token", ERROR_POLICY, e);

	if (!text)
		return -1;
	if (strcmp(text, value) != 0)
		return error_set(e, ERROR_POLICY, "admin token: %s is not '%s'", claim, value);
	return 0;
}

int admin_token_check_claims(const struct jwt *jwt, struct error *e)
{
	if (admin_token_claim(jwt, "iss", ISSUER, e) < 0)
		return -1;
	return admin_token_claim(jwt, "role", ROLE, e);
}

int admin_token_check(EVP_PKEY *key, const char *text, size_t len, int64_t now, struct error *e)
{
	struct jwt jwt = JWT_INIT;
	int ret = -1;

	if (!text)
		return error_set(e, ERROR_POLICY, "no bearer token");
	if (jwt_decode(text, len, &jwt, e) == 0 && jwt_verify(&jwt, key, e) == 0 &&
	    jwt_check_times(&jwt, now, JWT_LEEWAY, NULL, e) == 0 &&
	    admin_token_check_claims(&jwt, e) == 0)
		ret = 0;
	jwt_free(&jwt);
	return ret;
}

bool admin_token_ahead(EVP_PKEY *key, const char *text, size_t len, int64_t now)
{
	struct error e = ERROR_INIT;
	struct jwt jwt = JWT_INIT;
	int64_t issued = 0;

	if (jwt_decode(text, len, &jwt, &e) == 0)
		issued = json_integer_value(json_object_get(jwt.payload, "iat"));
	jwt_free(&jwt);
	return issued > now && admin_token_check(key, text, len, issued, &e) == 0;
}
