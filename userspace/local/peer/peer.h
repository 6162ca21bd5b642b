/* SPDX-License-Identifier: Apache-2.0 */
/* peer: the process at the other end of a connection, as the kernel describes it. */
#ifndef REALMKEY_PEER_H
#define REALMKEY_PEER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "peer_name.h"

#define PEER_GROUPS_MAX 256

struct peer {
	uid_t uid; /* effective, at the time of connect() */
	gid_t gid;
	pid_t pid;
	gid_t group[PEER_GROUPS_MAX]; /* supplementary */
	size_t groups;
	struct peer_cgroup cgroup;
	bool container; /* it is in a container: by its cgroup, its PID namespace, or its user namespace */
};

/* What is read once, before this process is confined: the namespaces of this process. */
int peer_prepare(struct error *e);

/* Identify the peer of the socket @fd. The process is found by SO_PEERPIDFD, and still runs after its files in /proc were
 * read, so they are not those of another process that got its number. An ERROR_SYSTEM if the kernel lacks
 * SO_PEERPIDFD (Linux 6.5), an ERROR_POLICY if the process has ended or cannot be identified. @peer then has what is
 * known. */
int peer_identify(int fd, struct peer *peer, struct error *e);

/* Read the address of the peer: what it asks for. */
bool peer_address_read(int fd, struct peer_address *address);

#endif
