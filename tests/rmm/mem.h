/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of <string.h> that a freestanding program has to define itself. */
#ifndef RMM_MEM_H
#define RMM_MEM_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);

#endif
