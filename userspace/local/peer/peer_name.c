// SPDX-License-Identifier: Apache-2.0
#include "peer_name.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/encode.h"

#define UNIT_CHARACTERS ENCODE_ALPHANUMERIC ":-_.\\@"

/* A piece of text. */
struct piece {
	const char *text;
	size_t len;
};

static bool piece_is(struct piece p, const char *text)
{
	return p.len == strlen(text) && !memcmp(p.text, text, p.len);
}

static bool piece_begins(struct piece p, const char *text)
{
	return p.len >= strlen(text) && !memcmp(p.text, text, strlen(text));
}

static bool piece_ends(struct piece p, const char *text)
{
	const size_t len = strlen(text);

	return p.len > len && !memcmp(p.text + p.len - len, text, len);
}

/* Take the text up to the next @end, which is skipped, or all that is left. */
static struct piece piece_take(struct piece *rest, char end)
{
	const char *found = rest->len ? memchr(rest->text, end, rest->len) : NULL;
	const struct piece p = { rest->text, found ? (size_t)(found - rest->text) : rest->len };
	const size_t skip = p.len + (found != NULL);

	*rest = (struct piece){ rest->text + skip, rest->len - skip };
	return p;
}

/* Copy @p, which must not be empty, and must have only characters of @accept if that is not NULL. */
static bool piece_copy(struct piece p, const char *accept, char out[PEER_NAME_MAX])
{
	if (!p.len || p.len >= PEER_NAME_MAX || memchr(p.text, '\0', p.len))
		return false;
	memcpy(out, p.text, p.len);
	out[p.len] = '\0';
	return !accept || strspn(out, accept) == p.len;
}

/* --- the address ----------------------------------------------------------------------------- */

bool peer_name_address(const void *address, size_t len, struct peer_address *out)
{
	struct piece rest = { address, len }, random, kind, unit;

	*out = (struct peer_address){ .wish = PEER_WISH_CREDENTIAL };
	if (len < 2 || *rest.text)
		return false;
	rest = (struct piece){ rest.text + 1, len - 1 };
	random = piece_take(&rest, '/');
	for (size_t i = 0; i < random.len; i++)
		if (decode_hex_digit(random.text[i]) > 15)
			return false;
	kind = piece_take(&rest, '/');
	if (!random.len || (rest.len && memchr(rest.text, '\n', rest.len)))
		return false;
	if (piece_is(kind, "cryptsetup")) {
		out->wish = PEER_WISH_VOLUME;
		return piece_copy(rest, NULL, out->id) && !strchr(out->id, '/') &&
		       peer_name_cryptsetup(out->id, out->unit);
	}
	unit = piece_take(&rest, '/');
	return piece_is(kind, "unit") && piece_copy(unit, UNIT_CHARACTERS, out->unit) &&
	       piece_copy(rest, NULL, out->id) && !strchr(out->id, '/');
}

bool peer_name_cryptsetup(const char *volume, char unit[PEER_NAME_MAX])
{
	static const char digits[] = "0123456789abcdef", suffix[] = ".service";
	size_t len = (size_t)snprintf(unit, PEER_NAME_MAX, "systemd-cryptsetup@");

	for (const char *at = volume; *at; at++) {
		const unsigned char c = (unsigned char)*at;

		if (len + 4 + sizeof(suffix) > PEER_NAME_MAX)
			return false;
		if (c == '/') {
			unit[len++] = '-';
		} else if (strchr(ENCODE_ALPHANUMERIC ":_", c) || (c == '.' && at > volume)) {
			unit[len++] = (char)c;
		} else {
			unit[len++] = '\\';
			unit[len++] = 'x';
			unit[len++] = digits[c >> 4];
			unit[len++] = digits[c & 15];
		}
	}
	memcpy(unit + len, suffix, sizeof(suffix));
	return true;
}

/* --- the cgroup ------------------------------------------------------------------------------ */

/* How the cgroups of containers begin: Podman, Docker, CRI-O, containerd, Kubernetes, LXC. */
static const char *const container_begins[] = {
	"libpod-",  "docker-", "crio-",	   "cri-containerd-",
	"kubepods", "lxc.",    "nerdctl-", "buildkit-",
};

