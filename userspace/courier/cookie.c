// SPDX-License-Identifier: Apache-2.0
#include "cookie.h"

#include <string.h>

#define SEPARATOR "; "

/* The length of "name=value" at @text, or 0 if it is malformed. */
static size_t pair_length(const char *text, size_t *name)
{
	size_t len = strcspn(text, ";");

	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return 0;
	*name = strcspn(text, "=");
	return *name > 0 && *name < len ? len : 0;
}

int cookie_keep(struct bytes *cookies, const char *value, struct error *e)
{
	const char *text = value + strspn(value, " \t");
	struct bytes kept = BYTES_INIT;
	size_t name = 0, old_name = 0, len = pair_length(text, &name), old_len;
	int ret;

	if (!len || len > COOKIE_MAX)
		return 0;
	for (const char *old = bytes_text(cookies); *old;
	     old += old_len + strspn(old + old_len, SEPARATOR)) {
		old_len = pair_length(old, &old_name);
		if (old_name == name && !memcmp(old, text, name))
			continue;
		bytes_append(&kept, old, old_len);
		bytes_append_text(&kept, SEPARATOR);
	}
	if (kept.len + len > COOKIE_MAX)
		bytes_clear(&kept);
	bytes_append(&kept, text, len);
	ret = bytes_check(&kept, e);
	if (ret == 0)
		bytes_set(cookies, kept.data, kept.len);
	bytes_free(&kept);
	return ret < 0 ? -1 : bytes_check(cookies, e);
}
