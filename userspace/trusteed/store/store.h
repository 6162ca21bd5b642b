/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: the state directory. Everything in it is ours alone (directories 0700, files 0600), every
 * file appears whole or not at all, and one process at a time uses it. Nothing here looks at what
 * the files hold.
 */
#ifndef TRUSTEED_STORE_H
#define TRUSTEED_STORE_H

#include "base/bytes.h"
#include "base/error.h"

struct store {
	char *path;		/* owned */
	int lock;		/* the directory, flock()ed; -1 when not open */
};

#define STORE_INIT { .lock = -1 }

/* Make @path if it does not exist, and take it. One that others could read or write, or that
 * another process uses, is refused (ERROR_CONFIG). */
int store_open(struct store *store, const char *path, struct error *e);
void store_close(struct store *store);

/* @name is relative and comes from us or was checked: no ".." in it. Directories on its way are
 * made when it is written. */
/* Append the file to @out: 1, or 0 when there is no such file, -1 on errors. */
int store_read(const struct store *store, const char *name, size_t max, struct bytes *out,
	       struct error *e);
int store_write(const struct store *store, const char *name, const void *data, size_t len,
		struct error *e);
/* Make the directory @name. */
int store_make(const struct store *store, const char *name, struct error *e);
/* The full path of @name, owned by the caller; NULL out of memory. */
char *store_path(const struct store *store, const char *name, struct error *e);

#endif
