// SPDX-License-Identifier: Apache-2.0
#include "trust.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "log.h"
#include "tee_key.h"

/*
 * Attestation keys whose private half anybody can have, by curve and x (the y of a point says
 * nothing more: the negated point has the negated key).
 */
static const struct {
	const char *curve, *x, *whose;
} published[] = {
	{ "P-384", "IShnxS4rlQiwpCCpBWDzlNLfqiG911FP8akBr-fh94uxHU5m-Kijivp2r2oxxN6M",
	  "the sample CPAK of TF-RMM and TF-A" },
};

/* Whose published key @anchor is, or NULL. A key that cannot be told is taken for one. */
static const char *trust_published(const struct cca_anchor *anchor)
{
	struct error e = ERROR_INIT;
	json_t *jwk = jwk_from_public_key(anchor->key, &e);
	const char *curve = json_string_value(json_object_get(jwk, "crv"));
	const char *x = json_string_value(json_object_get(jwk, "x"));
	const char *whose = jwk ? NULL : "of a kind that cannot be compared";

	for (size_t i = 0; curve && x && i < sizeof(published) / sizeof(published[0]); i++)
		if (!strcmp(curve, published[i].curve) && !strcmp(x, published[i].x))
			whose = published[i].whose;
	json_decref(jwk);
	return whose;
}

static bool trust_may(const struct cca_anchor *anchor, bool development)
{
	const char *whose = trust_published(anchor);

	/* It vouches for nothing, and what it revokes stays revoked whatever key it has. */
	if (anchor->revoked)
		return true;
	if (whose)
		log_line(LOG_LEVEL_WARNING, "anchor %s: never trusted: its private key is public "
			 "(%s)", anchor->name, whose);
	else if (anchor->development && !development)
		log_line(LOG_LEVEL_WARNING, "anchor %s: ignored: a development key, trusted only "
			 "with --dev", anchor->name);
	else
		return true;
	return false;
}

void trust_filter(struct cca_anchors *anchors, bool development)
{
	size_t kept = 0;

	for (size_t i = 0; i < anchors->count; i++) {
		if (trust_may(&anchors->anchor[i], development))
			anchors->anchor[kept++] = anchors->anchor[i];
		else
			EVP_PKEY_free(anchors->anchor[i].key);
	}
	anchors->count = kept;
}

/* FNV-1a; no adversary writes to the directory. */
static uint64_t trust_hash(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *byte = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static uint64_t trust_stamp_file(const char *name, const struct stat *st)
{
	uint64_t hash = trust_hash(UINT64_C(0xcbf29ce484222325), name, strlen(name));

	hash = trust_hash(hash, &st->st_ino, sizeof(st->st_ino));
	hash = trust_hash(hash, &st->st_size, sizeof(st->st_size));
	hash = trust_hash(hash, &st->st_mtim, sizeof(st->st_mtim));
	return trust_hash(hash, &st->st_ctim, sizeof(st->st_ctim));
}

/* A number that changes when a file of @path is added, removed or written; a sum, because a
 * directory has no order. */
static uint64_t trust_stamp(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	uint64_t stamp = 0;
	struct stat st;

	if (!dir)
		return stat(path, &st) == 0 ? trust_stamp_file(path, &st) : 0;
	while ((entry = readdir(dir)))
		/* NOLINTNEXTLINE(*.StdCLibraryFunctions): a directory that opendir() opened has a descriptor */
		if (fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
			stamp += trust_stamp_file(entry->d_name, &st);
	closedir(dir);
	return stamp;
}

int trust_open(struct trust *trust, const char *path, bool development, struct error *e)
{
	trust->path = strdup(path);
	trust->development = development;
	if (!trust->path)
		return error_set_memory(e);
	return trust_refresh(trust, e);
}

int trust_refresh(struct trust *trust, struct error *e)
{
	uint64_t stamp = trust_stamp(trust->path);

	if (trust->loaded && stamp == trust->stamp)
		return 0;
	cca_anchors_free(&trust->anchors);
	trust->loaded = false;
	if (cca_anchors_load(&trust->anchors, trust->path, e) < 0) {
		/* What a half-read directory trusts may be what its unread half revokes. */
		cca_anchors_free(&trust->anchors);
		return -1;
	}
	trust_filter(&trust->anchors, trust->development);
	log_line(LOG_LEVEL_INFO, "trust anchors: %zu from %s", trust->anchors.count, trust->path);
	trust->loaded = true;
	trust->stamp = stamp;
	return 0;
}

void trust_close(struct trust *trust)
{
	cca_anchors_free(&trust->anchors);
	free(trust->path);
	*trust = (struct trust)TRUST_INIT;
}
