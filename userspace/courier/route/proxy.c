// SPDX-License-Identifier: Apache-2.0
#include "proxy.h"

#include "base/array.h"

int proxy_request(const struct url_parts *to, const struct bytes *authorization, struct bytes *out,
		  struct error *e)
{
	struct bytes authority = BYTES_INIT;
	int ret;

	url_authority(to, &authority);
	ret = bytes_check(&authority, e);
	bytes_printf(out, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", bytes_text(&authority),
		     bytes_text(&authority));
	if (authorization->len) {
		bytes_append(out, authorization->data, authorization->len);
		bytes_append_text(out, "\r\n");
	}
	bytes_append_text(out, "\r\n");
	bytes_free(&authority);
	return ret < 0 ? -1 : bytes_check(out, e);
}

int proxy_answer(int status, bool given, struct error *e)
{
	static const struct {
		int from, to;
		bool transient;
		const char *text;
	} meanings[] = {
		{ 403, 403, false,
		  "refuses to connect to this KBS; allow its host and port there" },
		{ 408, 408, true, "timed out" },
		{ 429, 429, true, "reports too many requests" },
		{ 502, 504, true, "cannot reach this KBS" },
		{ 500, 599, true, "reports an internal error" },
	};

	if (status >= 200 && status <= 299)
		return 0;
	if (status == 407)
		return error_set(e, ERROR_NETWORK, "%s; give %s (%s)",
				 given ? "does not accept the credentials (407)" :
					 "requires credentials (407)",
				 given ? "others" : "them",
				 "--proxy-credentials, or proxy_credentials under [kbs]");
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
		if (status >= meanings[i].from && status <= meanings[i].to)
			return (meanings[i].transient ? error_set_transient : error_set)(
				e, ERROR_NETWORK, "%s (%d)", meanings[i].text, status);
	return error_set(e, ERROR_PROTOCOL, "answered CONNECT with status %d; is it a proxy?",
			 status);
}
