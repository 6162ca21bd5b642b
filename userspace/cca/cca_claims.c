// SPDX-License-Identifier: Apache-2.0
#include "cca_claims.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/hash.h"
#include "cca_profile.h"

#define CLAIM_PROFILE 265

/* Where the claims of one map are stored, and the name of that map in messages. */
struct target {
	void *claims; /* struct cca_platform, cca_realm or cca_component */
	const char *name;
	struct cca_verdict *verdict;
};

struct claim {
	int64_t key;
	const char *name; /* as the specifications call it */
	enum cbor_node_kind kind;
	unsigned int required, optional, forbidden; /* profile generations; others ignore it */
	uint8_t size[3];			    /* bytes it may have; { 0 } is any number */
	bool stored; /* as it is, at @offset: a struct cbor_slice or char[room] */
	size_t offset, room;
	/* Checks what the columns above cannot say, and stores what is not stored as it is. */
	int (*judge)(const struct target *target, const struct claim *claim,
		     const struct cbor_node *value);
};

#define HASH_SIZES { 32, 48, 64 }
#define SLICE(type, field) \
	.kind = CBOR_NODE_BYTES, .stored = true, .offset = offsetof(struct type, field)
#define TEXT(type, field) \
	.kind = CBOR_NODE_TEXT, .stored = true, .offset = offsetof(struct type, field), \
	.room = sizeof(((struct type *)0)->field)

static const char *const lifecycle_names[] = {
	"unknown",	  "assembly and test",		"provisioning",
	"secured",	  "non-CCA-platform-RoT debug", "recoverable CCA-platform-RoT debug",
	"decommissioned",
};

/* The state is in bits 15:8 and always a multiple of 0x10; the vendor defines the low byte. */
const char *cca_lifecycle_name(uint16_t lifecycle)
{
	unsigned int state = lifecycle >> 8;

	return state % 0x10 == 0 && state / 0x10 < ARRAY_SIZE(lifecycle_names) ?
		       lifecycle_names[state / 0x10] :
		       NULL;
}

static int char_escape(char out[5], uint8_t c)
{
	if (c == '\\')
		return snprintf(out, 5, "\\\\");
	return snprintf(out, 5, c < ' ' || c > '~' ? "\\x%02x" : "%c", c);
}

/*
 * Copy text as printable ASCII: other bytes become \xNN, and a backslash is doubled. The result has
 * no control characters, so a terminal can show it, and no two texts become the same. -1 if it does
 * not fit.
 */
static int text_copy(const struct cbor_node *node, char *out, size_t room)
{
	char piece[5];
	size_t at = 0;

	out[0] = '\0';
	for (uint64_t i = 0; i < node->value; i++) {
		size_t n = (size_t)char_escape(piece, node->data[i]);

		if (n >= room - at)
			return -1;
		memcpy(out + at, piece, n + 1);
		at += n;
	}
	return 0;
}

static const char *kind_name(enum cbor_node_kind kind)
{
	static const char *const names[] = {
		[CBOR_NODE_UINT] = "an integer",
		[CBOR_NODE_NINT] = "an integer",
		[CBOR_NODE_BYTES] = "a byte string",
		[CBOR_NODE_TEXT] = "text",
		[CBOR_NODE_ARRAY] = "an array",
		[CBOR_NODE_MAP] = "a map",
		[CBOR_NODE_TAG] = "a tagged item",
		[CBOR_NODE_SIMPLE] = "a simple value",
		[CBOR_NODE_FLOAT] = "a floating-point number",
	};

	return names[kind];
}

static int size_judge(const struct target *target, const struct claim *claim,
		      const struct cbor_node *value)
{
	const uint8_t *size = claim->size;

	if (!size[0] || value->value == size[0] ||
	    (size[1] && (value->value == size[1] || value->value == size[2])))
		return 0;
	if (!size[1])
		return cca_verdict_set(target->verdict, CCA_E_CLAIM_SIZE,
				       "%s %s: %llu bytes, must be %u", target->name, claim->name,
				       (unsigned long long)value->value, size[0]);
	return cca_verdict_set(target->verdict, CCA_E_CLAIM_SIZE,
			       "%s %s: %llu bytes, must be %u, %u or %u", target->name, claim->name,
			       (unsigned long long)value->value, size[0], size[1], size[2]);
}

/* @value is NULL when the claim is absent. */
static int claim_read(const struct target *target, const struct claim *claim,
		      enum cca_generation generation, const struct cbor_node *value)
{
	uint8_t *field = (uint8_t *)target->claims + claim->offset;

