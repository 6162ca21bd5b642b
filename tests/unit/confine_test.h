/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine_test: what a confined keeper could reach: a service with sockets, another process, files,
 * and descriptors that are left open.
 */
#ifndef TESTS_CONFINE_TEST_H
#define TESTS_CONFINE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "keeper/secrets/confine.h"
#include "keyring/keyring.h"
#include "keyring/tree.h"

#define OWNER 1001 /* of the secrets */
#define GROUP 1002

enum { D_A, D_B, NEW_A }; /* the files of the keyring */

static char keyring[] = "/tmp/test_confine.XXXXXX", outside[] = "/tmp/test_confine.XXXXXX";
static int keyring_fd, outside_fd;
static struct keyring ring = KEYRING_INIT;
static pid_t other; /* a process of the same user, which the keeper must not touch */

/* Sockets of a service: a path as PID 1, D-Bus and the journal have one, and an abstract one. */
static struct sockaddr_un service_path = { .sun_family = AF_UNIX };
static struct sockaddr_un service_abstract = { .sun_family = AF_UNIX };
static int listener, abstract_listener, datagrams;
/* Sockets that the child inherits: not connected, connected to the service, and one from which it
 * receives a byte together with a descriptor. */
static int spare, spare_datagram, notify, sender = -1, receiver = -1;

/* In @control, room for one descriptor. */
static inline struct msghdr *message_with_descriptor(char *data, char *control, size_t size)
{
	static struct iovec part;
	static struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	part = (struct iovec){ .iov_base = data, .iov_len = 1 };
	message.msg_control = control;
	message.msg_controllen = size;
	return &message;
}

static inline int directory_make(char *path)
{
	return mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

static inline int socket_serve(int type, const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -1;
	return type == SOCK_STREAM && listen(fd, 4) < 0 ? -1 : fd;
}

/* The service has a stream socket with a path, and one that is abstract; the latter's name is also
 * that of a datagram socket. */
static inline int service_start(void)
{
	struct sockaddr_un path = { .sun_family = AF_UNIX };

	snprintf(service_path.sun_path, sizeof(service_path.sun_path), "%s/service", outside);
	snprintf(path.sun_path, sizeof(path.sun_path), "%s/datagrams", outside);
	snprintf(service_abstract.sun_path + 1, sizeof(service_abstract.sun_path) - 1,
		 "test_confine.%d", (int)getpid());
	listener = socket_serve(SOCK_STREAM, &service_path);
	abstract_listener = socket_serve(SOCK_STREAM, &service_abstract);
	datagrams = socket_serve(SOCK_DGRAM, &path);
	spare = socket(AF_UNIX, SOCK_STREAM, 0);
	spare_datagram = socket(AF_UNIX, SOCK_DGRAM, 0);
	notify = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (listener < 0 || abstract_listener < 0 || spare < 0 || spare_datagram < 0)
		return -1;
	return connect(notify, (const struct sockaddr *)&path, sizeof(path));
}

static inline int group_setup(void **state)
{
	struct sandbox_identity identity;

	(void)state;
	if (geteuid() != 0)
		print_message("# skipped, these tests cannot run here: not root\n");
	confine_identity(&identity);
	keyring_fd = directory_make(keyring);
	outside_fd = directory_make(outside);
	if (keyring_fd < 0 || outside_fd < 0 || fchmod(outside_fd, 0755) < 0 ||
	    fchown(keyring_fd, identity.uid, identity.gid) < 0)
		return -1;
	return service_start();
}

/* Each test begins with this. Another user than root has nothing to give up. */
static inline void root_require(void)
{
	if (geteuid() != 0)
		skip();
}

static inline int group_teardown(void **state)
{
	(void)state;
	unlinkat(outside_fd, "service", 0);
	unlinkat(outside_fd, "datagrams", 0);
	close(keyring_fd);
	close(outside_fd);
	return rmdir(keyring) | rmdir(outside);
}

/* Declare the files of the keyring whose root is @keyring_fd. */
static inline int ring_declare(struct error *e)
{
	ring.dir = keyring_fd;
	return keyring_declare(&ring, "d/a", 0400, OWNER, GROUP, e) != D_A ||
	       keyring_declare(&ring, "d/b", 0400, OWNER, GROUP, e) != D_B ||
	       keyring_declare(&ring, "new/a", 0440, OWNER, GROUP, e) != NEW_A;
}

/* Put d/a there, as an earlier keeper did. */
static inline int keyring_fill(struct error *e)
{
	struct sandbox_identity identity;
	int ret;

	confine_identity(&identity);
	ret = ring_declare(e) || keyring_stage(&ring, D_A, "secret", 6, e) < 0 ||
	      keyring_commit(&ring, e) < 0 ||
	      fchownat(keyring_fd, "d", identity.uid, identity.gid, 0) < 0;
	ring.dir = -1; /* it is still in use */
	keyring_close(&ring);
	return ret ? -1 : 0;
}

/* A secret of an earlier process, and a byte with a descriptor that waits to be received. */
static inline int setup(void **state)
{
	char data = 'x', control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr *message = message_with_descriptor(&data, control, sizeof(control));
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	struct error e = ERROR_INIT;
	int pair[2];

	(void)state;
	if (geteuid() != 0)
		return 0; /* skip() is for tests only */
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return -1;
	sender = pair[0];
	receiver = pair[1];
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &keyring_fd, sizeof(int));
	if (sendmsg(sender, message, 0) != 1)
		return -1;
	if (keyring_fill(&e) < 0)
		return -1;
	return close(openat(outside_fd, "old", O_CREAT | O_WRONLY, 0644));
}

static inline int teardown(void **state)
{
	(void)state;
	close(sender);
	close(receiver);
	for (const char *const *name = (const char *const[]){ "d", "new", "x", ".status", ".gen.1",
							      ".gen.2", ".gen.3", NULL };
	     *name; name++)
		tree_remove(keyring_fd, *name);
	unlinkat(outside_fd, "new", 0);
	unlinkat(outside_fd, "old", 0);
	return 0;
}

/* Memory is unlocked again: a machine's limit may be lower than what these tests use, and root in a
 * container may be unable to raise it. AddressSanitizer locks no memory either. */
static inline int confine_begin_unlocked(struct error *e)
{
	return confine_begin(e) < 0 ? -1 : munlockall();
}

#endif
