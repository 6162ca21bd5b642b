/* SPDX-License-Identifier: Apache-2.0 */
#include "hes_keys.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Identifies the design, so it is the same on every machine with this bench. */
static const char implementation_id[] = "realmkey-bench-implementation-01";

bool hes_keys_point(EVP_PKEY *key, uint8_t point[HES_POINT])
{
	size_t size;

	return EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, HES_POINT,
					       &size) == 1 &&
	       size == HES_POINT && point[0] == 4;
}

/* Keeps a key that another hes has made in the meantime. */
static bool key_place(const char *temporary, const char *path)
{
	return link(temporary, path) == 0 || errno == EEXIST;
}

/* Replaces an anchor, which must match the current key. A concurrent reader sees a complete one. */
static bool anchor_place(const char *temporary, const char *path)
{
	return rename(temporary, path) == 0;
}

/*
 * Makes the file @path with @mode and with what @write writes into it. The file appears complete or
 * not at all: it is written under another name, which @place turns into @path.
 */
static bool file_create(const char *path, mode_t mode, bool (*write)(FILE *, void *), void *what,
			bool (*place)(const char *temporary, const char *path))
{
	char temporary[PATH_MAX];
	bool ok = false;
	FILE *file;
	int fd;

	if (snprintf(temporary, sizeof(temporary), "%s.%d", path, getpid()) >= PATH_MAX)
		return false;
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return false;
	file = fdopen(fd, "w");
	if (!file) {
		close(fd);
		goto out;
	}
	ok = write(file, what);
	ok = fclose(file) == 0 && ok;
	ok = ok && place(temporary, path);
out:
	unlink(temporary);
	return ok;
}

static bool key_write(FILE *file, void *key)
{
	return PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
}

static bool key_create(const char *path)
{
	EVP_PKEY *key = EVP_EC_gen("P-384");
	bool ok = key && file_create(path, 0600, key_write, key, key_place);

	EVP_PKEY_free(key);
	if (!ok)
		warn("%s: cannot create this key", path);
	return ok;
}

static EVP_PKEY *key_open(const char *dir, const char *name)
{
	uint8_t point[HES_POINT];
	char path[PATH_MAX];
	EVP_PKEY *key = NULL;
	FILE *file;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= PATH_MAX)
		return NULL;
	if (access(path, F_OK) != 0 && !key_create(path))
		return NULL;
	file = fopen(path, "re");
	if (!file) {
		warn("%s: cannot open this key", path);
		return NULL;
	}
	key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	if (!key || !EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_bits(key) != 384 ||
	    !hes_keys_point(key, point)) {
		warnx("%s: not a private P-384 key in PEM", path);
		EVP_PKEY_free(key);
		return NULL;
	}
	return key;
}

static bool instance_id_make(struct hes_keys *keys)
{
	unsigned char *spki = NULL;
	int size = i2d_PUBKEY(keys->cpak, &spki);
	bool ok;

	keys->instance_id[0] = 1;
	ok = size > 0 &&
	     EVP_Digest(spki, (size_t)size, keys->instance_id + 1, NULL, EVP_sha256(), NULL) == 1;
	OPENSSL_free(spki);
	return ok;
}

/* 48 bytes have no base64 padding. */
static void coordinate_print(FILE *file, const char *name, const uint8_t *bytes)
{
	unsigned char text[65];

	EVP_EncodeBlock(text, bytes, HES_COORDINATE);
	for (unsigned char *p = text; *p; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	fprintf(file, ", \"%s\": \"%s\"", name, text);
}

static void hex_print(FILE *file, const char *name, const uint8_t *bytes, size_t size)
{
	fprintf(file, ", \"%s\": \"", name);
	for (size_t i = 0; i < size; i++)
		fprintf(file, "%02x", bytes[i]);
	fputc('"', file);
}

static bool jwk_members_print(FILE *file, const struct hes_keys *keys)
{
	uint8_t point[HES_POINT];

	if (!hes_keys_point(keys->cpak, point))
		return false;
	fputs("\"kty\": \"EC\", \"crv\": \"P-384\"", file);
	coordinate_print(file, "x", point + 1);
	coordinate_print(file, "y", point + 1 + HES_COORDINATE);
	return true;
}

/* By "realmkey-dev", a verifier distinguishes the bench's anchor from that of a platform. */
static void identity_print(FILE *file, const struct hes_keys *keys)
{
	hex_print(file, "implementation-id", keys->implementation_id,
		  sizeof(keys->implementation_id));
	hex_print(file, "instance-id", keys->instance_id, sizeof(keys->instance_id));
	fputs(", \"realmkey-dev\": true", file);
}

static bool jwk_write(FILE *file, void *keys)
{
	fputs("{", file);
	if (!jwk_members_print(file, keys))
		return false;
	identity_print(file, keys);
	fputs("}\n", file);
	return !ferror(file);
}

static bool store_write(FILE *file, void *keys)
{
	fputs("[{\"pkey\": {", file);
	if (!jwk_members_print(file, keys))
		return false;
	fputs("}", file);
	identity_print(file, keys);
	fputs("}]\n", file);
	return !ferror(file);
}

static bool anchor_write(const char *dir, const char *name, bool (*write)(FILE *, void *),
			 struct hes_keys *keys)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= PATH_MAX)
		return false;
	if (file_create(path, 0644, write, keys, anchor_place))
		return true;
	warn("%s: cannot write this anchor", path);
	return false;
}

bool hes_keys_open(struct hes_keys *keys, const char *dir)
{
	memset(keys, 0, sizeof(*keys));
	memcpy(keys->implementation_id, implementation_id, sizeof(keys->implementation_id));
	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		warn("%s: cannot create this directory", dir);
		return false;
	}
	keys->cpak = key_open(dir, "cpak.pem");
	keys->rak = keys->cpak ? key_open(dir, "rak.pem") : NULL;
	return keys->rak && instance_id_make(keys) &&
	       anchor_write(dir, "cpak.pub.jwk", jwk_write, keys) &&
	       anchor_write(dir, "anchors.json", store_write, keys);
}

void hes_keys_close(struct hes_keys *keys)
{
	EVP_PKEY_free(keys->cpak);
	EVP_PKEY_free(keys->rak);
	memset(keys, 0, sizeof(*keys));
}
