// SPDX-License-Identifier: Apache-2.0
/* What the keeper records of a delivery in the event log. The realm is faked by this file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/bytes.h"
#include "keeper/secrets/record.h"

static struct {
	bool log_full;
	unsigned int hash_algo, index;
	uint32_t type;
	struct bytes digest, event; /* of the last extension */
} world;

int rsi_config_get(struct rsi *rsi, struct rsi_config *config, struct error *e)
{
	(void)rsi;
	(void)e;
	*config = (struct rsi_config){ .hash = hash_by_number(world.hash_algo) };
	return 0;
}

int rsi_measurement_extend(struct rsi *rsi, unsigned int index, const void *digest, size_t size,
			   const struct rsi_event *event, uint64_t *seq, struct error *e)
{
	(void)rsi;
	assert_null(seq);
	if (world.log_full)
		return error_set(e, ERROR_SYSTEM, "the event log is full");
	world.index = index;
	world.type = event->type;
	bytes_set(&world.digest, digest, size);
	bytes_set(&world.event, event->data, event->size);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bytes_free(&world.digest);
	bytes_free(&world.event);
	memset(&world, 0, sizeof(world));
	return 0;
}

static void record(int ret, struct error *e)
{
	uint8_t jwe[SESSION_DIGEST_SIZE];

	memset(jwe, 0xa0, sizeof(jwe));
	*e = (struct error)ERROR_INIT;
	assert_int_equal(record_delivery(NULL, 3, "r/t/0", jwe, e), ret);
}

/* This is the whole event, so it contains nothing of a secret. */
static void the_event_has_resource_and_digest_of_the_jwe(void **state)
{
	static const char text[] =
		"realmkey deliver {\"jwe\":\"sha-256:"
		"a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0\","
		"\"resource\":\"r/t/0\"}";
	struct error e;

	(void)state;
	record(0, &e);
	assert_int_equal(world.index, 3);
	assert_int_equal(world.type, 6);
	assert_int_equal(world.event.len, 8 + sizeof(text) - 1);
	assert_memory_equal(world.event.data, "LEAA", 4);
	assert_memory_equal(world.event.data + 8, text, sizeof(text) - 1);
}

static void the_register_is_extended_with_the_digest_of_the_event(void **state)
{
	uint8_t wanted[64];
	struct error e;

	(void)state;
	record(0, &e);
	SHA256(world.event.data, world.event.len, wanted);
	assert_int_equal(world.digest.len, 32);
	assert_memory_equal(world.digest.data, wanted, 32);
	world.hash_algo = 1;
	record(0, &e);
	SHA512(world.event.data, world.event.len, wanted);
	assert_int_equal(world.digest.len, 64);
	assert_memory_equal(world.digest.data, wanted, 64);
}

static void no_delivery_without_measurement(void **state)
{
	struct error e;

	(void)state;
	world.log_full = true;
	record(-1, &e);
	assert_int_equal(e.kind, ERROR_DELIVERY);
	assert_string_equal(e.text, "not delivered: cannot extend REM2: the event log is full");
}

#define TEST(function) cmocka_unit_test_teardown(function, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_event_has_resource_and_digest_of_the_jwe),
		TEST(the_register_is_extended_with_the_digest_of_the_event),
		TEST(no_delivery_without_measurement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