/* Cgroups below which all processes are those of containers or virtual machines. */
static const char *const container_names[] = { "machine.slice", "docker", "lxc" };

static bool component_is_container(struct piece p)
{
	for (size_t i = 0; i < ARRAY_SIZE(container_names); i++)
		if (piece_is(p, container_names[i]))
			return true;
	/* docker-registry.service is not a container. */
	for (size_t i = 0; i < ARRAY_SIZE(container_begins) && !piece_ends(p, ".service"); i++)
		if (piece_begins(p, container_begins[i]))
			return true;
	return false;
}

/* systemd puts '_' before a name that the kernel could use for itself, and before one that begins with '_' or '.'. */
static struct piece component_unescape(struct piece p)
{
	return p.len && *p.text == '_' ? (struct piece){ p.text + 1, p.len - 1 } : p;
}

/* A service or a scope. */
static bool component_is_unit(struct piece p)
{
	return piece_ends(p, ".service") || piece_ends(p, ".scope") || piece_ends(p, ".socket") ||
	       piece_ends(p, ".mount") || piece_ends(p, ".swap");
}

static bool cgroup_read(struct piece path, struct peer_cgroup *out)
{
	bool closed = false; /* below this, the names of cgroups are not those of PID 1 */

	if (!path.len || *path.text != '/')
		return false;
	piece_take(&path, '/');
	while (path.len) {
		const struct piece raw = piece_take(&path, '/'), p = component_unescape(raw);

		/* The cgroup is outside of ours, if this process is in a namespace of cgroups. */
		if (!raw.len || piece_is(raw, "..") || piece_is(raw, "."))
			return false;
		out->container |= component_is_container(p);
		if (closed || piece_ends(p, ".slice"))
			continue;
		if (!component_is_unit(p)) {
			closed = true;
		} else if (!*out->unit) {
			if (!piece_copy(p, UNIT_CHARACTERS, out->unit))
				return false;
			closed = !piece_begins(p, "user@");
		} else {
			closed = true;
			if (!piece_copy(p, UNIT_CHARACTERS, out->user_unit))
				return false;
		}
	}
	return true;
}

bool peer_name_cgroup(const char *text, size_t len, struct peer_cgroup *out)
{
	struct piece rest = { text, len };

	*out = (struct peer_cgroup){ .container = false };
	while (rest.len) {
		struct piece line = piece_take(&rest, '\n');

		if (!piece_begins(line, "0::"))
			continue;
		line = (struct piece){ line.text + 3, line.len - 3 };
		if (!memchr(line.text, '\0', line.len) && cgroup_read(line, out))
			return true;
		*out = (struct peer_cgroup){ .container = false };
		return false;
	}
	return false;
}

/* --- namespaces ------------------------------------------------------------------------------ */

size_t peer_name_pids(const char *text, size_t len)
{
	struct piece rest = { text, len };
	size_t count = 0;

	while (rest.len) {
		struct piece line = piece_take(&rest, '\n');

		if (!piece_begins(line, "NSpid:"))
			continue;
		for (size_t i = strlen("NSpid:"); i < line.len; i++)
			count += line.text[i] >= '0' && line.text[i] <= '9' &&
				 (line.text[i - 1] < '0' || line.text[i - 1] > '9');
		break;
	}
	return count;
}

/* The next character that is not a space, or 0 at the end. */
static char next_mark(const char *text, size_t len, size_t *at, bool *space)
{
	*space = false;
	while (*at < len && (text[*at] == ' ' || text[*at] == '\n')) {
		*space = true;
		(*at)++;
	}
	if (*at == len)
		return '\0';
	return text[(*at)++];
}

bool peer_name_same_users(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t i = 0, k = 0, marks = 0;

	for (;; marks++) {
		bool aspace, bspace;
		const char x = next_mark(a, alen, &i, &aspace), y = next_mark(b, blen, &k, &bspace);

		if (x != y || (x && marks && aspace != bspace))
			return false;
		if (!x)
			return marks > 0;
	}
}
