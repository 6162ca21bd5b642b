// SPDX-License-Identifier: Apache-2.0
#include "rsi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "event/event_log.h"
#include "rsi_source.h"

static const struct rsi_source *const sources[] = { &rsi_source_device, &rsi_source_netlink };

#define SOURCES (sizeof(sources) / sizeof(sources[0]))

/* Numbered as RSI does (RMM specification B5, RsiHashAlgorithm). */
static const struct {
	const char *name, *openssl;
	size_t digest_size;
} hashes[] = {
	{ "sha-256", "SHA256", 32 },
	{ "sha-512", "SHA512", 64 },
	{ "sha-384", "SHA384", 48 },
};

#define HASHES (sizeof(hashes) / sizeof(hashes[0]))

/* Where kernels tell that they run in a realm: a device up to 7.3, a firmware attribute after. */
static const char *const realm_marks[] = {
	"/sys/devices/platform/arm-cca-dev",
	"/sys/firmware/cca/realm_guest",
};

static const struct {
	int error;
	enum error_kind kind;
	const char *text;
} causes[] = {
	{ EACCES, ERROR_SYSTEM, "permission denied; run as root" },
	{ EPERM, ERROR_SYSTEM, "permission denied; run as root" },
	{ EBADF, ERROR_SYSTEM, "not opened for writing; run as root" },
	{ EBUSY, ERROR_NO_DRIVER, "no tokens here: another driver owned configfs-tsm, or reports "
				  "were left in it, when cca_rsi was loaded; unload "
				  "arm_cca_guest, remove the reports, load cca_rsi again" },
	{ ENOSPC, ERROR_SYSTEM, "the event log is full, and nothing is extended without a record" },
	{ EFBIG, ERROR_SYSTEM, "the RMM announces an absurd size" },
	{ EIO, ERROR_SYSTEM, "the RMM failed, or broke its own bounds" },
	{ EOPNOTSUPP, ERROR_NO_DRIVER, "the RMM or the module does not offer this" },
	{ ENODEV, ERROR_NO_DRIVER, "the module is being unloaded" },
	{ ENOTTY, ERROR_NO_DRIVER, "the module does not know this call" },
};

int rsi_error(int error, const char *where, struct error *e)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (error == causes[i].error)
			return error_set(e, causes[i].kind, "%s: %s", where, causes[i].text);
	errno = error;
	return error_set_errno(e, ERROR_SYSTEM, "%s", where);
}

const char *const *rsi_sources(void)
{
	static const char *names[SOURCES + 1];

	for (size_t i = 0; i < SOURCES; i++)
		names[i] = sources[i]->name;
	return names;
}

const char *rsi_hash_name(unsigned int hash_algo)
{
	return hash_algo < HASHES ? hashes[hash_algo].name : NULL;
}

const char *rsi_hash_openssl(unsigned int hash_algo)
{
	return hash_algo < HASHES ? hashes[hash_algo].openssl : NULL;
}

/* --- opening ---------------------------------------------------------------------------------- */

static int source_known(const char *name, struct error *e)
{
	char known[128] = "";

	for (size_t i = 0; i < SOURCES; i++) {
		if (!strcmp(sources[i]->name, name))
			return 0;
		if (i)
			strcat(known, ", ");
		strcat(known, sources[i]->name);
	}
	return error_set(e, ERROR_USAGE, "no RSI source '%s'; there are: %s", name, known);
}

int rsi_absent(const char *source, struct error *e)
{
	for (size_t i = 0; i < sizeof(realm_marks) / sizeof(realm_marks[0]); i++)
		if (access(realm_marks[i], F_OK) == 0)
			return error_set(e, ERROR_NO_DRIVER, "%s%s: this is a realm, but module "
					 "cca_rsi is not loaded (modprobe cca_rsi)",
					 source ? "RSI source " : "RSI", source ? source : "");
	return error_set(e, ERROR_NO_REALM, "this machine is not an Arm CCA realm");
}

/* The first source (named @name, if not NULL) that can be opened: 1, or 0 when none is there. One
 * that is there but fails gives way to the next; -1 with its @e when no other opens. */
static int source_open(struct rsi *rsi, const char *name, struct error *e)
{
	struct error failure = ERROR_INIT;
	int opened, ret = 0;

	for (size_t i = 0; i < SOURCES; i++) {
		if (name && strcmp(sources[i]->name, name))
			continue;
		rsi->source = sources[i];
		opened = rsi->source->open(rsi, ret < 0 ? &failure : e);
		if (opened > 0)
			return 1;
		if (opened < 0)
			ret = -1;
	}
	return ret;
}

struct rsi *rsi_open(const char *source, struct error *e)
{
	struct rsi *rsi;
	int opened;

