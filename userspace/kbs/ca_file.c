// SPDX-License-Identifier: Apache-2.0
#include "ca_file.h"

#include "base/io.h"

#define CA_MAX ((size_t)1 << 20) /* as in a message OPEN */

int ca_file_read(const char *path, struct bytes *ca, struct error *e)
{
	if (io_read_file(path, CA_MAX, ca, e) < 0)
		return -1;
	return ca->len ? 0 : error_set(e, ERROR_INPUT, "%s: is empty", path);
}
