/* SPDX-License-Identifier: Apache-2.0 */
/* Another module (foreign/), which extends registers without cca_rsi */
#ifndef ANOTHER_H
#define ANOTHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANOTHER	   "cca_foreign"
#define NO_ANOTHER "no module " ANOTHER

/*
 * Loads the module, for digests of @digest_size bytes. False if it is not here; ends the program if
 * it is here and cannot be loaded.
 */
bool another_begin(size_t digest_size);

/* Unloads it if it was loaded. */
void another_end(void);

/* Extends register @index. Returns 0, or -1 and errno. */
int another_extend(uint32_t index, const uint8_t *digest);

#endif /* ANOTHER_H */
