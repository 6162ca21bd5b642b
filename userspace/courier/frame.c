// SPDX-License-Identifier: Apache-2.0
#include "frame.h"

#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "kbs/message.h"

#define SMALL_BODY     ((size_t)64 << 10)
#define NAME_MAX_BYTES 32 /* longer than the names that matter */

/* --- the request ----------------------------------------------------------------------------- */

int frame_request(const struct request *r, const char *host, const char *cookies, struct bytes *out,
		  struct error *e)
{
	bytes_printf(out,
		     "%s %s HTTP/1.1\r\n"
		     "Host: %s\r\n"
		     "User-Agent: realmkey/" REALMKEY_VERSION "\r\n"
		     "Accept: application/json\r\n",
		     r->method, bytes_text(&r->path), host);
	if (*cookies)
		bytes_printf(out, "Cookie: %s\r\n", cookies);
	if (r->authorization.len)
		bytes_printf(out, "%s\r\n", bytes_text(&r->authorization));
	if (r->body)
		bytes_append_text(out, "Content-Type: application/json\r\n");
	if (r->body || strcmp(r->method, "GET") != 0)
		bytes_printf(out, "Content-Length: %zu\r\n", r->len);
	bytes_append_text(out, "\r\n");
	return bytes_check(out, e);
}

/* --- header lines of an answer ---------------------------------------------------------------- */

/* For the callbacks of llhttp: they return -1, and the parser stops. */
static int refuse(struct frame *f, const char *why)
{
	return error_set(f->failure, ERROR_PROTOCOL, "not an answer of a %s: %s",
			 f->tunnel ? "proxy" : "KBS", why);
}

/* @text as a number of at most 18 digits; -1 if it is none. */
static int64_t digits_read(const char *text)
{
	int64_t number = 0;
	size_t len = strspn(text, "0123456789");

	if (!len || len > 18 || text[len])
		return -1;
	for (size_t i = 0; i < len; i++)
		number = number * 10 + (text[i] - '0');
	return number;
}

/* The same length may be stated several times (RFC 9110 section 8.6). llhttp refuses that, so it is made
 * to forget each one, and on_head() restores it. */
static int length_take(struct frame *f, const char *value)
{
	(void)value; /* llhttp has parsed it */
	if (f->has_length && f->length != f->parser.content_length)
		return error_set(f->failure, ERROR_PROTOCOL, "two lengths in one answer");
	f->has_length = true;
	f->length = f->parser.content_length;
	f->parser.content_length = 0;
	f->parser.flags &= (uint16_t)~F_CONTENT_LENGTH;
	return 0;
}

/* llhttp would read the body of any other coding as it is. */
static int coding_take(struct frame *f, const char *value)
{
	return strcasecmp(value, "chunked") ? refuse(f, "unknown Transfer-Encoding") : 0;
}

static int cookie_take(struct frame *f, const char *value)
{
	bytes_append(&f->cookies, value, strlen(value) + 1);
	return bytes_check(&f->cookies, f->failure);
}

static int retry_take(struct frame *f, const char *value)
{
	f->retry_after = digits_read(value);
	return 0;
}

static const struct {
	const char *name;
	int (*take)(struct frame *f, const char *value);
} headers[] = {
	{ "Content-Length", length_take },
	{ "Transfer-Encoding", coding_take },
	{ "Set-Cookie", cookie_take },
	{ "Retry-After", retry_take },
};

static size_t header_find(const struct frame *f)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(headers) && strcasecmp(headers[i].name, bytes_text(&f->name)))
		i++;
	return i;
}

/* --- callbacks of llhttp ---------------------------------------------------------------------- */

static struct frame *frame_of(const llhttp_t *parser)
{
	return parser->data;
}

/* Count the bytes up to @at, which are not of the body. */
static int overhead_check(struct frame *f, const uint8_t *at)
{
	size_t count = f->before + (size_t)(at - f->data) - f->body_end;

	return count > FRAME_HEAD_MAX ? refuse(f, "too many bytes outside of its body") : 0;
}

static int on_name(llhttp_t *parser, const char *at, size_t len)
{
	struct frame *f = frame_of(parser);

	if (f->in_value || !f->name.len) {
		if (++f->headers > FRAME_HEADERS_MAX)
			return refuse(f, "too many header lines");
		bytes_clear(&f->name);
		bytes_clear(&f->value);
		f->in_value = false;
	}
	if (memchr(at, ' ', len))
		return refuse(f, "a space in the name of a header");
	if (f->name.len <= NAME_MAX_BYTES)
		bytes_append(&f->name, at, len < NAME_MAX_BYTES ? len : NAME_MAX_BYTES);
	return bytes_check(&f->name, f->failure);
}

static bool value_is_text(const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)at[i] < ' ' && at[i] != '\t') || at[i] == 0x7f)
			return false;
	return true;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
	struct frame *f = frame_of(parser);

	f->in_value = true;
	if (!value_is_text(at, len))
		return refuse(f, "a control character in a header");
	if (f->trailing || header_find(f) == ARRAY_SIZE(headers))
		return 0;
	bytes_append(&f->value, at, len);
	return bytes_check(&f->value, f->failure);
}

