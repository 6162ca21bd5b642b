/* SPDX-License-Identifier: Apache-2.0 */
/* peer_name: what the kernel says about the process at the other end of a socket, as text: its address, its cgroup,
 * its namespaces. This file does no I/O. */
#ifndef REALMKEY_PEER_NAME_H
#define REALMKEY_PEER_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define PEER_NAME_MAX	 256   /* bytes of a unit, an id or a volume, with the NUL */
#define PEER_ADDRESS_MAX 108   /* bytes of an address (unix(7)) */
#define PEER_TEXT_MAX	 16384 /* bytes of a file in /proc */

/* What a client of the credential socket asks for. systemd says so in the name to which it binds the socket (systemd.exec(5),
 * crypttab(5)). Every process can bind such a name, so it proves nothing. */
enum peer_wish { PEER_WISH_CREDENTIAL, PEER_WISH_VOLUME };
struct peer_address {
	enum peer_wish wish;
	char unit
		[PEER_NAME_MAX]; /* PEER_WISH_CREDENTIAL; of PEER_WISH_VOLUME, the unit of systemd that opens it */
	char id[PEER_NAME_MAX]; /* of the credential, or the volume */
};

/* Read the address of @len bytes: NUL RANDOM "/unit/" UNIT "/" ID, or NUL RANDOM "/cryptsetup/" VOLUME. Returns false if it
 * has another form. */
bool peer_name_address(const void *address, size_t len, struct peer_address *out);

struct peer_cgroup {
	/* The first component of the cgroup that is no slice: a service or a scope of PID 1, which only root can put a
	 * process into. "" if there is none. */
	char unit[PEER_NAME_MAX];
	/* Below a user@UID.service: the unit of that user's manager, which is under the control of that user. */
	char user_unit[PEER_NAME_MAX];
	bool container; /* the cgroup is that of a container manager */
};

/* Read /proc/PID/cgroup, @len bytes of @text: the line of the unified hierarchy. Returns false if there is none, or if
 * it has another form. */
bool peer_name_cgroup(const char *text, size_t len, struct peer_cgroup *out);

/* In how many PID namespaces the process has a number, from ours on: the line NSpid of /proc/PID/status. 0: there is no
 * such line. */
size_t peer_name_pids(const char *text, size_t len);

/* True if two texts of /proc/PID/uid_map (user_namespaces(7)) are the same but for spaces, and not empty. */
bool peer_name_same_users(const char *a, size_t alen, const char *b, size_t blen);

/* Write the unit of systemd-cryptsetup for @volume, escaped as by systemd-escape(1). Returns false if it is too long. */
bool peer_name_cryptsetup(const char *volume, char unit[PEER_NAME_MAX]);

#endif
