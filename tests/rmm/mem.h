/* SPDX-License-Identifier: Apache-2.0 */
/* What a freestanding C program must bring along, as <string.h> declares it. */
#ifndef RMM_MEM_H
#define RMM_MEM_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);

#endif
