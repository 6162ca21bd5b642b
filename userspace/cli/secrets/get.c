// SPDX-License-Identifier: Apache-2.0
/* Asks realmkey-local for a secret of this machine's realmkeyd. */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "cli/cli.h"
#include "local.h"
#include "sinks/varlink.h"

#define ANSWER_MS 15000 /* for the answer, after the time to wait */

struct options {
	const char *timeout, *socket, *output;
};

static const struct args_option own[] = {
	{ .name = "timeout",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, timeout),
	  .value = "DURATION",
	  .help = "do not wait longer for the secret, 0 or 90s or 5m (default, and maximum: [local] "
		  "wait in realmkeyd.conf)" },
	{ .name = "output",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, output),
	  .value = "FILE",
	  .help = "write to FILE, atomically, with mode 0600 (- is standard output)" },
	{ .name = "socket",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, socket),
	  .value = "PATH",
	  .help = "socket of realmkey-local (default " VARLINK_SOCKET ")" },
	{ 0 },
};

static const struct args_option *const tables[] = { own, NULL };

static const struct args_spec spec = {
	.name = "realmkey get",
	.operands = "NAME",
	.operands_min = 1,
	.operands_max = 1,
	.about =
		"Gets the secret NAME of this machine's realmkeyd, and writes it to standard output,\n"
		"byte for byte. [secret] allow in realmkeyd.conf(5) names the programs that may. If\n"
		"the secret is not there yet, it waits.",
	.options = tables,
	.notes = "Exit status: 8 not allowed, or no such secret; 10 not delivered in time;\n"
		 "14 realmkey-local does not run; realmkey(1) has them all.",
};

/* Returns an enum local_found, or -1. */
static int service_connect(const char *path, int *fd, struct error *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(to.sun_path))
		return error_set(e, ERROR_USAGE, "--socket: path too long for a socket");
	strcpy(to.sun_path, path);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return error_set_errno(e, ERROR_SYSTEM, "socket");
	if (connect(*fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return LOCAL_FOUND;
	if (errno == ENOENT || errno == ECONNREFUSED) {
		error_set(e, ERROR_SYSTEM,
			  "%s: realmkey-local is not running (systemctl start realmkey-api.socket)",
			  path);
		return LOCAL_ABSENT;
	}
	return error_set_errno(e, ERROR_SYSTEM, "%s", path);
}

/* Read one reply, without the NUL after it. */
static int reply_read(int fd, int64_t until, struct bytes *reply, struct error *e)
{
	if (bytes_resize(reply, VARLINK_REPLY_MAX, e) < 0)
		return -1;
	for (size_t len = 0; len < reply->len;) {
		const int64_t left = until - clock_boot_ms();
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (until && left <= 0)
			return error_set_transient(e, ERROR_DELIVERY,
						   "realmkey-local does not answer");
		if (poll(&p, 1, until ? (int)(left < 3600000 ? left : 3600000) : -1) <= 0)
			continue;
		n = recv(fd, reply->data + len, reply->len - len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_set_transient(
				e, ERROR_DELIVERY,
				"realmkey-local has closed the connection; its log "
				"may say why (journalctl -u realmkey-local)");
		len += (size_t)n;
		if (!reply->data[len - 1]) {
			bytes_truncate(reply, len - 1);
			return 0;
		}
	}
	return error_set(e, ERROR_PROTOCOL, "realmkey-local: the answer is too long");
}

static int secret_ask(int fd, const char *name, int64_t wait, struct bytes *value, struct error *e)
{
	struct bytes call = BYTES_INIT, reply = BYTES_LOCKED_INIT;
	int ret = varlink_get_encode(name, wait, &call, e);

	bytes_append(&call, "", 1);
	if (ret == 0)
		ret = bytes_check(&call, e);
	if (ret == 0)
		ret = io_write_full(fd, call.data, call.len, e);
	if (ret == 0)
		ret = reply_read(fd, wait < 0 ? 0 : clock_boot_ms() + wait + ANSWER_MS, &reply, e);
	if (ret == 0)
		ret = varlink_value_decode(reply.data, reply.len, value, e);
	bytes_free(&call);
	bytes_free(&reply);
	return ret;
}

int command_get_secret(int argc, char **argv)
{
	struct bytes value = BYTES_LOCKED_INIT;
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	int64_t wait = -1;
	const char *name;
	int code, fd = -1, found = LOCAL_FOUND, ret = 0;

	if (!cli_parse(&spec, argc, argv, &options, &name, &code))
		return code;
	if (options.timeout)
		ret = local_duration(options.timeout, "--timeout", &wait, &e);
	if (ret == 0)
		found = service_connect(options.socket ? options.socket : VARLINK_SOCKET, &fd, &e);
	if (ret == 0 && found == LOCAL_FOUND && fd >= 0) {
		ret = secret_ask(fd, name, wait, &value, &e);
		if (ret < 0)
			error_add(&e, "%s", name);
	}
	if (ret == 0 && found == LOCAL_FOUND)
		ret = options.output ?
			      io_write_file(options.output, 0600, value.data, value.len, &e) :
			      cli_output(&value, &e);
	bytes_free(&value);
	if (fd >= 0)
		close(fd);
	return ret < 0 || found != LOCAL_FOUND ? local_fail(argv[0], found, &e) : 0;
}
