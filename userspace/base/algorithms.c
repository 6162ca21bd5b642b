// SPDX-License-Identifier: Apache-2.0
/*
 * A library context whose one active provider offers a part of the default provider's tables. The
 * default provider is loaded into the context too, because its algorithms need its state, and is
 * deactivated before anything is fetched: what its algorithms fetch themselves (a digest for ECDSA)
 * comes from our provider as well.
 */
#include "algorithms.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/random.h>

#include "array.h"

#define PROVIDER  "realmkey"
#define GETRANDOM "GETRANDOM"

/* --- random bytes ---------------------------------------------------------------------------- */

/* The kernel's generator needs no other in front of it. One of OpenSSL's would fetch a cipher, and have a
 * state that a fork must not share. */

static char random_context; /* there is no state */

static void *random_new(void *provider, void *parent, const OSSL_DISPATCH *calls)
{
	(void)provider, (void)parent, (void)calls;
	return &random_context;
}

static void random_free(void *context)
{
	(void)context;
}

static int random_instantiate(void *context, unsigned int strength, int resistance,
			      const unsigned char *data, size_t len, const OSSL_PARAM params[])
{
	(void)context, (void)strength, (void)resistance, (void)data, (void)len, (void)params;
	return 1;
}

static int random_done(void *context)
{
	(void)context;
	return 1;
}

static int random_generate(void *context, unsigned char *out, size_t len, unsigned int strength,
			   int resistance, const unsigned char *data, size_t data_len)
{
	(void)context, (void)strength, (void)resistance, (void)data, (void)data_len;
	while (len) {
		ssize_t n = getrandom(out, len < 256 ? len : 256, 0);

		if (n < 0)
			return 0;
		out += n;
		len -= (size_t)n;
	}
	return 1;
}

static void random_unlock(void *context)
{
	(void)context;
}

static int random_get_params(void *context, OSSL_PARAM params[])
{
	OSSL_PARAM *state = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STATE);
	OSSL_PARAM *strength = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STRENGTH);
	OSSL_PARAM *most = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_MAX_REQUEST);

	(void)context;
	return (!state || OSSL_PARAM_set_int(state, EVP_RAND_STATE_READY)) &&
	       (!strength || OSSL_PARAM_set_uint(strength, 256)) &&
	       (!most || OSSL_PARAM_set_size_t(most, 1 << 16));
}

#define CALL(id, function) { (id), (void (*)(void))(function) }

static const OSSL_DISPATCH random_calls[] = {
	CALL(OSSL_FUNC_RAND_NEWCTX, random_new),
	CALL(OSSL_FUNC_RAND_FREECTX, random_free),
	CALL(OSSL_FUNC_RAND_INSTANTIATE, random_instantiate),
	CALL(OSSL_FUNC_RAND_UNINSTANTIATE, random_done),
	CALL(OSSL_FUNC_RAND_GENERATE, random_generate),
	CALL(OSSL_FUNC_RAND_ENABLE_LOCKING, random_done),
	CALL(OSSL_FUNC_RAND_LOCK, random_done),
	CALL(OSSL_FUNC_RAND_UNLOCK, random_unlock),
	CALL(OSSL_FUNC_RAND_GET_CTX_PARAMS, random_get_params),
	{ 0 },
};

static const OSSL_ALGORITHM random_algorithms[] = {
	{ GETRANDOM, "provider=" PROVIDER, random_calls, "getrandom(2)" },
	{ 0 },
};

/* --- the part of the default provider -------------------------------------------------------- */

#define KEPT_MAX 24

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

/*
 * The algorithms that one kind of operation has here: those whose first name is in @names, which ends
 * with NULL, and whose properties contain @property. The newest names are not known to older versions
 * of OpenSSL.
 */
struct kind {
	int operation;
	const char *const *names;
	const char *property;
	OSSL_ALGORITHM kept[KEPT_MAX];
};

/* What TLS 1.2 and 1.3 agree on with every server of today, and what signatures of certificates use. TLS
 * uses HMAC as a key that signs, too. SHA-1 is for HMAC in suites of TLS 1.2. ML-KEM uses SHA-3. */
