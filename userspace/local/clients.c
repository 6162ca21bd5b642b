// SPDX-License-Identifier: Apache-2.0
#include "clients.h"

#include <string.h>
#include <unistd.h>

struct client *clients_add(struct clients *clients, int fd, bool api)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &clients->client[i];

		if (client->state != CLIENT_FREE)
			continue;
		*client = (struct client){
			.state = CLIENT_READS, .fd = fd, .api = api, .number = ++clients->last
		};
		return client;
	}
	return NULL;
}

struct client *clients_find(struct clients *clients, uint32_t number)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (clients->client[i].state != CLIENT_FREE && clients->client[i].number == number)
			return &clients->client[i];
	return NULL;
}

void clients_remove(struct client *client)
{
	close(client->fd);
	bytes_free(&client->input);
	outbox_free(&client->out);
	client->state = CLIENT_FREE;
}

size_t clients_count(const struct clients *clients, bool api)
{
	size_t count = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		count += clients->client[i].state != CLIENT_FREE &&
			 (!api || clients->client[i].api);
	return count;
}

static bool user_is_root(const struct client *client)
{
	return client->peer.uid == 0 && !client->peer.container;
}

/* A user namespace has many users, so a container is counted by its unit; and a user who may have nothing could come with
 * each of their subordinate users. */
static bool same_user(const struct client *a, const struct client *b)
{
	if (a->stranger || b->stranger)
		return a->stranger == b->stranger;
	if (a->peer.container || b->peer.container)
		return a->peer.container == b->peer.container &&
		       !strcmp(a->peer.cgroup.unit, b->peer.cgroup.unit);
	return a->peer.uid == b->peer.uid;
}

bool clients_excess(const struct clients *clients, const struct client *client)
{
	size_t count = 0;

	if (user_is_root(client))
		return false;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		const struct client *other = &clients->client[i];

		count += other->state != CLIENT_FREE && other->api && !user_is_root(other) &&
			 same_user(client, other);
	}
	return count > CLIENTS_USER_MAX;
}
