// SPDX-License-Identifier: Apache-2.0
#include "trust.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/json.h"
#include "base/log.h"

/* Whether @anchor may be used. If not, a log line says why. */
static bool trust_may(const struct trust *trust, const struct cca_anchor *anchor)
{
	/* A revoked key is never accepted, so what it revokes stays revoked, whichever key it
	 * is. */
	if (anchor->revoked)
		return true;
	if (anchor->published && !trust->sample) {
		log_line(LOG_LEVEL_WARNING,
			 "anchor %s: never trusted: its private key is public (%s)", anchor->name,
			 anchor->published);
		return false;
	}
	if (anchor->development && !trust->development) {
		log_line(LOG_LEVEL_WARNING,
			 "anchor %s: ignored: a development key, trusted only "
			 "with --dev",
			 anchor->name);
		return false;
	}
	return true;
}

/* Remove the anchors that may not be used. */
static void trust_filter(const struct trust *trust, struct cca_anchors *anchors)
{
	size_t kept = 0;

	for (size_t i = 0; i < anchors->count; i++) {
		struct cca_anchor swapped = anchors->anchor[kept];

		if (!trust_may(trust, &anchors->anchor[i]))
			continue;
		anchors->anchor[kept++] = anchors->anchor[i];
		anchors->anchor[i] = swapped;
	}
	while (anchors->count > kept)
		EVP_PKEY_free(anchors->anchor[--anchors->count].key);
}

/* Append the anchors that may be used. On failure @anchors is empty. */
static int trust_read(const struct trust *trust, struct cca_anchors *anchors, struct error *e)
{
	if (io_each_file(trust->path, cca_anchors_suffixes, JSON_INPUT_MAX, cca_anchors_use,
			 anchors, e) < 0 ||
	    (trust->sample &&
	     cca_anchors_add(anchors, cca_anchors_sample, strlen(cca_anchors_sample),
			     "--dev-trust-sample-cpak", e) < 0)) {
		cca_anchors_free(anchors);
		return -1;
	}
	trust_filter(trust, anchors);
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
		if (entry->d_type != DT_DIR && fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
		    S_ISREG(st.st_mode))
			stamp += trust_stamp_file(entry->d_name, &st);
	closedir(dir);
	return stamp;
}

/* Whether @list has an anchor that says what @anchor says. The order of files changes little, so @anchor is probably
 * near @at. */
static bool trust_has(const struct cca_anchors *list, const struct cca_anchor *anchor, size_t at)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct cca_anchor *other = &list->anchor[(at + i) % list->count];

		if (other->revoked == anchor->revoked && other->has_ids == anchor->has_ids &&
		    memcmp(other->implementation_id, anchor->implementation_id,
			   sizeof(anchor->implementation_id)) == 0 &&
		    memcmp(other->instance_id, anchor->instance_id, sizeof(anchor->instance_id)) ==
			    0 &&
		    EVP_PKEY_eq(other->key, anchor->key) == 1)
			return true;
	}
	return false;
}

/* Whether all anchors of @before are in @after, and no other one is revoked there. */
static bool trust_kept(const struct cca_anchors *before, const struct cca_anchors *after)
{
	for (size_t i = 0; i < before->count; i++)
		if (!before->anchor[i].revoked && !trust_has(after, &before->anchor[i], i))
			return false;
	for (size_t i = 0; i < after->count; i++)
		if (after->anchor[i].revoked && !trust_has(before, &after->anchor[i], i))
			return false;
	return true;
}

int trust_open(struct trust *trust, const char *path, bool development, bool sample,
	       struct error *e)
{
	trust->path = strdup(path);
	trust->development = development;
	trust->sample = sample;
	if (!trust->path)
		return error_set_memory(e);
	if (trust_refresh(trust, e) < 0)
		return -1;
	trust->withdrawn = false;
	return 0;
}

int trust_check(const struct trust *trust, struct error *e)
{
	struct cca_anchors anchors = CCA_ANCHORS_INIT;
	int ret = trust_read(trust, &anchors, e);

	cca_anchors_free(&anchors);
	return ret;
}

void trust_expire(struct trust *trust)
{
	trust->expired = true;
}

int trust_refresh(struct trust *trust, struct error *e)
{
	bool expired = trust->expired;
	uint64_t stamp = trust_stamp(trust->path);
	struct cca_anchors before = trust->anchors;
	int ret;

	trust->expired = false;
	if (trust->loaded && !expired && stamp == trust->stamp)
		return 0;
	trust->anchors = (struct cca_anchors)CCA_ANCHORS_INIT;
	trust->loaded = false;
	/* If this fails, there are no anchors: what was not read may revoke what was. */
	ret = trust_read(trust, &trust->anchors, e);
	if (!trust_kept(&before, &trust->anchors))
		trust->withdrawn = true;
	cca_anchors_free(&before);
	if (ret < 0)
		return -1;
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
