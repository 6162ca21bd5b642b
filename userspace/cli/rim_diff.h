/* SPDX-License-Identifier: Apache-2.0 */
/* rim_diff: lists of the steps of a measurement (rim/rim_steps.h) as output, and their differences. */
#ifndef REALMKEY_RIM_DIFF_H
#define REALMKEY_RIM_DIFF_H

#include <jansson.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"

/* The list as an array of objects, a new reference, or NULL if out of memory. */
json_t *rim_diff_steps(const struct bytes *list);

/*
 * Print the first step in which the list in the file @a differs from @b, or that they are the same;
 * @json: as JSON. Returns 0 if they are, or -1 with an ERROR_ATTESTATION that names the step, or
 * with an error of reading.
 */
int rim_diff_with(const char *a, const struct bytes *b, bool json, struct error *e);
/* The same for the files @a and @b. */
int rim_diff_files(const char *a, const char *b, bool json, struct error *e);

#endif
