// SPDX-License-Identifier: Apache-2.0
#include "rsi.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "event/event_type.h"
#include "rsi_source.h"

#define SOURCES_MAX 4

const char *const *rsi_sources(void)
{
	static const char *names[SOURCES_MAX + 1];

	for (size_t i = 0; i < SOURCES_MAX && rsi_source_list[i]; i++)
		names[i] = rsi_source_list[i]->name;
	return names;
}

/* --- opening ---------------------------------------------------------------------------------- */

static int source_known(const char *name, struct error *e)
{
	char known[128] = "";

	for (size_t i = 0; rsi_source_list[i]; i++) {
		if (!strcmp(rsi_source_list[i]->name, name))
			return 0;
		if (i)
			strcat(known, ", ");
		strcat(known, rsi_source_list[i]->name);
	}
	return error_set(e, ERROR_USAGE, "no RSI source '%s'; there are: %s", name, known);
}

/* Open the first source, or the one with the name @name. 1, or 0 if none is there. If a source is
 * there but cannot be opened, the next one is tried; -1 with the error of the first one if no other
 * can be opened. */
static int source_open(struct rsi *rsi, const char *name, struct error *e)
{
	int ret = 0;

	for (size_t i = 0; rsi_source_list[i]; i++) {
		struct error failure = ERROR_INIT;
		int opened;

		if (name && strcmp(rsi_source_list[i]->name, name))
			continue;
		rsi->source = rsi_source_list[i];
		opened = rsi->source->open(rsi, &failure);
		if (opened > 0)
			return 1;
		if (opened < 0 && ret == 0) {
			*e = failure;
			ret = -1;
		}
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
	if (opened > 0)
		return rsi;
	if (opened == 0)
		rsi_source_absent(source, e);
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
	return rsi->source->config(rsi, config, e);
}

int rsi_measurement_get(struct rsi *rsi, unsigned int index, uint8_t value[HASH_SIZE_MAX],
			size_t *size, struct error *e)
{
	if (index >= REALM_REGISTERS)
		return error_set(e, ERROR_USAGE, "register %u: there are 0 (RIM) to %d", index,
				 REALM_REGISTERS - 1);
	if (rsi->source->measurement(rsi, index, value, size, e) < 0)
		return -1;
	if (*size == 0 || *size > HASH_SIZE_MAX)
		return error_set(e, ERROR_SYSTEM, "RSI: register %u has %zu bytes", index, *size);
	return 0;
}

int rsi_measurement_extend(struct rsi *rsi, unsigned int index, const void *digest, size_t size,
			   const struct rsi_event *event, uint64_t *seq, struct error *e)
{
	static const struct rsi_event empty = { .type = EVENT_TYPE_IPL, .data = "" };
	struct rsi_config config;
	uint64_t ignored;

	if (index == 0 || index >= REALM_REGISTERS)
		return error_set(e, ERROR_USAGE, "register %u cannot be extended, 1 to %d can",
				 index, REALM_REGISTERS - 1);
	if (rsi_config_get(rsi, &config, e) < 0)
		return -1;
	if (event && event->size > config.event_max)
		return error_set(e, ERROR_USAGE, "event of %zu bytes, more than %zu", event->size,
				 config.event_max);
	if (size != config.hash->size)
		return error_set(e, ERROR_USAGE, "digest of %zu bytes, this realm's have %zu (%s)",
				 size, config.hash->size, config.hash->name);
	return rsi->source->extend(rsi, index, digest, size, event ? event : &empty,
				   seq ? seq : &ignored, e);
}

int rsi_log_get(struct rsi *rsi, struct bytes *log, struct error *e)
{
	return rsi->source->log(rsi, log, e);
}

int rsi_token_get(struct rsi *rsi, const uint8_t challenge[REALM_CHALLENGE_SIZE],
		  struct bytes *token, uint64_t *records, struct error *e)
{
	uint64_t ignored;

	return rsi->source->token(rsi, challenge, token, records ? records : &ignored, e);
}