	if (source && source_known(source, e) < 0)
		return NULL;
	rsi = calloc(1, sizeof(*rsi));
	if (!rsi) {
		error_set_memory(e);
		return NULL;
	}
	opened = source_open(rsi, source, e);
	if (opened > 0) {
		*e = (struct error)ERROR_INIT;
		return rsi;
	}
	if (opened == 0)
		rsi_absent(source, e);
	free(rsi);
	return NULL;
}

void rsi_close(struct rsi *rsi)
{
	if (!rsi)
		return;
	rsi->source->close(rsi);
	free(rsi);
}

const char *rsi_source_name(const struct rsi *rsi)
{
	return rsi->source->name;
}

/* --- calls ------------------------------------------------------------------------------------ */

int rsi_config_get(struct rsi *rsi, struct rsi_config *config, struct error *e)
{
	memset(config, 0, sizeof(*config));
	if (rsi->source->config(rsi, config, e) < 0)
		return -1;
	if (config->hash_algo >= HASHES ||
	    config->digest_size != hashes[config->hash_algo].digest_size)
		return error_set(e, ERROR_SYSTEM, "RSI: hash algorithm %u with digests of %zu "
				 "bytes", config->hash_algo, config->digest_size);
	return 0;
}

int rsi_measurement_get(struct rsi *rsi, unsigned int index, uint8_t value[RSI_DIGEST_MAX],
			size_t *size, struct error *e)
{
	if (index >= RSI_REGISTERS)
		return error_set(e, ERROR_USAGE, "register %u: there are 0 (RIM) to %d", index,
				 RSI_REGISTERS - 1);
	if (rsi->source->measurement(rsi, index, value, size, e) < 0)
		return -1;
	if (*size == 0 || *size > RSI_DIGEST_MAX)
		return error_set(e, ERROR_SYSTEM, "RSI: register %u has %zu bytes", index, *size);
	return 0;
}

int rsi_measurement_extend(struct rsi *rsi, unsigned int index, const void *digest, size_t size,
			   const struct rsi_event *event, uint64_t *seq, struct error *e)
{
	static const struct rsi_event empty = { .type = EVENT_TYPE_IPL, .data = "" };
	struct rsi_config config;
	uint64_t unwanted;

	if (index == 0 || index >= RSI_REGISTERS)
		return error_set(e, ERROR_USAGE, "register %u cannot be extended, 1 to %d can",
				 index, RSI_REGISTERS - 1);
	if (rsi_config_get(rsi, &config, e) < 0)
		return -1;
	if (event && event->size > config.event_max)
		return error_set(e, ERROR_USAGE, "event of %zu bytes, more than %zu", event->size,
				 config.event_max);
	if (size != config.digest_size)
		return error_set(e, ERROR_USAGE, "digest of %zu bytes, this realm's have %zu (%s)",
				 size, config.digest_size, rsi_hash_name(config.hash_algo));
	return rsi->source->extend(rsi, index, digest, size, event ? event : &empty,
				   seq ? seq : &unwanted, e);
}

int rsi_log_get(struct rsi *rsi, struct bytes *log, struct error *e)
{
	return rsi->source->log(rsi, log, e);
}

int rsi_token_get(struct rsi *rsi, const uint8_t challenge[RSI_CHALLENGE_SIZE],
		  struct bytes *token, uint64_t *records, struct error *e)
{
	uint64_t unwanted;

	return rsi->source->token(rsi, challenge, token, records ? records : &unwanted, e);
}

/* --- a token in pieces ------------------------------------------------------------------------ */

int rsi_chunks_add(struct rsi_chunks *chunks, uint32_t size, uint32_t offset, uint64_t log_seq,
		   const void *data, size_t len, struct bytes *token, struct error *e)
{
	if (!chunks->begun)
		*chunks = (struct rsi_chunks){ .begun = true, .size = size, .log_seq = log_seq };
	if (size == 0 || size > RSI_TOKEN_MAX)
		return error_set(e, ERROR_INPUT, "CCA token: %u bytes, not 1 to %zu", size,
				 RSI_TOKEN_MAX);
	if (size != chunks->size || log_seq != chunks->log_seq)
		return error_set(e, ERROR_SYSTEM, "CCA token: pieces of different tokens");
	if (offset != chunks->got || len == 0 || len > chunks->size - chunks->got)
		return error_set(e, ERROR_SYSTEM, "CCA token: %zu bytes at %u of %u do not follow "
				 "%zu", len, offset, size, chunks->got);
	bytes_append(token, data, len);
	chunks->got += len;
	return bytes_check(token, e);
}

int rsi_chunks_end(const struct rsi_chunks *chunks, struct error *e)
{
	if (!chunks->begun || chunks->got != chunks->size)
		return error_set(e, ERROR_SYSTEM, "CCA token: ends at %zu of %u bytes", chunks->got,
				 chunks->size);
	return 0;
}
