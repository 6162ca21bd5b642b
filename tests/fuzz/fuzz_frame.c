// SPDX-License-Identifier: Apache-2.0
/*
 * The input is what a KBS sends over one connection until it closes it, or a proxy in answer to CONNECT. The
 * answer is the same whether it comes at once or byte by byte, and within its limits.
 */
#include "courier/frame.h"
#include "courier/route/proxy.h"
#include "fuzz.h"
#include "kbs/message.h"

/* Feed @piece bytes at a time. */
static int answer_read(struct frame *f, const uint8_t *data, size_t size, size_t piece,
		       struct error *e)
{
	int ret = 0;

	frame_begin(f);
	for (size_t at = 0; at < size && ret == 0; at += piece)
		ret = frame_feed(f, data + at, piece < size - at ? piece : size - at, e);
	if (ret == 0 && frame_end(f, e) < 0) {
		must(e->kind == ERROR_NETWORK && e->transient);
		return -1;
	}
	must(ret >= 0 || e->kind == ERROR_PROTOCOL);
	return ret < 0 ? -1 : 0;
}

/* A tunnel is there only after 2xx, and with nothing after the head. */
static void tunnel_read(const uint8_t *data, size_t size)
{
	struct frame whole = FRAME_INIT, split = FRAME_INIT;
	struct error e = ERROR_INIT, e2 = ERROR_INIT, refused = ERROR_INIT;
	int ret = 0, again = 0;

	frame_begin_tunnel(&whole);
	ret = frame_feed(&whole, data, size, &e);
	must_explain(ret < 0 ? -1 : 0, &e);
	frame_begin_tunnel(&split);
	for (size_t at = 0; at < size && again == 0; at++)
		again = frame_feed(&split, data + at, 1, &e2);
	must(again == ret && e.kind == e2.kind);
	if (ret > 0) {
		must(whole.status == split.status && !whole.body.len && split.keep);
		ret = proxy_answer(whole.status, size & 1, &refused);
		must_explain(ret, &refused);
		must((ret == 0) == (whole.status / 100 == 2));
	}
	frame_free(&whole);
	frame_free(&split);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame whole = FRAME_INIT, split = FRAME_INIT;
	struct error e = ERROR_INIT, e2 = ERROR_INIT;
	int ret;

	tunnel_read(data, size);
	ret = answer_read(&whole, data, size, size, &e);
	must_explain(ret, &e);
	must(answer_read(&split, data, size, 1, &e2) == ret);
	must(e.kind == e2.kind);
	if (ret == 0) {
		must(whole.status == split.status && whole.status >= 200 && whole.status <= 999);
		must(whole.retry_after == split.retry_after && whole.retry_after >= -1);
		must(whole.body.len <= MESSAGE_ANSWER_MAX && whole.cookies.len <= FRAME_HEAD_MAX);
		must(bytes_equal(whole.body.data, whole.body.len, split.body.data, split.body.len));
		must(bytes_equal(whole.cookies.data, whole.cookies.len, split.cookies.data,
				 split.cookies.len));
		must(!whole.cookies.len || !whole.cookies.data[whole.cookies.len - 1]);
	}
	frame_free(&whole);
	frame_free(&split);
	return 0;
}
