// SPDX-License-Identifier: Apache-2.0
#include "token.h"
#include "tap.h"

#include <string.h>

#define TAG_COLLECTION	399
#define TAG_CMW		907
#define TAG_SIGN1	18
#define KEY_PLATFORM	44234
#define KEY_REALM	44241
#define CLAIM_CHALLENGE 10
#define CLAIM_RIM	44238
#define CLAIM_REMS	44239
#define CLAIM_SOFTWARE	2399
#define SOFTWARE_TYPE	1
#define SOFTWARE_VER	4
#define REGISTERS	5
#define DEPTH_MAX	16

enum cbor_kind {
	CBOR_UINT,
	CBOR_NINT,
	CBOR_BYTES,
	CBOR_TEXT,
	CBOR_ARRAY,
	CBOR_MAP,
	CBOR_TAG,
	CBOR_SIMPLE
};

/* The bytes that are left to read. After a mistake there are none, and @good is false. */
struct cbor {
	const uint8_t *at;
	const uint8_t *end;
	bool good;
};

static size_t cbor_left(const struct cbor *from)
{
	return (size_t)(from->end - from->at);
}

static void cbor_fail(struct cbor *from)
{
	from->good = false;
	from->at = from->end;
}

/* Reads the head of an item of definite length; returns its argument. */
static uint64_t cbor_head(struct cbor *from, enum cbor_kind *kind)
{
	uint64_t value = 0;
	size_t length;

	*kind = CBOR_SIMPLE;
	if (!cbor_left(from) || (*from->at & 31) > 27) {
		cbor_fail(from);
		return 0;
	}
	*kind = *from->at >> 5;
	value = *from->at++ & 31;
	if (value < 24)
		return value;
	length = (size_t)1 << (value - 24);
	if (length > cbor_left(from)) {
		cbor_fail(from);
		return 0;
	}
	for (value = 0; length; length--)
		value = value << 8 | *from->at++;
	return value;
}

/* Reads the head of an item that must be of @kind. */
static uint64_t cbor_expect(struct cbor *from, enum cbor_kind kind)
{
	enum cbor_kind found;
	uint64_t value = cbor_head(from, &found);

	if (found != kind)
		cbor_fail(from);
	return from->good ? value : 0;
}

/* Reads a byte string; returns its contents, which the caller reads as CBOR or as bytes. */
static struct cbor cbor_bytes(struct cbor *from)
{
	uint64_t size = cbor_expect(from, CBOR_BYTES);
	struct cbor bytes = { from->at, from->at, false };

	if (size > cbor_left(from))
		cbor_fail(from);
	if (!from->good)
		return bytes;
	from->at += size;
	return (struct cbor){ bytes.at, from->at, true };
}

static void cbor_skip(struct cbor *from, int depth)
{
	enum cbor_kind kind;
	uint64_t value = cbor_head(from, &kind);

	if (depth == DEPTH_MAX)
		cbor_fail(from);
	if (kind == CBOR_BYTES || kind == CBOR_TEXT) {
		if (value > cbor_left(from))
			cbor_fail(from);
		else
			from->at += value;
	} else if (kind == CBOR_ARRAY || kind == CBOR_MAP || kind == CBOR_TAG) {
		value = kind == CBOR_TAG ? 1 : kind == CBOR_MAP ? value * 2 : value;
		while (from->good && value--)
			cbor_skip(from, depth + 1);
	}
}

/* Reads a whole map; returns the position of the value of @key in it, or an empty one. */
static struct cbor cbor_find(struct cbor *from, uint64_t key)
{
	uint64_t pairs = cbor_expect(from, CBOR_MAP), found;
	struct cbor value = { from->at, from->at, false }, before;
	enum cbor_kind kind;

	while (from->good && pairs--) {
		before = *from;
		found = cbor_head(&before, &kind);
		cbor_skip(from, 0);
		if (kind == CBOR_UINT && found == key)
			value = *from;
		cbor_skip(from, 0);
	}
	return value;
}

/* Have all bytes been read, without a mistake? */
static bool cbor_over(const struct cbor *from)
{
	return from->good && from->at == from->end;
}

/*
 * Returns the payload of the COSE_Sign1 at @value, which is inside a CMW record if @record is set.
 */
static struct cbor payload_find(struct cbor value, bool record)
{
	struct cbor token, payload, nothing = { value.at, value.at, false };

	if (record) {
		if (cbor_expect(&value, CBOR_ARRAY) < 2)
			return nothing;
		cbor_skip(&value, 0);
	}
	token = cbor_bytes(&value);
	if (cbor_expect(&token, CBOR_TAG) != TAG_SIGN1 || cbor_expect(&token, CBOR_ARRAY) != 4)
		return nothing;
	cbor_bytes(&token);
	cbor_skip(&token, 0);
	payload = cbor_bytes(&token);
	if (cbor_left(&token) < 64 || !cbor_bytes(&token).good || !cbor_over(&token))
		return nothing;
	return payload;
}

