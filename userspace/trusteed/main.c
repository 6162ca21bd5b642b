// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef TRUSTEED_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "base/args.h"
#include "base/clock.h"
#include "base/log.h"
#include "sandbox/sandbox.h"
#include "route.h"
#include "trustee.h"
#include "trusteed/attest/version.h"
#include "trusteed/http/http.h"
#include "trusteed/http/listen.h"
#include "trusteed/http/tls_current.h"
#include "trusteed/http/tls_files.h"
#include "trusteed/loop/loop.h"
#include "trusteed/policy/pool.h"

/* Descriptors beyond those of connections: files, and connections that are about to end. */
#define FILES_SPARE ((rlim_t)128)

struct options {
	const char *state, *listen, *cert, *key, *anchors, *min_version, *ear_cert;
	bool dev, sample_cpak, dev_sample, allow_plain, recheck, verbose;
	unsigned int sessions, connections, max_token_age, policy_time, policy_memory;
};

static const struct args_option options_table[] = {
	{ .name = "state",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, state),
	  .value = "DIR",
	  .help = "the state directory, made if it does not exist (required)" },
	{ .name = "listen",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, listen),
	  .value = "ADDR:PORT",
	  .help = "where to listen (127.0.0.1:8080)" },
	{ .name = "cert",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, cert),
	  .value = "FILE",
	  .help = "use TLS with this certificate (PEM) and --key" },
	{ .name = "key",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, key),
	  .value = "FILE",
	  .help = "the certificate's private key (PEM)" },
	{ .name = "anchors",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, anchors),
	  .value = "DIR",
	  .help = "trust anchors: a directory of *.jwk and *.json files "
		  "(anchors/ in the state directory)" },
	{ .name = "dev",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, dev),
	  .help = "trust development anchors: realms that protect nothing get secrets" },
	{ .name = "dev-trust-sample-cpak",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, sample_cpak),
	  .help = "trust the sample key of TF-A (FVP), whose private part is public: anyone can get "
		  "secrets" },
	{ .name = "dev-sample",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, dev_sample),
	  .help = "accept sample evidence, as kbs-client sends it outside a realm: anyone can get "
		  "secrets" },
	{ .name = "allow-plain",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, allow_plain),
	  .help = "allow plain HTTP on addresses other than loopback" },
	{ .name = "connections",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct options, connections),
	  .value = "N",
	  .help = "connections at most (1024)",
	  .min = 16,
	  .max = 65536 },
	{ .name = "sessions",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct options, sessions),
	  .value = "N",
	  .help = "attested sessions at most (65536)",
	  .min = 1,
	  .max = 10000000 },
	{ .name = "min-version",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, min_version),
	  .value = "VERSION",
	  .help = "refuse clients of an older KBS API: 0.1.1, 0.2.0 or 0.4.0 (0.2.0)" },
	{ .name = "ear-cert",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, ear_cert),
	  .value = "FILE",
	  .help = "put these certificates (PEM) of the key that signs EARs into EARs" },
	{ .name = "max-token-age",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct options, max_token_age),
	  .value = "SECONDS",
	  .help = "release nothing to EARs that are older (1800, when they expire)",
	  .min = 1,
	  .max = EAR_ISSUE_SECONDS },
	{ .name = "recheck",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, recheck),
	  .help = "appraise again, with the anchors, reference values and policies of that time, "
		  "when a resource is requested" },
	{ .name = "policy-time",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct options, policy_time),
	  .value = "MS",
	  .help = "milliseconds that a policy in Rego may take (2000)",
	  .min = 10,
	  .max = 60000 },
	{ .name = "policy-memory",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct options, policy_memory),
	  .value = "MIB",
	  .help = "MiB of memory that a policy in Rego may use (256)",
	  .min = 16,
	  .max = 4096 },
	{ .name = "verbose",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, verbose),
	  .help = "log more" },
	{ 0 },
};

static const struct args_option *const options_tables[] = { options_table, NULL };

static const struct args_spec spec = {
	.name = "trusteed",
	.operands = "",
	.about = "An embedded Trustee: verifies the evidence of Arm CCA realms, issues EARs, and\n"
		 "releases resources as JWE, by the protocol of the Key Broker Service (0.4.0,\n"
		 "0.2.0 and, if it is asked for, 0.1.1).",
	.options = options_tables,
	.notes = "For development, tests and single hosts. See trusteed(8).",
};

