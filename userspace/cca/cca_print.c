// SPDX-License-Identifier: Apache-2.0
#include "cca_print.h"

#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "cca_claims.h"

#define LABEL "  %-22s "

static const char *algorithm_text(const struct cose_sign1 *sign1)
{
	const char *name = cose_algorithm_name(sign1->algorithm);

	return name ? name : sign1->algorithm ? "not accepted" : "none";
}

static const char *lifecycle_text(const struct cca_platform *platform)
{
	const char *name = cca_lifecycle_name(platform->lifecycle);

	return name ? name : "undefined";
}

static const char *mec_text(const struct cca_realm *realm)
{
	return realm->mec_policy < 0 ? NULL : realm->mec_policy ? "private" : "shared";
}

/* An object that is being filled. json_pack() is of no use here, because it leaves out an optional
 * member ("s:s*") also when memory fails. */
struct object {
	json_t *json;
	bool failed;
};

static void object_add(struct object *object, const char *member, json_t *value)
{
	if (json_object_set_new(object->json, member, value) < 0)
		object->failed = true;
}

static void object_add_text(struct object *object, const char *member, const char *text)
{
	object_add(object, member, json_string(text));
}

static void object_add_hex(struct object *object, const char *member, struct cbor_slice slice)
{
	object_add(object, member, json_hex(slice.data, slice.len));
}

/* The object, or NULL out of memory. */
static json_t *object_finish(struct object *object)
{
	if (!object->failed)
		return object->json;
	json_decref(object->json);
	return NULL;
}

static json_t *component_json(const struct cca_component *component)
{
	struct object object = { json_object(), false };

	if (*component->type)
		object_add_text(&object, "type", component->type);
	if (*component->version)
		object_add_text(&object, "version", component->version);
	object_add_hex(&object, "measurement", component->measurement);
	object_add_hex(&object, "signer-id", component->signer);
	if (*component->hash_algorithm)
		object_add_text(&object, "hash-algo-id", component->hash_algorithm);
	return object_finish(&object);
}

static json_t *platform_json(const struct cca_platform *platform)
{
	struct object object = { json_object(), false };
	json_t *components = json_array();

	object_add_text(&object, "profile", platform->profile);
	object_add_text(&object, "algorithm", algorithm_text(&platform->sign1));
	object_add_hex(&object, "binding", platform->binding);
	object_add_hex(&object, "implementation-id", platform->implementation_id);
	object_add_hex(&object, "instance-id", platform->instance_id);
	object_add_hex(&object, "config", platform->config);
	object_add(&object, "lifecycle", json_integer(platform->lifecycle));
	object_add_text(&object, "lifecycle-name", lifecycle_text(platform));
	object_add_text(&object, "hash-algo-id", platform->hash_algorithm);
	if (*platform->verification_service)
		object_add_text(&object, "verification-service", platform->verification_service);
	for (size_t i = 0; i < platform->component_count; i++)
		if (json_array_append_new(components, component_json(&platform->component[i])) < 0)
			object.failed = true;
	object_add(&object, "sw-components", components);
	return object_finish(&object);
}

static json_t *realm_json(const struct cca_realm *realm)
{
	struct object object = { json_object(), false };
	const char *mec = mec_text(realm);
	json_t *rems = json_array();

	if (*realm->profile)
		object_add_text(&object, "profile", realm->profile);
	object_add_text(&object, "algorithm", algorithm_text(&realm->sign1));
	object_add_hex(&object, "challenge", realm->challenge);
	object_add_hex(&object, "personalization-value", realm->rpv);
	if (realm->instance_id.len > 0)
		object_add_hex(&object, "instance-id", realm->instance_id);
	object_add_text(&object, "hash-algo-id", realm->hash_algorithm);
	object_add_hex(&object, "initial-measurement", realm->rim);
	for (int i = 0; i < REALM_REMS; i++) {
		const struct cbor_slice *rem = &realm->rem[i];

		if (json_array_append_new(rems, json_hex(rem->data, rem->len)) < 0)
			object.failed = true;
	}
	object_add(&object, "extensible-measurements", rems);
	object_add_hex(&object, "public-key", realm->rak);
	object_add_text(&object, "public-key-hash-algo-id", realm->rak_hash_algorithm);
	if (mec)
		object_add_text(&object, "mec-policy", mec);
	return object_finish(&object);
}

