// SPDX-License-Identifier: Apache-2.0
#include "policy.h"

#include <string.h>

static bool secret_has(const struct config_secret *secret, const struct peer_address *address)
{
	if (address->wish == PEER_WISH_VOLUME) {
		for (size_t i = 0; i < secret->volumes; i++)
			if (!strcmp(secret->volume[i], address->id))
				return true;
		return false;
	}
	for (size_t i = 0; i < secret->credentials; i++)
		if (!strcmp(secret->credential[i].unit, address->unit) &&
		    !strcmp(secret->credential[i].id, address->id))
			return true;
	return false;
}

size_t policy_credential(const struct settings *settings, const struct peer *peer,
			 const struct peer_address *address, struct error *e)
{
	size_t i = 0;

	if (peer->uid != 0)
		error_set(e, ERROR_POLICY, "it is not root");
	else if (peer->container)
		error_set(e, ERROR_POLICY, "it is in a container");
	else if (strcmp(peer->cgroup.unit, address->unit) != 0)
		error_set(e, ERROR_POLICY, "it is in %s, not in that unit",
			  *peer->cgroup.unit ? peer->cgroup.unit : "no unit");
	else {
		while (i < settings->config.count &&
		       !secret_has(&settings->config.secret[i], address))
			i++;
		if (i < settings->config.count)
			return i;
		error_set(e, ERROR_POLICY, "the configuration has no such %s",
			  address->wish == PEER_WISH_VOLUME ? "volume" : "credential");
	}
	return POLICY_NONE;
}

static bool peer_has_group(const struct peer *peer, gid_t gid)
{
	if (peer->gid == gid)
		return true;
	for (size_t i = 0; i < peer->groups; i++)
		if (peer->group[i] == gid)
			return true;
	return false;
}

bool policy_allows(const struct settings *settings, size_t number, const struct peer *peer)
{
	const struct config_secret *secret = &settings->config.secret[number];
	const unsigned int *id = settings->secret[number].allow;

	for (size_t i = 0; i < secret->allows; i++) {
		const struct config_allow *allow = &secret->allow[i];
		const bool unit = *peer->cgroup.unit && !strcmp(allow->name, peer->cgroup.unit);

		/* The users, groups and units of a container are other ones, even if their numbers and names are equal. */
		if (peer->container) {
			if (allow->kind == CONFIG_PEER_CONTAINER && unit)
				return true;
			continue;
		}
		if ((allow->kind == CONFIG_PEER_UID && peer->uid == id[i]) ||
		    (allow->kind == CONFIG_PEER_GID && peer_has_group(peer, id[i])) ||
		    (allow->kind == CONFIG_PEER_UNIT && unit))
			return true;
	}
	return false;
}

size_t policy_find(const struct settings *settings, const char *name, const struct peer *peer)
{
	for (size_t i = 0; i < settings->config.count; i++)
		if (!strcmp(settings->config.secret[i].name, name))
			return policy_allows(settings, i, peer) ? i : POLICY_NONE;
	return POLICY_NONE;
}
