// SPDX-License-Identifier: Apache-2.0
#include "cca_anchors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/json.h"
#include "cose.h"
#include "jose/jwk.h"

const char *const cca_anchors_suffixes[] = { ".json", ".jwk", NULL };

#define SAMPLE_CURVE "P-384"
#define SAMPLE_X     "IShnxS4rlQiwpCCpBWDzlNLfqiG911FP8akBr-fh94uxHU5m-Kijivp2r2oxxN6M"
#define SAMPLE_Y     "hM4tr8mWQli1P61xh3T0ViDREbF26DGOEYfbAjWjGNN7pZf-6A4OTHYqEryz6m7U"

const char cca_anchors_sample[] = "{\"kty\":\"EC\",\"crv\":\"" SAMPLE_CURVE "\",\"x\":\"" SAMPLE_X
				  "\",\"y\":\"" SAMPLE_Y "\"}";

/*
 * Attestation keys whose private part is public, by curve and x. The y of a point does not matter,
 * because the negated point has the negated private key.
 */
static const struct {
	const char *curve, *x, *whose;
} published[] = {
	{ SAMPLE_CURVE, SAMPLE_X, "the sample CPAK of TF-RMM and TF-A" },
};

static int published_read(struct cca_anchor *anchor, const char *what, struct error *e)
{
	json_t *jwk = jwk_from_public_key(anchor->key, NULL, e);
	const char *curve, *x;

	if (!jwk)
		return error_add(e, "%s", what);
	curve = json_string_value(json_object_get(jwk, "crv"));
	x = json_string_value(json_object_get(jwk, "x"));
	for (size_t i = 0; curve && x && i < ARRAY_SIZE(published); i++)
		if (!strcmp(curve, published[i].curve) && !strcmp(x, published[i].x))
			anchor->published = published[i].whose;
	json_decref(jwk);
	return 0;
}

/* Decode the member @member, exactly @size bytes as hexadecimal text. */
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

static int flag_read(const json_t *entry, const char *member, const char *what, bool *flag,
		     struct error *e)
{
	const json_t *value = json_object_get(entry, member);

	if (value && !json_is_boolean(value))
		return error_set(e, ERROR_INPUT, "%s: %s: not a boolean", what, member);
	*flag = json_is_true(value);
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
	/* One id alone is refused: such an anchor would match more than its author meant. */
	anchor->has_ids = json_object_get(entry, "implementation-id") ||
			  json_object_get(entry, "instance-id");
	if (anchor->has_ids && (id_read(entry, "implementation-id", what, anchor->implementation_id,
					sizeof(anchor->implementation_id), e) < 0 ||
				id_read(entry, "instance-id", what, anchor->instance_id,
					sizeof(anchor->instance_id), e) < 0))
		return -1;
	if (flag_read(entry, "revoked", what, &anchor->revoked, e) < 0 ||
	    flag_read(entry, "realmkey-dev", what, &anchor->development, e) < 0)
		return -1;
	if (!jwk)
		jwk = entry;
	if (json_object_get(jwk, "d"))
		return error_set(e, ERROR_INPUT, "%s: d: a private key is not a trust anchor",
				 what);
	anchor->key = jwk_public_key(jwk, what, e);
	if (!anchor->key)
		return -1;
	crypto_begin();
	if (!cose_key_usable(anchor->key))
		return crypto_error(e, ERROR_INPUT, "%s: kty: must be EC", what);
	return published_read(anchor, what, e);
}

static int entry_add(struct cca_anchors *anchors, const json_t *entry, const char *name,
		     const char *what, struct error *e)
{
	struct cca_anchor anchor = { 0 }, *grown;
	size_t len = strlen(name), room = sizeof(anchor.name) - 1;

	/* If the path is too long, keep its end, which says more than its beginning. */
	snprintf(anchor.name, sizeof(anchor.name), "%s", name + (len > room ? len - room : 0));
	if (anchor_read(entry, what, &anchor, e) < 0)
		goto fail;
	grown = reallocarray(anchors->anchor, anchors->count + 1, sizeof(*grown));
	if (!grown) {
		error_set_memory(e);
		goto fail;
	}
	grown[anchors->count++] = anchor;
	anchors->anchor = grown;
	return 0;
fail:
	EVP_PKEY_free(anchor.key);
	return -1;
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
	json_t *root = json_parse(text, len, JSON_OPERATOR, name, ERROR_INPUT, e);
	size_t before = anchors->count;
	int ret;

	if (!root)
		return -1;
	ret = entries_add(anchors, root, name, e);
	if (ret < 0)
		anchors_cut(anchors, before); /* a store is added as a whole or not at all */
	json_decref(root);
	return ret;
}

int cca_anchors_use(void *anchors, const char *name, const struct bytes *text, struct error *e)
{
	return cca_anchors_add(anchors, text->data, text->len, name, e);
}

void cca_anchors_free(struct cca_anchors *anchors)
{
	anchors_cut(anchors, 0);
	free(anchors->anchor);
	*anchors = (struct cca_anchors)CCA_ANCHORS_INIT;
}
