// SPDX-License-Identifier: Apache-2.0
/*
 * rsi.h without a realm: tokens signed on the spot with the keys cpak.pem and rak.pem in the
 * directory $REALM_HERE. Linked into realmkey and realmkeyd in place of rsi.c, so that both can be
 * tried on a machine that is no realm. No such program is installed.
 */
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "cca_builder.h"
#include "rsi/rsi.h"

#define NAME "here"

static struct cca_builder builder;

static EVP_PKEY *key_read(const char *directory, const char *name)
{
	EVP_PKEY *key = NULL;
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "re");
	if (file) {
		key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
		fclose(file);
	}
	return key;
}

const char *const *rsi_sources(void)
{
	static const char *const names[] = { NAME, NULL };

	return names;
}

const char *rsi_hash_name(unsigned int hash_algo)
{
	return hash_algo == 0 ? "sha-256" : NULL;
}

const char *rsi_hash_openssl(unsigned int hash_algo)
{
	return hash_algo == 0 ? "SHA256" : NULL;
}

/* The keys are read at the first opening: the keeper's sandbox comes later. */
struct rsi *rsi_open(const char *source, struct error *e)
{
	const char *directory = getenv("REALM_HERE");

	if (source && strcmp(source, NAME) != 0) {
		error_set(e, ERROR_USAGE, "no RSI source '%s'; there are: " NAME, source);
		return NULL;
	}
	if (directory && !builder.rak) {
		builder.cpak = key_read(directory, "cpak.pem");
		builder.rak = key_read(directory, "rak.pem");
	}
	if (builder.cpak && builder.rak)
		return (struct rsi *)&builder;
	error_set(e, ERROR_NO_REALM, "no keys in $REALM_HERE");
	return NULL;
}

void rsi_close(struct rsi *rsi)
{
	(void)rsi;
}

const char *rsi_source_name(const struct rsi *rsi)
{
	(void)rsi;
	return NAME;
}

int rsi_config_get(struct rsi *rsi, struct rsi_config *config, struct error *e)
{
	(void)rsi;
	(void)e;
	*config = (struct rsi_config){ .abi_lower = 0x10000, .abi_higher = 0x10000, .ipa_bits = 40,
				       .digest_size = 32, .event_max = 4096 };
	memset(config->rpv, CCA_BUILDER_RPV, sizeof(config->rpv));
	return 0;
}

int rsi_measurement_get(struct rsi *rsi, unsigned int index, uint8_t value[RSI_DIGEST_MAX],
			size_t *size, struct error *e)
{
	(void)rsi;
	(void)e;
	*size = cca_builder_register(index, value);
	return 0;
}

int rsi_measurement_extend(struct rsi *rsi, unsigned int index, const void *digest, size_t size,
			   const struct rsi_event *event, uint64_t *seq, struct error *e)
{
	(void)rsi;
	(void)digest;
	(void)size;
	(void)event;
	(void)seq;
	return error_set(e, ERROR_SYSTEM, "register %u: what is signed here never changes", index);
}

int rsi_log_get(struct rsi *rsi, struct bytes *log, struct error *e)
{
	(void)rsi;
	(void)log;
	return error_set(e, ERROR_SYSTEM, "no event log: what is signed here never changes");
}

struct rsi_watch *rsi_watch_open(struct error *e)
{
	error_set(e, ERROR_SYSTEM, "nothing to watch: what is signed here never changes");
	return NULL;
}

int rsi_watch_next(struct rsi_watch *watch, struct rsi_notice *notice, struct error *e)
{
	(void)watch;
	(void)notice;
	return error_set(e, ERROR_SYSTEM, "nothing to watch");
}

void rsi_watch_close(struct rsi_watch *watch)
{
	(void)watch;
}

int rsi_token_get(struct rsi *rsi, const uint8_t challenge[RSI_CHALLENGE_SIZE],
		  struct bytes *token, uint64_t *records, struct error *e)
{
	(void)rsi;
	(void)e;
	if (records)
		*records = 0;	/* no log */
	cca_builder_token(&builder, challenge, token);
	return 0;
}

/* For the leak checker: these are meant to last. */
__attribute__((destructor)) static void keys_free(void)
{
	EVP_PKEY_free(builder.cpak);
	EVP_PKEY_free(builder.rak);
}