/* What runs, in the order in which it is started. */
struct server {
	const struct options *options;
	struct loop *loop;
	struct loop_source signals; /* its descriptor is -1 before it is added to the loop */
	struct error failure;	    /* after which it stops */
	struct pool *pool;
	struct trustee trustee;
	struct http_service service;
	struct http *http;
	int fd; /* listens; -1 when the HTTP server owns it */
};

static int server_check(const struct options *options, const struct listen_address *address,
			struct error *e)
{
	if (!options->state)
		return error_set(e, ERROR_USAGE, "--state is required (see --help)");
	if (!options->cert != !options->key)
		return error_set(e, ERROR_USAGE, "--cert and --key belong together");
	if (!options->cert && !options->allow_plain && !listen_is_loopback(address))
		return error_set(e, ERROR_USAGE,
				 "plain HTTP only on loopback: give --cert and "
				 "--key, or --allow-plain");
	return 0;
}

static void server_ready(const struct options *options, const struct listen_address *address)
{
	char text[128];

	listen_print(address, text, sizeof(text));
	printf("trusteed: listening on %s://%s\n", options->cert ? "https" : "http", text);
	fflush(stdout);
#ifdef TRUSTEED_SYSTEMD
	sd_notify(0, "READY=1");
#endif
}

static void server_warn(const struct options *options, const struct listen_address *address)
{
	if (options->dev)
		log_line(LOG_LEVEL_WARNING, "*** --dev: development anchors are trusted; realms "
					    "that protect nothing can get secrets here ***");
	if (options->sample_cpak)
		log_line(LOG_LEVEL_WARNING,
			 "*** --dev-trust-sample-cpak: platforms with TF-A's sample key are "
			 "trusted; its private part is public, so anyone can get secrets here ***");
	if (options->min_version && strcmp(options->min_version, version_name(KBS_0_1_1)) == 0)
		log_line(LOG_LEVEL_WARNING,
			 "--min-version 0.1.1: what is sent to such old clients has a header that "
			 "nothing authenticates; use TLS");
	if (options->dev_sample)
		log_line(LOG_LEVEL_WARNING,
			 "*** --dev-sample: sample evidence is accepted, which proves nothing: "
			 "anyone can get secrets here ***");
	if (!options->cert && !listen_is_loopback(address))
		log_line(LOG_LEVEL_WARNING,
			 "plain HTTP: the network between client and server can "
			 "read and change everything, including the admin token");
}

/* How many connections this process has descriptors for, of those that are asked for. */
static unsigned int server_connections(const struct options *options)
{
	unsigned int connections = options->connections ? options->connections : HTTP_CONNECTIONS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return connections;
	if (limit.rlim_cur < connections + FILES_SPARE)
		limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_cur >= connections + FILES_SPARE) {
		(void)setrlimit(RLIMIT_NOFILE, &limit);
		return connections;
	}
	connections = (unsigned int)(limit.rlim_cur > 2 * FILES_SPARE ?
					     limit.rlim_cur - FILES_SPARE :
					     FILES_SPARE / 2);
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	log_line(LOG_LEVEL_WARNING,
		 "the limit of descriptors (LimitNOFILE=) is %lu: only %u connections",
		 (unsigned long)limit.rlim_cur, connections);
	return connections;
}

/* Open what judges: the state, and the processes that evaluate policies. */
static int server_open(struct server *server, const struct options *options, struct error *e)
{
	struct pool_limits limits = POOL_LIMITS_INIT;
	struct trustee_options trustee = {
		.state = options->state,
		.anchors = options->anchors,
		.development = options->dev,
		.sample_cpak = options->sample_cpak,
		.sample_evidence = options->dev_sample,
		.ear_cert = options->ear_cert,
		.max_token_age = options->max_token_age,
		.recheck = options->recheck,
		.sessions = options->sessions,
		.least = VERSION_LEAST,
	};

	if (options->min_version && version_named(options->min_version, &trustee.least, e) < 0)
		return error_add(e, "--min-version");
	if (options->policy_time)
		limits.time = options->policy_time;
	if (options->policy_memory)
		limits.memory = (size_t)options->policy_memory << 20;
	server->pool = pool_open(server->loop, &limits, e);
	if (!server->pool || trustee_open(&server->trustee, &trustee, clock_wall_s(), e) < 0)
		return -1;
	server->trustee.pool = server->pool;
	if (policies_any(&server->trustee.policies) && !pool_available())
		log_line(
			LOG_LEVEL_WARNING,
			"policies in Rego were set, and realmkey-policy, which evaluates them, cannot be "
			"executed: what they decide on is denied");
	return 0;
}

