// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/encode.h"
#include "cca_claims.h"
#include "cca_token.h"
#include "cose.h"

#define LABEL "  %-22s "

static json_t *hex_json(struct cca_slice slice)
{
	struct bytes hex = BYTES_INIT;
	json_t *value = NULL;

	if (encode_hex(slice.data, slice.len, &hex) == 0)
		value = json_string(bytes_text(&hex));
	bytes_free(&hex);
	return value;
}

/* NULL, which json_pack's "s:o*" leaves out, for what the token does not have. */
static json_t *optional_hex(struct cca_slice slice)
{
	return slice.len ? hex_json(slice) : NULL;
}

static const char *optional_text(const char *text)
{
	return *text ? text : NULL;
}

static const char *algorithm_text(const struct cca_sign1 *sign1)
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

static json_t *component_json(const struct cca_component *component)
{
	return json_pack("{s:s*, s:s*, s:o, s:o, s:s*}",
			 "type", optional_text(component->type),
			 "version", optional_text(component->version),
			 "measurement", hex_json(component->measurement),
			 "signer-id", hex_json(component->signer),
			 "hash-algo-id", optional_text(component->hash_algorithm));
}

static json_t *components_json(const struct cca_platform *platform)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < platform->component_count; i++) {
		if (json_array_append_new(array, component_json(&platform->component[i])) < 0) {
			json_decref(array);
			array = NULL;
		}
	}
	return array;
}

static json_t *platform_json(const struct cca_platform *platform)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:i, s:s, s:s, s:s*, s:o}",
			 "profile", platform->profile,
			 "algorithm", algorithm_text(&platform->sign1),
			 "binding", hex_json(platform->binding),
			 "implementation-id", hex_json(platform->implementation_id),
			 "instance-id", hex_json(platform->instance_id),
			 "config", hex_json(platform->config),
			 "lifecycle", (int)platform->lifecycle,
			 "lifecycle-name", lifecycle_text(platform),
			 "hash-algo-id", platform->hash_algorithm,
			 "verification-service", optional_text(platform->verification_service),
			 "sw-components", components_json(platform));
}

static json_t *realm_json(const struct cca_realm *realm)
{
	return json_pack("{s:s*, s:s, s:o, s:o, s:o*, s:s, s:o, s:[o,o,o,o], s:o, s:s, s:s*}",
			 "profile", optional_text(realm->profile),
			 "algorithm", algorithm_text(&realm->sign1),
			 "challenge", hex_json(realm->challenge),
			 "personalization-value", hex_json(realm->rpv),
			 "instance-id", optional_hex(realm->instance_id),
			 "hash-algo-id", realm->hash_algorithm,
			 "initial-measurement", hex_json(realm->rim),
			 "extensible-measurements", hex_json(realm->rem[0]),
			 hex_json(realm->rem[1]), hex_json(realm->rem[2]), hex_json(realm->rem[3]),
			 "public-key", hex_json(realm->rak),
			 "public-key-hash-algo-id", realm->rak_hash_algorithm,
			 "mec-policy", mec_text(realm));
}

json_t *cca_token_json(const struct cca_token *token)
{
	return json_pack("{s:i, s:o, s:o}", "tag", (int)token->tag,
			 "platform", platform_json(&token->platform),
			 "realm", realm_json(&token->realm));
}

static int print_text(struct bytes *out, const char *label, const char *value)
{
	return *value ? bytes_printf(out, LABEL "%s\n", label, value) : 0;
}

static int print_hex(struct bytes *out, const char *label, struct cca_slice slice)
{
	if (slice.len == 0)
		return 0;
	if (bytes_printf(out, LABEL, label) < 0 || encode_hex(slice.data, slice.len, out) < 0)
		return -1;
	return bytes_append_text(out, "\n");
}

/* Columns as wide as their longest entry. */
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

static int print_component(struct bytes *out, const struct cca_component *component, int type,
			   int version)
{
	const char *dash = "-";

	if (bytes_printf(out, "    %-*s  %-*s  ", type,
			 *component->type ? component->type : dash, version,
			 *component->version ? component->version : dash) < 0 ||
	    encode_hex(component->measurement.data, component->measurement.len, out) < 0 ||
	    bytes_printf(out, "\n    %*s  signer ", type + 2 + version - 7, "") < 0 ||
	    encode_hex(component->signer.data, component->signer.len, out) < 0)
		return -1;
	return bytes_append_text(out, "\n");
}

static int print_components(struct bytes *out, const struct cca_platform *platform)
{
	int type, version;

	component_widths(platform, &type, &version);
	if (bytes_printf(out, "  software components (%zu)\n    %-*s  %-*s  MEASUREMENT\n",
			 platform->component_count, type, "TYPE", version, "VERSION") < 0)
		return -1;
	for (size_t i = 0; i < platform->component_count; i++) {
		if (print_component(out, &platform->component[i], type, version) < 0)
			return -1;
	}
	return 0;
}

static int print_platform(struct bytes *out, const struct cca_platform *platform)
{
	if (bytes_append_text(out, "Platform\n") < 0 ||
	    print_text(out, "profile", platform->profile) < 0 ||
	    print_text(out, "signed with", algorithm_text(&platform->sign1)) < 0 ||
	    print_hex(out, "implementation id", platform->implementation_id) < 0 ||
	    print_hex(out, "instance id", platform->instance_id) < 0 ||
	    bytes_printf(out, LABEL "0x%04x (%s)\n", "lifecycle", platform->lifecycle,
			 lifecycle_text(platform)) < 0 ||
	    print_hex(out, "configuration", platform->config) < 0 ||
	    print_text(out, "hash algorithm", platform->hash_algorithm) < 0 ||
	    print_hex(out, "binding to the RAK", platform->binding) < 0 ||
	    print_text(out, "verification service", platform->verification_service) < 0)
		return -1;
	return print_components(out, platform);
}

static int print_measurements(struct bytes *out, const struct cca_realm *realm)
{
	static const char *const labels[CCA_REMS] = { "REM0", "REM1", "REM2", "REM3" };

	if (print_hex(out, "RIM", realm->rim) < 0)
		return -1;
	for (size_t i = 0; i < CCA_REMS; i++) {
		if (print_hex(out, labels[i], realm->rem[i]) < 0)
			return -1;
	}
	return 0;
}

static int print_realm(struct bytes *out, const struct cca_realm *realm)
{
	const char *mec = mec_text(realm);

	if (bytes_append_text(out, "Realm\n") < 0 ||
	    print_text(out, "profile", *realm->profile ? realm->profile : "none (legacy)") < 0 ||
	    print_text(out, "signed with", algorithm_text(&realm->sign1)) < 0 ||
	    print_hex(out, "challenge", realm->challenge) < 0 ||
	    print_hex(out, "RPV", realm->rpv) < 0 ||
	    print_hex(out, "instance id", realm->instance_id) < 0 ||
	    print_text(out, "hash algorithm", realm->hash_algorithm) < 0 ||
	    print_measurements(out, realm) < 0 ||
	    print_hex(out, "RAK", realm->rak) < 0 ||
	    print_text(out, "RAK hash algorithm", realm->rak_hash_algorithm) < 0)
		return -1;
	return print_text(out, "MEC policy", mec ? mec : "");
}

int cca_token_print(const struct cca_token *token, struct bytes *out)
{
	if (bytes_printf(out, "CCA attestation token: %zu bytes, tag %llu\n", token->raw.len,
			 (unsigned long long)token->tag) < 0 ||
	    print_platform(out, &token->platform) < 0)
		return -1;
	return print_realm(out, &token->realm);
}
