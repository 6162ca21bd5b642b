// SPDX-License-Identifier: Apache-2.0
/* The options about KBSs and the way to them, and the start of a courier with what they name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/io.h"
#include "base/log.h"
#include "cli.h"
#include "kbs/ca_file.h"
#include "kbs/courier_input.h"
#include "kbs/url.h"

#define PEM_MAX		((size_t)64 << 10)
#define KEY_MAX		((size_t)32 << 10) /* this and the next as in a message OPEN */
#define CREDENTIALS_MAX ((size_t)2 << 10)
#define URL_SIZE	512
#define FILE_SIZE	4096
#define TIMEOUT_MAX	600

const struct args_option cli_kbs_options[] = {
	{ .name = "url",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct cli_kbs, url),
	  .value = "URL",
	  .help = "a KBS, https://HOST[:PORT] (required; up to 8 times: the first that works is used)" },
	{ .name = "ca",
	  .alias = "cert-file",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct cli_kbs, ca),
	  .value = "FILE",
	  .help = "trust only the certificates in this PEM file, not the system's (once for all "
		  "KBSs, or once for each)" },
	{ .name = "insecure",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct cli_kbs, insecure),
	  .help = "allow http:// and vsock://, with which anyone on the network path can pretend to be the "
		  "KBS" },
	{ .name = "timeout",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct cli_kbs, timeout),
	  .value = "SECONDS",
	  .help = "time-out of one request (default 60)",
	  .min = 1,
	  .max = TIMEOUT_MAX },
	{ .name = "proxy",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct cli_kbs, proxy),
	  .value = "URL",
	  .help = "reach the KBSs through this HTTP proxy, http://HOST:PORT" },
	{ .name = "proxy-credentials",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct cli_kbs, proxy_credentials),
	  .value = "FILE",
	  .help = "file with USER:PASSWORD for the proxy" },
	{ .name = "client-certificate",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct cli_kbs, certificate),
	  .value = "FILE",
	  .help = "show this certificate (PEM) to a KBS that asks for one; requires --client-key" },
	{ .name = "client-key",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct cli_kbs, key),
	  .value = "FILE",
	  .help = "its private key (PEM, not encrypted)" },
	{ 0 },
};

/* --- what the options say -------------------------------------------------------------------- */

/* The KBSs. The CA of each may be NULL. */
struct servers {
	char url[FAILOVER_SERVERS_MAX][URL_SIZE];
	char ca[FAILOVER_SERVERS_MAX][FILE_SIZE];
	size_t urls, cas;
	char proxy[URL_SIZE];
};

/* What the options of the one command of this process say, after options_read(). */
static struct servers servers;

/* Cut the next text off *@list, up to one of @ends. Returns its length, 0 at the end. */
static size_t list_next(const char **list, const char *ends, const char **text)
{
	*text = *list + strspn(*list, ends);
	*list = *text + strcspn(*text, ends);
	return (size_t)(*list - *text);
}

static int urls_read(const struct cli_kbs *kbs, struct error *e)
{
	const char *list = kbs->url, *text;
	char one[URL_SIZE];
	size_t len;

	if (!list)
		return error_set(e, ERROR_USAGE, "--url is required");
	while ((len = list_next(&list, " \t\n", &text)) > 0) {
		if (servers.urls == FAILOVER_SERVERS_MAX)
			return error_set(e, ERROR_USAGE, "--url: more than %d",
					 FAILOVER_SERVERS_MAX);
		if (len >= sizeof(one))
			return error_set(e, ERROR_USAGE, "URL: over %zu bytes", sizeof(one) - 1);
		memcpy(one, text, len);
		one[len] = '\0';
		if (url_parse(one, kbs->insecure, servers.url[servers.urls++], URL_SIZE, e) < 0)
			return -1;
	}
	/* The message about a URL. */
	return servers.urls ? 0 : url_parse("", kbs->insecure, one, sizeof(one), e);
}

static int cas_read(const struct cli_kbs *kbs, struct error *e)
{
	const char *list = kbs->ca, *text;
	size_t len;

	while (list && (len = list_next(&list, "\n", &text)) > 0) {
		if (servers.cas == FAILOVER_SERVERS_MAX || len >= FILE_SIZE)
			return error_set(e, ERROR_USAGE, "--ca: too many, or too long");
		memcpy(servers.ca[servers.cas], text, len);
		servers.ca[servers.cas++][len] = '\0';
	}
	if (servers.cas > 1 && servers.cas != servers.urls)
		return error_set(e, ERROR_USAGE,
				 "--ca is given %zu times and --url %zu times: give one CA for all "
				 "KBSs, or one for each",
				 servers.cas, servers.urls);
	return 0;
}

static int options_read(const struct cli_kbs *kbs, struct error *e)
{
	servers.urls = servers.cas = 0;
	if (urls_read(kbs, e) < 0 || cas_read(kbs, e) < 0)
		return -1;
	if (kbs->proxy && url_parse_proxy(kbs->proxy, servers.proxy, URL_SIZE, e) < 0)
		return -1;
	if (kbs->proxy_credentials && !kbs->proxy)
		return error_set(e, ERROR_USAGE, "--proxy-credentials needs --proxy");
	if (!kbs->certificate != !kbs->key)
		return error_set(e, ERROR_USAGE,
				 "--client-certificate and --client-key need each other");
	return 0;
}

int cli_kbs_check(const struct cli_kbs *kbs, struct error *e)
{
	return options_read(kbs, e);
}

