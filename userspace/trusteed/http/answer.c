// SPDX-License-Identifier: Apache-2.0
#include "answer.h"

#include <time.h>

#include "base/array.h"

static const struct {
	unsigned int status;
	const char *text;
} answer_reasons[] = {
	{ 200, "OK" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 409, "Conflict" },
	{ 413, "Content Too Large" },
	{ 417, "Expectation Failed" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 505, "HTTP Version Not Supported" },
};

/* The standard allows an answer without one. */
static const char *answer_reason(unsigned int status)
{
	for (size_t i = 0; i < ARRAY_SIZE(answer_reasons); i++)
		if (answer_reasons[i].status == status)
			return answer_reasons[i].text;
	return "";
}

static void answer_header(struct bytes *out, const char *name, const char *value)
{
	if (*value)
		bytes_printf(out, "%s: %s\r\n", name, value);
}

/* In English, whatever the locale (RFC 9110 section 5.6.7). */
static void answer_date(struct bytes *out, int64_t now)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	const time_t time = (time_t)now;
	struct tm tm;

	if (gmtime_r(&time, &tm))
		bytes_printf(out, "Date: %s, %02d %s %d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday],
			     tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
			     tm.tm_min, tm.tm_sec);
}

void answer_print(const struct reply *reply, const struct answer_form *form, struct bytes *out)
{
	bytes_printf(out, "HTTP/1.1 %u %s\r\n", reply->status, answer_reason(reply->status));
	answer_date(out, form->now);
	answer_header(out, "Connection", !form->keep ? "close" : form->recent ? "" : "keep-alive");
	answer_header(out, "Content-Type", reply->body.len > 0 ? "application/json" : "");
	answer_header(out, "Set-Cookie", reply->cookie);
	answer_header(out, "Allow", reply->allow);
	bytes_printf(out, "Content-Length: %zu\r\n\r\n", reply->body.len);
	if (!form->headless)
		bytes_append(out, reply->body.data, reply->body.len);
	/* A body without memory would be sent as none. */
	if (reply->body.failed)
		out->failed = true;
}

void answer_continue(struct bytes *out)
{
	bytes_append_text(out, "HTTP/1.1 100 Continue\r\n\r\n");
}