static struct kind for_tls[] = {
	{ .operation = OSSL_OP_DIGEST,
	  .names = NAMES("SHA1", "SHA2-256", "SHA2-384", "SHA2-512", "SHA3-256", "SHA3-512",
			 "SHAKE-128", "SHAKE-256") },
	{ .operation = OSSL_OP_CIPHER,
	  .names = NAMES("AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305", "AES-128-CBC",
			 "AES-256-CBC") },
	{ .operation = OSSL_OP_MAC, .names = NAMES("HMAC") },
	{ .operation = OSSL_OP_KDF, .names = NAMES("HKDF", "TLS13-KDF", "TLS1-PRF") },
	{ .operation = OSSL_OP_KEYMGMT,
	  .names = NAMES("RSA", "RSA-PSS", "EC", "X25519", "ED25519", "X25519MLKEM768",
			 "ML-KEM-768", "HMAC") },
	{ .operation = OSSL_OP_KEYEXCH, .names = NAMES("ECDH", "X25519") },
	{ .operation = OSSL_OP_SIGNATURE, .names = NAMES("RSA", "ECDSA", "ED25519", "HMAC") },
	{ .operation = OSSL_OP_ASYM_CIPHER, .names = NAMES("RSA") },
	{ .operation = OSSL_OP_KEM, .names = NAMES("X25519MLKEM768", "ML-KEM-768") },
	{ .operation = OSSL_OP_DECODER,
	  .names = NAMES("RSA", "RSA-PSS", "EC", "ED25519"),
	  .property = "structure=SubjectPublicKeyInfo" },
};

/* What keys and signatures of tokens and EARs use, and what opens a secret. */
static struct kind for_secrets[] = {
	{ .operation = OSSL_OP_DIGEST, .names = NAMES("SHA1", "SHA2-256", "SHA2-384", "SHA2-512") },
	{ .operation = OSSL_OP_CIPHER, .names = NAMES("AES-256-GCM", "AES-256-WRAP") },
	{ .operation = OSSL_OP_KDF, .names = NAMES("SSKDF") },
	{ .operation = OSSL_OP_KEYMGMT, .names = NAMES("RSA", "EC", "ED25519") },
	{ .operation = OSSL_OP_KEYEXCH, .names = NAMES("ECDH") },
	{ .operation = OSSL_OP_SIGNATURE, .names = NAMES("RSA", "ECDSA", "ED25519") },
	{ .operation = OSSL_OP_ASYM_CIPHER, .names = NAMES("RSA") },
	{ .operation = OSSL_OP_ENCODER,
	  .names = NAMES("RSA", "EC"),
	  .property = "structure=PrivateKeyInfo" },
	{ .operation = OSSL_OP_DECODER, .names = NAMES("RSA", "EC", "ED25519", "DER") },
};

/* The tables, of which a process uses one. */
static const struct {
	struct kind *kinds;
	size_t count;
} tables[] = {
	[ALGORITHMS_TLS] = { for_tls, ARRAY_SIZE(for_tls) },
	[ALGORITHMS_SECRETS] = { for_secrets, ARRAY_SIZE(for_secrets) },
};

/* Groups for the exchange of keys in TLS. */
static const char *const groups[] = {
	"X25519MLKEM768", "x25519", "secp256r1", "secp384r1", "secp521r1",
};

static OSSL_LIB_CTX *library;
static EVP_ASYM_CIPHER *holder; /* of the default provider: default_provider_hold() */
static enum algorithms chosen;

static OSSL_PROVIDER *default_provider(void)
{
	return EVP_ASYM_CIPHER_get0_provider(holder);
}

/* Whether the kind has this algorithm, whose names are separated by colons. */
static bool kind_has(const struct kind *kind, const OSSL_ALGORITHM *algorithm)
{
	const size_t len = strcspn(algorithm->algorithm_names, ":");

	if (kind->property && !strstr(algorithm->property_definition, kind->property))
		return false;
	for (const char *const *name = kind->names; *name; name++)
		if (strlen(*name) == len && !strncmp(*name, algorithm->algorithm_names, len))
			return true;
	return false;
}