void cli_kbs_used(const struct cli_kbs *kbs, size_t server, struct denial_kbs *used)
{
	struct error unread = ERROR_INIT;

	if (options_read(kbs, &unread) < 0)
		return;
	*used = (struct denial_kbs){
		.url = servers.url[server],
		.ca = servers.cas ? servers.ca[servers.cas > 1 ? server : 0] : NULL,
		.insecure = kbs->insecure,
		.timeout = kbs->timeout,
	};
}

/* A KBS that is passed over. */
static void warning_print(enum log_level level, const char *line)
{
	if (level <= LOG_LEVEL_WARNING)
		fprintf(stderr, "realmkey: %s\n", line);
}

/* --- the courier ------------------------------------------------------------------------------ */

/* Lock every page that is used, also what libraries copy and what is on the stack, if this user may lock
 * without a limit. With a limit, later allocations could fail; then private keys and secrets are locked as far
 * as it reaches. */
static void memory_lock(void)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0)
		(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

/* The contents of the files that the options name. */
struct files {
	struct bytes ca[FAILOVER_SERVERS_MAX], credentials, certificate, key;
};

#define FILES_INIT { .credentials = BYTES_LOCKED_INIT, .key = BYTES_LOCKED_INIT }

static void files_free(struct files *files)
{
	for (size_t i = 0; i < FAILOVER_SERVERS_MAX; i++)
		bytes_free(&files->ca[i]);
	bytes_free(&files->credentials);
	bytes_free(&files->certificate);
	bytes_free(&files->key);
}

/* An empty file would count as one that is not given. */
static int file_read(const char *path, size_t max, struct bytes *out, struct error *e)
{
	if (!path)
		return 0;
	if (io_read_file(path, max, out, e) < 0)
		return -1;
	return out->len ? 0 : error_set(e, ERROR_INPUT, "%s: is empty", path);
}

static int files_read(const struct cli_kbs *kbs, struct files *files, struct error *e)
{
	for (size_t i = 0; i < servers.cas; i++)
		if (ca_file_read(servers.ca[i], &files->ca[i], e) < 0)
			return -1;
	return file_read(kbs->proxy_credentials, CREDENTIALS_MAX, &files->credentials, e) < 0 ||
			       file_read(kbs->certificate, PEM_MAX, &files->certificate, e) < 0 ||
			       file_read(kbs->key, KEY_MAX, &files->key, e) < 0 ?
		       -1 :
		       0;
}

static int courier_open(struct courier *courier, const struct cli_kbs *kbs, struct error *e)
{
	struct files files = FILES_INIT;
	struct courier_target target = {
		.proxy = kbs->proxy ? servers.proxy : NULL,
		.proxy_credentials = &files.credentials,
		.certificate = &files.certificate,
		.key = &files.key,
		.timeout = kbs->timeout,
		.insecure = kbs->insecure,
	};
	int ret;

	if (options_read(kbs, e) < 0)
		return -1;
	if (servers.urls > 1)
		log_set(warning_print);
	memory_lock();
	ret = files_read(kbs, &files, e);
	target.servers = servers.urls;
	for (size_t i = 0; i < servers.urls; i++) {
		const struct bytes *ca = &files.ca[servers.cas > 1 ? i : 0];

		target.server[i] = (struct courier_server){
			.url = servers.url[i],
			.ca = servers.cas ? ca->data : NULL,
			.ca_len = ca->len,
		};
	}
	if (ret == 0)
		ret = courier_begin(courier, secure_getenv("REALMKEY_COURIER"), &target, e);
	files_free(&files);
	return ret;
}

static int courier_await(struct courier *courier, const struct cli_kbs *kbs, struct error *e)
{
	struct courier_names names = { .proxy_credentials = kbs->proxy_credentials,
				       .certificate = kbs->certificate,
				       .key = kbs->key };
	struct error unread = ERROR_INIT;
	const char *name;

	if (courier_ready(courier, e) == 0)
		return 0;
	if (options_read(kbs, &unread) == 0 && servers.cas)
		for (size_t i = 0; i < servers.urls; i++)
			names.ca[i] = servers.ca[servers.cas > 1 ? i : 0];
	name = courier_input(&names, e);
	return name ? error_add(e, "%s", name) : -1;
}

int cli_courier_start(struct courier *courier, const struct cli_kbs *kbs, struct error *e)
{
	return courier_open(courier, kbs, e) < 0 ? -1 : courier_await(courier, kbs, e);
}

int cli_session_start(struct session *s, const struct cli_kbs *kbs, const char *key, bool attest,
		      struct error *e)
{
	struct error no_realm = ERROR_INIT;

	if (cli_kbs_check(kbs, e) < 0)
		return -1;
	/* First: it may start this command again in another program (tools.c). */
	if (attest) {
		s->rsi = rsi_open(kbs->source, &no_realm);
		if (key && cli_tee_key_read(&s->key, key, e) < 0)
			return -1;
		if (!s->rsi) {
			*e = no_realm;
			return -1;
		}
	}
	if (courier_open(&s->courier, kbs, e) < 0)
		return -1;
	/* While the courier starts. */
	if (!attest && key && cli_tee_key_read(&s->key, key, e) < 0)
		return -1;
	if (attest && !key && tee_key_generate(&s->key, e) < 0)
		return -1;
	return courier_await(&s->courier, kbs, e);
}

int cli_tee_key_read(struct tee_key *key, const char *path, struct error *e)
{
	struct bytes pem = BYTES_LOCKED_INIT;
	int ret = -1;

	if (io_read_file(path, PEM_MAX, &pem, e) == 0) {
		ret = tee_key_from_pem(key, pem.data, pem.len, e);
		if (ret < 0)
			error_add(e, "%s", path);
	}
	bytes_free(&pem);
	return ret;
}