json_t *cca_token_json(const struct cca_token *token, struct error *e)
{
	struct object object = { json_object(), false };
	json_t *value;

	object_add(&object, "tag", json_integer((json_int_t)token->tag));
	object_add(&object, "platform", platform_json(&token->platform));
	object_add(&object, "realm", realm_json(&token->realm));
	value = object_finish(&object);
	if (!value)
		error_set_memory(e);
	return value;
}

static void print_text(struct bytes *out, const char *label, const char *value)
{
	if (*value)
		bytes_printf(out, LABEL "%s\n", label, value);
}

static void print_hex(struct bytes *out, const char *label, struct cbor_slice slice)
{
	if (slice.len == 0)
		return;
	bytes_printf(out, LABEL, label);
	encode_hex(slice.data, slice.len, out);
	bytes_append_text(out, "\n");
}

/* The columns are as wide as their longest entry. */
static void component_widths(const struct cca_platform *platform, int *type, int *version)
{
	*type = (int)strlen("TYPE");
	*version = (int)strlen("VERSION");
	for (size_t i = 0; i < platform->component_count; i++) {
		int t = (int)strlen(platform->component[i].type);
		int v = (int)strlen(platform->component[i].version);

		*type = t > *type ? t : *type;
		*version = v > *version ? v : *version;
	}
}

static void print_components(struct bytes *out, const struct cca_platform *platform)
{
	int type, version;

	component_widths(platform, &type, &version);
	bytes_printf(out, "  software components (%zu)\n    %-*s  %-*s  MEASUREMENT\n",
		     platform->component_count, type, "TYPE", version, "VERSION");
	for (size_t i = 0; i < platform->component_count; i++) {
		const struct cca_component *component = &platform->component[i];

		bytes_printf(out, "    %-*s  %-*s  ", type,
			     *component->type ? component->type : "-", version,
			     *component->version ? component->version : "-");
		encode_hex(component->measurement.data, component->measurement.len, out);
		bytes_printf(out, "\n    %*s  signer ", type + 2 + version - 7, "");
		encode_hex(component->signer.data, component->signer.len, out);
		bytes_append_text(out, "\n");
	}
}

static void print_platform(struct bytes *out, const struct cca_platform *platform)
{
	bytes_append_text(out, "Platform\n");
	print_text(out, "profile", platform->profile);
	print_text(out, "signed with", algorithm_text(&platform->sign1));
	print_hex(out, "implementation id", platform->implementation_id);
	print_hex(out, "instance id", platform->instance_id);
	bytes_printf(out, LABEL "0x%04x (%s)\n", "lifecycle", platform->lifecycle,
		     lifecycle_text(platform));
	print_hex(out, "configuration", platform->config);
	print_text(out, "hash algorithm", platform->hash_algorithm);
	print_hex(out, "binding to the RAK", platform->binding);
	print_text(out, "verification service", platform->verification_service);
	print_components(out, platform);
}

static void print_realm(struct bytes *out, const struct cca_realm *realm)
{
	const char *mec = mec_text(realm);

	bytes_append_text(out, "Realm\n");
	print_text(out, "profile", *realm->profile ? realm->profile : "none (legacy)");
	print_text(out, "signed with", algorithm_text(&realm->sign1));
	print_hex(out, "challenge", realm->challenge);
	print_hex(out, "RPV", realm->rpv);
	print_hex(out, "instance id", realm->instance_id);
	print_text(out, "hash algorithm", realm->hash_algorithm);
	for (unsigned int i = 0; i < REALM_REGISTERS; i++)
		print_hex(out, realm_register_name(i), i ? realm->rem[i - 1] : realm->rim);
	print_hex(out, "RAK", realm->rak);
	print_text(out, "RAK hash algorithm", realm->rak_hash_algorithm);
	print_text(out, "MEC policy", mec ? mec : "");
}

void cca_token_print(const struct cca_token *token, struct bytes *out)
{
	bytes_printf(out, "CCA attestation token: %zu bytes, tag %llu\n", token->raw.len,
		     (unsigned long long)token->tag);
	print_platform(out, &token->platform);
	print_realm(out, &token->realm);
}