static int on_value_complete(llhttp_t *parser)
{
	struct frame *f = frame_of(parser);
	size_t i = header_find(f), len = f->value.len;
	int ret = 0;

	while (len && strchr(" \t", f->value.data[len - 1]))
		len--;
	bytes_truncate(&f->value, len);
	if (!f->trailing && i < ARRAY_SIZE(headers))
		ret = headers[i].take(f, bytes_text(&f->value));
	f->in_value = true; /* also for an empty value */
	return ret;
}

/* Before the body, which llhttp chooses by what is set here. */
static int on_head(llhttp_t *parser)
{
	struct frame *f = frame_of(parser);

	if (parser->http_major != 1 || parser->status_code < 100)
		return refuse(f, "unknown version or status of HTTP");
	if (parser->status_code == 101 || parser->upgrade)
		return refuse(f, "another protocol");
	/* Probably an attack on recipients of which each believes another one (RFC 9112 section 6.3). */
	if (f->has_length && parser->flags & F_TRANSFER_ENCODING)
		return refuse(f, "both Content-Length and Transfer-Encoding");
	if (f->has_length) {
		parser->content_length = f->length;
		parser->flags |= F_CONTENT_LENGTH;
	}
	f->lasting = f->tunnel || llhttp_should_keep_alive(parser);
	f->trailing = true;
	return f->tunnel; /* 1: no body */
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
	struct frame *f = frame_of(parser);
	const uint8_t *data = (const uint8_t *)at;

	if (overhead_check(f, data) < 0)
		return -1;
	if (len > MESSAGE_ANSWER_MAX - f->body.len)
		return error_set(f->failure, ERROR_PROTOCOL, "answer over %zu bytes",
				 MESSAGE_ANSWER_MAX);
	/* Growing would need twice the memory. */
	if (f->body.len + len > SMALL_BODY &&
	    bytes_reserve(&f->body, MESSAGE_ANSWER_MAX, f->failure) < 0)
		return -1;
	bytes_append(&f->body, data, len);
	f->body_end = f->before + (size_t)(data - f->data) + len;
	return bytes_check(&f->body, f->failure);
}

/* Nothing of an informational answer counts. */
static int on_message(llhttp_t *parser)
{
	struct frame *f = frame_of(parser);

	if (parser->status_code >= 200) {
		f->status = parser->status_code;
		f->keep = f->lasting;
		f->done = true;
		return HPE_PAUSED;
	}
	bytes_clear(&f->cookies);
	f->retry_after = -1;
	f->has_length = f->trailing = false;
	return 0;
}

/* --- an answer -------------------------------------------------------------------------------- */

static const llhttp_settings_t settings = {
	.on_header_field = on_name,
	.on_header_value = on_value,
	.on_header_value_complete = on_value_complete,
	.on_headers_complete = on_head,
	.on_body = on_body,
	.on_message_complete = on_message,
};

void frame_begin(struct frame *f)
{
	bytes_free(&f->body);
	bytes_clear(&f->cookies);
	bytes_clear(&f->name);
	bytes_clear(&f->value);
	*f = (struct frame){
		.retry_after = -1,
		.body = f->body,
		.cookies = f->cookies,
		.name = f->name,
		.value = f->value,
	};
	llhttp_init(&f->parser, HTTP_RESPONSE, &settings);
	/* For folded lines (RFC 9112 section 5.2). What else this allows, on_name() and on_value() refuse. */
	llhttp_set_lenient_headers(&f->parser, 1);
	f->parser.data = f;
}

void frame_begin_tunnel(struct frame *f)
{
	frame_begin(f);
	f->tunnel = true;
}

int frame_feed(struct frame *f, const void *data, size_t len, struct error *e)
{
	const char *end = (const char *)data + len;
	llhttp_errno_t code;

	f->failure = e;
	f->data = data;
	f->begun = f->begun || len;
	code = llhttp_execute(&f->parser, data, len);
	if (f->done) {
		end = llhttp_get_error_pos(&f->parser);
		/* What follows was not asked for, so it is not the next answer either. */
		if (end != (const char *)data + len)
			f->keep = false;
	} else if (code != HPE_OK) {
		/* The callbacks set the error when they fail. */
		return e->kind != ERROR_NONE ? -1 : refuse(f, llhttp_get_error_reason(&f->parser));
	}
	if (overhead_check(f, (const uint8_t *)end) < 0)
		return -1;
	f->before += len;
	return f->done;
}

int frame_end(struct frame *f, struct error *e)
{
	f->failure = e;
	if (!f->begun)
		return error_set_transient(e, ERROR_NETWORK, "connection closed without an answer");
	llhttp_finish(&f->parser);
	f->keep = false;
	if (f->done)
		return 0;
	return error_set_transient(e, ERROR_NETWORK, "connection lost within an answer");
}

void frame_free(struct frame *f)
{
	bytes_free(&f->body);
	bytes_free(&f->cookies);
	bytes_free(&f->name);
	bytes_free(&f->value);
	*f = (struct frame)FRAME_INIT;
}
