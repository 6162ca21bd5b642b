// SPDX-License-Identifier: Apache-2.0
#include "secrets.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"

/* A pipe holds 64 KiB, and this must not block: both are at most 34 KiB (message.c). */

int secrets_pass(const struct target *t, struct error *e)
{
	int ends[2], ret;

	if (!t->authorization.len && !t->key.len)
		return -1;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		error_set_errno(e, ERROR_SYSTEM, "courier: pipe2");
		return -2;
	}
	ret = io_write_full(ends[1], t->authorization.data, t->authorization.len, e);
	if (ret == 0)
		ret = io_write_full(ends[1], t->key.data, t->key.len, e);
	close(ends[1]);
	if (ret == 0)
		return ends[0];
	close(ends[0]);
	return -2;
}

static int take(struct bytes *b, int fd, struct error *e)
{
	const size_t len = b->len;

	bytes_free(b);
	return len == 0 ? 0 : bytes_resize(b, len, e) < 0 ? -1 : io_read_full(fd, b->data, len, e);
}

int secrets_take(struct target *t, int fd, struct error *e)
{
	int ret;

	if (fd < 0)
		return 0;
	ret = take(&t->authorization, fd, e);
	if (ret == 0)
		ret = take(&t->key, fd, e);
	close(fd);
	return ret;
}
