// SPDX-License-Identifier: Apache-2.0
#include "peers.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* How many connections are looked at for one that this server does not keep waiting itself. */
#define TRIES 16

struct peer_origin {
	uint8_t address[16];
	size_t live, held; /* as in struct peers, of this address */
	size_t users;	   /* struct peer that point here */
};

enum peers_resource {
	PEERS_CONNECTIONS,
	PEERS_BYTES,
};

static const int64_t phase_ms[PEER_PHASES] = {
	[PEER_HEAD] = PEER_HEAD_SECONDS * INT64_C(1000),
	[PEER_BODY] = PEER_BODY_SECONDS * INT64_C(1000),
	[PEER_ANSWER] = PEER_ANSWER_SECONDS * INT64_C(1000),
};

/* What counts as one address: all of IPv4, and the network of IPv6, of which a host has as many
 * addresses as it likes. */
static void peer_address(const struct sockaddr *address, uint8_t out[16])
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;

	memset(out, 0, 16);
	if (address->sa_family == AF_INET)
		memcpy(out + 12, &in->sin_addr, 4);
	else if (address->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		memcpy(out + 12, in6->sin6_addr.s6_addr + 12, 4);
	else if (address->sa_family == AF_INET6)
		memcpy(out, &in6->sin6_addr, 8);
}

static struct peer_origin *peers_origin(const struct peers *peers, const struct sockaddr *address)
{
	struct peer_origin *origin;
	uint8_t wanted[16];

	peer_address(address, wanted);
	for (size_t i = 0; i < peers->count; i++) {
		origin = peers->peer[i]->origin;
		if (memcmp(origin->address, wanted, sizeof(wanted)) == 0)
			return origin;
	}
	origin = calloc(1, sizeof(*origin));
	if (origin)
		memcpy(origin->address, wanted, sizeof(wanted));
	return origin;
}

static int peers_grow(struct peers *peers)
{
	size_t room = peers->room ? 2 * peers->room : 64;
	struct peer **more;

	if (peers->count < peers->room)
		return 0;
	more = reallocarray(peers->peer, room, sizeof(struct peer *));
	if (!more)
		return -1;
	peers->peer = more;
	peers->room = room;
	return 0;
}

struct peer *peers_add(struct peers *peers, const struct sockaddr *address, int fd, int64_t now)
{
	struct peer_origin *origin;
	struct peer *peer;

	if (peers_grow(peers) < 0)
		return NULL;
	peer = calloc(1, sizeof(*peer));
	origin = peer ? peers_origin(peers, address) : NULL;
	if (!origin) {
		free(peer);
		return NULL;
	}
	*peer = (struct peer){ .origin = origin, .index = peers->count, .fd = fd };
	peer_begin(peer, PEER_HEAD, now);
	peers->peer[peers->count++] = peer;
	peers->live++;
	origin->live++;
	origin->users++;
	peers_trim(peers, now);
	return peer;
}

static void peer_uncount(struct peers *peers, struct peer *peer)
{
	if (peer->ended)
		return;
	peer->ended = true;
	peers->live--;
	peers->held -= peer->held;
	peer->origin->live--;
	peer->origin->held -= peer->held;
}

void peers_remove(struct peers *peers, struct peer *peer)
{
	struct peer *last;

	if (!peer)
		return;
	peer_uncount(peers, peer);
	last = peers->peer[--peers->count];
	last->index = peer->index;
	peers->peer[last->index] = last;
	if (--peer->origin->users == 0)
		free(peer->origin);
	free(peer);
}

void peers_free(struct peers *peers)
{
	while (peers->count > 0)
		peers_remove(peers, peers->peer[peers->count - 1]);
	free(peers->peer);
	*peers = (struct peers)PEERS_INIT;
}

/* The server sees the end of the stream, and closes the connection. */
static void peer_end(struct peers *peers, struct peer *peer)
{
	peer_uncount(peers, peer);
	(void)shutdown(peer->fd, SHUT_RDWR);
}

void peer_begin(struct peer *peer, enum peer_phase phase, int64_t now)
{
	if (!peer)
		return;
	peer->phase = phase;
	peer->since = peer->turn = now;
}

static size_t peer_share(const struct peer *peer, enum peers_resource resource)
{
	return resource == PEERS_BYTES ? peer->origin->held : peer->origin->live;
}

/* Whether @a ends before @b, which may be NULL. */
static bool peer_ends_before(const struct peer *a, const struct peer *b,
			     enum peers_resource resource)
{
	if (!b)
		return true;
	if (peer_share(a, resource) != peer_share(b, resource))
		return peer_share(a, resource) > peer_share(b, resource);
	return a->turn < b->turn;
}

static struct peer *peers_first(const struct peers *peers, enum peers_resource resource)
{
	struct peer *first = NULL;

	for (size_t i = 0; i < peers->count; i++) {
		struct peer *peer = peers->peer[i];

		if (!peer->ended && (resource != PEERS_BYTES || peer->held > 0) &&
		    peer_ends_before(peer, first, resource))
			first = peer;
	}
	return first;
}

/* Whether data of @peer waits in this machine for the server to read it: then the server is late, and not the
 * client. While there is an answer to send, the server reads nothing. */
static bool peer_waits(const struct peer *peer)
{
	int unread = 0;

	return peer->phase != PEER_ANSWER && ioctl(peer->fd, FIONREAD, &unread) == 0 && unread > 0;
}

/* Returns false if there is none to end now. */
static bool peers_end_one(struct peers *peers, enum peers_resource resource, int64_t now)
{
	for (int i = 0; i < TRIES; i++) {
		struct peer *peer = peers_first(peers, resource);

		/* A body costs memory even if more of it has arrived. */
		if (peer && (resource == PEERS_BYTES || !peer_waits(peer))) {
			peer_end(peers, peer);
			return true;
		}
		if (peer)
			peer->turn = now;
	}
	return false;
}

void peers_trim(struct peers *peers, int64_t now)
{
	while (peers->live > peers->live_max && peers_end_one(peers, PEERS_CONNECTIONS, now))
		;
}

void peers_hold(struct peers *peers, struct peer *peer, size_t held, int64_t now)
{
	if (!peer || peer->ended)
		return;
	peers->held += held - peer->held;
	peer->origin->held += held - peer->held;
	peer->held = held;
	if (peers->held > peers->held_max)
		(void)peers_end_one(peers, PEERS_BYTES, now);
}

void peers_end_overdue(struct peers *peers, int64_t now)
{
	for (size_t i = 0; i < peers->count; i++) {
		struct peer *peer = peers->peer[i];

		if (!peer->ended && now - peer->since >= phase_ms[peer->phase])
			peer_end(peers, peer);
	}
}
