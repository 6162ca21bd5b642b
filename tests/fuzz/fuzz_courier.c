// SPDX-License-Identifier: Apache-2.0
/*
 * The input is a message to the courier, decoded as there. A request that comes from it is one line
 * below /kbs/v0/. The parts of an accepted URL are in it.
 */
#include <stdio.h>

#include "courier/request.h"
#include "courier/route/target.h"
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

/* The parts of a URL make the URL again. */
static void url_try(struct part part)
{
	char *text = part_text(part), url[300], again[600];
	struct url_parts to = { 0 };
	struct error e = ERROR_INIT;
	size_t len;

	if (url_parse(text, true, url, sizeof(url), &e) == 0) {
		const char *at = strstr(url, ":") + 3;

		must_explain(url_split(url, &to, &e), &e);
		must(to.transport != URL_UNIX || (to.path[0] == '/' && strstr(url, to.path)));
		if (e.kind == ERROR_NONE && to.transport == URL_TCP) {
			len = strcspn(to.host, "%");
			must(len && !strncmp(at + (*at == '['), to.host, len));
			must(strtoul(to.port, NULL, 10) - 1 < 65535);
			snprintf(again, sizeof(again), "http%s://%s", to.tls ? "s" : "",
				 to.authority);
			must(strchr(to.host, '%') || !strcmp(again, url));
		}
	}
	free(text);
}

/* Use the messages of a keeper's start, up to one that is refused. */
static void target_try(struct part input)
{
	struct target t = TARGET_INIT;
	struct error e = ERROR_INIT;
	uint16_t ports[FAILOVER_SERVERS_MAX];
	enum message_type type;
	struct message m;
	size_t len;
	int ret = 0;

	while (ret == 0 && input.size >= MESSAGE_HEADER_SIZE &&
	       message_decode_header(input.data, &type, &len, &e) == 0) {
		struct part body;

		part_take(&input, MESSAGE_HEADER_SIZE);
		body = part_take(&input, len);
		if (message_decode_body(type, body.data, body.size, &m, &e) < 0)
			break;
		ret = target_add(&t, &m, &e);
		must(ret > 0 ? e.kind == ERROR_NONE : true);
		must_explain(ret < 0 ? -1 : 0, &e);
	}
	must(t.servers <= FAILOVER_SERVERS_MAX && t.cas <= t.servers + 1);
	if (ret > 0) {
		must(t.servers && target_ports(&t, ports) <= t.servers);
		must(!strpbrk(bytes_text(&t.authorization), "\t\r\n"));
		must(!t.certificate.len == !t.key.len && t.timeout);
	}
	target_free(&t);
}

/* The input as the page that workers share, which one of them may have written. */
static void failover_try(struct part input)
{
	const size_t count = 1 + part_number(&input, 1) % FAILOVER_SERVERS_MAX;
	const int64_t now = (int64_t)(part_number(&input, 8) >> 2);
	struct failover f = { 0 };
	struct part page = part_take(&input, sizeof(f));

	if (page.size)
		memcpy(&f, page.data, page.size);
	must(failover_pick(&f, count, now) < count && failover_current(&f, count, now) < count);
	failover_failed(&f, count - 1, now, f.current);
	must(f.server[count - 1].until >= now && f.server[count - 1].until - now <= FAILOVER_MAX);
	failover_worked(&f, count - 1);
	must(count > 1 || failover_pick(&f, count, now) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error e = ERROR_INIT;
	enum message_type type;
	struct message m;
	uint32_t value;
	size_t len;

	target_try((struct part){ data, size });
	failover_try((struct part){ data, size });
	if (size < MESSAGE_HEADER_SIZE || message_decode_header(data, &type, &len, &e) < 0 ||
	    len > size - MESSAGE_HEADER_SIZE ||
	    message_decode_body(type, data + MESSAGE_HEADER_SIZE, len, &m, &e) < 0)
		return 0;
	for (size_t i = 0; i < m.count; i++)
		message_field_u32(&m, i, &value, &e);
	request_try(&m);
	if (m.type == MESSAGE_SERVER)
		url_try((struct part){ m.field[0].data, m.field[0].len });
	return 0;
}
