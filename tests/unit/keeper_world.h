/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_world: fakes of KBS, realm, keyring, courier, realmkey-keys and realmkey-hooks for a keeper under test. These functions
 * replace those of the other parts.
 */
#ifndef TESTS_KEEPER_WORLD_H
#define TESTS_KEEPER_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "kbs/denial.h"
#include "keeper/secrets/keeper.h"
#include "keeper/secrets/record.h"

#define SECRET "sesame"

/* What the fakes must do, and what they have recorded. */
static struct {
	struct error answer[8]; /* for the resources r/t/0, r/t/1, ...; no error: SECRET */
	bool ear_kept;		/* the session keeps its EAR although attestation failed */
	bool ear_lost;		/* it has none, because each failure is one of the handshake */
	int dies_at;		/* at the request for this resource the courier dies; -1: never */
	char asked[32];		/* the numbers of the requested resources, in order */
	size_t ear_len[8];	/* of the session's EAR at each request */
	unsigned int value[8];	/* the version of each resource at the KBS */
	struct {
		char name[24], rights[16], content[64], staged[64];
	} file[16]; /* of the keyring */
	size_t files;
	char put[512]; /* of each commit: "file:mode:uid:gid " of each file, and "|" */
	int touched;   /* the status, how many times */
	bool no_commit;
	size_t size;			 /* of the keyring, as configured */
	struct bytes published, digests; /* the status and the digests */
	const char *json;		 /* the value of r/t/3, if not SECRET */
	char keys[256]; /* what realmkey-keys was told: "set 0 VALUE|confirm 0|remove 0|" */
	char hooks[64]; /* realmkey-hooks: the numbers */
	bool key[8];	/* which keys there are */
	bool keys_away, hooks_away; /* they cannot be reached */
	bool keys_die, keys_refuse, hooks_die, hooks_refuse;
	bool no_realm, no_keyring;
	const char *source;   /* the realm's, if not "device" */
	struct error courier; /* what courier_start() returns */
	char calls[32];	      /* what was opened: R realm, K keyring, C courier */
	char recorded[32];    /* the last record: register, resource, digest of the JWE */
	bool log_full;
	struct bytes ca; /* given to the courier */
	bool ca_given;
} world;

static struct bytes logged = BYTES_INIT;
static struct keeper keeper = KEEPER_INIT;

static inline void called(char *list, size_t size, char c)
{
	size_t len = strlen(list);

	assert_true(len + 1 < size);
	list[len] = c;
	list[len + 1] = '\0';
}

int session_get(struct session *s, const char *path, struct bytes *secret, struct error *e)
{
	int number = path[strlen(path) - 1] - '0';

	assert_true(secret->locked);
	world.ear_len[strlen(world.asked)] = s->ear.len;
	called(world.asked, sizeof(world.asked), path[strlen(path) - 1]);
	if (!s->ear.len)
		bytes_append_text(&s->ear, "e.a.r");
	if (number == world.dies_at) {
		s->courier.fd = -1;
		return error_set(e, ERROR_PROTOCOL, "courier: hung up");
	}
	*e = world.answer[number];
	if ((e->kind == ERROR_ATTESTATION || e->kind == ERROR_SYSTEM) && !world.ear_kept)
		bytes_clear(&s->ear);
	if (e->kind != ERROR_NONE && world.ear_lost)
		bytes_clear(&s->ear);
	if (e->kind != ERROR_NONE)
		return -1;
	memset(s->jwe_digest, 0xa0 + number, sizeof(s->jwe_digest));
	if (number == 3 && world.json)
		bytes_append_text(secret, world.json);
	else
		bytes_printf(secret, SECRET "%u", world.value[number]);
	return 0;
}

int session_attest(struct session *s, struct error *e)
{
	(void)s;
	(void)e;
	fail_msg("the keeper must not call session_attest()");
	return -1;
}

int denial_explain(const struct bytes *ear, const struct bytes *token, const struct denial_kbs *kbs,
		   struct bytes *out, struct error *e)
{
	(void)ear;
	(void)token;
	(void)kbs;
	(void)e;
	bytes_append_text(out, "Executables [warning]\nadvice: endorse the RIM\n");
	return 0;
}

void session_close(struct session *s)
{
	bytes_free(&s->ear);
	*s = (struct session)SESSION_INIT;
}

/* --- the keyring ----------------------------------------------------------------------------- */

