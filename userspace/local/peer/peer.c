// SPDX-License-Identifier: Apache-2.0
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/io.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* Of this process. */
static struct {
	struct bytes users; /* uid_map */
	size_t pids;	    /* PID namespaces */
} own = { .users = BYTES_INIT };

static int proc_read(const char *process, const char *name, struct bytes *out, struct error *e)
{
	char path[64];

	bytes_clear(out);
	snprintf(path, sizeof(path), "/proc/%s/%s", process, name);
	return io_read_file(path, PEER_TEXT_MAX, out, e);
}

int peer_prepare(struct error *e)
{
	struct bytes status = BYTES_INIT;
	int ret = proc_read("self", "status", &status, e);

	if (ret == 0)
		ret = proc_read("self", "uid_map", &own.users, e);
	own.pids = peer_name_pids(bytes_text(&status), status.len);
	bytes_free(&status);
	return ret;
}

static int peer_read(struct peer *peer, struct error *e)
{
	struct bytes text = BYTES_INIT;
	char process[16];
	int ret;

	snprintf(process, sizeof(process), "%d", peer->pid);
	ret = proc_read(process, "cgroup", &text, e);
	if (ret == 0 && !peer_name_cgroup(bytes_text(&text), text.len, &peer->cgroup))
		ret = error_set(e, ERROR_POLICY,
				"its cgroup is not in the unified hierarchy of this machine");
	peer->container = peer->cgroup.container;
	if (ret == 0)
		ret = proc_read(process, "status", &text, e);
	if (ret == 0)
		peer->container |= peer_name_pids(bytes_text(&text), text.len) != own.pids;
	if (ret == 0)
		ret = proc_read(process, "uid_map", &text, e);
	if (ret == 0)
		peer->container |= !peer_name_same_users(bytes_text(&text), text.len,
							 bytes_text(&own.users), own.users.len);
	bytes_free(&text);
	return ret < 0 ? error_reclassify(e, ERROR_ANY, ERROR_POLICY) : 0;
}

static int pidfd_get(int fd, struct error *e)
{
	socklen_t size = sizeof(int);
	int pidfd = -1;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0)
		return pidfd;
	if (errno == ENOPROTOOPT)
		return error_set(
			e, ERROR_SYSTEM,
			"this kernel cannot identify processes: SO_PEERPIDFD requires Linux "
			"6.5");
	return error_set(e, ERROR_POLICY, "the process has ended");
}

static bool process_runs(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

static int groups_read(int fd, struct peer *peer, struct error *e)
{
	socklen_t size = sizeof(peer->group);

	/* There are more than anyone has in practice. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer->group, &size) < 0)
		return error_set(e, ERROR_POLICY, "its groups cannot be read: %s", strerror(errno));
	peer->groups = size / sizeof(peer->group[0]);
	return 0;
}

int peer_identify(int fd, struct peer *peer, struct error *e)
{
	struct ucred credentials = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	socklen_t size = sizeof(credentials);
	int pidfd, ret;

	*peer = (struct peer){ .uid = (uid_t)-1, .gid = (gid_t)-1, .container = true };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
		return error_set_errno(e, ERROR_POLICY, "SO_PEERCRED");
	peer->uid = credentials.uid;
	peer->gid = credentials.gid;
	peer->pid = credentials.pid;
	/* 0: it is not in our PID namespace, or in one below. */
	if (peer->pid <= 0)
		return error_set(e, ERROR_POLICY, "a process of another PID namespace");
	pidfd = pidfd_get(fd, e);
	if (pidfd < 0)
		return -1;
	ret = groups_read(fd, peer, e);
	if (ret == 0)
		ret = peer_read(peer, e);
	if (!process_runs(pidfd))
		ret = error_set(e, ERROR_POLICY, "the process has ended");
	close(pidfd);
	return ret;
}

bool peer_address_read(int fd, struct peer_address *address)
{
	struct sockaddr_un name = { .sun_family = AF_UNSPEC };
	socklen_t size = sizeof(name);

	if (getpeername(fd, (struct sockaddr *)&name, &size) < 0 || name.sun_family != AF_UNIX ||
	    size <= offsetof(struct sockaddr_un, sun_path) || size > sizeof(name))
		return false;
	return peer_name_address(name.sun_path, size - offsetof(struct sockaddr_un, sun_path),
				 address);
}
