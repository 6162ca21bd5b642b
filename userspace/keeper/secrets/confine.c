// SPDX-License-Identifier: Apache-2.0
#include "confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/array.h"
#include "base/crypto.h"
#include "config/config.h"
#include "filters/keeper.h"

/*
 * The capabilities that the keeper keeps, all of them:
 *
 *	CAP_CHOWN	gives a secret to its owner
 *
 * It needs no other. It owns the directories of the keyring and each file until that has its owner,
 * so it needs neither FOWNER nor DAC_OVERRIDE. It compares a secret with the file of an earlier
 * process through a descriptor that keyring_declare() opened, so it does not need DAC_READ_SEARCH.
 */
#define CAPABILITIES (1ULL << CAP_CHOWN)

#define MORE_MEMORY (1 << 20) /* bytes that confinement allocates at most */
/* Each file of the keyring has a descriptor, and a second one while it is staged. */
#define FILES_MAX (64 + 2 * (CONFIG_KEYRING_FILES_MAX + CONFIG_SECRETS_MAX))

bool confine_identity(struct sandbox_identity *identity)
{
	identity->keep = CAPABILITIES;
	return sandbox_user(CONFINE_USER, CONFINE_FALLBACK, identity);
}

int confine_begin(struct error *e)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < FILES_MAX) {
		files.rlim_cur = files.rlim_max < FILES_MAX ? files.rlim_max : FILES_MAX;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	if (sandbox_no_dump(e) < 0)
		return -1;
	/* Now, because later libcrypto can neither open its files nor map guard pages for this
	 * heap. */
	if (crypto_prepare(e) < 0)
		return -1;
	/* Without CAP_IPC_LOCK the limit applies to each later allocation too. A unit sets its own
	 * limit, and may not allow this. */
	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
	/* Locks what struct bytes does not: copies of keys in libraries, and the stack. A page is locked
	 * when it is first used, so no page with a secret can be swapped out, and the pages of libcrypto
	 * that nothing uses stay on the disk: without MCL_ONFAULT, they would be 5 MiB. */
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "cannot lock memory");
	return 0;
}

/*
 * CAP_IPC_LOCK goes together with root, so from then on RLIMIT_MEMLOCK holds for each allocation.
 * A limit that is too small must end the keeper here, with a reason, and not later with a secret.
 */
static int confine_memory(struct error *e)
{
	struct rlimit limit = { 0 };
	void *more = mmap(NULL, MORE_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	if (more != MAP_FAILED) {
		munmap(more, MORE_MEMORY);
		return 0;
	}
	if (errno != EAGAIN || getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "cannot allocate memory");
	return error_set(
		e, ERROR_SYSTEM,
		"cannot lock more memory: RLIMIT_MEMLOCK is %llu KiB; set it to 64 MiB or more, "
		"in a unit by LimitMEMLOCK=64M",
		(unsigned long long)limit.rlim_cur / 1024);
}

int confine_finish(int keyring, const struct sandbox_identity *identity, pid_t supervisor,
		   struct error *e)
{
	const struct sandbox_path paths[] = {
		{ ".", SANDBOX_READ | SANDBOX_WRITE },
	};
	const struct sandbox_access access = {
		.path = paths,
		.paths = ARRAY_SIZE(paths),
		.alone = true,
	};

	/* A name then leads into the keyring only, also if the kernel has no Landlock. A unit that
	 * withholds CAP_SYS_CHROOT has its own means: nothing else can be written there. */
	if (fchdir(keyring) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "the keyring");
	if (chroot(".") < 0 && errno != EPERM)
		return error_set_errno(e, ERROR_SYSTEM, "chroot");
	if (sandbox_drop_root(identity, e) < 0 || confine_memory(e) < 0)
		return -1;
	/* These two after the change of user, which undoes them. */
	if (supervisor && sandbox_end_with(supervisor, e) < 0)
		return -1;
	if (sandbox_no_dump(e) < 0 || sandbox_no_new_privs(e) < 0 || sandbox_no_new_code(e) < 0 ||
	    sandbox_landlock(&access, e) < 0)
		return -1;
	return sandbox_seccomp(keeper_calls, ARRAY_SIZE(keeper_calls), e);
}
