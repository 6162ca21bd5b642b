// SPDX-License-Identifier: Apache-2.0
/*
 * realmkey-keys: keeps secrets as keys of the kernel, for one keeper, which sends the values over a connection. As root it
 * reads the configuration and makes the keyrings of the owners. Then it gives up everything but its connection and
 * some operations on keys, and only then receives the first message. The keys stay when it ends.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/args.h"
#include "base/io.h"
#include "base/log.h"
#include "confine.h"
#include "list.h"
#include "sandbox/idle.h"
#include "sinks/server.h"
#include "store.h"

struct options {
	const char *config, *socket, *directory;
	bool list, revoke_all;
};

static const struct args_option own[] = {
	SETTINGS_OPTION(struct options),
	SINKS_SOCKET_OPTION(struct options),
	{ .name = "directory",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, directory),
	  .value = "NAME",
	  .help = "keyring in root's user keyring that has those of all owners (default " RINGS_DIRECTORY
		  "); for tests" },
	{ .name = "list",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, list),
	  .help = "print the keys that are there, without their values, and exit" },
	{ .name = "revoke-all",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, revoke_all),
	  .help = "revoke all keys in the keyrings of all owners, and exit" },
	{ 0 },
};

static const struct args_option *const tables[] = { own, NULL };

static const struct args_spec spec = {
	.name = "realmkey-keys",
	.operands = "",
	.about = "Keeps secrets as keys of the kernel, for realmkeyd.",
	.options = tables,
	.notes = "systemd starts it when realmkeyd connects to realmkey-keys.socket.\n"
		 "See realmkey-keys(8) and realmkeyd.conf(5).",
};

static void idle(void *context)
{
	(void)context;
	idle_release();
}

/* Serve one connection. @reported: whether the error was logged. */
static int serve(const struct options *options, bool *reported, struct error *e)
{
	static struct store store;
	struct settings settings = SETTINGS_INIT;
	struct sinks_service service = { .handle = store_handle, .idle = idle, .context = &store };
	int fd = sinks_accept(options->socket, e);

	/* A service manager sets variables; none may change what libraries do here. */
	if (fd < 0 || clearenv() != 0 || confine_begin(e) < 0 ||
	    settings_read_text(&settings, options->config ? options->config : SETTINGS_PATH,
			       settings_log_errors, reported, e) < 0 ||
	    store_open(&store, &settings, options->directory, e) < 0 || confine_keys(e) < 0)
		return -1;
	service.digest = settings.text_digest;
	service.have = store.have;
	service.have_len = settings.config.count;
	return sinks_serve(fd, &service, e);
}

static int list(const char *directory, struct error *e)
{
	struct bytes out = BYTES_INIT;
	int ret = list_keys(directory, &out, e);

	if (ret == 0 && io_write_full(STDOUT_FILENO, out.data, out.len, e) < 0)
		ret = error_add(e, "standard output");
	bytes_free(&out);
	return ret;
}

static int revoke_all(const char *directory, struct error *e)
{
	int revoked = store_revoke_all(directory, e);

	if (revoked > 0)
		log_line(LOG_LEVEL_INFO, "revoked %d keys", revoked);
	return revoked < 0 ? -1 : 0;
}

static int run(const struct options *options, bool *reported, struct error *e)
{
	if (options->list + options->revoke_all + (options->socket != NULL) > 1)
		return error_set(e, ERROR_USAGE,
				 "only one of --list, --revoke-all and --socket can be given");
	if (options->list)
		return list(options->directory, e);
	return options->revoke_all ? revoke_all(options->directory, e) :
				     serve(options, reported, e);
}

int main(int argc, char **argv)
{
	struct options options = { .directory = RINGS_DIRECTORY };
	struct error e = ERROR_INIT;
	bool reported = false;
	int outcome;

	log_set(log_to_stderr);
	outcome = args_parse(&spec, argc, argv, &options, NULL, &e);
	if (outcome == ARGS_HELP || outcome == ARGS_VERSION)
		outcome = args_answer(&spec, outcome, "realmkey-keys " REALMKEY_VERSION, &e);
	else if (outcome == ARGS_RUN)
		outcome = run(&options, &reported, &e);
	if (outcome < 0 && !reported)
		log_line(LOG_LEVEL_ERROR, "%s", e.text);
	/* Not exit(), because libraries may then make system calls that the sandbox forbids. */
	_exit(outcome < 0 ? error_exit_code(&e) : 0);
}
