/* SPDX-License-Identifier: Apache-2.0 */
/*
 * groups: which secrets and files change together, as tables that are made once.
 *
 * A unit is a top-level entry of the keyring with the files in it, which change in one step (keyring.h). A group is what
 * is connected: secrets with files in one unit, secrets of one template, and so on. Its secrets are requested together if
 * one of them has changed. A secret without a file is a group by itself.
 */
#ifndef REALMKEY_GROUPS_H
#define REALMKEY_GROUPS_H

#include <stdbool.h>
#include <stddef.h>

#include "keeper.h"

#define GROUPS_END SIZE_MAX

struct keeper_unit {
	size_t file; /* the first; the others by keeper_file.next */
	size_t next; /* of the units of its group */
};

struct keeper_group {
	size_t secret; /* the first; the others by keeper_secret.next */
	size_t unit;   /* likewise; GROUPS_END: none */
};

/* Make keeper->file from keeper->settings, with the secrets of each, and declare them in the keyring. */
int groups_declare(struct keeper *keeper, struct error *e);
/* Make the tables of units and groups. */
int groups_make(struct keeper *keeper, struct error *e);
void groups_free(struct keeper *keeper);

/* True if the value of secret @number is in @file. */
bool file_uses(const struct keeper_file *file, size_t number);
/* A path, or another text for people, that says where @number is. */
const char *secret_place(const struct keeper *keeper, size_t number);

#endif
