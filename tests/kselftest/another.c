// SPDX-License-Identifier: Apache-2.0
#include "another.h"
#include "module.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/cca_rsi.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PARAMETER "/sys/module/" ANOTHER "/parameters/extend"

static size_t digest_size;
static bool there;

bool another_begin(size_t size)
{
	digest_size = size;
	there = module_loaded(ANOTHER) || module_load(ANOTHER, "");
	if (!there && module_at_hand(ANOTHER))
		tap_bail("cannot load " ANOTHER ": %s", strerror(errno));
	return there;
}

void another_end(void)
{
	if (there)
		module_unload(ANOTHER);
	there = false;
}

int another_extend(uint32_t index, const uint8_t *digest)
{
	char text[16 + 2 * CCA_RSI_DIGEST_MAX];
	int used = snprintf(text, sizeof(text), "%u ", index);
	int fd = open(PARAMETER, O_WRONLY | O_CLOEXEC), error;
	ssize_t length;

	for (size_t i = 0; i < digest_size; i++)
		used += snprintf(text + used, sizeof(text) - (size_t)used, "%02x", digest[i]);
	length = fd < 0 ? -1 : write(fd, text, (size_t)used);
	error = errno;
	close(fd);
	errno = error;
	return length == used ? 0 : -1;
}
