/* SPDX-License-Identifier: Apache-2.0 */
/* tree: directories of the keyring, as descriptors. Symbolic links are never followed. */
#ifndef REALMKEY_TREE_H
#define REALMKEY_TREE_H

#include <stdbool.h>

#include "base/error.h"

/* Replace *@dir by the directory @name in it, which is created with mode 0755 if @make says so. Returns -1
 * with errno. */
int tree_enter(int *dir, const char *name, bool make);
/* Enter the components of @path, beginning at @dir, which is closed: all of them if @last is NULL,
 * else all but the last, to which *@last then points. Missing ones are created if @make says so. Returns
 * the directory, or -1 with errno. */
int tree_walk(int dir, const char *path, const char **last, bool make);
/* Remove the file @name in @dir, or the directory and all that is in it; 0 if there is none. Returns
 * -1 with errno. */
int tree_remove(int dir, const char *name);
/* Set @e from errno after tree_walk() failed for @path. Returns -1. */
int tree_fail(const char *path, struct error *e);

#endif
