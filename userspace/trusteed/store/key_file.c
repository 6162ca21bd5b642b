// SPDX-License-Identifier: Apache-2.0
#include "key_file.h"

#include <openssl/evp.h>

#include "base/log.h"

#define FILE_MAX ((size_t)16 << 10)

int key_file_write(const struct store *store, const char *name, const struct tee_key *key,
		   struct error *e)
{
	struct bytes pem = BYTES_LOCKED_INIT;
	int ret = -1;

	log_line(LOG_LEVEL_INFO, "making %s", name);
	if (tee_key_to_pem(key, &pem, e) == 0)
		ret = store_write(store, name, pem.data, pem.len, e);
	bytes_free(&pem);
	return ret;
}

int key_file_open(const struct store *store, const char *name, struct tee_key *key, struct error *e)
{
	struct bytes pem = BYTES_LOCKED_INIT;
	int ret = store_read(store, name, FILE_MAX, &pem, e);

	if (ret > 0) {
		ret = tee_key_from_pem(key, pem.data, pem.len, e);
		if (ret == 0 && !EVP_PKEY_is_a(key->pkey, "EC"))
			ret = error_set(e, ERROR_INPUT, "not a P-256 key");
		if (ret < 0)
			error_add(e, "%s/%s", store->path, name);
	} else if (ret == 0) {
		ret = tee_key_generate(key, e);
		if (ret == 0)
			ret = key_file_write(store, name, key, e);
	}
	bytes_free(&pem);
	return ret;
}
