// SPDX-License-Identifier: Apache-2.0
#include "target.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"

#define TIMEOUT_MAX	3600
#define CREDENTIALS_MAX 1024

static int url_read(const struct message_field *field, struct bytes *url, struct url_parts *to,
		    struct error *e)
{
	struct error malformed = ERROR_INIT;

	bytes_set(url, field->data, field->len);
	if (bytes_check(url, e) < 0)
		return -1;
	if (strlen(bytes_text(url)) != url->len || url_split(bytes_text(url), to, &malformed) < 0)
		return error_set(e, ERROR_PROTOCOL, "malformed URL: %s", bytes_text(url));
	return 0;
}

/* The index of the CA certificates @field, which several servers can share. */
static int ca_add(struct target *t, const struct message_field *field, size_t *index,
		  struct error *e)
{
	size_t i = 0;

	while (i < t->cas && !bytes_equal(t->ca[i].data, t->ca[i].len, field->data, field->len))
		i++;
	*index = i;
	if (i < t->cas)
		return 0;
	t->cas++;
	bytes_set(&t->ca[i], field->data, field->len);
	return bytes_check(&t->ca[i], e);
}

static int server_add(struct target *t, const struct message *m, struct error *e)
{
	struct target_server *server = &t->server[t->servers];

	if (t->servers == FAILOVER_SERVERS_MAX)
		return error_set(e, ERROR_PROTOCOL, "more than %d KBSs", FAILOVER_SERVERS_MAX);
	if (url_read(&m->field[0], &server->url, &server->to, e) < 0)
		return -1;
	t->servers++;
	return ca_add(t, &m->field[1], &server->ca, e);
}

/* "USER:PASSWORD" and at most one line end become a header line (RFC 7617 section 2). */
static int credentials_read(struct target *t, const struct message_field *field, struct error *e)
{
	size_t len = field->len, colon = 0;

	if (len && field->data[len - 1] == '\n')
		len--;
	if (len && field->data[len - 1] == '\r')
		len--;
	for (size_t i = 0; i < len; i++) {
		if (field->data[i] < ' ' || field->data[i] == 0x7f)
			return error_set(e, ERROR_INPUT,
					 "proxy credentials: not one line of USER:PASSWORD");
		colon = colon || field->data[i] != ':' ? colon : i + 1;
	}
	if (!colon || len > CREDENTIALS_MAX)
		return error_set(e, ERROR_INPUT,
				 "proxy credentials: not USER:PASSWORD of at most %d bytes",
				 CREDENTIALS_MAX);
	bytes_append_text(&t->authorization, "Proxy-Authorization: Basic ");
	encode_base64(ENCODE_BASE64, field->data, len, &t->authorization);
	return bytes_check(&t->authorization, e);
}

static int open_read(struct target *t, const struct message *m, struct error *e)
{
	uint32_t flags;

	if (!t->servers)
		return error_set(e, ERROR_PROTOCOL, "OPEN before SERVER");
	if (message_field_u32(m, 0, &flags, e) < 0 || message_field_u32(m, 1, &t->timeout, e) < 0)
		return -1;
	t->insecure = flags & MESSAGE_OPEN_INSECURE;
	if (t->timeout < 1 || t->timeout > TIMEOUT_MAX)
		return error_set(e, ERROR_PROTOCOL, "time-out of %u s is not 1 to %d", t->timeout,
				 TIMEOUT_MAX);
	if (m->field[2].len) {
		if (url_read(&m->field[2], &t->proxy_url, &t->proxy, e) < 0)
			return -1;
		if (t->proxy.transport != URL_TCP || t->proxy.tls)
			return error_set(e, ERROR_PROTOCOL, "malformed URL of a proxy: %s",
					 bytes_text(&t->proxy_url));
	}
	if (m->field[3].len && credentials_read(t, &m->field[3], e) < 0)
		return -1;
	if (!m->field[4].len != !m->field[5].len)
		return error_set(e, ERROR_PROTOCOL, "a client certificate or its key alone");
	bytes_set(&t->certificate, m->field[4].data, m->field[4].len);
	bytes_set(&t->key, m->field[5].data, m->field[5].len);
	return bytes_check(&t->certificate, e) < 0 ? -1 : bytes_check(&t->key, e);
}

int target_add(struct target *t, const struct message *m, struct error *e)
{
	if (m->type == MESSAGE_SERVER)
		return server_add(t, m, e);
	if (m->type != MESSAGE_OPEN)
		return error_set(e, ERROR_PROTOCOL, "the first message is neither SERVER nor OPEN");
	return open_read(t, m, e) < 0 ? -1 : 1;
}

void target_free(struct target *t)
{
	for (size_t i = 0; i < FAILOVER_SERVERS_MAX; i++) {
		bytes_free(&t->server[i].url);
		bytes_free(&t->ca[i]);
	}
	bytes_free(&t->proxy_url);
	bytes_free(&t->authorization);
	bytes_free(&t->certificate);
	bytes_free(&t->key);
	*t = (struct target)TARGET_INIT;
}

bool target_uses(const struct target *t, enum url_transport transport)
{
	for (size_t i = 0; i < t->servers; i++)
		if (t->server[i].to.transport == transport)
			return true;
	return false;
}

size_t target_ports(const struct target *t, uint16_t ports[FAILOVER_SERVERS_MAX])
{
	size_t count = 0;

	if (!target_uses(t, URL_TCP))
		return 0;
	if (t->proxy_url.len) {
		ports[0] = (uint16_t)strtoul(t->proxy.port, NULL, 10);
		return 1;
	}
	for (size_t i = 0; i < t->servers; i++)
		if (t->server[i].to.transport == URL_TCP)
			ports[count++] = (uint16_t)strtoul(t->server[i].to.port, NULL, 10);
	return count;
}
