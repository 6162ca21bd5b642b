/* SPDX-License-Identifier: Apache-2.0 */
/* io: reading and writing whole files. Nothing here interprets the contents. */
#ifndef REALMKEY_IO_H
#define REALMKEY_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "bytes.h"
#include "error.h"

/* Read or write exactly @len bytes; EINTR is retried. The end of the file before that is an
 * error. */
int io_read_full(int fd, void *data, size_t len, struct error *e);
int io_write_full(int fd, const void *data, size_t len, struct error *e);

/* Append everything up to the end of the file to @out. More than @max bytes is an ERROR_INPUT.
 * @what is the name of the file in errors. */
int io_read_all(int fd, size_t max, const char *what, struct bytes *out, struct error *e);
/* Append the file @path ("-" is standard input) to @out, at most @max bytes. Errors name the
 * path. */
int io_read_file(const char *path, size_t max, struct bytes *out, struct error *e);

/*
 * Read the file @path, or, if it is a directory, each file in it whose name ends with one of
 * @suffixes (".json"; the list ends with NULL), in the order of their names. Hidden files and
 * subdirectories' contents are not read. @use gets @context, the path, and the contents of each
 * file, which are wiped after it returns. The first error, of reading (at most @max bytes a file)
 * or of @use, ends the call.
 */
int io_each_file(const char *path, const char *const *suffixes, size_t max,
		 int (*use)(void *context, const char *name, const struct bytes *text,
			    struct error *e),
		 void *context, struct error *e);

/* Write @path atomically: a temporary file in the same directory, fsync unless it is in RAM,
 * rename. The file is never more accessible than @mode. */
int io_write_file(const char *path, mode_t mode, const void *data, size_t len, struct error *e);

#endif
