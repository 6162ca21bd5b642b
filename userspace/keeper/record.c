// SPDX-License-Identifier: Apache-2.0
#include "record.h"

#include <openssl/evp.h>

#include "base/encode.h"
#include "base/json.h"
#include "event/event_log.h"
#include "rsi/rsi.h"

/* The event, whose digest is what the register is extended with. */
static int event_make(const char *resource, const uint8_t *jwe_digest, struct bytes *event,
		      struct error *e)
{
	struct bytes digest = BYTES_INIT, content = BYTES_INIT;
	json_t *value = NULL;
	int ret = -1;

	if (bytes_append_text(&digest, "sha-256:") == 0 &&
	    encode_hex(jwe_digest, SESSION_DIGEST_SIZE, &digest) == 0)
		value = json_pack("{s:s, s:s}", "resource", resource, "jwe", bytes_text(&digest));
	if (!value)
		error_set_memory(e);
	else if (json_canonical(value, &content, e) == 0)
		ret = event_tagged_put("realmkey", "deliver", bytes_text(&content), event) < 0 ?
		      error_set_memory(e) : 0;
	json_decref(value);
	bytes_free(&digest);
	bytes_free(&content);
	return ret;
}

static int event_extend(struct rsi *rsi, unsigned int index, const struct bytes *data,
			struct error *e)
{
	const struct rsi_event event = { EVENT_TYPE_TAG, data->data, data->len };
	uint8_t digest[RSI_DIGEST_MAX];
	struct rsi_config config;
	const EVP_MD *md;

	if (rsi_config_get(rsi, &config, e) < 0)
		return -1;
	md = EVP_get_digestbyname(rsi_hash_openssl(config.hash_algo));
	if (!md || EVP_Digest(data->data, data->len, digest, NULL, md, NULL) != 1)
		return error_set(e, ERROR_SYSTEM, "digest");
	return rsi_measurement_extend(rsi, index, digest, config.digest_size, &event, NULL, e);
}

int record_delivery(const char *source, unsigned int index, const char *resource,
		    const uint8_t jwe_digest[SESSION_DIGEST_SIZE], struct error *e)
{
	struct bytes event = BYTES_INIT;
	struct rsi *rsi = rsi_open(source, e);
	int ret = -1;

	if (rsi && event_make(resource, jwe_digest, &event, e) == 0)
		ret = event_extend(rsi, index, &event, e);
	rsi_close(rsi);
	bytes_free(&event);
	if (ret == 0)
		return 0;
	e->kind = ERROR_DELIVERY;
	return error_add(e, "not delivered, as it cannot be measured into REM%u", index - 1);
}
