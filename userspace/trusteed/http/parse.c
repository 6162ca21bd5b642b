// SPDX-License-Identifier: Apache-2.0
#include "parse.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"

#define COOKIE	       "kbs-session-id"
#define NAME_MAX_BYTES 32 /* longer than the names that matter */

/* For the callbacks of llhttp: they return -1, and the parser stops. */
static int parse_refuse(struct parse *p, unsigned int status, const char *why)
{
	p->status = status;
	p->why = why;
	return -1;
}

/* --- header lines ----------------------------------------------------------------------------- */

static int parse_host(struct parse *p, const char *value)
{
	/* One server, whatever its name, which a client may be told again. */
	bytes_append_text(&p->text[TEXT_HOST], value);
	return ++p->hosts > 1 ? parse_refuse(p, 400, "two Host headers") : 0;
}

/* llhttp would read the body of any other coding as it is. */
static int parse_coding(struct parse *p, const char *value)
{
	if (++p->codings > 1 || strcasecmp(value, "chunked"))
		return parse_refuse(p, 501, "unknown Transfer-Encoding");
	return 0;
}

static int parse_authorization(struct parse *p, const char *value)
{
	if (p->authorized)
		return parse_refuse(p, 400, "two Authorization headers");
	p->authorized = true;
	bytes_append_text(&p->text[TEXT_AUTHORIZATION], value);
	return 0;
}

static int parse_expect(struct parse *p, const char *value)
{
	if (strcasecmp(value, "100-continue"))
		return parse_refuse(p, 417, "unknown Expect");
	p->waits = true;
	return 0;
}

/* The first cookie of our name counts, with or without quotes (RFC 6265 section 4.1.1). */
static int parse_cookie(struct parse *p, const char *value)
{
	const size_t name = strlen(COOKIE);

	for (; *value && !p->in_session; value += strcspn(value, ";"), value += *value == ';') {
		const char *at = value + strspn(value, " \t");
		size_t len = strcspn(at, ";");

		while (len && strchr(" \t", at[len - 1]))
			len--;
		if (len <= name || strncmp(at, COOKIE "=", name + 1) != 0)
			continue;
		at += name + 1;
		len -= name + 1;
		if (len >= 2 && at[0] == '"' && at[len - 1] == '"')
			at++, len -= 2;
		bytes_append(&p->text[TEXT_SESSION], at, len);
		p->in_session = true;
	}
	return 0;
}

static const struct {
	const char *name;
	int (*take)(struct parse *p, const char *value);
} parse_headers[] = {
	{ "Host", parse_host },	    { "Transfer-Encoding", parse_coding },
	{ "Expect", parse_expect }, { "Authorization", parse_authorization },
	{ "Cookie", parse_cookie },
};

static size_t parse_header(const struct parse *p)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(parse_headers) &&
	       strcasecmp(parse_headers[i].name, bytes_text(&p->text[TEXT_NAME])))
		i++;
	return i;
}

/* --- the target of the request ---------------------------------------------------------------- */

static int parse_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decode in place. "%00" would end the path, so a path with it stays as it is; so does a '%' without two
 * digits. */
static void parse_unescape(char *text)
{
	char *out = text;

	if (strstr(text, "%00"))
		return;
	while (*text) {
		int high = *text == '%' ? parse_digit(text[1]) : -1;
		int low = high >= 0 ? parse_digit(text[2]) : -1;

		if (low >= 0)
			*text = (char)(high << 4 | low);
		*out++ = *text;
		text += low >= 0 ? 3 : 1;
	}
	*out = '\0';
}

/* Divide the target into path and query. Proxies send it with a scheme and a host (RFC 9112 section
 * 3.2.2), which are dropped. */
