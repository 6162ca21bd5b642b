// SPDX-License-Identifier: Apache-2.0
/*
 * The functions of rsi.h and rsi_watch.h without a realm: tokens are signed with the keys cpak.pem
 * and rak.pem in the directory $REALM_HERE, and have the personalization value in its file rpv, if
 * there is one. Linked into realmkey and realmkeyd instead of rsi.c, so
 * that both can be tested on a machine that is not a realm. These programs are never installed.
 */
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "cca_builder.h"
#include "rsi/rsi.h"
#include "rsi/rsi_watch.h"

#define NAME "here"

/* Of tests/torture/user, if that is preloaded: what stands in for a realm is not under test. */
void fault_suspend(bool suspend) __attribute__((weak));

static struct cca_builder builder;

static void faults_suspend(bool suspend)
{
	if (fault_suspend)
		fault_suspend(suspend);
}

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

/* The personalization value, if there is a file with one. */
static const uint8_t *rpv_read(const char *directory)
{
	static uint8_t rpv[64];
	char path[512];
	size_t read = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/rpv", directory);
	file = fopen(path, "re");
	if (file) {
		read = fread(rpv, 1, sizeof(rpv), file);
		fclose(file);
	}
	return read == sizeof(rpv) ? rpv : NULL;
}

const char *const *rsi_sources(void)
{
	static const char *const names[] = { NAME, NULL };

	return names;
}

/* Reads the keys at the first call, which comes before the keeper's sandbox. */
struct rsi *rsi_open(const char *source, struct error *e)
{
	const char *directory = getenv("REALM_HERE");

	if (source && strcmp(source, NAME) != 0) {
		error_set(e, ERROR_USAGE, "no RSI source '%s'; there are: " NAME, source);
		return NULL;
	}
	if (directory && !builder.rak) {
		faults_suspend(true);
		builder.cpak = key_read(directory, "cpak.pem");
		builder.rak = key_read(directory, "rak.pem");
		builder.rpv = rpv_read(directory);
		faults_suspend(false);
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
	*config = (struct rsi_config){ .abi_lower = 0x10000,
				       .abi_higher = 0x10000,
				       .abi = { true, 0x10000 },
				       .features = { true, RSI_FEATURE_DA | RSI_FEATURE_ATS },
				       .ipa_bits = 40,
				       .hash = hash_by_number(HASH_SHA256),
				       .event_max = 4096 };
	memset(config->rpv, CCA_BUILDER_RPV, sizeof(config->rpv));
	if (builder.rpv)
		memcpy(config->rpv, builder.rpv, sizeof(config->rpv));
	return 0;
}

int rsi_measurement_get(struct rsi *rsi, unsigned int index, uint8_t value[HASH_SIZE_MAX],
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
	return error_set(e, ERROR_SYSTEM, "register %u cannot be extended without a realm", index);
}

int rsi_log_get(struct rsi *rsi, struct bytes *log, struct error *e)
{
	(void)rsi;
	(void)log;
	return error_set(e, ERROR_SYSTEM, "there is no event log without a realm");
}

struct rsi_watch *rsi_watch_open(struct error *e)
{
	error_set(e, ERROR_SYSTEM, "extensions cannot be watched without a realm");
	return NULL;
}

int rsi_watch_next(struct rsi_watch *watch, struct rsi_notice *notice, struct error *e)
{
	(void)watch;
	(void)notice;
	return error_set(e, ERROR_SYSTEM, "extensions cannot be watched without a realm");
}

void rsi_watch_close(struct rsi_watch *watch)
{
	(void)watch;
}

int rsi_token_get(struct rsi *rsi, const uint8_t challenge[REALM_CHALLENGE_SIZE],
		  struct bytes *token, uint64_t *records, struct error *e)
{
	static const char *const digests[] = { "SHA256", "SHA384", "SHA512" };
	uint8_t digest[HASH_SIZE_MAX];
	bool ready = true;

	(void)rsi;
	if (records)
		*records = 0; /* there is no event log */
	faults_suspend(true);
	/* OpenSSL prepares all digests when the first is fetched, and one for which it had no memory then is missing
	 * from then on. */
	for (size_t i = 0; i < ARRAY_SIZE(digests); i++)
		ready = ready && EVP_Q_digest(NULL, digests[i], NULL, "", 0, digest, NULL) == 1;
	if (ready)
		cca_builder_token(&builder, challenge, token);
	faults_suspend(false);
	return ready ? 0 : error_set_memory(e);
}

/* The keys live until the process ends; they are freed for the leak checker. */
__attribute__((destructor)) static void keys_free(void)
{
	EVP_PKEY_free(builder.cpak);
	EVP_PKEY_free(builder.rak);
}