	if (value && (claim->forbidden & generation))
		return cca_verdict_set(target->verdict, CCA_E_CLAIM_VALUE,
				       "%s %s: must be absent under this profile", target->name,
				       claim->name);
	if (!((claim->required | claim->optional) & generation))
		return 0;
	if (!value)
		return claim->required & generation ?
			       cca_verdict_set(target->verdict, CCA_E_CLAIM_MISSING,
					       "%s %s: missing", target->name, claim->name) :
			       0;
	/* A negative number is an integer with a wrong value, not of a wrong type. */
	if (value->kind != claim->kind &&
	    !(claim->kind == CBOR_NODE_UINT && value->kind == CBOR_NODE_NINT))
		return cca_verdict_set(target->verdict, CCA_E_CLAIM_TYPE,
				       "%s %s: is %s, must be %s", target->name, claim->name,
				       kind_name(value->kind), kind_name(claim->kind));
	if (size_judge(target, claim, value) < 0)
		return -1;
	if (claim->stored && claim->kind == CBOR_NODE_BYTES)
		*(struct cbor_slice *)(void *)field = cbor_node_slice(value);
	else if (claim->stored && text_copy(value, (char *)field, claim->room) < 0)
		return cca_verdict_set(target->verdict, CCA_E_CLAIM_SIZE,
				       "%s %s: longer than %zu characters", target->name,
				       claim->name, claim->room - 1);
	return claim->judge ? claim->judge(target, claim, value) : 0;
}

/* Claims that the table does not have are ignored, as the specifications require. */
static int claims_read(const struct target *target, const struct claim *table, size_t count,
		       enum cca_generation generation, const struct cbor_node *map)
{
	for (size_t i = 0; i < count; i++) {
		if (claim_read(target, &table[i], generation, cbor_map_find(map, table[i].key)) < 0)
			return -1;
	}
	return 0;
}

/* A UEID (RFC 9711 section 4.2.1) of type RAND has 0x01 before its 32 bytes. */
static int ueid_judge(const struct target *target, const struct claim *claim,
		      const struct cbor_node *value)
{
	if (value->data[0] == 0x01)
		return 0;
	return cca_verdict_set(target->verdict, CCA_E_CLAIM_VALUE,
			       "%s %s: first byte is 0x%02x, must be 0x01", target->name,
			       claim->name, value->data[0]);
}

static int hash_name_judge(const struct target *target, const struct claim *claim,
			   const struct cbor_node *value)
{
	const char *name = (const char *)target->claims + claim->offset;

	(void)value;
	if (hash_by_name(name))
		return 0;
	return cca_verdict_set(target->verdict, CCA_E_CLAIM_VALUE,
			       "%s %s: \"%s\" is not sha-256, sha-384 or sha-512", target->name,
			       claim->name, name);
}

/* Set *@number to that of an integer claim; E_CLAIM_VALUE unless it is within @min and @max. */
static int number_judge(const struct target *target, const struct claim *claim,
			const struct cbor_node *value, int64_t min, int64_t max, int64_t *number)
{
	if (!cbor_node_integer(value, number))
		return cca_verdict_set(target->verdict, CCA_E_CLAIM_VALUE, "%s %s: out of range",
				       target->name, claim->name);
	if (*number < min || *number > max)
		return cca_verdict_set(target->verdict, CCA_E_CLAIM_VALUE,
				       "%s %s: %lld is not defined", target->name, claim->name,
				       (long long)*number);
	return 0;
}

static int lifecycle_judge(const struct target *target, const struct claim *claim,
			   const struct cbor_node *value)
{
	struct cca_platform *platform = target->claims;
	int64_t number;

	if (number_judge(target, claim, value, 0, UINT16_MAX, &number) < 0)
		return -1;
	platform->lifecycle = (uint16_t)number;
	if (cca_lifecycle_name(platform->lifecycle))
		return 0;
	return cca_verdict_set(target->verdict, CCA_E_CLAIM_VALUE,
			       "%s %s: 0x%04x is not a defined state", target->name, claim->name,
			       platform->lifecycle);
}

/* The only client is 1, the realm management security domain. */
static int client_judge(const struct target *target, const struct claim *claim,
			const struct cbor_node *value)
{
	int64_t number;

	return number_judge(target, claim, value, 1, 1, &number);
}

static int mec_judge(const struct target *target, const struct claim *claim,
		     const struct cbor_node *value)
{
	struct cca_realm *realm = target->claims;
	int64_t number;

	if (number_judge(target, claim, value, 0, 1, &number) < 0)
		return -1;
	realm->mec_policy = (int)number;
	return 0;
}

