// SPDX-License-Identifier: Apache-2.0
#include "request.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

const char *request_bearer(const struct request *request)
{
	const char *text = request->authorization;
	static const char scheme[] = "Bearer ";

	if (!text || strncasecmp(text, scheme, strlen(scheme)) != 0)
		return NULL;
	text += strlen(scheme);
	return text + strspn(text, " ");
}

void request_printable(const char *text, char *out, size_t size)
{
	size_t i;

	for (i = 0; text[i] && i + 1 < size; i++)
		out[i] = isgraph((unsigned char)text[i]) ? text[i] : '?';
	out[i] = '\0';
}
