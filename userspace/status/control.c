// SPDX-License-Identifier: Apache-2.0
#include "control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/encode.h"

#define NOW "now"
#define DUE "due"

#define CODE_MAX 255

static const char *const verbs[] = { [CONTROL_REFRESH] = "refresh", [CONTROL_RELOAD] = "reload" };

/* The names that a configuration may give to secrets. */
static bool name_is_valid(const char *name)
{
	size_t len = strlen(name);

	return len && len < CONTROL_NAME_MAX && strspn(name, ENCODE_ALPHANUMERIC "_.-") == len;
}

int control_request_encode(const struct control_request *request, struct bytes *out,
			   struct error *e)
{
	bytes_append_text(out, verbs[request->verb]);
	if (request->verb == CONTROL_REFRESH) {
		if (request->name[0] && !name_is_valid(request->name))
			return error_set(e, ERROR_USAGE, "'%s' is not the name of a secret",
					 request->name);
		bytes_printf(out, " %s%s%s", request->now ? NOW : DUE, request->name[0] ? " " : "",
			     request->name);
	}
	return bytes_check(out, e);
}

/* The words after "refresh". */
static int refresh_decode(char *words, struct control_request *request, struct error *e)
{
	char *name = strchr(words, ' ');

	if (name)
		*name++ = '\0';
	request->now = !strcmp(words, NOW);
	if (!request->now && strcmp(words, DUE) != 0)
		return error_set(e, ERROR_INPUT,
				 "request: refresh: neither '" NOW "' nor '" DUE "'");
	if (!name)
		return 0;
	if (!name_is_valid(name))
		return error_set(e, ERROR_INPUT, "request: refresh: malformed name");
	memcpy(request->name, name, strlen(name) + 1);
	return 0;
}

int control_request_decode(const void *text, size_t len, struct control_request *request,
			   struct error *e)
{
	char copy[CONTROL_REQUEST_MAX + 1] = "", *words;

	*request = (struct control_request){ .verb = CONTROL_REFRESH };
	if (len > CONTROL_REQUEST_MAX || memchr(text, '\0', len))
		return error_set(e, ERROR_INPUT, "request: malformed or too long");
	memcpy(copy, text, len);
	words = strchr(copy, ' ');
	if (words)
		*words++ = '\0';
	if (!strcmp(copy, verbs[CONTROL_REFRESH]) && words)
		return refresh_decode(words, request, e);
	request->verb = CONTROL_RELOAD;
	if (!strcmp(copy, verbs[CONTROL_RELOAD]) && !words)
		return 0;
	return error_set(e, ERROR_INPUT, "request: neither refresh nor reload");
}

void control_answer_encode(int code, const char *text, struct bytes *out)
{
	size_t start = out->len;

	bytes_printf(out, "%d ", code < 0 || code > CODE_MAX ? 1 : code);
	bytes_append_text(out, text);
	if (out->len > start + CONTROL_ANSWER_MAX)
		bytes_truncate(out, start + CONTROL_ANSWER_MAX);
}

int control_answer_decode(const void *data, size_t len, int *code, struct bytes *text,
			  struct error *e)
{
	char copy[CONTROL_ANSWER_MAX + 1] = "", *end, *save = NULL;
	unsigned long number;

	if (len > CONTROL_ANSWER_MAX || memchr(data, '\0', len))
		return error_set(e, ERROR_INPUT, "answer: malformed or too long");
	memcpy(copy, data, len);
	number = strtoul(copy, &end, 10);
	if (copy[0] < '0' || copy[0] > '9' || end > copy + 3 || *end != ' ' || number > CODE_MAX)
		return error_set(e, ERROR_INPUT, "answer: no exit status");
	*code = (int)number;
	for (char *line = strtok_r(end + 1, "\n", &save), *separator = (char *)""; line;
	     line = strtok_r(NULL, "\n", &save)) {
		error_text_clean(line);
		bytes_printf(text, "%s%s", separator, line);
		separator = (char *)"\n";
	}
	return bytes_check(text, e);
}
