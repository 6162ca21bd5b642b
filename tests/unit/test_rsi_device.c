// SPDX-License-Identifier: Apache-2.0
/*
 * The calls to /dev/cca-rsi and the handling of its answers. ioctl() in this file fakes the device.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/cca_rsi.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "rsi/rsi_device.h"

static struct {
	int error; /* errno of the first @errors calls */
	int errors, calls;
	struct cca_rsi_extend extend; /* of the last call */
	struct cca_rsi_config config;
	size_t config_size; /* of the structure that the module knows */
} device;

static void token_answer(struct cca_rsi_token *t)
{
	t->fd = memfd_create("token", MFD_CLOEXEC);
	assert_int_equal(write(t->fd, "token", 5), 5);
	assert_int_equal(lseek(t->fd, 0, SEEK_SET), 0);
	t->size = 5;
	t->log_seq = 9;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;

	(void)fd;
	va_start(args, request);
	if (request == CCA_RSI_EXTEND) {
		struct cca_rsi_extend *x = va_arg(args, struct cca_rsi_extend *);

		x->seq = 7;
		device.extend = *x;
	}
	if (request == CCA_RSI_CONFIG) {
		struct cca_rsi_config *c = va_arg(args, struct cca_rsi_config *);

		memset(c, 0, sizeof(*c));
		memcpy(c, &device.config, device.config_size);
	}
	if (request == CCA_RSI_TOKEN)
		token_answer(va_arg(args, struct cca_rsi_token *));
	va_end(args);
	if (device.calls++ >= device.errors)
		return 0;
	errno = device.error;
	return -1;
}

static int setup(void **state)
{
	(void)state;
	memset(&device, 0, sizeof(device));
	return 0;
}

static struct rsi rsi = { .source = &rsi_source_device, .fd = -1 };
static const struct rsi_event event = { .type = 13, .data = "abc", .size = 3 };
static const uint8_t digest[48] = { 1 };

static void an_interrupted_extension_is_repeated(void **state)
{
	struct error e = ERROR_INIT;
	uint64_t seq = 0;

	(void)state;
	device.error = EINTR;
	device.errors = 3;
	assert_int_equal(rsi_source_device.extend(&rsi, 2, digest, 48, &event, &seq, &e), 0);
	assert_int_equal(seq, 7);
	assert_int_equal(device.calls, 4);
	assert_int_equal(device.extend.index, 2);
	assert_int_equal(device.extend.digest_size, 48);
	assert_memory_equal(device.extend.digest, digest, 48);
	assert_int_equal(device.extend.event_type, 13);
	assert_int_equal(device.extend.event_size, 3);
}

/* In particular after EFAULT, the register may have been extended already. */
static void a_failed_extension_is_not_repeated(void **state)
{
	static const int errors[] = { EFAULT, ENOSPC, EIO, EINVAL };
	struct error e = ERROR_INIT;
	uint64_t seq;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		setup(NULL);
		device.error = errors[i];
		device.errors = 9;
		assert_int_equal(rsi_source_device.extend(&rsi, 2, digest, 48, &event, &seq, &e),
				 -1);
		assert_int_equal(device.calls, 1);
	}
}

static void a_token_has_the_number_of_records(void **state)
{
	static const uint8_t challenge[REALM_CHALLENGE_SIZE];
	struct bytes token = BYTES_INIT;
	struct error e = ERROR_INIT;
	uint64_t records = 0;

	(void)state;
	assert_int_equal(rsi_token_get(&rsi, challenge, &token, &records, &e), 0);
	assert_int_equal(records, 9);
	assert_string_equal(bytes_text(&token), "token");
	bytes_clear(&token);
	assert_int_equal(rsi_token_get(&rsi, challenge, &token, NULL, &e), 0);
	bytes_free(&token);
}

static void config_answer(size_t size)
{
	device.config_size = size;
	device.config = (struct cca_rsi_config){
		.hash_algo = CCA_RSI_HASH_SHA384,
		.digest_size = 48,
		.present = CCA_RSI_CONFIG_P_ABI | CCA_RSI_CONFIG_P_AUX_PLANES,
		.abi = 0x10001,
		.features = 5,
		.aux_planes = 0,
	};
}

static void a_field_that_is_0_is_not_absent(void **state)
{
	struct error e = ERROR_INIT;
	struct rsi_config config;

	(void)state;
	config_answer(CCA_RSI_CONFIG_SIZE_VER1);
	assert_int_equal(rsi_config_get(&rsi, &config, &e), 0);
	assert_true(config.abi.present);
	assert_int_equal(config.abi.value, 0x10001);
	assert_true(config.aux_planes.present);
	assert_int_equal(config.aux_planes.value, 0);
	/* The mask decides, not the value. */
	assert_false(config.features.present);
	assert_int_equal(config.features.value, 0);
	assert_false(config.gicv3_vtr.present || config.ats_plane.present);
}

static void an_older_module_has_no_later_fields(void **state)
{
	struct error e = ERROR_INIT;
	struct rsi_config config;

	(void)state;
	config_answer(CCA_RSI_CONFIG_SIZE_VER0);
	assert_int_equal(rsi_config_get(&rsi, &config, &e), 0);
	assert_int_equal(config.hash->size, 48);
	assert_false(config.abi.present || config.features.present || config.aux_planes.present ||
		     config.gicv3_vtr.present || config.ats_plane.present);
}

#define TEST(function) cmocka_unit_test_setup(function, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_interrupted_extension_is_repeated),
		TEST(a_failed_extension_is_not_repeated),
		TEST(a_token_has_the_number_of_records),
		TEST(a_field_that_is_0_is_not_absent),
		TEST(an_older_module_has_no_later_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
