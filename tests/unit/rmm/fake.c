/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>

struct fake fake;

static void *page(uint64_t ipa)
{
	assert_int_equal(ripas_at(&fake.realm.ripas, ipa), RIPAS_RAM);
	return fake.memory[(ipa - fake.realm.ripas.base) / GRANULE];
}

static void ripas_changed(uint64_t ipa, enum ripas to)
{
	assert_int_equal(ripas_at(&fake.realm.ripas, ipa), to);
	fake.changes++;
}

static void ripas_sync(void)
{
	fake.syncs++;
}

static void token_send(const struct rec *rec)
{
	fake.request = rec->token.request;
	fake.rec = rec->index;
	fake.seq = rec->token.seq;
	fake.sends++;
}

static void token_poll(struct realm *realm)
{
	if (fake.refuse)
		token_answer(realm, fake.rec, fake.seq, NULL, 0);
	else if (fake.answer)
		token_answer(realm, fake.rec, fake.seq, fake.answer, fake.answer_size);
}

static uint64_t now(void)
{
	return fake.now;
}

static const struct realm_ops ops = {
	.page = page,
	.ripas_changed = ripas_changed,
	.ripas_sync = ripas_sync,
	.token_send = token_send,
	.token_poll = token_poll,
	.now = now,
};

void fake_init(uint64_t base, unsigned int ipa_bits)
{
	memset(&fake, 0, sizeof(fake));
	fake.now = 1;
	fake.realm.ops = &ops;
	fake.realm.ipa_bits = ipa_bits;
	fake.realm.vcpus = 4;
	fake.realm.ripas.base = base;
	fake.realm.ripas.size = sizeof(fake.memory);
	fake.realm.ripas.state = fake.states;
	memset(fake.states, RIPAS_RAM, sizeof(fake.states));
	for (uint16_t i = 0; i < REC_MAX; i++)
		fake.realm.rec[i].index = i;
}

void fake_call(unsigned int rec, uint64_t x[11])
{
	assert_true(rsi_execute(&fake.realm, &fake.realm.rec[rec], x));
}

const char *fake_path(const char *name)
{
	static char path[4096];
	const char *dir = getenv("REALMKEY_VECTORS");

	snprintf(path, sizeof(path), "%s/%s", dir ? dir : "tests/vectors", name);
	return path;
}
