// SPDX-License-Identifier: Apache-2.0
/* The first byte says what the rest is: the address of a peer, or a text of /proc. What is accepted is text of one line,
 * and leads nowhere. */
#include <string.h>

#include "fuzz.h"
#include "local/peer/peer_name.h"

static void must_be_name(const char *name, bool empty)
{
	must(strlen(name) < PEER_NAME_MAX && (empty || *name) && !strchr(name, '/') &&
	     !strchr(name, '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct part input = { data, size };
	const unsigned int what = (unsigned int)part_number(&input, 1) % 4;
	const char *text = (const char *)input.data;
	struct peer_address address;
	struct peer_cgroup cgroup;

	if (!input.size)
		text = "";
	if (what == 0 && peer_name_address(text, input.size, &address)) {
		must_be_name(address.unit, false);
		must_be_name(address.id, false);
	}
	if (what == 1 && peer_name_cgroup(text, input.size, &cgroup)) {
		must_be_name(cgroup.unit, true);
		must_be_name(cgroup.user_unit, true);
		must(!*cgroup.user_unit || !strncmp(cgroup.unit, "user@", 5));
	}
	if (what == 2)
		must(peer_name_pids(text, input.size) <= input.size);
	if (what == 3) {
		const struct part a = part_until(&input, '|');

		must(!a.size || !peer_name_same_users((const char *)a.data, a.size, "", 0));
		if (a.size && input.size)
			must(peer_name_same_users((const char *)a.data, a.size,
						  (const char *)input.data, input.size) ==
			     peer_name_same_users((const char *)input.data, input.size,
						  (const char *)a.data, a.size));
	}
	return 0;
}