static const struct claim component_claims[] = {
	{ 1, "type", TEXT(cca_component, type), .optional = CCA_ANY },
	{ 2, "measurement", SLICE(cca_component, measurement), .required = CCA_ANY,
	  .size = HASH_SIZES },
	{ 4, "version", TEXT(cca_component, version), .optional = CCA_ANY },
	{ 5, "signer-id", SLICE(cca_component, signer), .required = CCA_ANY, .size = HASH_SIZES },
	{ 6, "hash-algo-id", TEXT(cca_component, hash_algorithm), .optional = CCA_ANY },
};

static int components_judge(const struct target *target, const struct claim *claim,
			    const struct cbor_node *value)
{
	struct cca_platform *platform = target->claims;
	const struct cbor_node *at = cbor_node_child(value);

	if (value->value == 0)
		return cca_verdict_set(target->verdict, CCA_E_CLAIM_MISSING, "%s %s: empty",
				       target->name, claim->name);
	if (value->value > CCA_COMPONENTS_MAX)
		return cca_verdict_set(target->verdict, CCA_E_CLAIM_VALUE, "%s %s: more than %d",
				       target->name, claim->name, CCA_COMPONENTS_MAX);
	for (size_t i = 0; i < value->value; i++) {
		char name[48];
		const struct target component = { &platform->component[i], name, target->verdict };

		snprintf(name, sizeof(name), "%s %s[%zu]", target->name, claim->name, i);
		if (at->kind != CBOR_NODE_MAP)
			return cca_verdict_set(target->verdict, CCA_E_CLAIM_TYPE,
					       "%s: is %s, must be a map", name,
					       kind_name(at->kind));
		if (claims_read(&component, component_claims, ARRAY_SIZE(component_claims), CCA_ANY,
				at) < 0)
			return -1;
		at = cbor_node_next(at);
	}
	platform->component_count = (size_t)value->value;
	return 0;
}

static int rems_judge(const struct target *target, const struct claim *claim,
		      const struct cbor_node *value)
{
	struct cca_realm *realm = target->claims;
	const struct cbor_node *at = cbor_node_child(value);

	if (value->value != REALM_REMS)
		return cca_verdict_set(target->verdict, CCA_E_CLAIM_VALUE,
				       "%s %s: rem count is %llu, must be %d", target->name,
				       claim->name, (unsigned long long)value->value, REALM_REMS);
	for (unsigned int i = 0; i < REALM_REMS; i++) {
		if (at->kind != CBOR_NODE_BYTES)
			return cca_verdict_set(target->verdict, CCA_E_CLAIM_TYPE,
					       "%s %s[%u]: is %s, must be a byte string",
					       target->name, claim->name, i, kind_name(at->kind));
		realm->rem[i] = cbor_node_slice(at);
		at = cbor_node_next(at);
	}
	return 0;
}

static const struct claim platform_claims[] = {
	{ 2408, "workload-binding", SLICE(cca_platform, binding), .required = CCA_2026,
	  .size = HASH_SIZES },
	{ 10, "challenge", SLICE(cca_platform, binding), .required = CCA_ANY & ~CCA_2026,
	  .forbidden = CCA_2026, .size = HASH_SIZES },
	{ 2396, "implementation-id", SLICE(cca_platform, implementation_id), .required = CCA_ANY,
	  .size = { 32 } },
	{ 256, "instance-id", SLICE(cca_platform, instance_id), .required = CCA_ANY, .size = { 33 },
	  .judge = ueid_judge },
	{ 2401, "config", SLICE(cca_platform, config), .required = CCA_ANY },
	{ 2395, "lifecycle", CBOR_NODE_UINT, .required = CCA_ANY, .judge = lifecycle_judge },
	{ 2399, "sw-components", CBOR_NODE_ARRAY, .required = CCA_ANY, .judge = components_judge },
	{ 2402, "hash-algo-id", TEXT(cca_platform, hash_algorithm), .required = CCA_ANY },
	{ 2400, "verification-service", TEXT(cca_platform, verification_service),
	  .optional = CCA_ANY },
	{ 2394, "client-id", CBOR_NODE_UINT, .required = CCA_2024 | CCA_2026,
	  .judge = client_judge },
};

/* TF-RMM v0.8 and v0.9 put a text under 44243 in the 2023 profile, which does not define that
 * claim: it is ignored there like any other unknown claim. */
