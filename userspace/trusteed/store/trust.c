// SPDX-License-Identifier: Apache-2.0
#include "trust.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "jose/jwk.h"

/*
 * Attestation keys whose private part is public, by curve and x. The y of a point does not matter,
 * because the negated point has the negated private key.
 */
static const struct {
	const char *curve, *x, *whose;
} published[] = {
	{ "P-384", "IShnxS4rlQiwpCCpBWDzlNLfqiG911FP8akBr-fh94uxHU5m-Kijivp2r2oxxN6M",
	  "the sample CPAK of TF-RMM and TF-A" },
};

/* 1 if @anchor may be used, 0 if not (with a log line), -1 if that cannot be determined. */
static int trust_may(const struct cca_anchor *anchor, bool development, struct error *e)
{
	const char *curve, *x, *whose = NULL;
	json_t *jwk;

	/* A revoked key is never accepted, so what it revokes stays revoked, whichever key it
	 * is. */
	if (anchor->revoked)
		return 1;
	jwk = jwk_from_public_key(anchor->key, NULL, e);
	if (!jwk)
		return error_add(e, "anchor %s", anchor->name);
	curve = json_string_value(json_object_get(jwk, "crv"));
	x = json_string_value(json_object_get(jwk, "x"));
	for (size_t i = 0; curve && x && i < ARRAY_SIZE(published); i++)
		if (!strcmp(curve, published[i].curve) && !strcmp(x, published[i].x))
			whose = published[i].whose;
	json_decref(jwk);
	if (whose)
		log_line(LOG_LEVEL_WARNING,
			 "anchor %s: never trusted: its private key is public "
			 "(%s)",
			 anchor->name, whose);
	else if (anchor->development && !development)
		log_line(LOG_LEVEL_WARNING,
			 "anchor %s: ignored: a development key, trusted only "
			 "with --dev",
			 anchor->name);
	return !whose && (development || !anchor->development);
}

/* Remove the anchors that may not be used. */
static int trust_filter(struct cca_anchors *anchors, bool development, struct error *e)
{
	size_t kept = 0;
	int may = 0;

	for (size_t i = 0; may >= 0 && i < anchors->count; i++) {
		struct cca_anchor swapped = anchors->anchor[kept];

		may = trust_may(&anchors->anchor[i], development, e);
		if (may <= 0)
			continue;
		anchors->anchor[kept++] = anchors->anchor[i];
		anchors->anchor[i] = swapped;
	}
	if (may < 0)
		return -1;
	while (anchors->count > kept)
		EVP_PKEY_free(anchors->anchor[--anchors->count].key);
	return 0;
}

/* FNV-1a, which is enough, because no adversary can write to the directory. */
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

/* A number that changes when a file in @path is added, removed or written. It is a sum, because a
 * directory is not sorted. */
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
	if (io_each_file(trust->path, cca_anchors_suffixes, JSON_INPUT_MAX, cca_anchors_use,
			 &trust->anchors, e) < 0 ||
	    trust_filter(&trust->anchors, trust->development, e) < 0) {
		/* What was not read may revoke what was. */
		cca_anchors_free(&trust->anchors);
		return -1;
	}
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
