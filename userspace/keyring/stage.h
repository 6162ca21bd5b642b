/* SPDX-License-Identifier: Apache-2.0 */
/* stage: the next generation of a unit, for settle.c. */
#ifndef REALMKEY_STAGE_H
#define REALMKEY_STAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "keyring.h"

#define GENERATION_PREFIX ".gen."

/* Begin a stage for the unit of the file @name, or go on with it. Returns -1 with an error. */
int stage_begin(struct keyring *keyring, const char *name, struct error *e);
/* 1 if the open descriptor of @file leads to the file that has its name, 0 if not or if there is none,
 * and -1 with errno if that is not known. */
int file_in_place(const struct keyring *keyring, const struct keyring_file *file);

#endif
