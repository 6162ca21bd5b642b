// SPDX-License-Identifier: Apache-2.0
/*
 * The input is a message to the courier, decoded as there. A request that comes from it is one line
 * below /kbs/v0/. Of an accepted URL, libcurl finds the same host.
 */
#include <arpa/inet.h>

#include "courier/http.h"
#include "fuzz.h"
#include "kbs/url.h"

static void request_try(const struct message *m)
{
	struct request request = REQUEST_INIT;
	struct error e = ERROR_INIT;
	int ret = request_from_message(m, &request, &e);
	const char *path = bytes_text(&request.path);

	must_explain(ret, &e);
	if (ret == 0) {
		must(request.method && !strncmp(path, "/kbs/v0/", 8) && !strstr(path, "/."));
		must(strlen(path) == request.path.len && !strpbrk(path, " \t\r\n"));
		must(strlen(bytes_text(&request.authorization)) == request.authorization.len);
		must(!strpbrk(bytes_text(&request.authorization), "\t\r\n"));
	}
	request_free(&request);
}

/* Two parsers of one URL must agree on the host, or a realm attests to another one than it was
 * configured for. libcurl writes a number as an IPv4 address. */
static void url_try(struct part part)
{
	char *text = part_text(part), *host = NULL, *port = NULL, url[300];
	struct in_addr address;
	struct error e = ERROR_INIT;
	size_t len;

	if (url_parse(text, true, url, sizeof(url), &e) == 0) {
		const char *at = strstr(url, "://") + 3;

		must_explain(http_split(url, &host, &port, &e), &e);
		len = host ? strlen(host) : 0;
		if (host && *host != '[' && inet_pton(AF_INET, host, &address) != 1)
			must(!strncasecmp(at, host, len) && (!at[len] || at[len] == ':'));
	}
	curl_free(host);
	curl_free(port);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error e = ERROR_INIT;
	enum message_type type;
	struct message m;
	uint32_t value;
	size_t len;

	if (size < MESSAGE_HEADER_SIZE || message_decode_header(data, &type, &len, &e) < 0 ||
	    len > size - MESSAGE_HEADER_SIZE ||
	    message_decode_body(type, data + MESSAGE_HEADER_SIZE, len, &m, &e) < 0)
		return 0;
	for (size_t i = 0; i < m.count; i++)
		message_field_u32(&m, i, &value, &e);
	request_try(&m);
	if (m.type == MESSAGE_OPEN)
		url_try((struct part){ m.field[0].data, m.field[0].len });
	return 0;
}
