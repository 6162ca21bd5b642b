// SPDX-License-Identifier: Apache-2.0
/*
 * CCA_RSI_CONFIG: the fields that an RMM or a module may lack. With --rmm the program only prints
 * a line about the RMM.
 */
#define _GNU_SOURCE
#include "device.h"
#include "module.h"
#include "rmm.h"
#include "tap.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define RSI_1_0	 0x10000
#define RSI_1_1	 0x10001
#define FAKE_VTR 0x90080003
#define P_BASE	 (CCA_RSI_CONFIG_P_ABI | CCA_RSI_CONFIG_P_FEATURES)
#define P_1_1 \
	(CCA_RSI_CONFIG_P_AUX_PLANES | CCA_RSI_CONFIG_P_GICV3_VTR | CCA_RSI_CONFIG_P_ATS_PLANE)

static struct cca_rsi_config config;

static void present_fits_revision(void)
{
	CHECK(device_config(&config));
	CHECK(config.present & CCA_RSI_CONFIG_P_ABI);
	CHECK((config.present & ~(uint32_t)P_BASE) == (config.abi >= RSI_1_1 ? P_1_1 : 0));
	CHECK(config.abi >= RSI_1_0 && config.abi <= config.abi_higher);
	/* The module must use RSI 1.1 of an RMM that has it. */
	CHECK(config.abi_higher != RSI_1_1 || config.abi == RSI_1_1);
}

static void absent_fields_are_zero(void)
{
	const struct {
		uint32_t bit;
		uint64_t value;
	} fields[] = {
		{ CCA_RSI_CONFIG_P_FEATURES, config.features },
		{ CCA_RSI_CONFIG_P_AUX_PLANES, config.aux_planes },
		{ CCA_RSI_CONFIG_P_GICV3_VTR, config.gicv3_vtr },
		{ CCA_RSI_CONFIG_P_ATS_PLANE, config.ats_plane },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		CHECK(config.present & fields[i].bit || !fields[i].value);
}

static void planes_in_bounds(void)
{
	SKIP_IF(!(config.present & CCA_RSI_CONFIG_P_AUX_PLANES), "this RMM offers RSI 1.0 only");
	CHECK(config.aux_planes <= 3);
	CHECK(config.ats_plane <= config.aux_planes);
	/* Bits 0 to 4 are the number of list registers less one. A GICv3 has at most 16. */
	CHECK((config.gicv3_vtr & 0x1f) < 16);
}

/* Programs that were built with an older header have smaller structures. */
static void old_size_gets_old_fields(void)
{
	static const size_t sizes[] = { CCA_RSI_CONFIG_SIZE_VER0, CCA_RSI_CONFIG_SIZE_VER0 + 4,
					CCA_RSI_CONFIG_SIZE_VER1 - 8 };
	union {
		struct cca_rsi_config config;
		uint8_t bytes[sizeof(struct cca_rsi_config)];
	} old;
	int device = device_open(O_RDONLY);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(&old, 0xa5, sizeof(old));
		CHECK(ioctl(device, device_cmd_sized(CCA_RSI_CONFIG, sizes[i]), &old) == 0);
		CHECK(memcmp(&old, &config, sizes[i]) == 0);
		for (size_t j = sizes[i]; j < sizeof(old); j++)
			CHECK(old.bytes[j] == 0xa5);
	}
	close(device);
}

static const struct {
	const char *arguments; /* of the fake RMM */
	struct cca_rsi_config expected;
} rmms[] = {
	{ "rsi=0x10000 features=0 aux_planes=2",
	  { .abi_higher = RSI_1_0, .present = P_BASE, .abi = RSI_1_0 } },
	{ "rsi=0x10000 fail_call=7 fail_status=-1 fail_times=1",
	  { .abi_higher = RSI_1_0, .present = CCA_RSI_CONFIG_P_ABI, .abi = RSI_1_0 } },
	{ "rsi=0x10001 features=5 aux_planes=3",
	  { .abi_higher = RSI_1_1,
	    .present = P_BASE | P_1_1,
	    .abi = RSI_1_1,
	    .features = CCA_RSI_FEATURE_DA | CCA_RSI_FEATURE_ATS,
	    .aux_planes = 3,
	    .gicv3_vtr = FAKE_VTR,
	    .ats_plane = 3 } },
	{ "rsi=0x10001 fail_call=7 fail_status=4 fail_times=1",
	  { .abi_higher = RSI_1_1,
	    .present = CCA_RSI_CONFIG_P_ABI | P_1_1,
	    .abi = RSI_1_1,
	    .gicv3_vtr = FAKE_VTR } },
	{ "rsi=0x20000 features=1",
	  { .abi_higher = 0x20000,
	    .present = P_BASE | P_1_1,
	    .abi = RSI_1_1,
	    .features = CCA_RSI_FEATURE_DA,
	    .gicv3_vtr = FAKE_VTR } },
};

/* host/rsi_test.c tests what the module asks an RMM for. */
static void each_rmm(void)
{
	size_t start = offsetof(struct cca_rsi_config, present);

	SKIP_IF(!module_is_fake(), "only the fake RSI can be changed");
	for (size_t i = 0; i < sizeof(rmms) / sizeof(rmms[0]); i++) {
		CHECK(module_reload(rmms[i].arguments) && device_config(&config));
		CHECK(config.abi_higher == rmms[i].expected.abi_higher);
		CHECK(memcmp((uint8_t *)&config + start, (const uint8_t *)&rmms[i].expected + start,
			     sizeof(config) - start) == 0);
	}
	CHECK(module_reload(""));
}

static const struct tap_test tests[] = {
	{ "the fields that are present are those of the RSI revision", present_fits_revision },
	{ "a field that is not present is zero", absent_fields_are_zero },
	{ "planes and GIC have possible values", planes_in_bounds },
	{ "a structure of an older version receives its fields and no more",
	  old_size_gets_old_fields },
	{ "RMMs with RSI 1.0, RSI 1.1 and without features", each_rmm },
};

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--rmm") == 0) {
		rmm_note();
		return 0;
	}
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