static int server_start(struct server *server, const struct options *options,
			struct listen_address *address, struct error *e)
{
	struct tls_files files = TLS_FILES_INIT;
	int ret = -1;

	if (options->cert && tls_files_read(&files, options->cert, options->key, e) < 0)
		goto out;
	server_warn(options, address);
	if (server_open(server, options, e) < 0)
		goto out;
	server->fd = listen_open(address, e);
	if (server->fd < 0)
		goto out;
	server->service = route_service(&server->trustee);
	server->http = http_start(server->loop, &server->service, server->fd,
				  options->cert ? &files : NULL, server_connections(options), e);
	if (!server->http)
		goto out;
	server->fd = -1;
	server_ready(options, address);
	ret = 0;
out:
	tls_files_free(&files);
	return ret;
}

/* What trustee_reload() calls: use the TLS files in @files. */
static int server_use_files(void *files, struct error *e)
{
	return tls_current_set(files, e);
}

/* Read the certificate, its key, the trust anchors and the keys of administrators again. If one of them cannot be
 * used, all stay as they are. Sessions and connections continue. */
static void server_reload(struct server *server, const struct options *options)
{
	struct tls_files files = TLS_FILES_INIT;
	struct error e = ERROR_INIT;

	if ((!options->cert || tls_files_read(&files, options->cert, options->key, &e) == 0) &&
	    trustee_reload(&server->trustee, options->cert ? server_use_files : NULL, &files, &e) ==
		    0)
		log_line(LOG_LEVEL_INFO, "reloaded %strust anchors and administrators",
			 options->cert ? "certificate, key, " : "");
	else
		log_line(LOG_LEVEL_ERROR, "not reloaded: %s", e.text);
	tls_files_free(&files);
}

static void server_signal(struct loop_source *source, uint32_t events)
{
	struct server *server =
		(struct server *)((char *)source - offsetof(struct server, signals));
	struct signalfd_siginfo info;

	(void)events;
	if (read(source->fd, &info, sizeof(info)) < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return;
		/* It could never be told to stop. */
		error_set_errno(&server->failure, ERROR_SYSTEM, "cannot read signals");
		loop_stop(server->loop);
		return;
	}
	if (info.ssi_signo == SIGHUP) {
		server_reload(server, server->options);
		return;
	}
	log_line(LOG_LEVEL_INFO, "stopping: %s", strsignal((int)info.ssi_signo));
	loop_stop(server->loop);
}

/* Make the loop, and have it read the signals. */
static int server_loop(struct server *server, struct error *e)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	server->loop = loop_open(e);
	if (!server->loop)
		return -1;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return error_set_errno(e, ERROR_SYSTEM, "signalfd");
	server->signals = (struct loop_source){ .fd = fd, .ready = server_signal };
	return loop_add(server->loop, &server->signals, EPOLLIN, e);
}

static void server_stop(struct server *server)
{
	http_stop(server->http);
	if (server->fd >= 0)
		close(server->fd);
	pool_close(server->pool);
	trustee_close(&server->trustee);
	if (server->signals.fd >= 0)
		close(server->signals.fd);
	loop_close(server->loop);
}

static int serve(const struct options *options, struct error *e)
{
	struct server server = {
		.options = options,
		.trustee = TRUSTEE_INIT,
		.signals.fd = -1,
		.fd = -1,
	};
	struct listen_address address;
	int ret = -1;

	if (listen_parse(options->listen ? options->listen : "127.0.0.1:8080", &address, e) < 0 ||
	    server_check(options, &address, e) < 0 || sandbox_limit(RLIMIT_CORE, 0, e) < 0)
		return -1;
	umask(077);
	bytes_lock_optional(true);
	/* Its configuration file can load code into this process. */
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	if (server_loop(&server, e) == 0 && server_start(&server, options, &address, e) == 0)
		ret = loop_run(server.loop, e);
	server_stop(&server);
	if (ret < 0 || server.failure.kind == ERROR_NONE)
		return ret;
	*e = server.failure;
	return -1;
}

int main(int argc, char *argv[])
{
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	int ret;

	log_set(log_to_stderr);
	ret = args_parse(&spec, argc, argv, &options, NULL, &e);
	if (ret == ARGS_RUN) {
		log_show_debug(options.verbose);
		ret = serve(&options, &e);
	} else if (ret > ARGS_RUN) {
		ret = args_answer(&spec, ret, "trusteed " REALMKEY_VERSION, &e);
	}
	return ret == 0 ? 0 : log_failure(&e);
}