int keyring_open(struct keyring *ring, const char *path, size_t size, uid_t uid, gid_t gid,
		 struct error *e)
{
	(void)uid;
	(void)gid;
	assert_string_equal(path, "/keyring");
	assert_int_equal(size, world.size);
	called(world.calls, sizeof(world.calls), 'K');
	if (world.no_keyring)
		return error_set(e, ERROR_DELIVERY, "no keyring");
	ring->dir = 0;
	return 0;
}

int keyring_declare(struct keyring *ring, const char *file, mode_t mode, uid_t uid, gid_t gid,
		    struct error *e)
{
	(void)ring;
	(void)e;
	for (size_t i = 0; i < world.files; i++)
		if (!strcmp(world.file[i].name, file))
			return (int)i;
	assert_true(world.files < ARRAY_SIZE(world.file));
	snprintf(world.file[world.files].name, sizeof(world.file[0].name), "%s", file);
	snprintf(world.file[world.files].rights, sizeof(world.file[0].rights), "%o:%u:%u", mode,
		 uid, gid);
	return (int)world.files++;
}

bool keyring_has(const struct keyring *ring, int i)
{
	(void)ring;
	return *world.file[i].content;
}

bool keyring_same(const struct keyring *ring, int i, const void *data, size_t len)
{
	(void)ring;
	return strlen(world.file[i].content) == len && !memcmp(world.file[i].content, data, len);
}

int keyring_stage(struct keyring *ring, int i, const void *data, size_t len, struct error *e)
{
	for (size_t k = 0; k < world.files; k++)
		if (*world.file[k].staged)
			assert_true(keyring_same_unit(world.file[k].name, world.file[i].name));
	assert_true(len < sizeof(world.file[i].staged));
	if (!strcmp(world.file[i].name, "full"))
		return error_set(e, ERROR_DELIVERY, "full: No space left on device");
	if (keyring_same(ring, i, data, len))
		return 1;
	memcpy(world.file[i].staged, data, len);
	world.file[i].staged[len] = '\0';
	return 0;
}

bool keyring_staged(const struct keyring *ring, int i)
{
	(void)ring;
	return *world.file[i].staged;
}

int keyring_stage_removal(struct keyring *ring, int i, struct error *e)
{
	(void)ring;
	(void)e;
	if (!*world.file[i].content)
		return 1;
	strcpy(world.file[i].staged, "-");
	return 0;
}

int keyring_commit(struct keyring *ring, struct error *e)
{
	bool staged = false;

	(void)ring;
	for (size_t i = 0; i < world.files; i++)
		staged |= *world.file[i].staged;
	if (!staged)
		return 0;
	if (world.no_commit) {
		keyring_abandon(ring);
		return error_set(e, ERROR_DELIVERY, "No space left on device");
	}
	for (size_t i = 0; i < world.files; i++) {
		const size_t used = strlen(world.put);

		if (!*world.file[i].staged)
			continue;
		snprintf(world.put + used, sizeof(world.put) - used, "%s%s:%s",
			 world.file[i].staged[0] == '-' ? "-" : "", world.file[i].name,
			 world.file[i].rights);
		strcpy(world.file[i].content,
		       world.file[i].staged[0] == '-' ? "" : world.file[i].staged);
		world.file[i].staged[0] = '\0';
		strcat(world.put, " ");
	}
	strcat(world.put, "|");
	return 0;
}

void keyring_abandon(struct keyring *ring)
{
	(void)ring;
	for (size_t i = 0; i < world.files; i++)
		world.file[i].staged[0] = '\0';
}

static inline struct bytes *published(const char *name)
{
	if (!strcmp(name, ".digests"))
		return &world.digests;
	assert_string_equal(name, ".status");
	return &world.published;
}

int keyring_publish(struct keyring *ring, const char *name, mode_t mode, const void *data,
		    size_t len, struct error *e)
{
	(void)ring;
	(void)e;
	assert_int_equal(mode, !strcmp(name, ".status") ? 0644 : 0400);
	bytes_set(published(name), data, len);
	return 0;
}

void keyring_touch(const struct keyring *ring, const char *name)
{
	(void)ring;
	assert_string_equal(name, ".status");
	world.touched++;
}

int keyring_published(const struct keyring *ring, const char *name, size_t max, struct bytes *data,
		      struct error *e)
{
	(void)ring;
	assert_true(published(name)->len <= max);
	bytes_append(data, published(name)->data, published(name)->len);
	return bytes_check(data, e);
}

void keyring_close(struct keyring *ring)
{
	ring->dir = -1;
}

/* --- the realm and the courier ---------------------------------------------------------------- */

const char *const *rsi_sources(void)
{
	static const char *const names[] = { "device", NULL };

	return names;
}

