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

/*
 * Write the output @path that a user named ("-" is standard output), each kind as follows:
 *
 *	a regular file, or none: it is replaced, as by io_replace_file(), with the temporary beside it;
 *		never more accessible than @mode, than the umask allows (a new file), or than the old file
 *	a symbolic link to one of these: the link stays, and the file to which it leads is replaced
 *	a descriptor of this process, such as /dev/stdout: it is written to, whatever it is
 *	a device, a pipe: it is opened and written to
 *
 * Errors are ERROR_SYSTEM and name the path.
 */
int io_write_file(const char *path, mode_t mode, const void *data, size_t len, struct error *e);

/* Replace the regular file @path, or create it: a temporary file at @template (of mkstemp(3), in the
 * same file system), flush it to the disk unless that is RAM, rename, flush the directory. */
int io_replace_file(const char *path, const char *template, mode_t mode, const void *data,
		    size_t len, struct error *e);
/* Flush the directory that contains @path, so that its name survives a crash of the machine. */
int io_sync_parent(const char *path, struct error *e);

#endif
