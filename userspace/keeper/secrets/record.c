// SPDX-License-Identifier: Apache-2.0
#include "record.h"

#include <openssl/evp.h>

#include "base/encode.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/realm.h"
#include "event/event_log.h"
#include "rsi/rsi.h"

/* Append the event. */
static int record_make(const char *resource, const uint8_t *jwe_digest, struct bytes *event,
		       struct error *e)
{
	struct bytes digest = BYTES_INIT, content = BYTES_INIT;
	json_t *value = NULL;
	int ret;

	bytes_append_text(&digest, "sha-256:");
	encode_hex(jwe_digest, SESSION_DIGEST_SIZE, &digest);
	ret = bytes_check(&digest, e);
	if (ret == 0) {
		value = json_pack("{s:s, s:s}", "resource", resource, "jwe", bytes_text(&digest));
		ret = value ? json_canonical(value, &content, e) : error_set_memory(e);
	}
	if (ret == 0) {
		event_tagged_put("realmkey", "deliver", bytes_text(&content), event);
		ret = bytes_check(event, e);
	}
	json_decref(value);
	bytes_free(&digest);
	bytes_free(&content);
	return ret;
}

static int record_extend(struct rsi *rsi, unsigned int index, const struct bytes *data,
			 struct error *e)
{
	const struct rsi_event event = { EVENT_TYPE_TAG, data->data, data->len };
	uint8_t digest[HASH_SIZE_MAX];
	struct rsi_config config;

	if (rsi_config_get(rsi, &config, e) < 0)
		return -1;
	if (EVP_Q_digest(NULL, config.hash->openssl, NULL, data->data, data->len, digest, NULL) !=
	    1)
		return error_set(e, ERROR_SYSTEM, "OpenSSL cannot compute %s", config.hash->name);
	return rsi_measurement_extend(rsi, index, digest, config.hash->size, &event, NULL, e);
}

int record_delivery(struct rsi *rsi, unsigned int index, const char *resource,
		    const uint8_t jwe_digest[SESSION_DIGEST_SIZE], struct error *e)
{
	struct bytes event = BYTES_INIT;
	int ret = -1;

	if (record_make(resource, jwe_digest, &event, e) == 0)
		ret = record_extend(rsi, index, &event, e);
	bytes_free(&event);
	if (ret == 0)
		return 0;
	error_reclassify(e, ERROR_ANY, ERROR_DELIVERY);
	return error_add(e, "not delivered: cannot extend %s", realm_register_name(index));
}