static void parse_target(struct parse *p)
{
	static char root[] = "/";
	char *path = (char *)p->text[TEXT_TARGET].data, *host = strstr(path, "://"), *query;

	if (path[0] != '/' && host) {
		path = host + 3;
		path += strcspn(path, "/?");
	}
	query = strchr(path, '?');
	if (query) {
		*query = '\0';
		p->query = query + 1;
	}
	parse_unescape(path);
	p->path = *path ? path : root;
}

/* --- callbacks of llhttp ---------------------------------------------------------------------- */

static struct parse *parse_of(const llhttp_t *parser)
{
	return parser->data;
}

static int parse_memory(const struct bytes *b)
{
	return b->failed ? -1 : 0;
}

/* Count the bytes up to @at, which are not of the body. */
static int parse_overhead(struct parse *p, const uint8_t *at)
{
	size_t count = p->before + (size_t)(at - p->data) - p->body_end;

	if (count <= PARSE_HEAD_MAX)
		return 0;
	return p->headed ? parse_refuse(p, 400, "too many bytes outside of its body") :
			   parse_refuse(p, 431, "its head is over 128 KiB");
}

static int parse_on_target(llhttp_t *parser, const char *at, size_t len)
{
	struct parse *p = parse_of(parser);

	bytes_append(&p->text[TEXT_TARGET], at, len);
	return parse_memory(&p->text[TEXT_TARGET]);
}

static int parse_on_name(llhttp_t *parser, const char *at, size_t len)
{
	struct parse *p = parse_of(parser);

	if (p->in_value) {
		bytes_clear(&p->text[TEXT_NAME]);
		bytes_clear(&p->text[TEXT_VALUE]);
		p->in_value = false;
	}
	if (p->text[TEXT_NAME].len <= NAME_MAX_BYTES)
		bytes_append(&p->text[TEXT_NAME], at, len < NAME_MAX_BYTES ? len : NAME_MAX_BYTES);
	return parse_memory(&p->text[TEXT_NAME]);
}

static int parse_on_value(llhttp_t *parser, const char *at, size_t len)
{
	struct parse *p = parse_of(parser);

	p->in_value = true;
	if (p->trailing || parse_header(p) == ARRAY_SIZE(parse_headers))
		return 0;
	bytes_append(&p->text[TEXT_VALUE], at, len);
	return parse_memory(&p->text[TEXT_VALUE]);
}

static int parse_on_value_complete(llhttp_t *parser)
{
	struct parse *p = parse_of(parser);
	size_t i = parse_header(p), len = p->text[TEXT_VALUE].len;

	p->in_value = true; /* also for an empty value */
	if (p->trailing || i == ARRAY_SIZE(parse_headers))
		return 0;
	while (len && strchr(" \t", p->text[TEXT_VALUE].data[len - 1]))
		len--;
	bytes_truncate(&p->text[TEXT_VALUE], len);
	return parse_headers[i].take(p, bytes_text(&p->text[TEXT_VALUE]));
}

/* What is valid but cannot be served, or is not valid though llhttp accepts it. */
static int parse_check(struct parse *p)
{
	const llhttp_t *parser = &p->parser;

	if (parser->http_major != 1 || parser->http_minor > 1)
		return parse_refuse(p, 505, "unknown version of HTTP");
	if (parser->method == HTTP_CONNECT || !p->text[TEXT_TARGET].len)
		return parse_refuse(p, 405, "a method for proxies");
	if (parser->http_minor == 1 && p->hosts == 0)
		return parse_refuse(p, 400, "no Host header");
	/* A recipient of HTTP/1.0 does not know this header, so it would see two requests (RFC 9112 section
	 * 6.1). */
	if (parser->http_minor == 0 && p->codings)
		return parse_refuse(p, 400, "Transfer-Encoding in HTTP/1.0");
	return 0;
}