static const struct claim realm_claims[] = {
	{ 10, "challenge", SLICE(cca_realm, challenge), .required = CCA_ANY,
	  .size = { REALM_CHALLENGE_SIZE } },
	{ 256, "instance-id", SLICE(cca_realm, instance_id), .required = CCA_2024 | CCA_2026,
	  .size = { 33 }, .judge = ueid_judge },
	{ 44235, "personalization-value", SLICE(cca_realm, rpv), .required = CCA_ANY,
	  .size = { REALM_RPV_SIZE } },
	{ 44236, "hash-algo-id", TEXT(cca_realm, hash_algorithm), .required = CCA_ANY,
	  .judge = hash_name_judge },
	{ 44237, "public-key", SLICE(cca_realm, rak), .required = CCA_ANY },
	{ 44238, "initial-measurement", SLICE(cca_realm, rim), .required = CCA_ANY,
	  .size = HASH_SIZES },
	{ 44239, "extensible-measurements", CBOR_NODE_ARRAY, .required = CCA_ANY,
	  .judge = rems_judge },
	{ 44240, "public-key-hash-algo-id", TEXT(cca_realm, rak_hash_algorithm),
	  .required = CCA_ANY, .judge = hash_name_judge },
	{ 44243, "mec-policy", CBOR_NODE_UINT, .required = CCA_2024 | CCA_2026,
	  .judge = mec_judge },
};

/* Veraison does not check this; without it the length of a RIM does not mean anything. */
static int measurements_judge(const struct cca_realm *realm, struct cca_verdict *verdict)
{
	size_t size = hash_by_name(realm->hash_algorithm)->size;

	if (realm->rim.len != size)
		return cca_verdict_set(verdict, CCA_E_CLAIM_SIZE,
				       "realm initial-measurement: measurement length %zu is not "
				       "that of hash-algo-id %s",
				       realm->rim.len, realm->hash_algorithm);
	for (unsigned int i = 0; i < REALM_REMS; i++) {
		if (realm->rem[i].len != size)
			return cca_verdict_set(verdict, CCA_E_CLAIM_SIZE,
					       "realm extensible-measurements[%u]: measurement "
					       "length %zu is not that of hash-algo-id %s",
					       i, realm->rem[i].len, realm->hash_algorithm);
	}
	return 0;
}

static int profile_text(const struct cbor_node *value, const char *part, char *out, size_t room,
			struct cca_verdict *verdict)
{
	if (value->kind != CBOR_NODE_TEXT)
		return cca_verdict_set(verdict, CCA_E_PROFILE, "%s profile: is %s, must be text",
				       part, kind_name(value->kind));
	if (text_copy(value, out, room) < 0)
		return cca_verdict_set(verdict, CCA_E_PROFILE, "%s profile: unknown, \"%s...\"",
				       part, out);
	return 0;
}

int cca_platform_profile(struct cca_platform *platform, const struct cbor_node *claims,
			 struct cca_verdict *verdict)
{
	const struct cbor_node *value = cbor_map_find(claims, CLAIM_PROFILE);

	if (!value)
		return cca_verdict_set(verdict, CCA_E_PROFILE, "platform profile: missing");
	if (profile_text(value, "platform", platform->profile, sizeof(platform->profile), verdict) <
	    0)
		return -1;
	if (!cca_profile_platform(platform->profile))
		return cca_verdict_set(verdict, CCA_E_PROFILE, "platform profile: unknown, \"%s\"",
				       platform->profile);
	return 0;
}

int cca_realm_profile(struct cca_realm *realm, const struct cbor_node *claims,
		      struct cca_verdict *verdict)
{
	const struct cbor_node *value = cbor_map_find(claims, CLAIM_PROFILE);

	realm->profile[0] = '\0';
	if (!value)
		return 0;
	if (profile_text(value, "realm", realm->profile, sizeof(realm->profile), verdict) < 0)
		return -1;
	if (!realm->profile[0] || !cca_profile_realm(realm->profile))
		return cca_verdict_set(verdict, CCA_E_PROFILE, "realm profile: unknown, \"%s\"",
				       realm->profile);
	return 0;
}

int cca_platform_claims(struct cca_platform *platform, const struct cbor_node *claims,
			struct cca_verdict *verdict)
{
	const struct target target = { platform, "platform", verdict };
	const struct cca_profile *profile = cca_profile_platform(platform->profile);

	return claims_read(&target, platform_claims, ARRAY_SIZE(platform_claims),
			   profile->generation, claims);
}

int cca_realm_claims(struct cca_realm *realm, const struct cbor_node *claims,
		     struct cca_verdict *verdict)
{
	const struct target target = { realm, "realm", verdict };
	const struct cca_profile *profile = cca_profile_realm(realm->profile);

	realm->mec_policy = -1;
	if (claims_read(&target, realm_claims, ARRAY_SIZE(realm_claims), profile->generation,
			claims) < 0)
		return -1;
	return measurements_judge(realm, verdict);
}
