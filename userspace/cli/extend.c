// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <openssl/evp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/encode.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/realm.h"
#include "cli.h"
#include "event/event_log.h"
#include "rsi/rsi.h"

struct options {
	struct cli_kbs kbs; /* for --source */
	const char *type, *event, *event_file;
};

static const struct args_option own[] = {
	{ .name = "event-type",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, type),
	  .value = "TYPE",
	  .help = "TCG event type for the log, by name or number (default EV_IPL)" },
	{ .name = "event",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, event),
	  .value = "TEXT",
	  .help = "the event for the log, at most 4096 bytes (default: empty)" },
	{ .name = "event-file",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, event_file),
	  .value = "FILE",
	  .help = "read the event from FILE (- is standard input)" },
	{ 0 },
};

static const struct args_option *const tables[] = { cli_source_option, own, NULL };

static const struct args_spec spec = {
	.name = "realmkey extend",
	.operands = "INDEX FILE",
	.operands_min = 2,
	.operands_max = 2,
	.about = "Extends a measurement register (1 to 4: REM0 to REM3) with the digest of FILE\n"
		 "(- is standard input) in the realm's hash algorithm: REM becomes\n"
		 "H(REM || H(FILE)). This cannot be undone. The event log keeps a record of it\n"
		 "(realmkey log).",
	.options = tables,
};

/* --- input ----------------------------------------------------------------------------------- */

/* The digest of the file @path. */
static int digest_file(const char *path, const struct hash *hash, uint8_t digest[HASH_SIZE_MAX],
		       struct error *e)
{
	bool standard = !strcmp(path, "-");
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t block[16384];
	ssize_t n;
	int ok, ret = -1;

	if (fd < 0) {
		error_set_errno(e, ERROR_INPUT, "%s", path);
		goto out;
	}
	if (!context) {
		error_set_memory(e);
		goto out;
	}
	crypto_begin();
	ok = EVP_DigestInit_ex(context, EVP_get_digestbyname(hash->openssl), NULL);
	while ((n = read(fd, block, sizeof(block))) > 0)
		ok = ok && EVP_DigestUpdate(context, block, (size_t)n);
	if (n < 0)
		error_set_errno(e, ERROR_INPUT, "%s", path);
	else if (!ok || !EVP_DigestFinal_ex(context, digest, NULL))
		crypto_error(e, ERROR_SYSTEM, "libcrypto cannot compute %s", hash->name);
	else
		ret = 0;
out:
	EVP_MD_CTX_free(context);
	if (!standard && fd >= 0)
		close(fd);
	return ret;
}

/* The event for the log, at most @max bytes. */
static int event_read(const struct options *options, size_t max, struct bytes *event,
		      struct error *e)
{
	const char *text = options->event ? options->event : "";

	if (options->event_file)
		return io_read_file(options->event_file, max, event, e) < 0 ?
			       error_add(e, "--event-file") :
			       0;
	if (strlen(text) > max)
		return error_set(e, ERROR_USAGE, "--event: %zu bytes, more than %zu", strlen(text),
				 max);
	bytes_append_text(event, text);
	return bytes_check(event, e);
}

/* --- output ---------------------------------------------------------------------------------- */

/* An extension that was made. */
struct extension {
	unsigned int index;
	const struct hash *hash;
	uint8_t digest[HASH_SIZE_MAX];
	uint64_t seq; /* of its record in the log */
};

/* The extension was made and cannot be undone. No failure from here on may look like a failed
 * extension, because a user would then repeat it. */
static int extension_output(struct rsi *rsi, const struct extension *x, struct error *e)
{
	const char *name = realm_register_name(x->index);
	struct bytes text = BYTES_INIT;
	uint8_t value[HASH_SIZE_MAX];
	struct error unread = ERROR_INIT;
	size_t size;

	bytes_printf(&text, "%s extended with %s:", name, x->hash->name);
	encode_hex(x->digest, x->hash->size, &text);
	bytes_printf(&text, "\nrecord %llu\n", (unsigned long long)x->seq);
	if (cli_output_text(&text, e) < 0)
		return error_add(e, "%s was extended, record %llu", name,
				 (unsigned long long)x->seq);
	if (rsi_measurement_get(rsi, x->index, value, &size, &unread) < 0) {
		error_add(&unread, "%s was extended, but cannot be read", name);
		cli_warn("extend", unread.text);
		return 0;
	}
	bytes_append_text(&text, "now ");
	encode_hex(value, size, &text);
	bytes_append_text(&text, "\n");
	if (cli_output_text(&text, &unread) < 0)
		cli_warn("extend", unread.text);
	return 0;
}

/* --- the command ----------------------------------------------------------------------------- */

/* The type of @event is set already. */
static int extend(struct rsi *rsi, const struct options *options, const char *const operand[2],
		  struct rsi_event *event, struct error *e)
{
	struct extension x = { .index = (unsigned int)(operand[0][0] - '0') };
	struct bytes data = BYTES_INIT;
	struct rsi_config config;
	int ret = -1;

	if (rsi_config_get(rsi, &config, e) < 0)
		return -1;
	x.hash = config.hash;
	if (event_read(options, config.event_max, &data, e) < 0 ||
	    digest_file(operand[1], x.hash, x.digest, e) < 0)
		goto out;
	event->data = data.data;
	event->size = data.len;
	if (rsi_measurement_extend(rsi, x.index, x.digest, x.hash->size, event, &x.seq, e) == 0)
		ret = extension_output(rsi, &x, e);
out:
	bytes_free(&data);
	return ret;
}

/* Check the command line before anything is read or extended. */
static int arguments_check(const struct options *options, const char *const operand[2],
			   struct rsi_event *event, struct error *e)
{
	const char *index = operand[0];

	if (strlen(index) != 1 || index[0] < '1' || index[0] > '4')
		return error_set(e, ERROR_USAGE, "INDEX is 1 to 4 (REM0 to REM3), not '%s'", index);
	if (options->event && options->event_file)
		return error_set(e, ERROR_USAGE, "--event and --event-file exclude each other");
	if (options->event_file && !strcmp(options->event_file, "-") && !strcmp(operand[1], "-"))
		return error_set(e, ERROR_USAGE,
				 "FILE and --event-file cannot both be standard "
				 "input");
	event->type = EVENT_TYPE_IPL;
	if (options->type && event_type_parse(options->type, &event->type, e) < 0)
		return error_add(e, "--event-type");
	return 0;
}

int command_extend(int argc, char **argv)
{
	struct args_spec with_types = spec;
	struct bytes types = BYTES_INIT;
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	struct rsi *rsi = NULL;
	struct rsi_event event;
	const char *operand[2];
	int code, ret = -1;

	/* Help lists the event types, and completion reads them there. */
	bytes_append_text(&types, "Event types by name:\n");
	event_types_print(&types);
	with_types.notes = bytes_text(&types);
	if (bytes_check(&types, &e) < 0) {
		code = cli_fail(argv[0], &e);
	} else if (cli_parse(&with_types, argc, argv, &options, operand, &code)) {
		if (arguments_check(&options, operand, &event, &e) == 0) {
			rsi = rsi_open(options.kbs.source, &e);
			ret = rsi ? extend(rsi, &options, operand, &event, &e) : -1;
			rsi_close(rsi);
		}
		code = ret < 0 ? cli_fail(argv[0], &e) : 0;
	}
	bytes_free(&types);
	return code;
}