/* The parser pauses, so that the caller decides what happens to the body. */
static int parse_on_head(llhttp_t *parser)
{
	struct parse *p = parse_of(parser);

	if (parse_check(p) < 0)
		return -1;
	parser->upgrade = 0; /* to another protocol: no offer is taken */
	p->method = llhttp_method_name((llhttp_method_t)parser->method);
	p->recent = parser->http_minor == 1;
	p->waits = p->waits && p->recent;
	p->keep = llhttp_should_keep_alive(parser);
	p->announced = parser->flags & F_CONTENT_LENGTH ? parser->content_length : 0;
	p->trailing = true;
	parse_target(p);
	return HPE_PAUSED;
}

static int parse_on_body(llhttp_t *parser, const char *at, size_t len)
{
	struct parse *p = parse_of(parser);
	const uint8_t *data = (const uint8_t *)at;

	if (parse_overhead(p, data) < 0)
		return -1;
	p->body_end = p->before + (size_t)(data - p->data) + len;
	p->seen += len;
	if (p->seen > PARSE_BODY_MAX)
		return parse_refuse(p, 0, "its body has no end");
	if (p->seen > p->max)
		bytes_free(&p->body);
	else
		bytes_append(&p->body, data, len);
	return 0;
}

static int parse_on_message(llhttp_t *parser)
{
	parse_of(parser)->done = true;
	return HPE_PAUSED;
}

/* --- a request -------------------------------------------------------------------------------- */

static const llhttp_settings_t parse_settings = {
	.on_url = parse_on_target,
	.on_header_field = parse_on_name,
	.on_header_value = parse_on_value,
	.on_header_value_complete = parse_on_value_complete,
	.on_headers_complete = parse_on_head,
	.on_body = parse_on_body,
	.on_message_complete = parse_on_message,
};

void parse_begin(struct parse *p)
{
	*p = (struct parse){ 0 };
	llhttp_init(&p->parser, HTTP_REQUEST, &parse_settings);
	p->parser.data = p;
}

static bool parse_failed(const struct parse *p)
{
	for (size_t i = 0; i < TEXTS; i++)
		if (p->text[i].failed)
			return true;
	return false;
}

static enum parse_result parse_fail(struct parse *p)
{
	if (parse_failed(p))
		return PARSE_MEMORY;
	if (!p->why)
		(void)parse_refuse(p, 400, llhttp_get_error_reason(&p->parser));
	return PARSE_REFUSED;
}

enum parse_result parse_feed(struct parse *p, const void *data, size_t len, size_t *used)
{
	llhttp_errno_t code;

	p->data = data;
	code = llhttp_execute(&p->parser, data, len);
	*used = len;
	if (code == HPE_PAUSED)
		*used = (size_t)(llhttp_get_error_pos(&p->parser) - (const char *)data);
	else if (code != HPE_OK)
		return parse_fail(p);
	if (parse_overhead(p, p->data + *used) < 0 || parse_failed(p))
		return parse_fail(p);
	p->before += *used;
	if (p->done)
		return PARSE_DONE;
	if (code != HPE_PAUSED)
		return PARSE_MORE;
	llhttp_resume(&p->parser);
	p->headed = true;
	return PARSE_HEAD;
}

size_t parse_kept(const struct parse *p)
{
	size_t head = 0;

	for (size_t i = 0; i < TEXTS; i++)
		head += p->text[i].size;
	return p->body.size + (head > PARSE_HEAD_SMALL ? head : 0);
}

struct request parse_request(const struct parse *p)
{
	return (struct request){
		.method = p->method,
		.path = p->path,
		.query = p->query,
		.host = p->hosts ? bytes_text(&p->text[TEXT_HOST]) : NULL,
		.session = p->in_session ? bytes_text(&p->text[TEXT_SESSION]) : NULL,
		.authorization = p->authorized ? bytes_text(&p->text[TEXT_AUTHORIZATION]) : NULL,
		.body = p->body.data,
		.len = p->body.len,
	};
}

void parse_free(struct parse *p)
{
	for (size_t i = 0; i < TEXTS; i++)
		bytes_free(&p->text[i]);
	bytes_free(&p->body);
	*p = (struct parse){ 0 };
}
