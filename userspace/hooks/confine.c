// SPDX-License-Identifier: Apache-2.0
#include "confine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/array.h"
#include "filters/hooks.h"
#include "sandbox/sandbox.h"

/* What both have in common. The user stays, because systemd accepts requests from root. */
static int privileges_drop(const struct sandbox_access *access, struct error *e)
{
	const struct sandbox_identity same = { .uid = geteuid(), .gid = getegid() };

	if (sandbox_drop_root(&same, e) < 0 || sandbox_no_dump(e) < 0 ||
	    sandbox_no_new_privs(e) < 0 || sandbox_no_new_code(e) < 0)
		return -1;
	return sandbox_landlock(access, e) < 0 ? -1 : 0;
}

int confine_receiver(pid_t parent, struct error *e)
{
	const struct sandbox_access nothing = { .alone = true };

	if (sandbox_end_with(parent, e) < 0 || privileges_drop(&nothing, e) < 0)
		return -1;
	return sandbox_seccomp(hooks_receiver, ARRAY_SIZE(hooks_receiver), e);
}

const char *confine_caller(const char *socket, struct error *e)
{
	const char *name = strrchr(socket, '/');
	char directory[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	/* The directory, because systemd makes the socket again when it executes itself. */
	const struct sandbox_path path = { ".", SANDBOX_MEET };
	const struct sandbox_access access = { .path = &path, .paths = 1, .alone = true };

	if (*socket != '/' || strlen(socket) >= sizeof(directory)) {
		error_set(e, ERROR_USAGE, "--systemd: not the absolute path of a socket");
		return NULL;
	}
	snprintf(directory, sizeof(directory), "%.*s", (int)(name - socket) + 1, socket);
	if (chdir(directory) < 0) {
		error_set_errno(e, ERROR_SYSTEM, "%s", directory);
		return NULL;
	}
	if (chroot(".") == 0)
		socket = name;
	else if (errno != EPERM) {
		error_set_errno(e, ERROR_SYSTEM, "chroot");
		return NULL;
	}
	if (privileges_drop(&access, e) < 0 ||
	    sandbox_seccomp(hooks_caller, ARRAY_SIZE(hooks_caller), e) < 0)
		return NULL;
	return socket;
}