static void kind_fill(struct kind *kind)
{
	int no_cache;
	const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(default_provider(),
								  kind->operation, &no_cache);
	size_t count = 0;

	for (; all && all->algorithm_names && count < KEPT_MAX - 1; all++)
		if (kind_has(kind, all))
			kind->kept[count++] = *all;
}

static const OSSL_ALGORITHM *part_query(void *provider, int operation, int *no_cache)
{
	(void)provider;
	*no_cache = 0;
	if (operation == OSSL_OP_RAND)
		return random_algorithms;
	for (size_t i = 0; i < tables[chosen].count; i++) {
		struct kind *kind = &tables[chosen].kinds[i];

		if (kind->operation != operation)
			continue;
		if (!kind->kept[0].algorithm_names)
			kind_fill(kind);
		return kind->kept;
	}
	return NULL;
}

struct group_receiver {
	OSSL_CALLBACK *call;
	void *arg;
};

static int group_filter(const OSSL_PARAM params[], void *arg)
{
	const OSSL_PARAM *name = OSSL_PARAM_locate_const(params, OSSL_CAPABILITY_TLS_GROUP_NAME);
	const struct group_receiver *receiver = arg;
	const char *text;

	if (!name || !OSSL_PARAM_get_utf8_string_ptr(name, &text))
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (!strcmp(groups[i], text))
			return receiver->call(params, receiver->arg);
	return 1;
}

static int part_capabilities(void *provider, const char *capability, OSSL_CALLBACK *call, void *arg)
{
	struct group_receiver receiver = { call, arg };

	(void)provider;
	return strcmp(capability, "TLS-GROUP") ?
		       0 :
		       OSSL_PROVIDER_get_capabilities(default_provider(), capability, group_filter,
						      &receiver);
}

static const OSSL_DISPATCH part_calls[] = {
	CALL(OSSL_FUNC_PROVIDER_QUERY_OPERATION, part_query),
	CALL(OSSL_FUNC_PROVIDER_GET_CAPABILITIES, part_capabilities),
	{ 0 },
};

/* The algorithms run with the context of the provider that they come from. */
static int part_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
		     const OSSL_DISPATCH **calls, void **provider)
{
	(void)handle, (void)core;
	*calls = part_calls;
	*provider = OSSL_PROVIDER_get0_provider_ctx(default_provider());
	return 1;
}

/* --- the context ----------------------------------------------------------------------------- */

/*
 * The default provider lives as long as its last user, and an algorithm that was fetched is one. RSA's
 * encryption is in the shortest of its tables, of which a fetch prepares all rows.
 */
static bool default_provider_hold(void)
{
	OSSL_PROVIDER *whole = OSSL_PROVIDER_load(library, "default");

	holder = whole ? EVP_ASYM_CIPHER_fetch(library, "RSA", NULL) : NULL;
	return holder && OSSL_PROVIDER_unload(whole) == 1;
}

static bool part_add(void)
{
	return OSSL_PROVIDER_add_builtin(library, PROVIDER, part_init) == 1 &&
	       OSSL_PROVIDER_load(library, PROVIDER) &&
	       RAND_set_DRBG_type(library, GETRANDOM, NULL, NULL, NULL) == 1 &&
	       RAND_set_seed_source_type(library, GETRANDOM, NULL) == 1;
}

bool algorithms_limit(enum algorithms which)
{
	static bool limited;

	if (limited)
		return which == chosen;
	chosen = which;
	library = OSSL_LIB_CTX_new();
	if (!library || !default_provider_hold() || !part_add() ||
	    !OSSL_LIB_CTX_set0_default(library))
		return false;
	/* The verification of certificates looks digests up in a table, which is otherwise filled with all
	 * of them. OpenSSL's first fetch copies the names of this table, so it is filled afterwards. */
	limited = EVP_add_digest(EVP_sha1()) && EVP_add_digest(EVP_sha256()) &&
		  EVP_add_digest(EVP_sha384()) && EVP_add_digest(EVP_sha512());
	return limited;
}
