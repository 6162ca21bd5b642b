/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failover: which of several KBSs a handshake uses. They are tried in the order in which they were given,
 * without those that failed a short time ago. No I/O.
 */
#ifndef REALMKEY_FAILOVER_H
#define REALMKEY_FAILOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define FAILOVER_SERVERS_MAX 8

/* How long a KBS is avoided, ms: after its first failure the first time, doubled by each further one up to
 * the second. */
#define FAILOVER_FIRST 30000
#define FAILOVER_MAX   600000

struct failover {
	uint32_t current; /* 1 + the index of the KBS with which the last handshake began, or 0 */
	struct {
		uint32_t failures; /* in succession */
		int64_t until;	   /* boot clock, ms: it is avoided until then; 0: it is not */
	} server[FAILOVER_SERVERS_MAX];
};

/* Whether another KBS may be better after such a failure to get an answer, or after such an HTTP status: if
 * there is no connection, no TLS or no HTTP, or if the KBS is out of order or busy. What a KBS refuses or
 * denies is its decision. */
bool failover_kind(enum error_kind kind);
bool failover_status(int status);

/* The KBS of @count to begin a handshake with at @now: the first that is not avoided, or else the one that
 * would be avoided for the shortest time. No value in @f leads to another result than an index below @count,
 * or lets a KBS be avoided for longer than FAILOVER_MAX. */
size_t failover_pick(const struct failover *f, size_t count, int64_t now);
/* The KBS @f->current, if there is one below @count; otherwise failover_pick(). */
size_t failover_current(const struct failover *f, size_t count, int64_t now);
/* KBS @server has failed at @now: avoid it. @random is 32 random bits, by which many realms do not return to
 * it together. */
void failover_failed(struct failover *f, size_t server, int64_t now, uint32_t random);
/* KBS @server has done what was asked for. */
void failover_worked(struct failover *f, size_t server);

#endif