struct rsi *rsi_open(const char *source, struct error *e)
{
	(void)source;
	called(world.calls, sizeof(world.calls), 'R');
	if (!world.no_realm)
		return (struct rsi *)&world;
	error_set(e, ERROR_NO_REALM, "no realm");
	return NULL;
}

const char *rsi_source_name(const struct rsi *rsi)
{
	assert_ptr_equal(rsi, &world);
	return world.source ? world.source : "device";
}

int record_delivery(struct rsi *rsi, unsigned int index, const char *resource,
		    const uint8_t jwe_digest[SESSION_DIGEST_SIZE], struct error *e)
{
	(void)rsi;
	snprintf(world.recorded, sizeof(world.recorded), "%u %s %02x", index, resource,
		 jwe_digest[0]);
	return world.log_full ? error_set(e, ERROR_DELIVERY, "the log is full") : 0;
}

void rsi_close(struct rsi *rsi)
{
	assert_true(!rsi || rsi == (struct rsi *)&world);
}

int courier_start(struct courier *courier, const char *program, const struct courier_target *target,
		  struct error *e)
{
	assert_string_equal(program, "/courier");
	assert_int_equal(target->servers, 1);
	assert_string_equal(target->server[0].url, "https://kbs");
	called(world.calls, sizeof(world.calls), 'C');
	world.ca_given = target->server[0].ca;
	bytes_set(&world.ca, target->server[0].ca, target->server[0].ca_len);
	*e = world.courier;
	courier->fd = e->kind == ERROR_NONE ? 0 : -1;
	return courier->fd;
}

/* --- realmkey-keys and realmkey-hooks --------------------------------------------------------- */

int sinks_connect(struct sinks_client *client, const char *name, const char *path,
		  const uint8_t digest[SINKS_DIGEST_SIZE], struct bytes *have, struct error *e)
{
	const bool keys = !strcmp(name, "realmkey-keys");

	assert_string_equal(path, keys ? "/keys" : "/hooks");
	assert_int_equal(digest[0], 0xd1);
	client->name = name;
	if (keys ? world.keys_away : world.hooks_away)
		return error_set(e, ERROR_DELIVERY, "%s: not reachable", name);
	client->fd = 0;
	for (size_t i = 0; i < ARRAY_SIZE(world.key); i++) {
		const uint8_t there = keys && world.key[i];

		bytes_append(have, &there, 1);
	}
	return 0;
}

static inline int client_fails(struct sinks_client *client, bool dies, bool refuses,
			       struct error *e)
{
	assert_int_equal(client->fd, 0);
	if (dies) {
		client->fd = -1;
		return error_set(e, ERROR_DELIVERY, "%s: hung up", client->name);
	}
	return refuses ? error_set(e, ERROR_DELIVERY, "%s: refused", client->name) : 0;
}

int sinks_call(struct sinks_client *client, enum sinks_type type, uint32_t number, const void *body,
	       size_t len, struct error *e)
{
	const size_t used = strlen(world.keys);
	const char *verb = type == SINKS_SET ? "set" : type == SINKS_CONFIRM ? "confirm" : "remove";

	if (type == SINKS_CHANGED) {
		if (client_fails(client, world.hooks_die, world.hooks_refuse, e) < 0)
			return -1;
		called(world.hooks, sizeof(world.hooks), (char)('0' + number));
		return 0;
	}
	if (client_fails(client, world.keys_die, world.keys_refuse, e) < 0)
		return -1;
	if (type == SINKS_CONFIRM && !world.key[number])
		return error_set(e, ERROR_DELIVERY, "the key is gone");
	world.key[number] = type != SINKS_REMOVE;
	snprintf(world.keys + used, sizeof(world.keys) - used, "%s %u%s%.*s|", verb, number,
		 len ? " " : "", (int)len, len ? (const char *)body : "");
	return 0;
}

void sinks_close(struct sinks_client *client)
{
	client->fd = -1;
}

static inline void log_keep(enum log_level level, const char *line)
{
	static const char letter[] = { 'E', 'W', 'I', 'D' };

	bytes_printf(&logged, "%c %s\n", letter[level], line);
}

/* Before each test: reset the fakes and the keeper. */
static inline void world_make(void)
{
	memset(&world, 0, sizeof(world));
	world.dies_at = -1;
	keeper = (struct keeper)KEEPER_INIT;
	log_set(log_keep);
}

static inline void world_free(void)
{
	log_set(NULL);
	bytes_free(&logged);
	bytes_free(&world.ca);
	bytes_free(&world.published);
	bytes_free(&world.digests);
	bytes_free(&keeper.session.ear);
}

#endif
