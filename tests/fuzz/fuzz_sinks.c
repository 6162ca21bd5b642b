// SPDX-License-Identifier: Apache-2.0
/* The input is what a keeper writes to realmkey-keys, and what realmkey-keys answers. */
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "sinks/client.h"
#include "sinks/server.h"

#define INPUT_MAX 8192 /* so that neither it nor the answers fill the buffer of a socket */
#define SECRETS	  4

static const uint8_t digest[SINKS_DIGEST_SIZE] = "0123456789abcdef0123456789abcde";

/* Returns a socket from which @data can be read, and then the end of the file. *@other is the other end. */
static int connection(const uint8_t *data, size_t size, int *other)
{
	int pair[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	must(!size || write(pair[1], data, size) == (ssize_t)size);
	must(shutdown(pair[1], SHUT_WR) == 0);
	*other = pair[1];
	return pair[0];
}

static void header(const uint8_t *data, size_t size)
{
	uint8_t again[SINKS_HEADER_SIZE];
	struct error e = ERROR_INIT;
	struct sinks_message m;
	int ret;

	if (size < SINKS_HEADER_SIZE)
		return;
	ret = sinks_decode_header(data, &m, &e);
	must_explain(ret, &e);
	if (ret < 0)
		return;
	must(sinks_encode_header(&m, again, &e) == 0 && !memcmp(again, data, sizeof(again)));
}

static int handle(void *context, const struct sinks_message *m, struct error *e)
{
	size_t *calls = context;
	unsigned int sum = 0;

	++*calls;
	must(m->number < SECRETS && m->len <= SINKS_VALUE_MAX);
	must(m->type >= SINKS_SET && m->type <= SINKS_CHANGED);
	for (size_t i = 0; i < m->len; i++)
		sum += ((const uint8_t *)m->body)[i];
	return sum % 2 ? error_set(e, ERROR_DELIVERY, "odd") : 0;
}

static void stream(const uint8_t *data, size_t size)
{
	static const uint8_t have[SECRETS];
	size_t calls = 0;
	const struct sinks_service service = { .digest = digest,
					       .have = have,
					       .have_len = sizeof(have),
					       .handle = handle,
					       .context = &calls };
	struct error e = ERROR_INIT;
	int other, fd = connection(data, size, &other);

	must_explain(sinks_serve(fd, &service, &e), &e);
	must(calls <= size / SINKS_HEADER_SIZE);
	close(fd);
	close(other);
}

static void answer(const uint8_t *data, size_t size)
{
	struct sinks_client client = { .name = "fuzz" };
	struct error e = ERROR_INIT;
	int other, ret;

	client.fd = connection(data, size, &other);
	ret = sinks_call(&client, SINKS_SET, 1, "value", 5, &e);
	must_explain(ret, &e);
	must(ret < 0 || client.fd >= 0);
	sinks_close(&client);
	close(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > INPUT_MAX)
		return 0;
	signal(SIGPIPE, SIG_IGN);
	header(data, size);
	stream(data, size);
	answer(data, size);
	return 0;
}
