// SPDX-License-Identifier: Apache-2.0
#include "list.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "rings.h"

#define PROC_KEYS     "/proc/keys"
#define PROC_KEYS_MAX ((size_t)4 << 20)

void list_expiry(const char *text, keyctl_id id, char expiry[LIST_EXPIRY_SIZE])
{
	for (const char *line = text; line && *line;) {
		unsigned int found;

		/* ID FLAGS USAGE EXPIRY ... */
		/* NOLINTNEXTLINE(cert-err34-c): the kernel wrote the numbers */
		if (sscanf(line, "%x %*s %*s %15s", &found, expiry) == 2 && found == (uint32_t)id)
			return;
		line = strchr(line, '\n');
		line += line ? 1 : 0;
	}
	strcpy(expiry, "-");
}

static void owner_name(uid_t uid, char name[64])
{
	const struct passwd *user = getpwuid(uid);

	if (user)
		snprintf(name, 64, "%s", user->pw_name);
	else
		snprintf(name, 64, "%u", uid);
}

static void ring_list(const struct ring *ring, const char *proc, struct bytes *out)
{
	static struct keyctl_description d;
	keyctl_id key[KEYCTL_KEYS_MAX];
	int count = ring->id ? keyctl_list(ring->id, key) : 0;
	char name[64], expiry[LIST_EXPIRY_SIZE];

	owner_name(ring->uid, name);
	for (int i = 0; i < count; i++) {
		if (keyctl_describe(key[i], &d) < 0)
			continue;
		list_expiry(proc, key[i], expiry);
		bytes_printf(out, "%-12d%-17s%-9s%-9s%08x  %s\n", key[i], name, d.type, expiry,
			     d.permissions, d.text);
	}
}

int list_keys(const char *directory, struct bytes *out, struct error *e)
{
	static struct rings rings;
	struct bytes proc = BYTES_INIT;
	struct error unread = ERROR_INIT;

	if (rings_find(&rings, directory, e) < 0)
		return -1;
	/* Without it there are no time-outs. */
	if (io_read_file(PROC_KEYS, PROC_KEYS_MAX, &proc, &unread) < 0)
		bytes_clear(&proc);
	bytes_append_text(out, "SERIAL      OWNER            TYPE     EXPIRES  PERMIT    NAME\n");
	for (size_t i = 0; i < rings.count; i++)
		ring_list(&rings.ring[i], bytes_text(&proc), out);
	bytes_free(&proc);
	return bytes_check(out, e);
}
