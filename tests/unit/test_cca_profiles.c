// SPDX-License-Identifier: Apache-2.0
/* Tokens made by forge.c with each kind of key, hash and profile. */
#include "forge_judge.h"

static void test_curves(void **state)
{
	static const char *const curves[] = { "P-256", "P-384", "P-521" };

	(void)state;
	for (size_t i = 0; i < 9; i++) {
		struct forge forge, other;

		forge_setup(&forge, curves[i / 3]);
		forge_setup(&other, curves[i % 3]);
		/* the realm token is signed with its own curve */
		EVP_PKEY_free(forge.realm.key);
		forge.realm.key = other.realm.key;
		forge.realm.algorithm = other.realm.algorithm;
		other.realm.key = NULL;
		forge_rak(&forge);
		forge_expect(&forge, CCA_OK, "");
		forge_teardown(&forge);
		forge_teardown(&other);
	}
}

static void test_binding_hashes(void **state)
{
	static const char *const names[][2] = { { "sha-256", "SHA256" },
						{ "sha-384", "SHA384" },
						{ "sha-512", "SHA512" } };

	(void)state;
	for (size_t i = 0; i < 9; i++) {
		struct forge forge;

		forge_setup(&forge, "P-256");
		put_text(forge_claim(&forge.realm, 44240), names[i / 3][0]);
		forge.rak_hash = names[i % 3][1];
		forge_expect(&forge, i / 3 == i % 3 ? CCA_OK : CCA_E_BINDING, "");
		forge_teardown(&forge);
	}
}

/* The claim is hashed as received: the same key has other bytes if only the sign of y is given. */
static void test_compressed_rak(void **state)
{
	struct forge forge;
	struct bytes key = BYTES_INIT, *claim;

	(void)state;
	forge_setup(&forge, "P-256");
	claim = forge_claim(&forge.realm, 44237);
	forge_rak(&forge);
	/* 58 4b a4 01 02 20 01 21 58 20 X 22 58 20 Y: replace Y by its sign. */
	bytes_set(&key, claim->data + 2, 8 + 32);
	put_int(&key, -3);
	put_hex(&key, claim->data[claim->len - 1] & 1 ? "f5" : "f4");
	bytes_clear(claim);
	put_bytes(claim, key.data, key.len);
	forge_expect(&forge, CCA_OK, "");
	bytes_free(&key);
	forge_teardown(&forge);
}

static void profiles_set(struct forge *forge, const char *platform, const char *realm)
{
	put_text(forge_claim(&forge->platform, 265), platform);
	if (*realm)
		put_text(forge_claim(&forge->realm, 265), realm);
	else
		forge_remove(&forge->realm, 265);
}

/* The legacy form of the RAK: 04 || X || Y. */
static void rak_set_point(struct forge *forge, const char *append)
{
	uint8_t point[200];
	struct bytes *claim = forge_claim(&forge->realm, 44237), value = BYTES_INIT;
	size_t len;

	assert_true(EVP_PKEY_get_octet_string_param(forge->realm.key, "pub", point, sizeof(point),
						    &len));
	bytes_set(&value, point, len);
	put_hex(&value, append);
	put_bytes(claim, value.data, value.len);
	bytes_free(&value);
}

static void test_legacy(void **state)
{
	static const struct {
		const char *curve, *append;
		enum cca_cause cause;
	} table[] = { { "P-384", "", CCA_OK },
		      { "P-384", "00", CCA_E_RAK },
		      { "P-256", "", CCA_E_RAK },
		      { "P-521", "", CCA_E_RAK } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct forge forge;

		forge_setup(&forge, table[i].curve);
		forge.tag = 399;
		profiles_set(&forge, "http://arm.com/CCA-SSD/1.0.0", "");
		rak_set_point(&forge, table[i].append);
		forge_expect(&forge, table[i].cause, "");
		forge_teardown(&forge);
	}
}

static void test_pairs(void **state)
{
	static const struct {
		const char *platform, *realm;
		int64_t binding_key;
		bool listed;
	} table[] = {
		{ "tag:arm.com,2023:cca_platform#1.0.0", "tag:arm.com,2023:realm#1.0.0", 10, true },
		{ "tag:arm.com,2024:cca_platform#2.0.0", "tag:arm.com,2024:realm#2.0.0", 10, true },
		{ "tag:arm.com,2026:cca_platform#2.0.0", "tag:arm.com,2026:realm#2.0.0", 2408,
		  true },
		{ "tag:arm.com,2026:cca_platform#2.1.0;delegated",
		  "tag:arm.com,2026:realm#2.0.0;delegated", 2408, true },
		{ "tag:arm.com,2023:cca_platform#1.0.0", "tag:arm.com,2024:realm#2.0.0", 10,
		  false },
		{ "tag:arm.com,2024:cca_platform#1.1.0", "tag:arm.com,2023:realm#1.0.0", 10,
		  false },
		{ "http://arm.com/CCA-SSD/1.0.0", "tag:arm.com,2023:realm#1.0.0", 10, false },
		{ "tag:arm.com,2026:cca_platform#2.0.0", "tag:arm.com,2023:realm#1.0.0", 2408,
		  false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct cca_verdict verdict;
		struct forge forge;

		forge_setup(&forge, "P-384");
		profiles_set(&forge, table[i].platform, table[i].realm);
		forge.binding_key = table[i].binding_key;
		forge_judge(&forge, &verdict);
		verdict_expect(&verdict, CCA_OK, "");
		assert_int_equal(strlen(verdict.warning) == 0, table[i].listed);
		forge_teardown(&forge);
	}
}

static void test_2026_binding(void **state)
{
	struct forge forge;

	(void)state;
	forge_setup(&forge, "P-384");
	profiles_set(&forge, "tag:arm.com,2026:cca_platform#2.0.0", "tag:arm.com,2026:realm#2.0.0");
	forge.binding_key = 2408;
	put_fill(forge_claim(&forge.platform, 10), 0, 64);
	forge_expect(&forge, CCA_E_CLAIM_VALUE, "platform challenge: must be absent");
	forge_teardown(&forge);
	forge_setup(&forge, "P-384");
	profiles_set(&forge, "tag:arm.com,2026:cca_platform#2.0.0;direct",
		     "tag:arm.com,2026:realm#2.0.0");
	forge_expect(&forge, CCA_E_PROFILE, ";direct");
	forge_teardown(&forge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_curves),	       cmocka_unit_test(test_binding_hashes),
		cmocka_unit_test(test_compressed_rak), cmocka_unit_test(test_legacy),
		cmocka_unit_test(test_pairs),	       cmocka_unit_test(test_2026_binding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
