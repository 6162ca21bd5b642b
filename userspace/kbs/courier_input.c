// SPDX-License-Identifier: Apache-2.0
#include "courier_input.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

const char *courier_input(const struct courier_names *names, const struct error *e)
{
	const struct {
		const char *words, *name;
	} inputs[] = {
		{ "CA: ", names->ca[0] },
		{ "proxy credentials: ", names->proxy_credentials },
		{ "client certificate: ", names->certificate },
		{ "client key: ", names->key },
	};
	unsigned long number;

	if (e->kind != ERROR_INPUT)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(inputs); i++)
		if (!strncmp(e->text, inputs[i].words, strlen(inputs[i].words)))
			return inputs[i].name;
	number = strncmp(e->text, "CA ", 3) ? 0 : strtoul(e->text + 3, NULL, 10);
	return number && number <= FAILOVER_SERVERS_MAX ? names->ca[number - 1] : NULL;
}
