// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/encode.h"
#include "base/io.h"
#include "base/json.h"
#include "cca_token.h"
#include "cose.h"
#include "jose/jwk.h"

/* Member @member as exactly @size bytes of hexadecimal. */
static int id_read(const json_t *entry, const char *member, const char *what, uint8_t *out,
		   size_t size, struct error *e)
{
	const char *text = json_member_text(entry, member, what, ERROR_INPUT, e);
	struct bytes raw = BYTES_INIT;
	int ret = -1;

	if (!text)
		return -1;
	if (decode_hex(text, strlen(text), member, &raw, e) < 0) {
		error_add(e, "%s", what);
	} else if (raw.len != size) {
		error_set(e, ERROR_INPUT, "%s: %s: %zu bytes, must be %zu", what, member, raw.len,
			  size);
	} else {
		memcpy(out, raw.data, size);
		ret = 0;
	}
	bytes_free(&raw);
	return ret;
}

/* Both ids or none: with one of them alone, an anchor would match more than its author meant. */
static int ids_read(const json_t *entry, const char *what, struct cca_anchor *anchor,
		    struct error *e)
{
	anchor->has_ids = json_object_get(entry, "implementation-id") ||
			  json_object_get(entry, "instance-id");
	if (!anchor->has_ids)
		return 0;
	if (id_read(entry, "implementation-id", what, anchor->implementation_id,
		    sizeof(anchor->implementation_id), e) < 0)
		return -1;
	return id_read(entry, "instance-id", what, anchor->instance_id,
		       sizeof(anchor->instance_id), e);
}

static int flag_read(const json_t *entry, const char *member, const char *what, bool *flag,
		     struct error *e)
{
	const json_t *value = json_object_get(entry, member);

	if (value && !json_is_boolean(value))
		return error_set(e, ERROR_INPUT, "%s: %s: not a boolean", what, member);
	*flag = json_is_true(value);
	return 0;
}

static int key_read(const json_t *jwk, const char *what, struct cca_anchor *anchor,
		    struct error *e)
{
	if (json_object_get(jwk, "d"))
		return error_set(e, ERROR_INPUT, "%s: d: a private key is no trust anchor", what);
	anchor->key = jwk_public_key(jwk, what, e);
	if (!anchor->key)
		return -1;
	if (!cose_key_usable(anchor->key))
		return error_set(e, ERROR_INPUT, "%s: kty: must be EC", what);
	return 0;
}

static int anchor_read(const json_t *entry, const char *what, struct cca_anchor *anchor,
		       struct error *e)
{
	const json_t *jwk = json_object_get(entry, "pkey");

	if (!json_is_object(entry))
		return error_set(e, ERROR_INPUT, "%s: not an object", what);
	if (jwk && !json_is_object(jwk))
		return error_set(e, ERROR_INPUT, "%s: pkey: not an object", what);
	if (ids_read(entry, what, anchor, e) < 0 ||
	    flag_read(entry, "revoked", what, &anchor->revoked, e) < 0 ||
	    flag_read(entry, "realmkey-dev", what, &anchor->development, e) < 0)
		return -1;
	return key_read(jwk ? jwk : entry, what, anchor, e);
}

static int anchor_append(struct cca_anchors *anchors, const struct cca_anchor *anchor,
			 struct error *e)
{
	struct cca_anchor *grown =
		reallocarray(anchors->anchor, anchors->count + 1, sizeof(*grown));

	if (!grown)
		return error_set_memory(e);
	grown[anchors->count++] = *anchor;
	anchors->anchor = grown;
	return 0;
}

static int entry_add(struct cca_anchors *anchors, const json_t *entry, const char *name,
		     const char *what, struct error *e)
{
	struct cca_anchor anchor = { 0 };
	size_t len = strlen(name), room = sizeof(anchor.name) - 1;

	/* The end of a long path says more than its beginning. */
	snprintf(anchor.name, sizeof(anchor.name), "%s", name + (len > room ? len - room : 0));
	if (anchor_read(entry, what, &anchor, e) < 0 || anchor_append(anchors, &anchor, e) < 0) {
		EVP_PKEY_free(anchor.key);
		return -1;
	}
	return 0;
}

static int entries_add(struct cca_anchors *anchors, const json_t *root, const char *name,
		       struct error *e)
{
	char what[256];
	size_t i;
	json_t *entry;

	if (!json_is_array(root))
		return entry_add(anchors, root, name, name, e);
	json_array_foreach(root, i, entry) {
		snprintf(what, sizeof(what), "%.200s[%zu]", name, i);
		if (entry_add(anchors, entry, name, what, e) < 0)
			return -1;
	}
	return 0;
}

static void anchors_cut(struct cca_anchors *anchors, size_t count)
{
	while (anchors->count > count)
		EVP_PKEY_free(anchors->anchor[--anchors->count].key);
}

int cca_anchors_add(struct cca_anchors *anchors, const void *text, size_t len, const char *name,
		    struct error *e)
{
	json_t *root = json_parse(text, len, name, ERROR_INPUT, e);
	size_t before = anchors->count;
	int ret;

	if (!root)
		return -1;
	ret = entries_add(anchors, root, name, e);
	if (ret < 0)
		anchors_cut(anchors, before);	/* a store counts as a whole or not at all */
	json_decref(root);
	return ret;
}

static int file_load(struct cca_anchors *anchors, const char *path, struct error *e)
{
	struct bytes text = BYTES_INIT;
	int ret = io_read_file(path, JSON_INPUT_MAX, &text, e);

	if (ret == 0)
		ret = cca_anchors_add(anchors, text.data, text.len, path, e);
	bytes_free(&text);
	return ret;
}

static int entry_is_anchor(const struct dirent *entry)
{
	const char *suffix = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && suffix &&
	       (strcmp(suffix, ".jwk") == 0 || strcmp(suffix, ".json") == 0);
}

static int directory_load(struct cca_anchors *anchors, const char *path, struct error *e)
{
	struct dirent **entry;
	struct bytes file = BYTES_INIT;
	int count = scandir(path, &entry, entry_is_anchor, alphasort), ret = 0;

	if (count < 0)
		return error_set_errno(e, ERROR_INPUT, "%s", path);
	for (int i = 0; i < count; i++) {
		bytes_clear(&file);
		if (ret == 0)
			ret = bytes_printf(&file, "%s/%s", path, entry[i]->d_name) < 0 ?
				error_set_memory(e) : file_load(anchors, bytes_text(&file), e);
		free(entry[i]);
	}
	free(entry);
	bytes_free(&file);
	return ret;
}

int cca_anchors_load(struct cca_anchors *anchors, const char *path, struct error *e)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return directory_load(anchors, path, e);
	return file_load(anchors, path, e);
}

void cca_anchors_free(struct cca_anchors *anchors)
{
	anchors_cut(anchors, 0);
	free(anchors->anchor);
	*anchors = (struct cca_anchors)CCA_ANCHORS_INIT;
}