static bool claims_parse(struct cbor payload, struct token_claims *claims)
{
	struct cbor rest = payload, challenge, value, rems;

	challenge = cbor_find(&rest, CLAIM_CHALLENGE);
	challenge = cbor_bytes(&challenge);
	if (!cbor_over(&rest) || cbor_left(&challenge) != CCA_RSI_CHALLENGE_SIZE)
		return false;
	claims->challenge = challenge.at;
	rest = payload;
	value = cbor_find(&rest, CLAIM_RIM);
	value = cbor_bytes(&value);
	claims->registers[0] = value.at;
	claims->digest_size = cbor_left(&value);
	rest = payload;
	rems = cbor_find(&rest, CLAIM_REMS);
	if (!value.good || cbor_expect(&rems, CBOR_ARRAY) != REGISTERS - 1)
		return false;
	for (size_t i = 1; i < REGISTERS; i++) {
		value = cbor_bytes(&rems);
		if (!value.good || cbor_left(&value) != claims->digest_size)
			return false;
		claims->registers[i] = value.at;
	}
	return true;
}

/* Finds the claims of both tokens in the collection @from. */
static bool payloads_find(struct cbor from, struct cbor *platform, struct cbor *realm)
{
	uint64_t tag = cbor_expect(&from, CBOR_TAG);
	struct cbor rest = from;

	if (tag != TAG_COLLECTION && tag != TAG_CMW)
		return false;
	*platform = payload_find(cbor_find(&rest, KEY_PLATFORM), tag == TAG_CMW);
	rest = from;
	*realm = payload_find(cbor_find(&rest, KEY_REALM), tag == TAG_CMW);
	return cbor_over(&rest) && platform->good && realm->good;
}

static bool collection_parse(struct cbor from, struct token_claims *claims)
{
	struct cbor platform, realm;

	if (!payloads_find(from, &platform, &realm))
		return false;
	cbor_skip(&platform, 0);
	return cbor_over(&platform) && claims_parse(realm, claims);
}

/*
 * A token of kmod/rsi_fake.c: challenge and registers, then bytes that depend on challenge and
 * position.
 */
static bool fake_parse(const uint8_t *token, size_t size, struct token_claims *claims)
{
	struct cbor from = { token, token + size, true }, value = cbor_bytes(&from);

	claims->challenge = value.at;
	if (!value.good || cbor_left(&value) != CCA_RSI_CHALLENGE_SIZE)
		return false;
	for (size_t i = 0; i < REGISTERS; i++) {
		value = cbor_bytes(&from);
		if (!value.good)
			return false;
		claims->registers[i] = value.at;
		claims->digest_size = cbor_left(&value);
	}
	for (size_t i = size - cbor_left(&from); i < size; i++)
		if (token[i] != (uint8_t)(claims->challenge[i % CCA_RSI_CHALLENGE_SIZE] ^
					  i / CCA_RSI_CHALLENGE_SIZE))
			return false;
	return true;
}

bool token_parse(const uint8_t *token, size_t size, struct token_claims *claims)
{
	struct cbor from = { token, token + size, true };
	bool fake = size > 2 && token[0] == 0x58;

	if (fake ? fake_parse(token, size, claims) : collection_parse(from, claims))
		return true;
	tap_note("%zu bytes are not one whole token", size);
	return false;
}

/* Copies the text at @from to @text, of @room bytes. */
static bool text_copy(struct cbor from, char *text, size_t room)
{
	uint64_t size = cbor_expect(&from, CBOR_TEXT);

	if (!from.good || size > cbor_left(&from) || size >= room)
		return false;
	memcpy(text, from.at, size);
	text[size] = '\0';
	return true;
}

bool token_component(const uint8_t *token, size_t size, const char *type, char *version,
		     size_t room)
{
	struct cbor from = { token, token + size, true }, platform, realm, list, item;
	char found[64];
	uint64_t count;

	if (!payloads_find(from, &platform, &realm))
		return false;
	list = cbor_find(&platform, CLAIM_SOFTWARE);
	for (count = cbor_expect(&list, CBOR_ARRAY); list.good && count; count--) {
		item = list;
		if (text_copy(cbor_find(&item, SOFTWARE_TYPE), found, sizeof(found)) &&
		    strcmp(found, type) == 0)
			return text_copy(cbor_find(&list, SOFTWARE_VER), version, room);
		list = item;
	}
	return false;
}

bool token_carries(const uint8_t *token, size_t size, const uint8_t *challenge)
{
	struct token_claims claims;

	return token_parse(token, size, &claims) &&
	       memcmp(claims.challenge, challenge, CCA_RSI_CHALLENGE_SIZE) == 0;
}

bool token_has_register(const uint8_t *token, size_t size, uint32_t index, const uint8_t *value,
			size_t digest_size)
{
	struct token_claims claims;

	return index < REGISTERS && token_parse(token, size, &claims) &&
	       claims.digest_size == digest_size &&
	       memcmp(claims.registers[index], value, digest_size) == 0;
}
