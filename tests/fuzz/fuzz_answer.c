// SPDX-License-Identifier: Apache-2.0
/* The input is all that a courier sends to its keeper: the keeper gets an answer, or an error of the
 * kinds that a courier may cause, and then no further call succeeds. */
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "kbs/courier.h"

#define CALLS_MAX 8

static void call(struct courier *courier)
{
	static const struct message m = { .type = MESSAGE_AUTH,
					  .count = 1,
					  .field = { { (const uint8_t *)"{}", 2 } } };
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	bool ran = courier->fd >= 0;
	int status = -1, ret = courier_call(courier, &m, &status, &body, &e);

	must_explain(ret, &e);
	must(ret < 0 ? e.kind != ERROR_ATTESTATION && e.kind != ERROR_POLICY :
		       ran && status >= 0 && status <= 999);
	bytes_free(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct courier courier = COURIER_INIT;
	int pair[2];

	if (size > 65536) /* what a socket holds, so that writing does not wait */
		return 0;
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	must(write(pair[1], data, size) == (ssize_t)size);
	must(shutdown(pair[1], SHUT_WR) == 0);
	courier.fd = pair[0];
	courier.patience = 5;
	courier.servers = 2;
	for (int i = 0; i < CALLS_MAX; i++)
		call(&courier);
	courier_stop(&courier);
	close(pair[1]);
	return 0;
}
