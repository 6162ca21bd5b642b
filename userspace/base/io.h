/* SPDX-License-Identifier: Apache-2.0 */
/* io: whole reads and writes. Nothing here looks at what it moves. */
#ifndef REALMKEY_IO_H
#define REALMKEY_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "bytes.h"
#include "error.h"

/* Read exactly / write all of @len bytes; EINTR is retried. End of file early is an error. */
int io_read_full(int fd, void *data, size_t len, struct error *e);
int io_write_full(int fd, const void *data, size_t len, struct error *e);

/* Append everything up to end of file to @out; more than @max bytes is an ERROR_INPUT. */
int io_read_all(int fd, size_t max, const char *what, struct bytes *out, struct error *e);
/* The file @path ("-" is standard input), at most @max bytes. Errors name the path. */
int io_read_file(const char *path, size_t max, struct bytes *out, struct error *e);
/* Write @path atomically (temporary file in the same directory, fsync unless it is RAM, rename)
 * with @mode from its creation on. */
int io_write_file(const char *path, mode_t mode, const void *data, size_t len, struct error *e);

#endif
