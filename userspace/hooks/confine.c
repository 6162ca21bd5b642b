// SPDX-License-Identifier: Apache-2.0
#include "confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/array.h"
#include "filters/hooks.h"
#include "sandbox/sandbox.h"

/* Not sandbox_drop_root(), which changes the user, and so requires capabilities that the unit withholds. The bounding set
 * cannot be emptied without CAP_SETPCAP; the unit's is empty already. */
static int capabilities_drop(struct error *e)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
	struct __user_cap_data_struct had[_LINUX_CAPABILITY_U32S_3];

	for (unsigned long i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0 && errno != EPERM)
			return error_set_errno(e, ERROR_SYSTEM, "PR_CAPBSET_DROP %lu", i);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "PR_CAP_AMBIENT_CLEAR_ALL");
	if (syscall(SYS_capget, &header, had) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "capget");
	/* The unit refuses the call. */
	if (memcmp(had, none, sizeof(had)) && syscall(SYS_capset, &header, none) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "capset");
	return 0;
}

/* What both have in common. */
static int privileges_drop(const struct sandbox_access *access, struct error *e)
{
	if (capabilities_drop(e) < 0 || sandbox_no_dump(e) < 0 || sandbox_no_new_privs(e) < 0 ||
	    sandbox_no_new_code(e) < 0)
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
