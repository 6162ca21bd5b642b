/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: the state directory. Only its owner can access it (directories 0700, files 0600), each
 * file appears whole or not at all, also if this process is killed, and one process at a time uses
 * it. Files are written in a folder of their own, incomplete/, and then moved to their names, so the
 * state directory must be one file system. This file does not interpret what the files contain.
 */
#ifndef TRUSTEED_STORE_H
#define TRUSTEED_STORE_H

#include "base/bytes.h"
#include "base/error.h"

struct store {
	char *path; /* owned */
	int lock;   /* the directory, flock()ed; -1 when not open */
};

#define STORE_INIT { .lock = -1 }

/* Make the directory @path if it does not exist, lock it, and remove what a process that was killed
 * left incomplete. It is refused if other users could access it, or if another process uses it
 * (ERROR_CONFIG). */
int store_open(struct store *store, const char *path, struct error *e);
void store_close(struct store *store);

/* In the calls below, @name is relative to the state directory and is a constant or was checked: it
 * has no ".." in it. */

/* Append the file @name, of at most @max bytes, to @out. 1, or 0 if there is no such file, or
 * -1. */
int store_read(const struct store *store, const char *name, size_t max, struct bytes *out,
	       struct error *e);
/* Write the file @name, and make the directories in its path. Afterwards all of it is on the disk.
 * What is not a regular file is not replaced. */
int store_write(const struct store *store, const char *name, const void *data, size_t len,
		struct error *e);
/* Remove the file @name, on the disk too. 1, or 0 if there is no such file, or -1. */
int store_remove(const struct store *store, const char *name, struct error *e);
/* Call @use for each file in the directory @name whose name ends with @suffix, with the full path and
 * the contents, of at most @max bytes; in the order of their names, without hidden ones. The first error ends
 * the call. No directory is one without files. */
int store_each(const struct store *store, const char *name, const char *suffix, size_t max,
	       int (*use)(void *context, const char *path, const struct bytes *text,
			  struct error *e),
	       void *context, struct error *e);
/* Call @use for each directory in the directory @name, with its name; not for hidden ones. */
int store_each_folder(const struct store *store, const char *name,
		      int (*use)(void *context, const char *folder, struct error *e), void *context,
		      struct error *e);
/* Make the directory @name, on the disk too. */
int store_make(const struct store *store, const char *name, struct error *e);
/* The full path of @name, owned by the caller, or NULL out of memory. */
char *store_path(const struct store *store, const char *name, struct error *e);

#endif
