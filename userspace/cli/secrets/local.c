// SPDX-License-Identifier: Apache-2.0
#include "local.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "cli/cli.h"
#include "keyring/keyring.h"
#include "status/control.h"

/* Ten years: more than a realm runs, and far from the limits of int64_t. */
#define DURATION_MAX_MS ((int64_t)3650 * 24 * 3600 * 1000)

const struct args_option local_options[] = {
	{ .name = "keyring",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct local_options, keyring),
	  .value = "DIR",
	  .help = "mount point of the keyring (default " KEYRING_PATH ")" },
	{ 0 },
};

const char *local_keyring(const struct local_options *options)
{
	return options->keyring ? options->keyring : KEYRING_PATH;
}

int local_directory(const char *keyring)
{
	return open(keyring, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int absent(const char *keyring, const char *what, struct error *e)
{
	error_set(e, ERROR_SYSTEM, "%s: %s", keyring, what);
	return LOCAL_ABSENT;
}

int local_status_read(const char *keyring, struct status *status, struct error *e)
{
	static const char none[] = "no status there: realmkeyd has not started since boot";
	struct bytes text = BYTES_INIT;
	int dir, fd, ret;

	*status = (struct status)STATUS_INIT;
	dir = local_directory(keyring);
	if (dir < 0 && errno == ENOENT)
		return absent(keyring, none, e);
	if (dir < 0)
		return error_set_errno(e, ERROR_SYSTEM, "%s", keyring);
	/* Not blocking, if the file is a pipe. */
	fd = openat(dir, STATUS_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ret = fd < 0 && errno == ENOENT ? absent(keyring, none, e) : LOCAL_FOUND;
	if (fd < 0 && ret == LOCAL_FOUND)
		ret = error_set_errno(e, ERROR_SYSTEM, "%s/" STATUS_FILE, keyring);
	close(dir);
	if (fd < 0)
		return ret;
	ret = io_read_all(fd, STATUS_MAX, keyring, &text, e);
	close(fd);
	if (ret == 0 && status_decode(text.data, text.len, status, e) < 0)
		ret = error_add(e, "%s", keyring);
	bytes_free(&text);
	return ret < 0 ? -1 : LOCAL_FOUND;
}

/* A descriptor, or -1 with errno. The path of a socket is short, so it goes through the directory's descriptor. */
static int control_connect(const char *keyring)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int dir = local_directory(keyring), fd, saved;

	if (dir < 0)
		return -1;
	snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d/" CONTROL_FILE, dir);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
		saved = errno;
		close(fd);
		errno = saved;
		fd = -1;
	}
	saved = errno;
	close(dir);
	errno = saved;
	return fd;
}

int local_connect(const char *keyring, int *fd, struct error *e)
{
	*fd = control_connect(keyring);
	if (*fd >= 0)
		return LOCAL_FOUND;
	if (errno == ENOENT || errno == ECONNREFUSED)
		return absent(keyring, "realmkeyd is not running (systemctl start realmkeyd)", e);
	error_set_errno(e, ERROR_SYSTEM, "%s/" CONTROL_FILE, keyring);
	if (errno == EACCES || errno == EPERM)
		error_append(e, "; only root may do this");
	return -1;
}

enum local_daemon local_probe(const char *keyring)
{
	int fd = control_connect(keyring);

	if (fd < 0)
		return errno == ENOENT || errno == ECONNREFUSED ? LOCAL_STOPPED : LOCAL_HIDDEN;
	close(fd);
	return LOCAL_RUNS;
}

int local_fail(const char *name, int found, const struct error *e)
{
	int code = cli_fail(name, e);

	return found == LOCAL_ABSENT ? LOCAL_EXIT_ABSENT : code;
}

int local_duration(const char *text, const char *what, int64_t *ms, struct error *e)
{
	int64_t given;

	if (!clock_duration(text, &given))
		return error_set(e, ERROR_USAGE, "%s: '%s' is not a duration (90, 90s, 5m, 1h, 2d)",
				 what, text);
	if (given > DURATION_MAX_MS)
		return error_set(e, ERROR_USAGE, "%s: '%s' is more than 3650d", what, text);
	*ms = given;
	return 0;
}
