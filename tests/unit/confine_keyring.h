/* SPDX-License-Identifier: Apache-2.0 */
/* confine_keyring: what the confined keeper does with its keyring. */
#ifndef TESTS_CONFINE_KEYRING_H
#define TESTS_CONFINE_KEYRING_H

#include "confine_test.h"

#include <errno.h>
#include <stdbool.h>

#include "base/array.h"

#define WRONG 140 /* likewise: something other than the tried call failed */

/* Stage and commit file @index of the keyring; @same if it should be there. */
static int put(int index, const char *text, bool same)
{
	struct error e = ERROR_INIT;

	if (keyring_stage(&ring, index, text, strlen(text), &e) == same &&
	    keyring_commit(&ring, &e) == 0)
		return 0;
	fprintf(stderr, "# %s\n", e.text);
	return WRONG;
}

static bool has(const char *file, mode_t mode)
{
	struct stat st;

	return !fstatat(keyring_fd, file, &st, 0) && st.st_uid == OWNER && st.st_gid == GROUP &&
	       st.st_mode == (S_IFREG | mode);
}

/* What is new has its owner, in a new directory. */
static int try_put(void)
{
	return put(NEW_A, "secret", false) || !has("new/a", 0440) ? WRONG : 0;
}

/* A file of an earlier process, which only its owner may read. */
static int try_compare(void)
{
	if (openat(keyring_fd, "d/a", O_RDONLY) >= 0 || errno != EACCES)
		return WRONG;
	return put(D_A, "secret", true);
}

/* The other file of its unit is copied, and the old generation removed. */
static int try_replace(void)
{
	if (put(D_B, "new", false) || put(D_A, "other", false) || !has("d/a", 0400) ||
	    !has("d/b", 0400) || put(D_B, "new", true))
		return WRONG;
	return keyring_tidy(&ring, INT64_MAX) == INT64_MAX &&
			       faccessat(keyring_fd, ".gen.1", F_OK, 0) &&
			       faccessat(keyring_fd, ".gen.2", F_OK, 0) ?
		       0 :
		       WRONG;
}

static int try_remove_secret(void)
{
	struct error e = ERROR_INIT;

	if (keyring_stage_removal(&ring, D_A, &e) || keyring_commit(&ring, &e))
		return WRONG;
	return faccessat(keyring_fd, "d/a", F_OK, 0) && has("d/b", 0400) ? 0 : WRONG;
}

/* What an earlier configuration left is removed, and a secret gets another mode. */
static int try_settle(void)
{
	struct error e = ERROR_INIT;

	if (mkdirat(keyring_fd, "old", 0755) || mkdirat(keyring_fd, "d/old", 0755) ||
	    openat(keyring_fd, "d/old/x", O_CREAT | O_WRONLY, 0400) < 0)
		return WRONG;
	ring.file[D_A].mode = 0440;
	if (keyring_settle(&ring, &e))
		return WRONG;
	return has("d/a", 0440) && faccessat(keyring_fd, "d/old", F_OK, 0) &&
			       faccessat(keyring_fd, "old", F_OK, 0) ?
		       0 :
		       WRONG;
}

static int try_publish(void)
{
	struct error e = ERROR_INIT;
	struct stat st;

	for (int i = 0; i < 2; i++)
		if (keyring_publish(&ring, ".status", 0644, "{}", 2, &e))
			return WRONG;
	return fstatat(keyring_fd, ".status", &st, 0) || st.st_mode != (S_IFREG | 0644) ? WRONG : 0;
}

/* A directory gives way to a file, and the reverse. */
static int try_exchange(void)
{
	static const char *const files[] = { "x/y/a", "x/y", "x", "x/y" };
	struct error e = ERROR_INIT;
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		ring.file[NEW_A].name = files[i];
		if (put(NEW_A, "s", false))
			return WRONG;
	}
	if (fstatat(keyring_fd, "x/y", &st, 0) || !S_ISREG(st.st_mode))
		return WRONG;
	if (keyring_stage_removal(&ring, NEW_A, &e) || keyring_commit(&ring, &e))
		return WRONG;
	return keyring_tidy(&ring, INT64_MAX) == INT64_MAX ? 0 : WRONG;
}

#endif
